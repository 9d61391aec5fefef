/**
 * What is seen of the HTTP example from outside, while clients use it over a network that has good and bad times. The tests are one
 * story, in this order: what is counted in one is there in the next.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, layer } from "@effect/vitest"
import { CassandraMetrics, Cluster, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import * as Collector from "../support/collector.ts"
import { optionsFor } from "../support/server.ts"
import { type Client, clientOf, together } from "./load.ts"
import { dashboardQueries, alertQueries } from "./queries.ts"
import { askedBy, isSelected } from "./promql.ts"
import * as Running from "./Running.ts"
import { type Labels, parse, type Scrape, select, sum } from "./scrape.ts"

interface Story {
  readonly running: Running.Running
  readonly client: Client
  readonly collector: Collector.Collector
}
class TheStory extends Context.Tag("TheStory")<TheStory, Story>() {}

const StoryLive = Layer.scoped(
  TheStory,
  Effect.gen(function* () {
    const collector = yield* Collector.make
    const running = yield* Running.make({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
    return { collector, running, client: clientOf(running.url) }
  })
).pipe(Layer.provide(NodeContext.layer), Layer.provideMerge(TestServer.layer))

const addedByPrometheus = new Set(["job", "instance"])

const duration = "db_client_operation_duration"
const breaker = "cassandra_client_host_breaker"
const total = (scrape: Scrape, name: string, labels: Labels = {}) => sum(select(scrape, name, labels))

/** The rows of the table in the guide: name, kind, unit, what. */
const table = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => /^\| `\w+\.client\./.test(line))
  .map((line) => line.slice(1, -1).split("|"))
  .map((cells) => cells.map((cell) => cell.trim().replaceAll("`", "")))
  .map(([name, kind, unit, what]) => ({ name: name!, kind: kind!, unit: unit!, what: what! }))

/** What a metric is called in a scrape. */
const scrapedName = ({ kind, name }: { readonly kind: string; readonly name: string }) =>
  `${name.replaceAll(".", "_")}${kind === "counter" ? "_total" : ""}`

const scrape = Effect.flatMap(TheStory, ({ client }) => Effect.map(client.scrape, parse))

/** Attempts are events. */
const attemptsOf = (span: Collector.Span) => span.events.filter(({ name }) => name === "cassandra.attempt")

/** The first scrape that is as expected. */
const until = (expected: (scrape: Scrape) => boolean) =>
  Effect.gen(function* () {
    let last: Scrape | undefined
    const look = Effect.map(Effect.delay(scrape, "100 millis"), (now) => (last = now))
    const lines = () => last?.samples.filter(({ name }) => !name.endsWith("_bucket")).map((one) => JSON.stringify(one))
    return yield* Effect.repeat(look, { until: expected }).pipe(
      Effect.timeoutFail({
        duration: "30 seconds",
        onTimeout: () => new Error(`Not within 30 s:\n${lines()?.join("\n")}`)
      })
    )
  })

const isWell = (now: Scrape): boolean =>
  total(now, "cassandra_client_host_state", { cassandra_host_state: "up" }) === 1 &&
  total(now, "cassandra_client_clusters_controlled") === 1 &&
  total(now, breaker, { cassandra_breaker_state: "closed" }) === 1 &&
  total(now, "db_client_connection_count", { db_client_connection_state: "idle" }) >= 1 &&
  total(now, "cassandra_client_requests_active") === 0 &&
  total(now, "cassandra_client_host_orphans") === 0

/** How much a counter has grown while something ran. */
const growth = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* scrape
    const result = yield* effect
    const after = yield* scrape
    const grown = (name: string, labels: Labels = {}) => total(after, name, labels) - total(before, name, labels)
    return { result, grown, after }
  })

