import { assert, layer } from "@effect/vitest"
import { cql, Session, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as V8 from "node:v8"
import * as Vm from "node:vm"
import { cluster, connect, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const setup = Layer.effectDiscard(
  schema(
    "CREATE TABLE items (id int PRIMARY KEY, v text)",
    "CREATE TABLE million (p int, c int, v int, PRIMARY KEY (p, c))"
  )
).pipe(Layer.provideMerge(sessionLayer("load")))

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const insert = (id: number) => cql`INSERT INTO items (id, v) VALUES (${id}, ${`value ${id}`})`

const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), until(condition))))

V8.setFlagsFromString("--expose-gc")
const collectGarbage = Vm.runInNewContext("gc") as () => void

/** Megabytes of live objects. */
const heap = Effect.sync(() => {
  collectGarbage()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return (heapUsed + arrayBuffers) / 1e6
})

/** A session whose executions wait at the proxy until they are released. */
const held = (options: object) =>
  Effect.gen(function* () {
    const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
    const session = yield* connect({ ...Proxy.through(proxy), ...options })
    yield* session.execute(insert(0))
    const released = yield* Deferred.make<void>()
    const before = proxy.count(Proxy.opcodes.execute)
    proxy.onRequest = (frame) =>
      frame.opcode === Proxy.opcodes.execute
        ? Effect.runPromise(Effect.as(Deferred.await(released), "forward" as const))
        : "forward"
    return {
      proxy,
      session,
      release: Deferred.succeed(released, undefined),
      waiting: () => proxy.count(Proxy.opcodes.execute) - before
    }
  })

