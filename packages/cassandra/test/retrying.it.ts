import { assert, layer } from "@effect/vitest"
import { Batch, type CassandraError, cql, RetryPolicy, Session, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { connect, prepared, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const setup = Layer.effectDiscard(
  schema("CREATE TABLE t (id int PRIMARY KEY, v list<int>)", "CREATE TABLE hits (id int PRIMARY KEY, n counter)")
).pipe(Layer.provideMerge(sessionLayer("retrying")))

const append = (id: number) => cql`UPDATE t SET v = v + ${[1]} WHERE id = ${id}`
const write = (id: number) => cql`INSERT INTO t (id, v) VALUES (${id}, ${[1]})`.pipe(Statement.idempotent)
const insert = (id: number) =>
  cql`INSERT INTO t (id, v) VALUES (${id}, ${[1]}) IF NOT EXISTS`.pipe(Statement.idempotent)
const select = cql`SELECT id FROM t WHERE id = ${-1}`

/** What is in the list on the server. */
const appended = (id: number) =>
  Effect.flatMap(Session.Session, (session) =>
    Effect.map(session.one(cql`SELECT v FROM t WHERE id = ${id}`), (row) =>
      Option.match(row, { onNone: () => 0, onSome: (found) => ((found["v"] ?? []) as ReadonlyArray<number>).length })
    )
  )

/** A session whose statements are prepared, with a proxy that treats the first executions as told. */
const faulty = (actions: ReadonlyArray<(frame: Proxy.Frame) => Proxy.Action>) =>
  Effect.gen(function* () {
    const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
    const session = yield* connect({
      ...Proxy.through(proxy),
      retryPolicy: RetryPolicy.standardWith({ schedule: Schedule.spaced("150 millis") })
    })
    yield* prepared(session, append(0), write(0), select)
    let sent = 0
    proxy.onRequest = (frame) =>
      frame.opcode === Proxy.opcodes.execute || frame.opcode === Proxy.opcodes.batch
        ? (actions[sent++]?.(frame) ?? "forward")
        : "forward"
    return { proxy, session, sent: () => sent }
  })

const { bootstrapping, overloaded, readTimeout, server, unavailable, writeTimeout } = Proxy.errors
const cut = () => "cut" as const
const cutAfter = () => "cutAfter" as const
const drop = () => "drop" as const

layer(setup, { excludeTestServices: true })("retrying", (it) => {
  const retried: ReadonlyArray<readonly [string, (frame: Proxy.Frame) => Proxy.Action, "read" | "write"]> = [
    ["an overloaded coordinator", overloaded, "write"],
    ["a bootstrapping coordinator", bootstrapping, "write"],
    ["an unavailable", unavailable, "write"],
    ["a write timeout of a simple write", (frame) => writeTimeout(frame, "SIMPLE"), "write"],
    ["a read timeout with the data retrieved", (frame) => readTimeout(frame, 0, true), "read"],
    ["a read timeout with enough replicas", (frame) => readTimeout(frame, 1, false), "read"]
  ]
  for (const [name, action, kind] of retried) {
    it.scoped(`${name} is retried for an idempotent ${kind}, and the result tells the attempts`, () =>
      Effect.gen(function* () {
        const { sent, session } = yield* faulty([action, action])
        const result = yield* session.execute(kind === "read" ? select : write(1))
        assert.strictEqual(result.info.attempts, 3)
        assert.strictEqual(result.info.triedHosts.length, 1)
        assert.strictEqual(sent(), 3)
      })
    )
  }

  for (const [name, action, tag] of [
    ["an overloaded coordinator", overloaded, "OverloadedError"],
    ["a write timeout", (frame: Proxy.Frame) => writeTimeout(frame, "SIMPLE"), "WriteTimeoutError"],
    ["a server error", server, "ServerError"],
    ["a connection that breaks before the server has it", cut, "ConnectionError"],
    ["a connection that breaks before the answer", cutAfter, "ConnectionError"]
  ] as const) {
    it.scoped(`${name} is not retried for a write that is not idempotent: it is sent once`, () =>
      Effect.gen(function* () {
        const { sent, session } = yield* faulty([action, action, action])
        const error = yield* Effect.flip(session.execute(append(10)))
        assert.strictEqual(error._tag, tag)
        assert.strictEqual(error.writeState, "Unknown")
        assert.strictEqual(sent(), 1)
      })
    )
  }

  it.scoped("a policy that retries everything cannot make a write that is not idempotent go out twice", () =>
    Effect.gen(function* () {
      const { sent, session } = yield* faulty([cutAfter])
      const reckless = RetryPolicy.make({ decide: () => RetryPolicy.retryNextHost, schedule: Schedule.spaced(100) })
      const error = yield* Effect.flip(session.execute(append(20).pipe(Statement.withRetryPolicy(reckless))))
      assert.strictEqual(error._tag, "ConnectionError")
      assert.strictEqual(sent(), 1)
      assert.strictEqual(yield* appended(20), 1)
    })
  )

  it.scoped("a conditional write that won, and was refused when it was sent again, is told as an unknown outcome", () =>
    Effect.gen(function* () {
      for (const [id, run] of [
        [50, (session: Session.Session) => session.execute(insert(50))],
        [51, (session: Session.Session) => session.batch(Batch.make("UNLOGGED", [insert(51)]))],
        [52, (session: Session.Session) => session.rows(insert(52))]
      ] as const) {
        const { proxy, sent, session } = yield* faulty([])
        yield* prepared(session, insert(1000 + id))
        const before = sent()
        let answers = 0
        // The server has done it, but its answer says that it had too much to do.
        proxy.onResponse = (frame) =>
          frame.opcode === Proxy.opcodes.result && answers++ === 0 ? overloaded(frame) : frame.raw
        const error = yield* Effect.flip<unknown, CassandraError.CassandraError, never>(run(session))
        assert.deepInclude(error, { _tag: "CasWriteUnknownError", writeState: "Unknown" })
        assert.strictEqual((error.cause as CassandraError.CassandraError)._tag, "OverloadedError")
        assert.strictEqual(sent() - before, 2)
        assert.strictEqual(yield* appended(id), 1)
      }
    })
  )

  it.scoped("a batch is retried only when every member is idempotent", () =>
    Effect.gen(function* () {
      const { sent, session } = yield* faulty([overloaded, overloaded])
      const mixed = Batch.make("UNLOGGED", [write(30), append(30)])
      assert.strictEqual((yield* Effect.flip(session.batch(mixed)))._tag, "OverloadedError")
      assert.strictEqual(sent(), 1)
      const { info } = yield* session.batch(Batch.make("UNLOGGED", [write(31), write(32)]))
      assert.strictEqual(info.attempts, 2)
    })
  )

  it.scoped("gives up after the retries of the policy, with the last error", () =>
    Effect.gen(function* () {
      const { sent, session } = yield* faulty(Array.from({ length: 10 }, () => overloaded))
      const error = yield* Effect.flip(session.execute(select))
      assert.strictEqual(error._tag, "OverloadedError")
      assert.strictEqual(sent(), 4)
    })
  )

  it.scoped("what fails in the end leaves open whether it was written, when an attempt before may have been", () =>
    Effect.gen(function* () {
      const { sent, session } = yield* faulty([
        (frame) => writeTimeout(frame, "SIMPLE"),
        unavailable,
        unavailable,
        unavailable
      ])
      const error = yield* Effect.flip(session.execute(write(40)))
      assert.strictEqual(error._tag, "WriteTimeoutError")
      assert.strictEqual(error.writeState, "Unknown")
      assert.strictEqual(sent(), 3)
    })
  )

  it.scoped("a policy may ignore a failure: the result is empty", () =>
    Effect.gen(function* () {
      const { session } = yield* faulty([server])
      const lenient = RetryPolicy.make({ decide: () => RetryPolicy.ignore })
      const result = yield* session.execute(select.pipe(Statement.withRetryPolicy(lenient)))
      assert.deepStrictEqual(result.rows, [])
      assert.deepStrictEqual(result.one, Option.none())
      assert.deepStrictEqual(result.wasApplied, Option.none())
      assert.deepStrictEqual(result.pagingState, Option.none())
      assert.strictEqual(result.info.attempts, 1)
    })
  )

  it.scoped("a policy that throws is a QueryError with the cause", () =>
    Effect.gen(function* () {
      const { session } = yield* faulty([server])
      const bug = new Error("a bug")
      const throwing = RetryPolicy.make({
        decide: () => {
          throw bug
        }
      })
      const error = yield* Effect.flip(session.execute(select.pipe(Statement.withRetryPolicy(throwing))))
      assert.strictEqual(error._tag, "QueryError")
      assert.strictEqual(error.cause, bug)
    })
  )

  it.scoped(
    "the timeout of an attempt is an OperationTimedOutError with host and time, and the next attempt may succeed",
    () =>
      Effect.gen(function* () {
        const { proxy, sent, session } = yield* faulty([drop, drop])
        const impatient = select.pipe(Statement.withTimeout("120 millis"))
        const error = yield* Effect.flip(session.execute(impatient.pipe(Statement.withRetryPolicy(RetryPolicy.never))))
        assert.strictEqual(error._tag, "OperationTimedOutError")
        if (error._tag !== "OperationTimedOutError") return
        assert.strictEqual(error.timeout, 120)
        assert.strictEqual(error.host, `127.0.0.1:${proxy.port}`)
        assert.strictEqual(error.writeState, "Unknown")
        const { info } = yield* session.execute(impatient)
        assert.strictEqual(info.attempts, 2)
        assert.strictEqual(sent(), 3)
      })
  )

  it.scoped("the deadline covers attempts and the delays between them", () =>
    Effect.gen(function* () {
      const { sent, session } = yield* faulty(Array.from({ length: 10 }, () => overloaded))
      const patient = RetryPolicy.standardWith({ maxRetries: 100, schedule: Schedule.spaced("1 minute") })
      const error = yield* Effect.flip(
        session.execute(select.pipe(Statement.withRetryPolicy(patient), Statement.withDeadline("200 millis")))
      )
      assert.strictEqual(error._tag, "OperationTimedOutError")
      assert.strictEqual(error._tag === "OperationTimedOutError" && error.timeout, 200)
      assert.strictEqual(sent(), 1)
    })
  )

  it.scoped("the deadline covers the wait to be admitted", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const session = yield* connect({ ...Proxy.through(proxy), maxConcurrentRequests: 1, shutdownTimeout: 0 })
      yield* prepared(session, select)
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? "drop" : "forward")
      yield* Effect.fork(session.execute(select))
      yield* Effect.yieldNow()
      const error = yield* Effect.flip(session.execute(select.pipe(Statement.withDeadline("100 millis"))))
      assert.strictEqual(error._tag, "OperationTimedOutError")
    })
  )

  it.scoped("interrupting stops the retries at once", () =>
    Effect.gen(function* () {
      const { sent, session } = yield* faulty(Array.from({ length: 100 }, () => overloaded))
      let failed = 0
      const patient = RetryPolicy.make({
        decide: () => (failed++, RetryPolicy.retrySameHost),
        schedule: Schedule.spaced("50 millis")
      })
      const fiber = yield* Effect.fork(session.execute(select.pipe(Statement.withRetryPolicy(patient))))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => failed >= 2 })
      yield* Fiber.interrupt(fiber)
      const before = failed
      yield* Effect.sleep("150 millis")
      assert.strictEqual(failed, before)
      // One more may have been on its way.
      assert.include([before, before + 1], sent())
    })
  )
})
