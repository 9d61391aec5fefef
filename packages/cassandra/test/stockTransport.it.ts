/** What happens where the driver is not the one that the wire knows. */
import { afterAll, assert, layer } from "@effect/vitest"
import { Batch, cql, Session, Statement } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestServer from "effect-cassandra-testkit/vitest"
import { vi } from "vitest"
import { cluster, connect } from "./support/client.ts"
import { since } from "./support/release.ts"

// The files before this one have loaded the client with its wire, and those after it are to have that again.
vi.hoisted(() => vi.resetModules())
afterAll(() => {
  vi.doUnmock("../src/internal/wire/index.ts")
  vi.resetModules()
})
vi.mock(import("../src/internal/wire/index.ts"), async (original) => ({
  ...(await original()),
  wireStatus: () => ({ _tag: "Unavailable", reason: "this driver is another one" }) as const
}))

const warnings: Array<string> = []
const listening = Logger.replace(
  Logger.defaultLogger,
  Logger.make(({ message }) => void warnings.push(String(message)))
)

const setup = Layer.scoped(Session.Session, connect({ minimumProtocolVersion: 4 })).pipe(
  Layer.provide(listening),
  Layer.provideMerge(TestServer.layerKeyspace({ prefix: "stock" }))
)

const insertHome = (id: number, home: object) => cql`INSERT INTO homes (id, home) VALUES (${id}, ${home})`

const vectors = since("5.0", "the type vector")

layer(setup, { excludeTestServices: true })("a driver that the wire does not know", (it) => {
  it.effect("fails clearly when protocol v5 is the least", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(cluster()))
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.include(error.message, "this driver is another one")
      assert.include(error.message, "minimumProtocolVersion: 4")
    })
  )

  it.effect("is said once, however many clusters there are", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(cluster({ minimumProtocolVersion: 4 })).pipe(Effect.provide(listening))
      assert.lengthOf(
        warnings.filter((text) => text.includes("this driver is another one")),
        1
      )
    })
  )

  it.effect("serves at protocol v4, with the same rows, pages, batches and errors", () =>
    Effect.gen(function* () {
      const { state } = yield* cluster({ minimumProtocolVersion: 4 })
      assert.strictEqual((yield* state).protocolVersion, 4)
      const session = yield* Session.Session
      yield* session.execute(
        Statement.make(
          `CREATE TABLE t (p int, id int, at timestamp, day date, due duration, tags set<text>, v ${vectors ? "vector<float, 2>" : "list<float>"},
          PRIMARY KEY (p, id))`
        )
      )
      const row = {
        p: 1,
        id: 1,
        at: new Date(0),
        day: "2026-05-01",
        due: { months: 1, days: 2, nanoseconds: 3n },
        tags: new Set(["a", "b"]),
        v: [1, 2]
      }
      yield* session.execute(
        Statement.make("INSERT INTO t (p, id, at, day, due, tags, v) VALUES (:p, :id, :at, :day, :due, :tags, :v)", row)
      )
      assert.deepStrictEqual(yield* session.one(cql`SELECT * FROM t WHERE p = 1`), Option.some(row))

      yield* session.batch(
        Batch.make(
          "UNLOGGED",
          Array.from({ length: 25 }, (_, id) => cql`INSERT INTO t (p, id) VALUES (${2}, ${id})`)
        )
      )
      const ids = yield* session
        .stream(cql`SELECT id FROM t WHERE p = ${2}`.pipe(Statement.withPageSize(10)))
        .pipe(Stream.runCollect)
      assert.deepStrictEqual(
        Chunk.toReadonlyArray(ids),
        Array.from({ length: 25 }, (_, id) => ({ id }))
      )

      const refused = yield* session.execute(cql`INSERT INTO t (p, id) VALUES (${1}, ${1}) IF NOT EXISTS`)
      assert.deepStrictEqual(refused.wasApplied, Option.some(false))
      assert.deepStrictEqual(refused.rows, [row])

      const misfit = yield* Effect.flip(session.execute(cql`INSERT INTO t (p, id) VALUES (${"one"}, ${1})`))
      assert.strictEqual(misfit._tag, "QueryError")
      assert.include(misfit.message, `"p"`)
      const unknown = yield* Effect.flip(session.execute(cql`SELECT * FROM nowhere`))
      assert.strictEqual(unknown._tag, "InvalidQueryError")
    }).pipe(Effect.scoped)
  )

  it.effect("takes fields that were added to a type after a statement with it was prepared", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(cql`CREATE TYPE address (street text)`)
      yield* session.execute(cql`CREATE TABLE homes (id int PRIMARY KEY, home frozen<address>)`)
      yield* session.execute(insertHome(1, { street: "Old St" }))
      yield* session.execute(cql`ALTER TYPE address ADD zip int`)
      const unknown = yield* Effect.flip(session.execute(insertHome(1, { street: "Old St", zpi: 5 })))
      assert.include(unknown.message, "fields all are in the type address")
      yield* session.execute(insertHome(1, { street: "New St", zip: 5 }))
      yield* session.batch(Batch.make("LOGGED", [insertHome(2, { street: "New St", zip: 6 })]))
      assert.deepStrictEqual(yield* session.rows(cql`SELECT home FROM homes WHERE id IN (${1}, ${2})`), [
        { home: { street: "New St", zip: 5 } },
        { home: { street: "New St", zip: 6 } }
      ])
    })
  )

  it.effect("takes values of the new types of a table that was made anew", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const insert = (v: unknown) => session.execute(cql`INSERT INTO remade (id, v) VALUES (${1}, ${v})`)
      yield* session.execute(cql`CREATE TABLE remade (id int PRIMARY KEY, v text)`)
      yield* insert("text")
      yield* session.execute(cql`DROP TABLE remade`)
      yield* session.execute(cql`CREATE TABLE remade (id int PRIMARY KEY, v int)`)
      yield* insert(5)
      const error = yield* Effect.flip(insert("text"))
      assert.include(error.message, `"v" does not fit its type int`)
    })
  )
})
