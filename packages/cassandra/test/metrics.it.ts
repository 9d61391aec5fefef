/** What is measured of a real server, and of one that fails as told. */
import { assert, layer } from "@effect/vitest"
import {
  Batch,
  CassandraMetrics,
  Cluster,
  cql,
  RetryPolicy,
  Session,
  SpeculativeExecution,
  Statement
} from "effect-cassandra"
import { CassandraServer, FaultProxy, TestKeyspace } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import { cluster, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const setup = Layer.effectDiscard(schema("CREATE TABLE t (id int PRIMARY KEY, v text)")).pipe(
  Layer.provideMerge(sessionLayer("metrics"))
)

/** A cluster of the test's own, which counts from nothing, and a session in the file's keyspace. */
const fresh = (options: Cluster.ClusterOptions = {}) =>
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    const own = yield* cluster({ metrics: { tags: { test: name } }, ...options })
    const session = yield* own.connect({ keyspace: name })
    const snapshot = Effect.provideService(CassandraMetrics.snapshot, Cluster.Cluster, own)
    return { own, session, snapshot, keyspace: name }
  })

const insert = (id: number, v: string) => cql`INSERT INTO t (id, v) VALUES (${id}, ${v})`
const select = (id: number) => cql`SELECT v FROM t WHERE id = ${id}`

/** What the registry has of a metric, for the series with these labels. */
const registered = (name: string, labels: Readonly<Record<string, string>>) =>
  Metric.unsafeSnapshot(undefined).flatMap(({ metricKey, metricState }) =>
    metricKey.name === name &&
    Object.entries(labels).every(([key, value]) =>
      metricKey.tags.some((label) => label.key === key && label.value === value)
    )
      ? [metricState as { readonly count?: number; readonly value?: number }]
      : []
  )

/** A gauge of the test of a host that is gone. */
const gauge = (name: string, labels: Readonly<Record<string, string>> = {}) =>
  registered(name, { test: "gone", ...labels }).map(({ value }) => value)

const clusters = () =>
  registered("cassandra.client.clusters", { test: "two" }).reduce((sum, { value = 0 }) => sum + value, 0)

