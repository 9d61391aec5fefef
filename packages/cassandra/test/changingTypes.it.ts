/** Types change while statements that use them are prepared: fields are added, and tables made anew. */
import { assert, layer } from "@effect/vitest"
import { Batch, CassandraMetrics, Cluster, cql, CqlType, Session, Statement } from "effect-cassandra"
import { TestKeyspace } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { cluster, schema, sessionLayer } from "./support/client.ts"

const tables = Layer.effectDiscard(
  schema(
    "CREATE TYPE address (street text)",
    "CREATE TYPE person (name text, home frozen<address>)",
    "CREATE TABLE homes (id int PRIMARY KEY, f frozen<address>, l list<frozen<address>>, p frozen<person>)",
    "CREATE TYPE pair (a int)",
    "CREATE TABLE pairs (id int PRIMARY KEY, p pair)",
    "CREATE TYPE named (old int)",
    "CREATE TABLE names (id int PRIMARY KEY, p frozen<named>)",
    "CREATE TYPE still (a int)",
    "CREATE TABLE stills (id int PRIMARY KEY, p frozen<still>)"
  )
).pipe(Layer.provideMerge(sessionLayer("growing")))

const frozen = (id: number, f: object) => cql`INSERT INTO homes (id, f) VALUES (${id}, ${f})`
const inList = (id: number, l: ReadonlyArray<object>) => cql`UPDATE homes SET l = l + ${l} WHERE id = ${id}`
const nested = (id: number, p: object) => cql`UPDATE homes SET p = ${p} WHERE id = ${id}`
const remade = (id: number | string, v: unknown) => cql`INSERT INTO remade (id, v) VALUES (${id}, ${v})`
const still = (id: number, p: object) => cql`INSERT INTO stills (id, p) VALUES (${id}, ${p})`
const named = (p: object) => cql`INSERT INTO names (id, p) VALUES (${1}, ${p})`

layer(tables, { excludeTestServices: true, timeout: 60_000 })("a type that grows", (it) => {
  it.effect(
    "a statement prepared before takes the new field, alone and in a batch, in a collection and in another type",
    () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const read = (id: number) => session.one(cql`SELECT f, l, p FROM homes WHERE id = ${id}`)
        const old = { street: "Old St" }
        yield* session.execute(frozen(1, old))
        yield* session.execute(inList(1, [old]))
        yield* session.execute(nested(1, { name: "Ada", home: old }))
        assert.deepStrictEqual(yield* read(1), Option.some({ f: old, l: [old], p: { name: "Ada", home: old } }))

        yield* session.execute(cql`ALTER TYPE address ADD zip int`)
        const grown = { street: "New St", zip: 5 }
        yield* session.execute(frozen(2, grown))
        yield* session.execute(nested(2, { name: "Bob", home: grown }))
        // Twice the same statement in a batch, and another beside it.
        yield* session.batch(Batch.make("LOGGED", [inList(2, [grown]), inList(2, [grown, old]), frozen(3, grown)]))

        const absent = { street: "Old St", zip: null }
        assert.deepStrictEqual(
          yield* read(1),
          Option.some({ f: absent, l: [absent], p: { name: "Ada", home: absent } })
        )
        assert.deepStrictEqual(
          yield* read(2),
          Option.some({ f: grown, l: [grown, grown, absent], p: { name: "Bob", home: grown } })
        )
        assert.deepStrictEqual(yield* read(3), Option.some({ f: grown, l: null, p: null }))
      })
  )

  it.effect("so does one that was prepared by hand, and its schema reads rows of before and after", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const Pair = Schema.Struct({ a: CqlType.int, b: Schema.optional(CqlType.text) })
      const select = cql`SELECT p FROM pairs WHERE id IN (${1}, ${2})`.pipe(
        Statement.as(Schema.Struct({ p: CqlType.udt("pair", Pair) }))
      )
      const insert = yield* session.prepare("INSERT INTO pairs (id, p) VALUES (?, ?)")
      yield* session.execute(insert.bind([1, { a: 1 }]))
      assert.deepStrictEqual(yield* session.rows(select), [{ p: { a: 1 } }])
      yield* session.execute(cql`ALTER TYPE pair ADD b text`)
      yield* session.execute(insert.bind([2, { a: 2, b: "new" }]))
      assert.deepStrictEqual(yield* session.rows(select), [{ p: { a: 1 } }, { p: { a: 2, b: "new" } }])
    })
  )

  it.effect("a thousand at once all find the new field", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(still(-1, { a: 1 }))
      yield* session.execute(cql`ALTER TYPE still ADD b int`)
      yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, id) => id),
        (id) => session.execute(still(id, { a: id, b: id })),
        { concurrency: "unbounded", discard: true }
      )
      const rows = yield* session.rows(cql`SELECT p FROM stills WHERE id IN (${0}, ${999})`)
      assert.deepStrictEqual(rows, [{ p: { a: 0, b: 0 } }, { p: { a: 999, b: 999 } }])
    })
  )

  it.effect("a field that was renamed is known by its new name, and by its old one no more", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(named({ old: 1 }))
      yield* session.execute(cql`ALTER TYPE named RENAME old TO young`)
      yield* session.execute(named({ young: 2 }))
      assert.deepStrictEqual(
        yield* session.one(cql`SELECT p FROM names WHERE id = ${1}`),
        Option.some({ p: { young: 2 } })
      )
      const error = yield* Effect.flip(session.execute(named({ old: 3 })))
      assert.include(error.message, "fields all are in the type named")
    })
  )

  it.effect("a field that the type still does not have is refused", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const run of [
        session.execute(still(1, { a: 1, c: 5 })),
        session.batch(Batch.make("LOGGED", [still(1, { a: 1, c: 5 })]))
      ]) {
        const error = yield* Effect.flip(run)
        assert.strictEqual(error._tag, "QueryError")
        assert.include(error.message, `"p" does not fit its type still: expected a record whose fields all are`)
        assert.strictEqual(error.writeState, "NotApplied")
      }
    })
  )
})

