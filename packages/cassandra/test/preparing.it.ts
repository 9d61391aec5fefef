import { assert, layer } from "@effect/vitest"
import { cql, Session, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { connect, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const setup = Layer.effectDiscard(schema("CREATE TABLE t (id int PRIMARY KEY, v text)")).pipe(
  Layer.provideMerge(sessionLayer("preparing"))
)

const proxied = (options = {}) =>
  Effect.gen(function* () {
    const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
    const session = yield* connect({ ...Proxy.through(proxy), ...options })
    // What it takes to connect does not count.
    const before = new Map(
      [Proxy.opcodes.prepare, Proxy.opcodes.query, Proxy.opcodes.execute].map((opcode) => [opcode, proxy.count(opcode)])
    )
    const count = (name: "prepare" | "execute" | "query") => {
      const opcode = Proxy.opcodes[name]
      return proxy.count(opcode) - (before.get(opcode) ?? 0)
    }
    return { proxy, session, count }
  })

const select = (id: number) => cql`SELECT v FROM t WHERE id = ${id}`

layer(setup, { excludeTestServices: true })("preparing", (it) => {
  it.scoped("1,000 concurrent first uses of a statement prepare it once", () =>
    Effect.gen(function* () {
      const { count, session } = yield* proxied()
      yield* Effect.forEach(
        Array.from({ length: 1_000 }, (_, id) => id),
        (id) => session.execute(cql`INSERT INTO t (id, v) VALUES (${id}, ${"v"})`),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(count("prepare"), 1)
      assert.strictEqual(count("execute"), 1_000)
      assert.strictEqual(count("query"), 0)
    })
  )

  it.scoped("1,000 concurrent prepare calls, and executions after them, prepare once", () =>
    Effect.gen(function* () {
      const { count, session } = yield* proxied()
      const query = "SELECT v FROM t WHERE id = ?"
      yield* Effect.forEach(Array.from({ length: 1_000 }), () => session.prepare(query), { concurrency: "unbounded" })
      yield* session.execute(Statement.make(query, [1]))
      assert.strictEqual(count("prepare"), 1)
    })
  )

  it.scoped("prepare asks again when told to, and executions go on with what it says", () =>
    Effect.gen(function* () {
      const { count, session } = yield* proxied()
      const query = "SELECT v FROM anew WHERE id = ?"
      const types = (options?: Session.PrepareOptions) =>
        Effect.map(session.prepare(query, options), ({ variables }) => variables.map(({ type }) => type))
      yield* session.execute(cql`CREATE TABLE anew (id int PRIMARY KEY, v text)`)
      assert.deepStrictEqual(yield* types(), ["int"])
      yield* session.execute(cql`DROP TABLE anew`)
      const gone = yield* Effect.flip(types({ refresh: true }))
      assert.strictEqual(gone._tag, "InvalidQueryError")
      yield* session.execute(cql`CREATE TABLE anew (id text PRIMARY KEY, v text)`)
      assert.deepStrictEqual(yield* types(), ["int"])
      assert.deepStrictEqual(yield* types({ refresh: true }), ["text"])
      assert.deepStrictEqual(yield* types(), ["text"])
      assert.strictEqual(count("prepare"), 3)
      assert.deepStrictEqual(yield* session.rows(Statement.make(query, ["a"])), [])
    })
  )

  it.scoped("options and values do not make another statement of it", () =>
    Effect.gen(function* () {
      const { count, session } = yield* proxied()
      yield* session.execute(select(1).pipe(Statement.withPageSize(10)))
      yield* session.execute(select(2).pipe(Statement.withConsistency("ALL")))
      yield* session.rows(select(3).pipe(Statement.withTracing(true)))
      yield* session.one(select(4))
      assert.strictEqual(count("prepare"), 1)
    })
  )

  it.scoped("schema changes are not prepared", () =>
    Effect.gen(function* () {
      const { count, session } = yield* proxied()
      yield* session.execute(cql`CREATE TABLE IF NOT EXISTS ddl (id int PRIMARY KEY)`)
      assert.strictEqual(count("prepare"), 0)
    })
  )

  it.scoped("a first use that fails does not spoil the next", () =>
    Effect.gen(function* () {
      const { session } = yield* proxied()
      const late = cql`SELECT * FROM late WHERE id = ${1}`
      for (let i = 0; i < 2; i++) {
        assert.strictEqual((yield* Effect.flip(session.execute(late)))._tag, "InvalidQueryError")
      }
      yield* session.execute(cql`CREATE TABLE late (id int PRIMARY KEY)`)
      assert.deepStrictEqual(yield* session.rows(late), [])
    })
  )

  it.scoped("an interrupted first use does not spoil the next", () =>
    Effect.gen(function* () {
      const { count, proxy, session } = yield* proxied()
      const unused = cql`SELECT id FROM t WHERE id = ${-1}`
      const released = yield* Deferred.make<void>()
      proxy.onRequest = (frame) =>
        frame.opcode === Proxy.opcodes.prepare
          ? Effect.runPromise(Effect.as(Deferred.await(released), "forward" as const))
          : "forward"
      const interrupted = yield* session.execute(unused).pipe(Effect.timeoutOption("50 millis"))
      assert.deepStrictEqual(interrupted, Option.none())
      yield* Deferred.succeed(released, undefined)
      assert.deepStrictEqual(yield* session.rows(unused), [])
      assert.strictEqual(count("prepare"), 1)
    })
  )

  it.scoped("more statements than are remembered still work", () =>
    Effect.gen(function* () {
      const { session } = yield* proxied({ maxPreparedStatements: 5 })
      yield* session.execute(cql`INSERT INTO t (id, v) VALUES (${2_000}, ${"kept"})`)
      for (let round = 0; round < 2; round++) {
        for (let i = 0; i < 20; i++) {
          const renamed = Statement.make(`SELECT v AS v${i} FROM t WHERE id = ?`, [2_000])
          assert.deepStrictEqual(yield* session.one(renamed), Option.some({ [`v${i}`]: "kept" }))
        }
      }
    })
  )

  it.scoped("a column added to the table shows in SELECT *, and values are encoded for the new types", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(cql`CREATE TABLE grows (id int PRIMARY KEY, v int)`)
      const grown = cql`SELECT * FROM grows WHERE id = ${1}`
      yield* session.execute(cql`INSERT INTO grows (id, v) VALUES (${1}, ${1})`)
      assert.deepStrictEqual(yield* session.one(grown), Option.some({ id: 1, v: 1 }))
      yield* session.execute(cql`ALTER TABLE grows ADD w bigint`)
      yield* session.execute(cql`INSERT INTO grows (id, w) VALUES (${1}, ${5n})`)
      assert.deepStrictEqual(yield* session.one(grown), Option.some({ id: 1, v: 1, w: 5n }))
    })
  )
})
