/** Keyspaces, tables, columns, types and fields whose names every JavaScript object has. */
import { assert, layer } from "@effect/vitest"
import { Batch, Columns, cql, CqlType, Query, Session, Statement } from "effect-cassandra"
import { TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { cluster } from "./support/client.ts"

const names = ["constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"]

const replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"
const row = (entries: ReadonlyArray<readonly [string, unknown]>) => Object.fromEntries(entries)

layer(TestServer.layerKeyspace({ prefix: "names" }), { excludeTestServices: true, timeout: 120_000 })("names", (it) => {
  for (const version of [5, 4] as const) {
    for (const name of names) {
      it.scoped(
        `"${name}" is found and served, under protocol v${version}`,
        () =>
          Effect.gen(function* () {
            const one = yield* cluster({ minimumProtocolVersion: version, protocolVersion: version })
            const admin = yield* one.connect()
            const quoted = cql.id(name)
            yield* Effect.acquireRelease(
              admin.execute(
                Statement.make(`CREATE KEYSPACE IF NOT EXISTS ${quoted.text} WITH replication = ${replication}`)
              ),
              () => Effect.ignore(admin.execute(Statement.make(`DROP KEYSPACE IF EXISTS ${quoted.text}`)))
            )
            const table = `${quoted.text}.${quoted.text}`
            yield* admin.execute(Statement.make(`CREATE TYPE ${table} (${quoted.text} int)`))
            yield* admin.execute(
              Statement.make(
                `CREATE TABLE ${table} (id int PRIMARY KEY, ${quoted.text} int, u frozen<${quoted.text}>, m map<text, int>)`
              )
            )
            // Bound to the keyspace before anybody has read its metadata.
            const elsewhere = cql`SELECT * FROM ${quoted} WHERE id = ${1}`.pipe(Statement.withKeyspace(name))
            assert.deepStrictEqual(yield* admin.rows(elsewhere), [])

            const session = yield* one.connect({ keyspace: name })
            const values = row([
              ["id", 1],
              [name, 2],
              ["u", row([[name, 3]])],
              ["m", new Map([[name, 4]])]
            ])
            const text = `INSERT INTO ${quoted.text} (id, ${quoted.text}, u, m) VALUES (:id, :${quoted.text}, :u, :m)`
            yield* session.execute(Statement.make(text, values))
            yield* session.batch(Batch.make("LOGGED", [Statement.make(text, values)]))
            assert.deepStrictEqual(yield* session.rows(cql`SELECT * FROM ${quoted}`), [values])
            assert.deepStrictEqual(yield* session.one(elsewhere), Option.some(values))

            const prepared = yield* session.prepare(text)
            assert.deepStrictEqual(
              prepared.variables.map((variable) => [variable.keyspace, variable.table, variable.name]),
              ["id", name, "u", "m"].map((column) => [name, name, column])
            )

            const { metadata } = one
            const keyspace = Option.getOrThrow(yield* metadata.keyspace(name))
            assert.strictEqual(keyspace.name, name)
            assert.include([...keyspace.tables.keys()], name)
            assert.isTrue(Option.isSome(yield* metadata.table(name, name)))
            assert.isTrue(Option.isSome(yield* metadata.userType(name, name)))
            yield* metadata.refreshKeyspace(name)
            yield* metadata.refreshTable(name, name)
            yield* metadata.refreshSchema()
            assert.isNotEmpty(Option.getOrThrow(yield* metadata.tokenRanges(name)))
            assert.lengthOf(Option.getOrThrow(yield* metadata.replicasOf(name, name, [1])), 1)
            assert.isTrue(Option.isNone(yield* metadata.keyspace("isPrototypeOf")))
            assert.isTrue(Option.isNone(yield* metadata.tokenRanges("isPrototypeOf")))

            yield* admin.execute(Statement.make(`DROP KEYSPACE ${quoted.text}`))
            assert.isTrue(Option.isNone(yield* metadata.tokenRanges(name)))
          }),
        60_000
      )
    }
  }

  it.scoped("are fields of a schema that may be absent", () =>
    Effect.gen(function* () {
      const { name: keyspace } = yield* TestKeyspace.TestKeyspace
      const session = yield* (yield* cluster()).connect({ keyspace })
      yield* session.execute(cql`CREATE TABLE fields (id int PRIMARY KEY, "constructor" text, "toString" text)`)
      const Fields = Schema.Struct({
        id: CqlType.int,
        constructor: Schema.optional(CqlType.text),
        toString: Schema.optional(CqlType.text)
      })
      const insert = Query.void({
        Request: Fields,
        execute: (fields) => cql`INSERT INTO fields ${Columns.insert(Fields, fields)}`
      })
      const write = (fields: object) =>
        insert(fields as typeof Fields.Type).pipe(Effect.provideService(Session.Session, session))
      yield* write(Object.assign(Object.create(null), { id: 1 }))
      yield* write(Object.assign(Object.create(null), { id: 2, toString: "two" }))
      assert.deepStrictEqual(yield* session.rows(cql`SELECT * FROM fields WHERE id IN (1, 2)`), [
        row([
          ["id", 1],
          ["constructor", null],
          ["toString", null]
        ]),
        row([
          ["id", 2],
          ["constructor", null],
          ["toString", "two"]
        ])
      ])
    })
  )
})