layer(sessionLayer("remade"), { excludeTestServices: true, timeout: 60_000 })("a table that is made anew", (it) => {
  it.effect("takes values of its new types from statements that were prepared for the old ones", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const made = (id: string, v: string) =>
        session.execute(Statement.make(`CREATE TABLE remade (id ${id} PRIMARY KEY, v ${v})`))
      const drop = session.execute(cql`DROP TABLE remade`)
      yield* made("int", "text")
      const byHand = yield* session.prepare("UPDATE remade SET v = ? WHERE id = ?")
      yield* session.execute(remade(1, "one"))
      yield* session.execute(byHand.bind(["two", 2]))

      yield* drop
      yield* made("text", "int")
      yield* session.execute(remade("a", 1))
      yield* session.execute(byHand.bind([2, "b"]))
      yield* session.batch(Batch.make("UNLOGGED", [remade("c", 3), remade("c", 4)]))
      const rows = yield* session.rows(cql`SELECT * FROM remade`)
      assert.sameDeepMembers(
        [...rows],
        [
          { id: "a", v: 1 },
          { id: "b", v: 2 },
          { id: "c", v: 4 }
        ]
      )

      yield* drop
      yield* made("text", "boolean")
      yield* session.batch(Batch.make("UNLOGGED", [remade("a", true)]))
      const error = yield* Effect.flip(session.execute(remade("a", "neither old nor new")))
      assert.strictEqual(error._tag, "QueryError")
      assert.include(error.message, `"v" does not fit its type boolean`)
    })
  )

  it.scoped("while nobody changes anything, a value that does not fit asks the server nothing", () =>
    Effect.gen(function* () {
      const own = yield* cluster()
      const { name } = yield* TestKeyspace.TestKeyspace
      const session = yield* own.connect({ keyspace: name })
      const prepared = CassandraMetrics.snapshot.pipe(
        Effect.map(({ preparedStatements }) => preparedStatements.reprepared),
        Effect.provideService(Cluster.Cluster, own)
      )
      yield* session.execute(cql`CREATE TABLE kept (id int PRIMARY KEY, v text)`)
      const insert = (v: unknown) => session.execute(cql`INSERT INTO kept (id, v) VALUES (${1}, ${v})`)
      yield* insert("fits")
      const before = yield* prepared
      const error = yield* Effect.flip(insert(5))
      assert.include(error.message, `"v" does not fit its type text`)
      assert.strictEqual(yield* prepared, before)
    })
  )
})
