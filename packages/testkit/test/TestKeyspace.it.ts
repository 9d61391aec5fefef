import { assert, layer } from "@effect/vitest"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import { query } from "./support/client.ts"

const keyspaces = Effect.map(query("SELECT keyspace_name FROM system_schema.keyspaces"), (rows) =>
  rows.map((row) => String(row["keyspace_name"]))
)

layer(TestServer.layer, { excludeTestServices: true })("the server of the run", (it) => {
  it.effect("is one that answers", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const [row] = yield* query("SELECT release_version, data_center FROM system.local")
      assert.strictEqual(row?.["release_version"], server.version)
      assert.strictEqual(row?.["data_center"], server.localDataCenter)
    })
  )

  it.effect("lends a keyspace and drops it", () =>
    Effect.gen(function* () {
      const name = yield* Effect.scoped(
        Effect.gen(function* () {
          const keyspace = yield* TestKeyspace.make({ prefix: "Orders-" })
          assert.match(keyspace.name, /^orders__[0-9a-f]{16}$/)
          assert.include(yield* keyspaces, keyspace.name)
          return keyspace.name
        })
      )
      assert.notInclude(yield* keyspaces, name)
    })
  )

  it.scoped("allows what tests may want to create", () =>
    Effect.gen(function* () {
      const { name } = yield* TestKeyspace.make()
      yield* query(`CREATE TABLE ${name}.t (a int, b int, PRIMARY KEY (a, b))`)
      yield* query(
        `CREATE FUNCTION ${name}.twice(x int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return x * 2;'`
      )
      yield* query(
        `CREATE MATERIALIZED VIEW ${name}.v AS SELECT * FROM ${name}.t WHERE a IS NOT NULL AND b IS NOT NULL PRIMARY KEY (b, a)`
      )
      yield* query(`INSERT INTO ${name}.t (a, b) VALUES (1, 21)`)
      const [row] = yield* query(`SELECT ${name}.twice(b) AS doubled FROM ${name}.t`)
      assert.strictEqual(row?.["doubled"], 42)
    })
  )
})

layer(TestServer.layerKeyspace({ prefix: "file" }), { excludeTestServices: true })("a test file", (it) => {
  it.effect("has a keyspace of its own", () =>
    Effect.gen(function* () {
      const keyspace = yield* TestKeyspace.TestKeyspace
      assert.include(yield* keyspaces, keyspace.name)
    })
  )
})