layer(StoryLive, { excludeTestServices: true })("the HTTP example, seen from outside", (it) => {
  it.effect("counts what clients do, and nothing else", () =>
    Effect.gen(function* () {
      const { client } = yield* TheStory
      const { grown, result: ids } = yield* growth(together(210, client.create, 4))
      // A user is a condition on the address, and a row.
      assert.strictEqual(grown(`${duration}_count`, { db_operation_name: "INSERT" }), 420)
      assert.isAbove(grown("cassandra_client_io_written_total"), 210 * 36)

      const read = yield* growth(Effect.forEach(ids.slice(0, 100), client.get, { concurrency: 8 }))
      assert.deepStrictEqual([...new Set(read.result)], [200])
      const reads = { db_operation_name: "SELECT", cassandra_operation_kind: "read", cassandra_profile: "default" }
      assert.isAtLeast(read.grown(`${duration}_count`, reads), 100)
      assert.isAtLeast(read.grown("cassandra_client_attempts_total"), 100)
      assert.isAtLeast(read.grown("cassandra_client_prepared_statements_hits_total"), 100)
      assert.isAbove(read.grown("cassandra_client_io_read_total"), 100 * 36)

      const listed = yield* growth(client.export)
      assert.strictEqual(listed.result, 210)
      assert.strictEqual(listed.grown("cassandra_client_stream_rows_total"), 210)
      assert.isAtLeast(listed.grown("cassandra_client_stream_pages_total"), 3)
      assert.isAbove(listed.grown("cassandra_client_compression_uncompressed_total"), 0)
      const ratio =
        total(listed.after, "cassandra_client_compression_uncompressed_total") /
        total(listed.after, "cassandra_client_compression_compressed_total")
      assert.isAbove(ratio, 1)

      const changed = yield* growth(Effect.all([client.rename(ids[0]!), client.remove(ids[1]!), client.get(ids[1]!)]))
      assert.deepStrictEqual(changed.result, [200, 204, 404])
      assert.strictEqual(changed.grown(`${duration}_count`, { db_operation_name: "UPDATE" }), 1)
      assert.strictEqual(changed.grown(`${duration}_count`, { db_operation_name: "DELETE" }), 2)
      // Nothing of all that failed.
      for (const name of ["retries", "requests_throttled", "requests_cancelled", "host_errors"]) {
        assert.strictEqual(total(changed.after, `cassandra_client_${name}_total`), 0, name)
      }
    })
  )

  it.effect("has the metrics of the guide, with kind, unit and description", () =>
    Effect.gen(function* () {
      const now = yield* scrape
      assert.sameMembers(
        table.map(({ name }) => name),
        [...CassandraMetrics.names]
      )
      for (const row of table) {
        const name = scrapedName(row)
        assert.deepStrictEqual(now.families.get(name), { type: row.kind, help: row.what }, name)
        const samples = now.samples.filter(
          (one) => one.name.startsWith(name) && now.families.has(one.name) === (one.name === name)
        )
        assert.isNotEmpty(samples, name)
        for (const { labels } of samples) assert.deepInclude(labels, { unit: row.unit, db_system_name: "cassandra" })
      }
    })
  )

  it.effect("has a histogram whose buckets are cumulative, up to the count", () =>
    Effect.gen(function* () {
      const now = yield* scrape
      const counts = select(now, `${duration}_count`)
      assert.isAtLeast(counts.length, 4)
      for (const { labels, value } of counts) {
        const buckets = select(now, `${duration}_bucket`, labels).filter(
          (one) => Object.keys(one.labels).length === Object.keys(labels).length + 1
        )
        assert.strictEqual(buckets.length, 16)
        const bounds = buckets.map(({ labels: { le } }) => (le === "+Inf" ? Infinity : Number(le)))
        assert.deepStrictEqual(
          bounds,
          bounds.toSorted((a, b) => a - b)
        )
        const values = buckets.map((bucket) => bucket.value)
        assert.deepStrictEqual(
          values,
          values.toSorted((a, b) => a - b)
        )
        assert.strictEqual(values.at(-1), value)
        assert.isAbove(total(now, `${duration}_sum`, labels), 0)
      }
    })
  )

  it.effect("shows a slow network: speculative executions, and requests that their clients gave up", () =>
    Effect.gen(function* () {
      const { client, running } = yield* TheStory
      const id = yield* client.create
      yield* running.proxy.set({ latency: "200 millis" })
      const slow = yield* growth(together(5, client.get(id)))
      assert.deepStrictEqual([...new Set(slow.result)], [200])
      assert.isAtLeast(slow.grown("cassandra_client_speculative_executions_total"), 5)
      const before = total(slow.after, "cassandra_client_requests_cancelled_total")
      const leaving = yield* Effect.fork(together(5, client.get(id)))
      yield* until((now) => total(now, "cassandra_client_host_requests_active") >= 5)
      yield* Fiber.interrupt(leaving)
      const left = yield* until((now) => total(now, `${duration}_count`, { error_type: "Interrupted" }) === 5)
      assert.isAtLeast(total(left, "cassandra_client_requests_cancelled_total") - before, 5)
      yield* running.proxy.heal
    })
  )

  it.effect("shows a network that stands still: timeouts, retries, orphans, the breaker", () =>
    Effect.gen(function* () {
      const { client, running } = yield* TheStory
      const id = yield* client.create
      yield* until((now) => total(now, "cassandra_client_host_orphans") === 0)
      yield* running.proxy.pause()
      const { after, result } = yield* growth(
        Effect.gen(function* () {
          const answers = yield* Effect.fork(together(20, client.get(id)))
          yield* until((now) => total(now, "cassandra_client_host_orphans") >= 20)
          yield* until((now) => total(now, breaker, { cassandra_breaker_state: "open" }) === 1)
          return yield* Fiber.join(answers)
        })
      )
      assert.deepStrictEqual([...new Set(result)], [503])
      const timedOut = { error_type: "OperationTimedOutError" }
      assert.isAtLeast(total(after, `${duration}_count`, timedOut), 20)
      assert.isAtLeast(total(after, "cassandra_client_retries_total", timedOut), 1)
      assert.isAtLeast(total(after, "cassandra_client_host_errors_total", timedOut), 20)
      // What was held comes after all.
      yield* running.proxy.resume()
      yield* until(isWell)
    })
  )

  it.effect("shows clients that give up: a connection that leaves too much unanswered is replaced", () =>
    Effect.gen(function* () {
      const { client, running } = yield* TheStory
      const id = yield* client.create
      const replaced = (now: Scrape) => total(now, "cassandra_client_connections_replaced_total") > 0
      const giveUp = Effect.gen(function* () {
        const leaving = yield* Effect.fork(together(60, client.get(id)))
        yield* until((now) => replaced(now) || total(now, "cassandra_client_requests_active") >= 50)
        yield* Fiber.interrupt(leaving)
        return replaced(yield* scrape)
      })
      yield* running.proxy.pause()
      // Where the timeouts come sooner than 256 clients have given up, the connection ends of them, and it begins anew.
      yield* Effect.repeat(giveUp, { until: (is) => is }).pipe(Effect.ensuring(Effect.orDie(running.proxy.heal)))
      assert.isAbove(total(yield* scrape, "cassandra_client_requests_cancelled_total"), 100)
      yield* until(isWell)
    })
  )

  it.effect("shows too much: what is in flight, what waits, what is refused", () =>
    Effect.gen(function* () {
      const { client, running } = yield* TheStory
      const id = yield* client.create
      const scrapes: Array<Scrape> = []
      const peak = (name: string, labels?: Labels) => Math.max(0, ...scrapes.map((now) => total(now, name, labels)))
      const wave = Effect.gen(function* () {
        yield* running.proxy.pause()
        const looking = yield* Effect.fork(Effect.forever(Effect.map(scrape, (now) => scrapes.push(now))))
        const answers = yield* together(200, client.get(id))
        assert.deepStrictEqual([...new Set(answers)], [503])
        yield* Fiber.interrupt(looking)
        yield* running.proxy.heal
        return yield* until(isWell)
      })
      // It passes quickly: whoever looks may come too late.
      const after = yield* Effect.repeat(wave, {
        until: () => peak("cassandra_client_requests_active") === 64 && peak("cassandra_client_requests_queued") === 64
      })
      assert.isAtLeast(peak("cassandra_client_host_requests_active"), 64)
      assert.isAtLeast(peak("db_client_connection_count", { db_client_connection_state: "used" }), 1)
      const refused = total(after, "cassandra_client_requests_throttled_total")
      assert.isAtLeast(refused, 200 - 64 - 64)
      assert.strictEqual(total(after, `${duration}_count`, { error_type: "RequestThrottledError" }), refused)
    })
  )

  it.effect("shows a server that is gone, and one that is there again", () =>
    Effect.gen(function* () {
      const { client, running } = yield* TheStory
      yield* running.proxy.refuse
      yield* running.proxy.reset
      yield* until(
        (now) =>
          total(now, "cassandra_client_host_state", { cassandra_host_state: "down" }) === 1 &&
          total(now, "cassandra_client_host_state", { cassandra_host_state: "up" }) === 0 &&
          total(now, "cassandra_client_clusters_controlled") === 0 &&
          total(now, "db_client_connection_count") === 0
      )
      assert.strictEqual(yield* client.status("/users"), 503)
      assert.isAbove(total(yield* scrape, `${duration}_count`, { error_type: "NoHostAvailableError" }), 0)

      yield* running.proxy.heal
      const well = yield* until(isWell)
      for (const name of ["requests_active", "requests_queued", "host_requests_active", "host_orphans"]) {
        assert.strictEqual(total(well, `cassandra_client_${name}`), 0, name)
      }
      assert.strictEqual(yield* client.status("/users"), 200)
      assert.isAbove(total(well, "cassandra_client_prepared_statements"), 5)
      const labels = { network_protocol_version: "5", cassandra_compression: "lz4" }
      assert.strictEqual(total(well, "cassandra_client_clusters", labels), 1)
    })
  )

  it.effect("shows statements that the server had forgotten", () =>
    Effect.gen(function* () {
      const { client } = yield* TheStory
      const id = yield* client.create
      const keyspace = select(yield* scrape, `${duration}_count`, { db_operation_name: "INSERT" })[0]!.labels[
        "db_namespace"
      ]!
      const { grown, result } = yield* growth(
        Effect.gen(function* () {
          const cluster = yield* Cluster.make(optionsFor(yield* CassandraServer.CassandraServer))
          const session = yield* cluster.connect({ keyspace })
          yield* session.execute(Statement.make("ALTER TABLE users ADD note text"))
          return yield* client.get(id)
        }).pipe(Effect.scoped)
      )
      assert.strictEqual(result, 200)
      assert.isAtLeast(grown("cassandra_client_prepared_statements_reprepared_total"), 1)
    })
  )

  it.effect("has what the dashboard and the alerts ask for", () =>
    Effect.gen(function* () {
      const now = yield* scrape
      const asked = [...dashboardQueries(), ...alertQueries()].map(({ expr, ...query }) => ({
        ...query,
        ...askedBy(expr)
      }))
      assert.isAtLeast(asked.length, 40)
      for (const { groupedBy, selectors, shown, title } of asked) {
        assert.isNotEmpty(selectors, title)
        for (const selector of selectors) {
          const series = now.samples.filter((one) => isSelected(selector, one))
          assert.isNotEmpty(series, `${title}: ${JSON.stringify(selector)}`)
          for (const label of [...groupedBy, ...shown].filter((one) => !addedByPrometheus.has(one))) {
            assert.isTrue(
              series.some(({ labels }) => labels[label] !== undefined),
              `${title}: ${selector.name} by ${label}`
            )
          }
        }
      }
      // And nothing that is measured is left out of the dashboard.
      const onDashboard = new Set(
        dashboardQueries().flatMap(({ expr }) => askedBy(expr).selectors.map(({ name }) => name))
      )
      assert.deepStrictEqual(
        table.map(scrapedName).filter((name) => !onDashboard.has(name) && !onDashboard.has(`${name}_count`)),
        []
      )
    })
  )

  it.effect(
    "sends traces by OTLP: a span for each request and each page, with its attempts, below that of the HTTP request",
    () =>
      Effect.gen(function* () {
        const { client, collector, running } = yield* TheStory
        const users = yield* client.export
        // A cursor that no server gave.
        assert.strictEqual(yield* client.status("/users?cursor=AAAA"), 400)
        assert.strictEqual(yield* running.stop, 130)

        const { spans } = collector
        const above = (span: Collector.Span) => spans.find(({ spanId }) => spanId === span.parentSpanId)
        const ofClient = spans.filter(({ attributes }) => attributes["db.system.name"] === "cassandra")
        const reads = ofClient.filter(({ name }) => name === "SELECT users")
        const read = reads.find(({ attributes }) => String(attributes["db.query.text"]).endsWith("WHERE id = ?"))!
        assert.strictEqual(read.kind, 3)
        assert.deepInclude(read.attributes, {
          "db.operation.name": "SELECT",
          "db.collection.name": "users",
          "db.query.text": 'SELECT "id", "name", "email" FROM users WHERE id = ?',
          "cassandra.consistency.level": "local_one",
          "cassandra.query.idempotent": true,
          "cassandra.coordinator.dc": (yield* CassandraServer.CassandraServer).localDataCenter,
          "server.address": running.proxy.host,
          "server.port": String(running.proxy.port)
        })
        assert.match(String(read.attributes["db.namespace"]), /^example_/)
        assert.strictEqual(above(read)?.kind, 2)
        assert.strictEqual(above(read)?.traceId, read.traceId)

        const retried = reads.find((span) => attemptsOf(span).length > 1)!
        assert.deepStrictEqual(
          attemptsOf(retried).map(({ attributes }) => attributes["cassandra.attempt.number"]),
          attemptsOf(retried).map((_, i) => i + 1)
        )
        assert.strictEqual(attemptsOf(retried)[0]!.attributes["error.type"], "OperationTimedOutError")
        const failed = reads.find(({ attributes }) => attributes["error.type"] === "OperationTimedOutError")!
        assert.strictEqual(failed.status.code, 2)
        const refused = reads.find(({ attributes }) => attributes["db.response.status_code"] !== undefined)!
        assert.deepInclude(refused.attributes, { "error.type": "ProtocolError", "db.response.status_code": "10" })

        // Pages are spans below that of the HTTP request.
        const exports = spans.filter(({ attributes }) => attributes["url.path"] === "/users.ndjson")
        const pages = ofClient.filter(({ parentSpanId }) => parentSpanId === exports.at(-1)?.spanId)
        assert.isAtLeast(pages.length, Math.ceil(users / 100))
        assert.strictEqual(
          pages.reduce((rows, { attributes }) => rows + Number(attributes["db.response.returned_rows"]), 0),
          users
        )
        assert.notInclude(JSON.stringify(ofClient), "@example.org")
      })
  )

  it.effect("sends the metrics of the guide by OTLP, with kind, unit and description", () =>
    Effect.gen(function* () {
      const { metrics } = (yield* TheStory).collector
      for (const { kind, name, unit, what } of table) {
        const metric = metrics.get(name)
        assert.deepInclude(metric, { unit, description: what }, name)
        const points = kind === "counter" ? metric?.sum : kind === "gauge" ? metric?.gauge : metric?.histogram
        assert.isNotEmpty(points?.dataPoints, name)
        if (kind === "counter") assert.isTrue(points?.isMonotonic, name)
      }
    })
  )
})