layer(setup, { excludeTestServices: true })("under load", (it) => {
  it.effect("10,000 concurrent inserts lose nothing", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* Effect.forEach(upTo(10_000), (id) => session.execute(insert(id)), {
        concurrency: "unbounded",
        discard: true
      })
      const ids = new Set<number>()
      yield* Stream.runForEach(session.stream(cql`SELECT id, v FROM items`), (row) =>
        Effect.sync(() => {
          assert.strictEqual(row["v"], `value ${row["id"]}`)
          ids.add(row["id"] as number)
        })
      )
      assert.strictEqual(ids.size, 10_000)
    })
  )

  it.scoped(
    "the heap stays flat while 1,000,000 rows are streamed",
    () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const chunk = 1_000
        const text = `BEGIN UNLOGGED BATCH ${"INSERT INTO million (p, c, v) VALUES (?, ?, ?);".repeat(chunk)} APPLY BATCH`
        yield* Effect.forEach(
          upTo(1_000_000 / chunk),
          (p) =>
            session.execute(
              Statement.make(
                text,
                upTo(chunk).flatMap((c) => [p, c, c])
              ).pipe(Statement.idempotent, Statement.withTimeout("1 minute"))
            ),
          { concurrency: 8, discard: true }
        )
        let rows = 0
        let sum = 0
        const sizes: Array<number> = []
        yield* Stream.runForEachChunk(session.stream(cql`SELECT p, c, v FROM million`), (page) => {
          for (const row of page) sum += row["v"] as number
          const before = rows
          rows += page.length
          return Math.floor(before / 100_000) === Math.floor(rows / 100_000)
            ? Effect.void
            : Effect.map(heap, (size) => void sizes.push(size))
        })
        assert.strictEqual(rows, 1_000_000)
        assert.strictEqual(sum, (1_000_000 / chunk) * ((chunk * (chunk - 1)) / 2))
        assert.strictEqual(sizes.length, 10)
        // A million such rows are more than 50 MB. What is held is a few pages of 5,000.
        const [first = 0, ...later] = sizes
        for (const size of later) assert.isBelow(size - first, 10, `megabytes: ${sizes.map(Math.round).join(", ")}`)
      }),
    120_000
  )

  it.scoped("more than can be in flight and queued fail with RequestThrottledError, and the accepted ones finish", () =>
    Effect.gen(function* () {
      const { release, session, waiting } = yield* held({ maxConcurrentRequests: 4, maxQueuedRequests: 6 })
      const requests = yield* Effect.forEach(upTo(25), (id) => Effect.fork(Effect.exit(session.execute(insert(id)))))
      yield* until(() => waiting() === 4)
      yield* release
      const exits = yield* Effect.forEach(requests, Fiber.join)
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 10)
      // The first ten, in the order they came.
      assert.deepStrictEqual(
        exits.map(Exit.isSuccess),
        upTo(25).map((i) => i < 10)
      )
      for (const exit of exits.slice(10)) {
        const error = yield* Effect.flip(exit)
        assert.strictEqual(error._tag, "RequestThrottledError")
        assert.strictEqual(error.writeState, "NotApplied")
        assert.isTrue(error.isRetryable)
        assert.deepInclude(error, { maxConcurrentRequests: 4, maxQueuedRequests: 6 })
      }
    })
  )

  it.scoped(
    "of 10,000 at once as many are served as may be in flight and wait, never more in flight, the others fail at once",
    () =>
      Effect.gen(function* () {
        const limits = { maxConcurrentRequests: 256, maxQueuedRequests: 4_000 }
        const { proxy, release, session, waiting } = yield* held(limits)
        let inFlight = 0
        let most = 0
        const { onRequest, onResponse } = proxy
        proxy.onRequest = (frame) => {
          if (frame.opcode === Proxy.opcodes.execute) most = Math.max(most, ++inFlight)
          return onRequest(frame)
        }
        proxy.onResponse = (frame) => {
          if (frame.opcode === Proxy.opcodes.result || frame.opcode === Proxy.opcodes.error) inFlight--
          return onResponse(frame)
        }
        const requests = yield* Effect.forEach(upTo(10_000), (id) =>
          Effect.fork(Effect.either(session.execute(insert(id))))
        )
        yield* until(() => waiting() === 256)
        // Nothing was answered yet, and those that found no place have their failure.
        const early = yield* Effect.forEach(requests, Fiber.poll)
        assert.strictEqual(early.filter(Option.isSome).length, 10_000 - 4_256)
        yield* release
        const outcomes = yield* Effect.forEach(requests, Fiber.join)
        const failures = outcomes.flatMap((outcome) => (outcome._tag === "Left" ? [outcome.left] : []))
        assert.strictEqual(outcomes.length - failures.length, 4_256)
        for (const error of failures) assert.deepInclude(error, { _tag: "RequestThrottledError", ...limits })
        assert.strictEqual(most, 256)
        yield* session.execute(insert(1))
      })
  )

  it.scoped("what waits to be admitted can be interrupted, and gives up its place", () =>
    Effect.gen(function* () {
      const { release, session, waiting } = yield* held({ maxConcurrentRequests: 1, maxQueuedRequests: 2 })
      const first = yield* Effect.fork(session.execute(insert(1)))
      yield* until(() => waiting() === 1)
      const queued = yield* Effect.fork(session.execute(insert(2)))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(queued)
      const others = yield* Effect.fork(Effect.forEach([3, 4], (id) => session.execute(insert(id)), { concurrency: 2 }))
      yield* Effect.yieldNow()
      yield* release
      yield* Fiber.join(first)
      yield* Fiber.join(others)
      assert.strictEqual(waiting(), 3)
    })
  )

  it.scoped("interrupted requests leave nothing in flight, and the session as it was", () =>
    Effect.gen(function* () {
      const one = yield* cluster({ maxConcurrentRequests: 64 })
      const session = yield* one.connect({ keyspace: Option.getOrThrow((yield* Session.Session).keyspace) })
      for (let round = 0; round < 20; round++) {
        yield* Effect.forEach(upTo(200), (id) => session.execute(insert(id)), { concurrency: "unbounded" }).pipe(
          Effect.timeoutOption(round)
        )
      }
      yield* session.execute(insert(1))
      const state = yield* one.state
      assert.strictEqual(state.inFlight, 0)
      assert.strictEqual(state.queued, 0)
      yield* Effect.forEach(upTo(200), (id) => session.execute(insert(id)), { concurrency: "unbounded" })
    })
  )

  it.scoped("a long queue of requests that fail before they are sent does no harm", () =>
    Effect.gen(function* () {
      const { release, session, waiting } = yield* held({ maxConcurrentRequests: 1 })
      const first = yield* Effect.fork(session.execute(insert(1).pipe(Statement.withTimeout("1 minute"))))
      yield* until(() => waiting() === 1)
      const bad = cql`INSERT INTO items (id, v) VALUES (${"no number"}, ${"v"})`
      const failing = yield* Effect.fork(
        Effect.forEach(upTo(20_000), () => Effect.exit(session.execute(bad)), { concurrency: "unbounded" })
      )
      yield* Effect.yieldNow()
      yield* release
      yield* Fiber.join(first)
      const exits = yield* Fiber.join(failing)
      assert.isTrue(exits.every(Exit.isFailure))
      yield* session.execute(insert(1).pipe(Statement.withTimeout("1 minute")))
    })
  )
})
