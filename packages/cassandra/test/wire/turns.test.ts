/** Timers and sockets have their turns, whatever the application does. */
import { Batch, Cluster, cql, Query, Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import { Deadline, Deadlines } from "../../src/internal/connection/deadlines.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { type Incoming, ScriptedServer } from "./ScriptedServer.ts"
import { sleep } from "./support.ts"

const block = (millis: number): void => {
  const end = performance.now() + millis
  while (performance.now() < end);
}

const open = (options: Partial<Cluster.ClusterOptions> = {}) =>
  Effect.gen(function* () {
    const scripted = yield* Effect.acquireRelease(
      Effect.promise(() => ScriptedServer.start()),
      (server) => Effect.promise(() => server.close())
    )
    const cluster = yield* Cluster.make({
      contactPoints: ["127.0.0.1"],
      port: scripted.port,
      localDataCenter: "dc1",
      reconnection: Schedule.spaced("10 millis"),
      ...options
    })
    return { scripted, cluster, session: yield* cluster.connect() }
  })

const isWrite = ({ opcode, query }: Incoming): boolean =>
  opcode === Opcode.batch || (opcode !== Opcode.prepare && query?.startsWith("INSERT") === true)

const write = (id: number) => cql`INSERT INTO t (k) VALUES (${id})`

describe("an event loop that was blocked for longer than the timeout", () => {
  const timeouts: Readonly<Record<string, (statement: ReturnType<typeof write>) => ReturnType<typeof write>>> = {
    "a short timeout": Statement.withTimeout("200 millis"),
    "a long timeout": Statement.withTimeout("2100 millis"),
    "a deadline": (statement) => Statement.withDeadline(statement, "200 millis")
  }
  for (const [name, limited] of Object.entries(timeouts)) {
    for (const blockedAfter of [0, 5]) {
      it(`fails nothing whose answer comes, ${name}, blocked ${blockedAfter} ms after the requests`, () =>
        Effect.gen(function* () {
          const { cluster, scripted, session } = yield* open({ breaker: { failures: 3 } })
          yield* session.execute(write(0))
          let writes = 0
          scripted.script = (r) => {
            if (!isWrite(r)) return false
            writes++
            setTimeout(() => scripted.defaultAnswer(r), 20)
            return true
          }
          const fibers = yield* Effect.forEach(Array.from({ length: 20 }), (_, i) =>
            Effect.fork(session.execute(limited(write(i))))
          )
          yield* Effect.promise(() => sleep(blockedAfter))
          block(name === "a long timeout" ? 2500 : 400)
          yield* Fiber.join(Fiber.all(fibers))
          assert.strictEqual(writes, 20)
          const { hosts } = yield* cluster.state
          for (const { breaker } of hosts.values()) assert.strictEqual(breaker, "closed")
        }).pipe(Effect.scoped, Effect.runPromise))
    }
  }

  it("starts no speculative execution of what is answered", () =>
    Effect.gen(function* () {
      const { scripted, session } = yield* open()
      yield* session.execute(write(0))
      const before = scripted.requests.length
      const fiber = yield* Effect.fork(session.execute(Statement.idempotent(write(1))))
      yield* Effect.promise(() => sleep(0))
      block(300)
      yield* Fiber.join(fiber)
      assert.strictEqual(scripted.requests.slice(before).filter(isWrite).length, 1)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("does not save a request that is not answered", () =>
    Effect.gen(function* () {
      const { scripted, session } = yield* open()
      yield* session.execute(write(0))
      scripted.script = isWrite
      const before = performance.now()
      const fiber = yield* Effect.fork(Effect.flip(session.execute(write(1).pipe(Statement.withTimeout("100 millis")))))
      yield* Effect.promise(() => sleep(0))
      block(300)
      assert.include(yield* Fiber.join(fiber), { _tag: "OperationTimedOutError", writeState: "Unknown" })
      assert.isBelow(performance.now() - before, 2000)
    }).pipe(Effect.scoped, Effect.runPromise))
})

const ended = (deadlines: Deadlines, millis: number): Promise<number> => {
  const start = performance.now()
  return new Promise((resolve) => deadlines.add(new Deadline(() => resolve(performance.now() - start)), millis))
}

describe("deadlines", () => {
  it("are never early, blocked or not", async () => {
    const deadlines = new Deadlines()
    block(300)
    const all = [5, 50, 150, 2000].map((millis) => ended(deadlines, millis))
    block(100)
    const [a, b, c, d] = await Promise.all(all)
    assert.isAtLeast(a!, 5)
    assert.isAtLeast(b!, 50)
    assert.isAtLeast(c!, 150)
    assert.isAtLeast(d!, 2000)
    assert.isBelow(d!, 4000)
  })

  it("that are removed never come, wherever they wait", async () => {
    const deadlines = new Deadlines()
    const late: Array<number> = []
    const all = [5, 20, 2000].map((millis) => {
      const deadline = new Deadline(() => late.push(millis))
      deadlines.add(deadline, millis)
      return deadline
    })
    block(80)
    // The first two are due and late by now, and give the sockets their turn.
    await new Promise((resolve) => setTimeout(resolve, 0))
    for (const deadline of all) deadlines.remove(deadline)
    await sleep(100)
    assert.deepStrictEqual(late, [])
  })
})

/** Runs an effect without end for a while, and counts the turns of a timer of 10 ms meanwhile. */
const turnsDuring = (endless: Effect.Effect<unknown, unknown>): Effect.Effect<number> =>
  Effect.gen(function* () {
    let turns = 0
    const timer = setInterval(() => turns++, 10)
    const fiber = yield* Effect.fork(endless)
    // Were it starved, neither this nor the timer would ever come.
    yield* Effect.promise(() => sleep(30))
    yield* Fiber.interrupt(fiber)
    clearInterval(timer)
    return turns
  })

const insert = Query.void({
  Request: Schema.Struct({ id: Schema.Number }),
  execute: () => {
    throw new Error("no statement")
  }
})

describe("an endless loop without a delay lets timers run", () => {
  type Run = (session: Session.Session, cluster: Cluster.Cluster) => Effect.Effect<unknown, unknown>
  const always: Readonly<Record<string, Run>> = {
    "no statement": (session) => session.execute({} as Statement.Statement),
    "no batch": (session) => session.batch({} as Batch.Batch),
    "an empty batch": (session) => session.batch(Batch.make("LOGGED", [])),
    USE: (session) => session.execute(Statement.make("USE b")),
    "an invalid option": (session) => session.execute(Statement.withPageSize(write(1), -1)),
    "an invalid stream": (session) => Stream.runDrain(session.stream({} as Statement.Statement)),
    "a value that does not fit": (session) => session.execute(cql`INSERT INTO t (k) VALUES (${"x"})`),
    "a value that does not fit, in a batch": (session) =>
      session.batch(Batch.make("LOGGED", [cql`INSERT INTO t (k) VALUES (${"x"})`])),
    "a host that is none": (session) => session.execute(Statement.withHost(write(1), "127.0.0.9:1")),
    "no text to prepare": (session) => session.prepare(1 as never),
    "a query that throws": (session) => insert({ id: 1 }).pipe(Effect.provideService(Session.Session, session)),
    "an invalid session": (_, cluster) => Effect.scoped(cluster.connect({ keyspace: 1 as never })),
    "an invalid cluster": () => Effect.scoped(Cluster.make({ contactPoints: [] })),
    "a profile that is none": (session) => session.execute(Statement.withProfile(write(1), "nope"))
  }
  const down: Readonly<Record<string, Run>> = {
    execute: (session) => session.execute(write(1)),
    "a text": (session) => session.execute(Statement.make("TRUNCATE t")),
    batch: (session) => session.batch(Batch.make("LOGGED", [write(1)])),
    one: (session) => session.one(cql`SELECT v FROM t WHERE k = ${1}`),
    rows: (session) => session.rows(cql`SELECT v FROM t WHERE k = ${1}`),
    stream: (session) => Stream.runDrain(session.stream(cql`SELECT v FROM t WHERE k = ${1}`)),
    pages: (session) => Stream.runDrain(session.pages(cql`SELECT v FROM t WHERE k = ${1}`)),
    prepare: (session) => session.prepare("SELECT v FROM never"),
    "prepare again": (session) => session.prepare("SELECT v FROM t WHERE k = ?", { refresh: true }),
    trace: (session) => session.trace("00000000-0000-1000-8000-000000000000"),
    connect: (_, cluster) => Effect.scoped(cluster.connect({ keyspace: "nope" })),
    "metadata of a keyspace": (_, cluster) => cluster.metadata.refreshKeyspace("ks"),
    "the nodes": (_, cluster) => cluster.metadata.refreshNodes,
    agreement: (_, cluster) => cluster.metadata.schemaInAgreement
  }
  const successes: Readonly<Record<string, Run>> = {
    "what is prepared": (session) => session.prepare("SELECT v FROM t WHERE k = ?"),
    "the state": (_, cluster) => cluster.state,
    hosts: (_, cluster) => cluster.hosts
  }

  const check = (
    table: Readonly<Record<string, Run>>,
    { cluster, session }: { readonly cluster: Cluster.Cluster; readonly session: Session.Session }
  ) =>
    Effect.forEach(Object.entries(table), ([name, run]) =>
      Effect.gen(function* () {
        const once = Effect.exit(Effect.suspend(() => run(session, cluster)))
        const loops = [
          Effect.forever(once),
          Effect.forever(Effect.eventually(Effect.suspend(() => run(session, cluster)))),
          Effect.retry(run(session, cluster), { while: () => true })
        ]
        for (const loop of loops) assert.isAbove(yield* turnsDuring(loop), 0, name)
      })
    )

  it("when it fails for a reason of its own", () =>
    Effect.flatMap(open(), (opened) => check(always, opened)).pipe(Effect.scoped, Effect.runPromise))

  it("when no node is up", () =>
    Effect.gen(function* () {
      const opened = yield* open({ reconnection: Schedule.spaced("1 minute") })
      yield* opened.session.prepare("SELECT v FROM t WHERE k = ?")
      yield* opened.session.execute(write(1))
      yield* Effect.promise(() => opened.scripted.close())
      yield* Effect.promise(() => sleep(50))
      yield* check(down, opened)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("when the session is closed, or succeeds without waiting", () =>
    Effect.gen(function* () {
      const opened = yield* open()
      yield* opened.session.execute(write(1))
      yield* check(successes, opened)
      yield* opened.session.close
      yield* check({ ...down, ...always }, opened)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("when too many requests wait", () =>
    Effect.gen(function* () {
      const opened = yield* open({ maxConcurrentRequests: 1, maxQueuedRequests: 0 })
      yield* opened.session.execute(write(1))
      opened.scripted.script = isWrite
      const waiting = yield* Effect.fork(opened.session.execute(write(1)))
      yield* Effect.promise(() => sleep(5))
      yield* check(
        {
          execute: (session) => session.execute(write(2)),
          batch: (session) => session.batch(Batch.make("LOGGED", [write(2)]))
        },
        opened
      )
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.scoped, Effect.runPromise))

  it("and finds the node that is back", () =>
    Effect.gen(function* () {
      const { scripted, session } = yield* open()
      yield* session.execute(write(1))
      const { port } = scripted
      yield* Effect.promise(() => scripted.close())
      const fiber = yield* Effect.fork(Effect.retry(session.execute(write(1)), { while: (error) => error.isRetryable }))
      yield* Effect.promise(() => sleep(50))
      const again = yield* Effect.acquireRelease(
        Effect.promise(() => ScriptedServer.start({ port })),
        (server) => Effect.promise(() => server.close())
      )
      yield* Fiber.join(fiber)
      assert.isAbove(again.requests.filter(isWrite).length, 0)
    }).pipe(Effect.scoped, Effect.runPromise))
})
