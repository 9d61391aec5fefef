/** Spans and the log of slow queries, on a real server. */
import { assert, layer } from "@effect/vitest"
import { Batch, CassandraError, cql, RetryPolicy, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HashMap from "effect/HashMap"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import { connect, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"
import * as RecordingTracer from "./support/tracer.ts"

const setup = Layer.effectDiscard(schema("CREATE TABLE t (id int PRIMARY KEY, v text)")).pipe(
  Layer.provideMerge(sessionLayer("tracing"))
)

const insert = (id: number, v: string) => cql`INSERT INTO t (id, v) VALUES (${id}, ${v})`
const select = (id: number) => cql`SELECT v FROM t WHERE id = ${id}`

/** The logs of an effect. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const lines: Array<{ readonly message: string; readonly annotations: Record<string, unknown> }> = []
    const logger = Logger.make(({ annotations, message }) => {
      lines.push({ message: String(message), annotations: Object.fromEntries(HashMap.entries(annotations)) })
    })
    yield* Effect.provide(effect, Logger.replace(Logger.defaultLogger, logger))
    return lines
  })

layer(setup, { excludeTestServices: true })("traces", (it) => {
  it.scoped("a request is a client span with the attributes of the conventions, below the span around it", () =>
    Effect.gen(function* () {
      const { spans, tracer } = RecordingTracer.make()
      const { name: keyspace } = yield* TestKeyspace.TestKeyspace
      const session = yield* connect()
      yield* session.execute(insert(1, "a"))
      assert.strictEqual(spans.length, 0)
      const result = yield* session
        .execute(select(1).pipe(Statement.withConsistency("LOCAL_QUORUM"), Statement.withTracing(true)))
        .pipe(Effect.withSpan("around"), Effect.withTracer(tracer))
      const span = spans.find(({ name }) => name === "SELECT t")
      assert.deepInclude(span, { kind: "client", parent: "around" })
      const attributes = Object.fromEntries(span!.attributes)
      assert.deepInclude(attributes, {
        "db.system.name": "cassandra",
        "db.namespace": keyspace,
        "db.collection.name": "t",
        "db.operation.name": "SELECT",
        "db.query.text": "SELECT v FROM t WHERE id = ?",
        "cassandra.consistency.level": "local_quorum",
        "cassandra.page.size": 5000,
        "cassandra.query.idempotent": true,
        "cassandra.speculative_execution.count": 0,
        "db.response.returned_rows": 1
      })
      assert.strictEqual(attributes["cassandra.trace.id"], Option.getOrThrow(result.info.traceId))
      const host = (yield* CassandraServer.CassandraServer).localDataCenter
      assert.strictEqual(attributes["cassandra.coordinator.dc"], host)
      assert.match(String(attributes["cassandra.coordinator.id"]), /^[0-9a-f-]{36}$/)
      assert.strictEqual(`${attributes["server.address"]}:${attributes["server.port"]}`, result.info.coordinator)
      assert.deepStrictEqual(
        span!.events.map(({ attributes: { "cassandra.attempt.number": number } }) => number),
        [1]
      )
      assert.isTrue(Exit.isSuccess(span!.exit!))
    })
  )

  it.scoped("there is an event for each attempt, and the error of the last is the span's", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const session = yield* connect({
        ...Proxy.through(proxy),
        retryPolicy: RetryPolicy.standardWith({ schedule: Schedule.spaced("10 millis") })
      })
      yield* session.execute(select(1))
      const { spans, tracer } = RecordingTracer.make()
      let executions = 0
      proxy.onRequest = (frame) =>
        frame.opcode === Proxy.opcodes.execute && executions++ < 1 ? Proxy.errors.overloaded(frame) : "forward"
      yield* Effect.withTracer(session.execute(select(1)), tracer)
      assert.deepStrictEqual(
        spans[0]!.events.map(({ attributes, name }) => [
          name,
          attributes["cassandra.attempt.number"],
          attributes["error.type"]
        ]),
        [
          ["cassandra.attempt", 1, "OverloadedError"],
          ["cassandra.attempt", 2, undefined]
        ]
      )
      assert.isTrue(Exit.isSuccess(spans[0]!.exit!))
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? Proxy.errors.overloaded(frame) : "forward")
      yield* Effect.withTracer(Effect.flip(session.execute(select(1))), tracer)
      const failed = spans[1]!
      assert.isAbove(failed.events.length, 1)
      assert.strictEqual(failed.attributes.get("error.type"), "OverloadedError")
      assert.strictEqual(failed.attributes.get("db.response.status_code"), String(0x1001))
      assert.isTrue(Exit.isFailure(failed.exit!))
    })
  )

  it.scoped("a stream has a span for each page, a batch has its size", () =>
    Effect.gen(function* () {
      const session = yield* connect()
      const { spans, tracer } = RecordingTracer.make()
      yield* session
        .batch(
          Batch.make(
            "UNLOGGED",
            [...Array(10).keys()].map((id) => insert(id, "a"))
          )
        )
        .pipe(Effect.withTracer(tracer))
      assert.strictEqual(spans[0]!.name.split(" ")[0], "BATCH")
      assert.strictEqual(spans[0]!.attributes.get("db.operation.batch.size"), 10)
      spans.length = 0
      const rows = yield* Stream.runCount(session.stream(cql`SELECT * FROM t`.pipe(Statement.withPageSize(4)))).pipe(
        Effect.withTracer(tracer)
      )
      assert.isAtLeast(spans.length, Math.ceil(rows / 4))
      const returned = spans.reduce(
        (sum, { attributes }) => sum + Number(attributes.get("db.response.returned_rows")),
        0
      )
      assert.strictEqual(returned, rows)
      assert.isTrue(spans.every(({ exit }) => exit !== undefined))
    })
  )

  it.scoped("an interrupted request ends its span", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const session = yield* connect(Proxy.through(proxy))
      yield* session.execute(select(1))
      const { spans, tracer } = RecordingTracer.make()
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? "drop" : "forward")
      const fiber = yield* Effect.fork(Effect.withTracer(session.execute(select(1)), tracer))
      yield* Effect.repeat(Effect.void, { until: () => spans.length === 1, schedule: Schedule.spaced(10) })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(spans[0]!.attributes.get("error.type"), "Interrupted")
      assert.isTrue(Exit.isInterrupted(spans[0]!.exit!))
    })
  )

  it.scoped("slow operations are logged with text, duration and coordinator, and fast ones are not", () =>
    Effect.gen(function* () {
      const slow = yield* connect({ slowQueryThreshold: 0 })
      const lines = yield* logged(slow.execute(select(1)))
      assert.strictEqual(lines.length, 1)
      assert.match(lines[0]!.message, /^Slow query: SELECT took \d+ ms$/)
      assert.deepInclude(lines[0]!.annotations, {
        "db.query.text": "SELECT v FROM t WHERE id = ?",
        "cassandra.profile": "default",
        "cassandra.attempts": 1
      })
      assert.isString(lines[0]!.annotations["cassandra.coordinator"])
      const failing = yield* logged(Effect.flip(slow.execute(cql`SELECT nothing FROM t`)))
      assert.deepInclude(failing[0]!.annotations, { "error.type": "InvalidQueryError" })
      const patient = yield* connect({ slowQueryThreshold: "1 hour" })
      assert.deepStrictEqual(yield* logged(patient.execute(select(1))), [])
      const invalid = yield* Effect.flip(connect({ slowQueryThreshold: "soon" as never }))
      assert.deepInclude(invalid, { _tag: "ConfigurationError", option: "slowQueryThreshold" })
    })
  )

  it.scoped("no secret is in spans or in the log", () =>
    Effect.gen(function* () {
      const session = yield* connect({ slowQueryThreshold: 0 })
      const { spans, tracer } = RecordingTracer.make()
      const secret = "planted-secret"
      const Strict = Schema.Struct({ v: Schema.Literal("something else") })
      const lines = yield* logged(
        Effect.gen(function* () {
          yield* session.execute(insert(1, secret))
          yield* session.execute(Statement.make(`INSERT INTO t (id, v) VALUES (2, '${secret}') /* ${secret} */`))
          for (const text of [`SELECT '${secret}' FROM`, `SELECT v FROM t WHERE id = '${secret}'`]) {
            assert.isTrue(CassandraError.isCassandraError(yield* Effect.flip(session.execute(Statement.make(text)))))
          }
          // What does not fit its column, and rows that do not fit their schema, are quoted by those who say so.
          yield* Effect.flip(session.execute(cql`SELECT v FROM t WHERE id = ${secret}`))
          yield* Effect.flip(session.execute(select(1).pipe(Statement.as(Strict))))
        }).pipe(Effect.withTracer(tracer))
      )
      assert.isAtLeast(spans.length, 6)
      assert.isAtLeast(lines.length, 5)
      const exits = spans.map(({ exit }) => inspect(exit, { depth: 20, showHidden: true }) + JSON.stringify(exit))
      assert.notInclude(
        inspect([spans, lines, exits], { depth: 20, maxStringLength: null, maxArrayLength: null }),
        secret
      )
    })
  )
})
