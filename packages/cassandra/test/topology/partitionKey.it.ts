import { assert, layer } from "@effect/vitest"
import { Cluster, cql, Session } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { randomBytes } from "node:crypto"
import { TypeCode } from "../../src/internal/protocol/columnType.ts"
import { makeWriter } from "../../src/internal/protocol/encodeValue.ts"
import { PartitionKey } from "../../src/internal/topology/partitionKey.ts"
import { type Partitioner, partitionerOf } from "../../src/internal/topology/partitioner.ts"
import { optionsFor, schema } from "../support/client.ts"

const connected = Layer.scoped(
  Session.Session,
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    const cluster = yield* Cluster.make(optionsFor(yield* CassandraServer.CassandraServer))
    return yield* cluster.connect({ keyspace: name })
  })
).pipe(Layer.provideMerge(TestServer.layerKeyspace({ prefix: "tokens" })))

const writers = [TypeCode.blob, TypeCode.text, TypeCode.int].map((code) => makeWriter({ code } as never))

layer(connected)("tokens of partition keys", (it) => {
  it.effect("are those that the server gives them", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* schema(
        "CREATE TABLE single (a blob PRIMARY KEY)",
        "CREATE TABLE several (a blob, b text, c int, PRIMARY KEY ((c, a, b)))"
      )
      const { partitioner: className } = (yield* session.rows(cql`SELECT partitioner FROM system.local`))[0] as {
        readonly partitioner: string
      }
      const partitioner = partitionerOf(className) as Partitioner
      const key = new PartitionKey()
      for (let length = 0; length < 40; length++) {
        const a = randomBytes(length)
        // An empty part is a part like any other.
        const [b, c] = ["žů".repeat(length % 3), length - 20]
        if (length > 0) yield* session.execute(cql`INSERT INTO single (a) VALUES (${a})`)
        yield* session.execute(cql`INSERT INTO several (a, b, c) VALUES (${a}, ${b}, ${c})`)
      }
      const single = yield* session.rows(cql`SELECT a, token(a) AS at FROM single`)
      assert.strictEqual(single.length, 39)
      for (const { a, at } of single) {
        assert.isTrue(key.write([0], writers, [a]))
        assert.strictEqual(partitioner.token(key.copy()), String(at))
      }
      const several = yield* session.rows(cql`SELECT a, b, c, token(c, a, b) AS at FROM several`)
      assert.strictEqual(several.length, 40)
      for (const { a, b, c, at } of several) {
        assert.isTrue(key.write([2, 0, 1], writers, [a, b, c]))
        assert.strictEqual(partitioner.token(key.copy()), String(at))
      }
    })
  )
})
