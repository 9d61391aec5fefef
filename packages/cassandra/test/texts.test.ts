import { assert, describe, it } from "@effect/vitest"
import { Batch, Cluster, Columns, cql, Query, Resolver, Session, Statement } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Opcode } from "../src/internal/protocol/opcode.ts"
import { ScriptedServer } from "./wire/ScriptedServer.ts"

class Server extends Context.Tag("Server")<Server, ScriptedServer>() {}

const setup = Layer.scoped(
  Session.Session,
  Effect.gen(function* () {
    const { port } = yield* Server
    const cluster = yield* Cluster.make({ contactPoints: ["127.0.0.1"], port, localDataCenter: "dc1" })
    return yield* cluster.connect()
  })
).pipe(
  Layer.provideMerge(
    Layer.scoped(
      Server,
      Effect.acquireRelease(
        Effect.promise(() => ScriptedServer.start()),
        (server) => Effect.promise(() => server.close())
      )
    )
  )
)

type Counts = { readonly prepare: number; readonly query: number; readonly execute: number; readonly batch: number }

/** How many requests of each kind an effect makes. */
const counting = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<Counts, E, R | Server> =>
  Effect.gen(function* () {
    const server = yield* Server
    const before = server.requests.length
    yield* effect
    const made = server.requests.slice(before)
    const count = (wanted: number) => made.filter(({ opcode }) => opcode === wanted).length
    return {
      prepare: count(Opcode.prepare),
      query: count(Opcode.query),
      execute: count(Opcode.execute),
      batch: count(Opcode.batch)
    }
  })

const none: Counts = { prepare: 0, query: 0, execute: 0, batch: 0 }

const many = 100
const texts = Array.from({ length: many }, (_, i) => i)
const select = (i: number) => Statement.make(`SELECT v FROM t WHERE id = ${i}`)
const T = Schema.Struct({ v: Schema.Int })
const remove = (i: number) => Statement.make(`DELETE FROM t WHERE id = ${i}`)
const place = () => cql`SELECT v FROM places`
const asked = () => Statement.make("SELECT v FROM asked").pipe(Statement.prepared)

/** A test with a server and a session of its own. */
const live = (name: string, test: () => Effect.Effect<void, unknown, Server | Session.Session>) =>
  it.live(name, () => Effect.provide(test(), setup))

describe("texts without values", () => {
  const ways: ReadonlyArray<
    readonly [name: string, run: (session: Session.Session, i: number) => Effect.Effect<unknown, unknown>]
  > = [
    ["execute", (session, i) => session.execute(select(i))],
    ["one", (session, i) => session.one(select(i))],
    ["rows", (session, i) => session.rows(select(i).pipe(Statement.as(T)))],
    ["stream", (session, i) => Stream.runDrain(session.stream(select(i)))],
    ["pages", (session, i) => Stream.runDrain(session.pages(select(i)))],
    ["an option", (session, i) => session.execute(select(i).pipe(Statement.withConsistency("ONE")))],
    ["a write", (session, i) => session.execute(Statement.make(`DELETE FROM t WHERE id = ${i}`))],
    ["cql.id", (session, i) => session.execute(cql`SELECT v FROM ${cql.id(`t${i}`)}`)],
    ["a nested statement", (session, i) => session.execute(cql`SELECT v FROM t ${Statement.make(`LIMIT ${i + 1}`)}`)],
    ["values without any", (session, i) => session.execute(Statement.withValues(select(i), {}))],
    [
      "a query",
      (session, i) =>
        Query.findAll({
          Request: Schema.Void,
          Result: T,
          execute: () => cql`SELECT ${Columns.select(T)} FROM ${cql.id(`t${i}`)}`
        })(undefined).pipe(Effect.provideService(Session.Session, session))
    ],
    [
      "a write by query",
      (session, i) =>
        Query.void({ Request: Schema.Void, execute: () => Statement.make(`DELETE FROM t WHERE id = ${i}`) })(
          undefined
        ).pipe(Effect.provideService(Session.Session, session))
    ]
  ]
  for (const [name, run] of ways) {
    live(`are sent as they are when they were put together: ${name}`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const counts = yield* counting(Effect.forEach(texts, (i) => run(session, i), { concurrency: 10 }))
        assert.deepStrictEqual(counts, { ...none, query: many })
      })
    )
  }

  live("are sent as they are within a batch, beside statements that are prepared", () =>
    Effect.gen(function* () {
      const server = yield* Server
      const session = yield* Session.Session
      const alone = yield* counting(session.batch(Batch.make("LOGGED", texts.map(remove))))
      assert.deepStrictEqual(alone, { ...none, batch: 1 })
      const whole = cql`DELETE FROM t WHERE id = 1`
      const mixed = Batch.make("UNLOGGED", [remove(1), whole, remove(2).pipe(Statement.prepared), remove(3)])
      assert.deepStrictEqual(yield* counting(session.batch(mixed)), { ...none, prepare: 2, batch: 1 })
      const { content } = server.requests.at(-1)!
      // Its type, how many, and of each the kind: 0 is a text, 1 an id.
      assert.deepStrictEqual([content[0], content.readUInt16BE(1)], [1, 4])
      const kinds: Array<number> = []
      let at = 3
      for (let i = 0; i < 4; i++) {
        const kind = content[at]!
        kinds.push(kind)
        at += kind === 0 ? 5 + content.readInt32BE(at + 1) : 3 + content.readUInt16BE(at + 1)
        at += 2
      }
      assert.deepStrictEqual(kinds, [0, 1, 1, 0])
      // The same again prepares nothing.
      assert.deepStrictEqual(yield* counting(session.batch(mixed)), { ...none, batch: 1 })
    })
  )

  live("are sent as they are by resolvers", () =>
    Effect.gen(function* () {
      const resolver = yield* Resolver.void("remove", {
        Request: Schema.Struct({ id: Schema.Int }),
        execute: ({ id }) => Statement.make(`TRUNCATE t${id}`)
      })
      const counts = yield* counting(Effect.forEach(texts, (id) => resolver.execute({ id })))
      assert.deepStrictEqual(counts, { ...none, query: many })
    })
  )

  live("are prepared where a template has nothing put in", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const run of [
        () => session.execute(place()),
        () => session.rows(place().pipe(Statement.withPageSize(10), Statement.as(T))),
        () => Stream.runDrain(session.stream(place()))
      ]) {
        const counts = yield* counting<unknown, unknown, never>(run())
        assert.deepStrictEqual([counts.query, counts.execute], [0, 1])
      }
      const once = yield* counting(
        session.execute(cql`SELECT v FROM once${Statement.make("", [], { prepared: false })}`)
      )
      assert.deepStrictEqual(once, { ...none, query: 1 })
    })
  )

  live("are prepared where they ask for it, and are part of what is asked for", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      assert.deepStrictEqual(yield* counting(session.execute(asked())), { ...none, prepare: 1, execute: 1 })
      assert.deepStrictEqual(yield* counting(session.rows(asked())), { ...none, execute: 1 })
      const nested = cql`SELECT v FROM ${cql.id("nested")} ${Statement.make("LIMIT 1").pipe(Statement.prepared)}`
      assert.deepStrictEqual(yield* counting(session.execute(nested)), { ...none, prepare: 1, execute: 1 })
      const bound = yield* session.prepare("SELECT v FROM bound")
      assert.deepStrictEqual(yield* counting(session.execute(bound.bind([]))), { ...none, execute: 1 })
      const rows = yield* Stream.runCollect(session.stream(bound.bind({})))
      assert.strictEqual(Chunk.size(rows), 1)
    })
  )

  live("a statement with values is always prepared, and says so when told not to be", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const wanted = Statement.make("DELETE FROM t WHERE id = ?", [1], { prepared: false })
      const attempts = [
        session.execute(wanted),
        session.rows(wanted),
        Stream.runDrain(session.stream(wanted)),
        session.batch(Batch.make("LOGGED", [wanted]))
      ] as ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>>
      for (const attempt of attempts) {
        const error = yield* Effect.flip(attempt)
        assert.strictEqual(error._tag, "ConfigurationError")
        assert.include(error.message, "statement.prepared")
      }
    })
  )
})