layer(setup, { excludeTestServices: true })("metrics", (it) => {
  it.scoped("operations are counted by kind, outcome and profile, with their durations", () =>
    Effect.gen(function* () {
      const { keyspace, session, snapshot } = yield* fresh({ profiles: { report: { timeout: "5 seconds" } } })
      for (let i = 0; i < 5; i++) yield* session.execute(insert(i, "a"))
      yield* session.execute(select(1).pipe(Statement.withProfile("report")))
      yield* session.batch(Batch.make("LOGGED", [insert(8, "b"), insert(9, "b")]))
      yield* session.prepare("SELECT id FROM t")
      yield* Effect.flip(session.execute(cql`SELECT nothing FROM t`))
      const { operations, requests } = yield* snapshot
      const counted = (operation: string, profile: string, error?: string) =>
        operations.find(
          (one) =>
            one.operation === operation && one.profile === profile && one.error === error && one.keyspace === keyspace
        )
      const inserted = counted("INSERT", "default")
      assert.deepInclude(inserted, { count: 5, kind: "write" })
      assert.isTrue(inserted!.seconds > 0 && inserted!.longest <= inserted!.seconds)
      assert.isTrue(inserted!.p50 > 0 && inserted!.p50 <= inserted!.p99 && inserted!.p99 <= inserted!.longest)
      assert.deepInclude(counted("SELECT", "report"), { count: 1, kind: "read" })
      assert.deepInclude(counted("BATCH", "default"), { count: 1, kind: "batch" })
      assert.deepInclude(counted("PREPARE", "default"), { count: 1, kind: "prepare" })
      assert.deepInclude(counted("SELECT", "default", "InvalidQueryError"), { count: 1 })
      assert.isAtLeast(requests.attempts, 8)
      const [series] = registered("db.client.operation.duration", {
        "db.operation.name": "INSERT",
        "db.namespace": keyspace,
        "cassandra.profile": "default",
        test: keyspace
      })
      assert.strictEqual(series?.count, 5)
    })
  )

  it.scoped("attempts, retries by reason and errors by host", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const { session, snapshot } = yield* fresh({
        ...Proxy.through(proxy),
        retryPolicy: RetryPolicy.standardWith({ schedule: Schedule.spaced("10 millis") })
      })
      yield* session.execute(select(1))
      const before = yield* snapshot
      let executions = 0
      proxy.onRequest = (frame) =>
        frame.opcode === Proxy.opcodes.execute && executions++ < 2 ? Proxy.errors.overloaded(frame) : "forward"
      yield* session.execute(select(1))
      const after = yield* snapshot
      assert.strictEqual(after.requests.attempts - before.requests.attempts, 3)
      assert.deepStrictEqual(after.requests.retries, { OverloadedError: 2 })
      assert.strictEqual(after.hosts[0]?.errors["OverloadedError"], 2)
      assert.strictEqual(after.operations.filter(({ error }) => error !== undefined).length, 0)
      // What is given up in the end is one operation that failed, whatever it took.
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? Proxy.errors.overloaded(frame) : "forward")
      yield* Effect.flip(session.execute(select(1)))
      const last = yield* snapshot
      assert.deepStrictEqual(
        last.operations.filter(({ error }) => error !== undefined).map(({ count, error }) => ({ count, error })),
        [{ count: 1, error: "OverloadedError" }]
      )
    })
  )

  it.scoped("interruption, deadlines, throttling, orphans and speculative executions", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const { session, snapshot } = yield* fresh({
        ...Proxy.through(proxy),
        maxConcurrentRequests: 1,
        maxQueuedRequests: 1
      })
      yield* session.execute(select(1))
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? "drop" : "forward")
      const first = yield* Effect.fork(session.execute(select(1)))
      const second = yield* Effect.fork(session.execute(select(2)))
      yield* Effect.repeat(snapshot, { until: ({ requests }) => requests.queued === 1, schedule: Schedule.spaced(10) })
      assert.strictEqual((yield* Effect.flip(session.execute(select(3))))._tag, "RequestThrottledError")
      yield* Fiber.interruptAll([second, first])
      yield* Effect.flip(session.execute(select(4).pipe(Statement.withDeadline("50 millis"))))
      const { hosts, operations, requests } = yield* snapshot
      const errors = Object.fromEntries(
        operations.filter(({ operation }) => operation === "SELECT").map(({ count, error }) => [error ?? "ok", count])
      )
      assert.deepInclude(errors, { RequestThrottledError: 1, Interrupted: 2, OperationTimedOutError: 1 })
      assert.deepInclude(requests, { throttled: 1, active: 0, queued: 0, cancelled: 2 })
      assert.strictEqual(hosts[0]?.orphans, 2)
    })
  )

  it.scoped("speculative executions are counted", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const { session, snapshot } = yield* fresh({ ...Proxy.through(proxy), connectionsPerHost: 1 })
      yield* session.execute(select(1))
      const before = yield* snapshot
      assert.strictEqual(before.requests.speculativeExecutions, 0)
      let executions = 0
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute && executions++ === 0 ? "drop" : "forward")
      const defaults = {
        // The first is never answered; that the second is takes as long as it takes.
        timeout: "2 seconds",
        speculativeExecution: SpeculativeExecution.constant({ delay: "20 millis", maxExecutions: 2 })
      } as const
      yield* Session.withDefaults(defaults)(session.execute(select(1)))
      const after = yield* snapshot
      assert.strictEqual(after.requests.speculativeExecutions, 1)
    })
  )

  it.scoped("hosts, prepared statements, streams and bytes, in the snapshot and in the registry", () =>
    Effect.gen(function* () {
      const { session, snapshot } = yield* fresh({
        compression: "lz4",
        metrics: { interval: "20 millis", tags: { test: "gauges" } }
      })
      yield* Effect.forEach([...Array(20).keys()], (i) => session.execute(insert(i, "x".repeat(4096))), {
        concurrency: 5,
        discard: true
      })
      const before = yield* snapshot
      const rows = yield* Stream.runCount(session.stream(cql`SELECT * FROM t`.pipe(Statement.withPageSize(5))))
      const { hosts, io, preparedStatements, protocolVersion, requests, streams } = yield* snapshot
      assert.strictEqual(protocolVersion, 5)
      assert.strictEqual(streams.rows, rows)
      assert.isAtLeast(streams.pages, Math.ceil(rows / 5))
      assert.deepInclude(hosts[0], { state: "up", connections: 1, inFlight: 0, orphans: 0 })
      assert.strictEqual(preparedStatements.count, 2)
      assert.strictEqual(preparedStatements.hits + preparedStatements.misses, 20 + streams.pages)
      assert.isTrue(io.bytesRead > before.io.bytesRead && io.bytesWritten > 0)
      assert.strictEqual(io.compression, "lz4")
      assert.isAbove(Option.getOrThrow(io.compressionRatio), 2)
      assert.strictEqual(requests.active, 0)
      // The registry is brought up to date by itself.
      const reading = () => registered("cassandra.client.stream.rows", { test: "gauges" })[0]?.count
      yield* Effect.repeat(Effect.sync(reading), { until: (value) => value === rows, schedule: Schedule.spaced(10) })
      const connections = registered("db.client.connection.count", {
        test: "gauges",
        "db.client.connection.state": "idle"
      })
      assert.deepStrictEqual(
        connections.map(({ value }) => value),
        [1]
      )
      assert.strictEqual(
        registered("cassandra.client.clusters", { test: "gauges", "network.protocol.version": "5" })[0]?.value,
        1
      )
    })
  )

  it.scoped("a host that hangs has an open breaker; one that is gone is down, and leaves no control connection", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const proxy = yield* FaultProxy.make({ target: { host: server.contactPoints[0]!, port: server.port } })
      const { session, snapshot } = yield* fresh({
        contactPoints: [proxy.host],
        port: proxy.port,
        breaker: { failures: 1 },
        metrics: { tags: { test: "gone" } }
      })
      const until = (there: (reading: CassandraMetrics.Snapshot) => boolean) =>
        Effect.repeat(Effect.delay(snapshot, "20 millis"), { until: there })
      yield* session.execute(select(1))
      const before = yield* snapshot
      assert.isTrue(before.isControlled)
      assert.strictEqual(before.hosts[0]?.breaker, "closed")
      assert.deepStrictEqual(gauge("cassandra.client.clusters.controlled"), [1])

      yield* proxy.pause()
      const patience = { timeout: "50 millis", retryPolicy: RetryPolicy.standardWith({ maxRetries: 0 }) } as const
      yield* Effect.flip(Session.withDefaults(patience)(session.execute(select(1))))
      assert.strictEqual((yield* snapshot).hosts[0]?.breaker, "open")
      assert.deepStrictEqual(gauge("cassandra.client.host.breaker", { "cassandra.breaker.state": "open" }), [1])
      assert.deepStrictEqual(gauge("cassandra.client.host.breaker", { "cassandra.breaker.state": "closed" }), [0])

      yield* proxy.refuse
      yield* proxy.reset
      const gone = yield* until(({ hosts, isControlled }) => !isControlled && hosts[0]?.state === "down")
      assert.strictEqual(gone.hosts[0]?.connections, 0)
      assert.deepStrictEqual(gauge("cassandra.client.clusters.controlled"), [0])
      assert.deepStrictEqual(gauge("cassandra.client.host.state", { "cassandra.host.state": "down" }), [1])

      yield* proxy.heal
      yield* until(({ hosts, isControlled }) => isControlled && hosts[0]?.state === "up")
    })
  )

  it.scoped("gauges of two clusters add up, and those of a closed one are nothing", () =>
    Effect.gen(function* () {
      const options = { metrics: { tags: { test: "two" } } }
      const { own } = yield* fresh(options)
      const other = yield* fresh(options)
      yield* CassandraMetrics.refresh
      assert.strictEqual(clusters(), 2)
      yield* other.own.close
      assert.strictEqual(clusters(), 1)
      yield* own.close
      assert.strictEqual(clusters(), 0)
      assert.strictEqual((yield* other.snapshot).protocolVersion, 0)
    })
  )

  it.scoped("the query table has what costs the most, without values", () =>
    Effect.gen(function* () {
      const { own, session } = yield* fresh()
      for (let i = 0; i < 4; i++) yield* session.execute(Statement.make(`SELECT v FROM t WHERE id = ${i}`))
      yield* session.execute(insert(1, "planted-secret"))
      yield* Effect.flip(session.execute(Statement.make("SELECT v FROM t WHERE id = 'planted-secret'")))
      const top = (by: "count" | "errors") =>
        Effect.provideService(CassandraMetrics.topStatements({ by, limit: 1 }), Cluster.Cluster, own)
      const query = "SELECT v FROM t WHERE id = ?"
      assert.deepInclude((yield* top("count"))[0], { query, table: "t", operation: "SELECT", count: 5, errors: 1 })
      assert.deepInclude((yield* top("errors"))[0], { query, errors: 1 })
    })
  )

  it.scoped("sinks are told of operations and snapshots; one that throws is dropped, and no request notices", () =>
    Effect.gen(function* () {
      const sink = CassandraMetrics.memorySink(3)
      let thrown = 0
      const broken = {
        onOperation: () => {
          thrown++
          throw new Error("broken")
        }
      }
      const { keyspace, session } = yield* fresh({ metrics: { interval: "20 millis", sinks: [broken, sink] } })
      for (let i = 0; i < 5; i++) yield* session.execute(insert(i, "planted-secret"))
      assert.strictEqual(thrown, 1)
      assert.strictEqual(sink.operations.length, 3)
      assert.deepInclude(sink.operations[2], {
        operation: "INSERT",
        kind: "write",
        query: "INSERT INTO t (id, v) VALUES (?, ?)",
        profile: "default",
        keyspace,
        error: undefined
      })
      yield* Effect.repeat(Effect.void, { until: () => sink.snapshots.length > 0, schedule: Schedule.spaced(10) })
      assert.notInclude(inspect(sink, { depth: 10 }), "planted-secret")
    })
  )

  it.scoped("no secret is in the registry", () =>
    Effect.gen(function* () {
      const { session } = yield* fresh()
      yield* session.execute(insert(1, "planted-secret"))
      yield* Effect.flip(session.execute(Statement.make("SELECT 'planted-secret' FROM")))
      yield* CassandraMetrics.refresh
      const all = Metric.unsafeSnapshot(undefined).filter(({ metricKey }) =>
        CassandraMetrics.names.includes(metricKey.name)
      )
      assert.isAbove(all.length, 10)
      assert.notInclude(inspect(all, { depth: 10, maxArrayLength: null }), "planted-secret")
    })
  )
})