const limits: ReadonlyArray<
  readonly [name: string, made: (n: number) => Effect.Effect<unknown, unknown, Session.Session>]
> = [
  [
    "statements in a batch",
    (n) =>
      Effect.flatMap(Session.Session, (session) =>
        session.batch(
          Batch.make(
            "UNLOGGED",
            Array.from({ length: n }, () => Statement.make("DELETE FROM t"))
          )
        )
      )
  ]
]

describe("counts of 16 bits", () => {
  for (const [name, made] of limits) {
    live(`65,535 ${name} are sent, and one more is refused before anything is`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* counting(made(65_535)), { ...none, batch: 1 })
        const counts = yield* counting(
          Effect.forEach([65_536, 65_537, 131_073], (n) =>
            Effect.map(Effect.flip(made(n)), (error) => {
              assert.strictEqual((error as { readonly _tag: string })._tag, "QueryError")
              assert.include((error as Error).message, `not ${n}`)
            })
          )
        )
        assert.deepStrictEqual(counts, none)
      })
    )
  }

  const tooMany = Array.from({ length: 65_536 }, (_, i) => i)
  const payload = Object.fromEntries(tooMany.map((i) => [String(i), new Uint8Array()]))
  const refused: ReadonlyArray<readonly [name: string, statement: Statement.Statement.Any]> = [
    ["values", Statement.make("INSERT", tooMany)],
    ["entries of a payload", Statement.make("SELECT", [], { customPayload: payload })],
    [
      "bytes of a key of a payload",
      Statement.make("SELECT", [], { customPayload: { ["k".repeat(65_536)]: new Uint8Array() } })
    ],
    ["bytes of a keyspace", Statement.make("SELECT", [], { keyspace: "k".repeat(65_536) })],
    ["bytes of a name to execute as", Statement.make("SELECT", [], { executeAs: "k".repeat(65_536) })],
    ["rows a page", Statement.make("SELECT", [], { pageSize: 2 ** 31 })],
    ["microseconds", Statement.make("SELECT", [], { timestamp: 2n ** 63n })],
    ["seconds", Statement.make("SELECT", [], { nowInSeconds: 2 ** 31 })]
  ]
  for (const [name, statement] of refused) {
    live(`too many ${name} are refused before anything is sent`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const ways = [
          session.execute(statement),
          Stream.runDrain(session.stream(statement)),
          session.batch(Batch.make("LOGGED", [statement]))
        ] as ReadonlyArray<Effect.Effect<unknown, unknown, ReturnType<typeof JSON.parse>>> as ReadonlyArray<
          Effect.Effect<unknown, { readonly _tag: string }>
        >
        const counts = yield* counting(
          Effect.forEach(ways, (way) =>
            Effect.map(Effect.flip(way), ({ _tag }) => assert.include(["QueryError", "ConfigurationError"], _tag))
          )
        )
        assert.deepStrictEqual(counts, none)
      })
    )
  }
})
