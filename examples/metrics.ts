/**
 * Metrics and traces by OpenTelemetry: what the client measures is scraped over HTTP in Prometheus' format, and sent to a collector
 * by OTLP, where every request is a span as well.
 *
 * Prints:
 *   db_client_operation_duration_count{…db_operation_name="INSERT"…} 100
 *   db_client_connection_count{…db_client_connection_state="idle"} …
 *   the collector has … metrics of the client, and 100 spans such as INSERT readings: local_one, 1 attempt
 */
import * as Otlp from "@effect/opentelemetry/Otlp"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpRouter from "@effect/platform/HttpRouter"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { CassandraMetrics, cql, Session } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Collector from "./support/collector.ts"
import { run } from "./support/main.ts"
import { Prometheus } from "./support/prometheus.ts"
import { SessionLive } from "./support/server.ts"

const serviceName = "readings"

/** `GET /metrics`, on a free port. */
const MetricsLive = Layer.unwrapEffect(
  Effect.map(Prometheus, ({ scrape }) => HttpServer.serve(HttpRouter.get(HttpRouter.empty, "/metrics", scrape)))
).pipe(
  Layer.provide(Prometheus.layer(serviceName)),
  // Its client knows where it listens.
  Layer.provideMerge(NodeHttpServer.layerTest)
)

const work = Effect.gen(function* () {
  const session = yield* Session.Session
  const write = (id: number) => session.execute(cql`INSERT INTO readings (id, celsius) VALUES (${id}, ${20.5})`)
  yield* session.execute(cql`CREATE TABLE readings (id int PRIMARY KEY, celsius double)`)
  yield* Effect.forEach(
    Array.from({ length: 100 }, (_, id) => id),
    write,
    { concurrency: 10, discard: true }
  )
})

const showScrape = Effect.gen(function* () {
  const response = yield* HttpClient.get("/metrics")
  const lines = (yield* response.text).split("\n")
  const show = (name: string, label: string) =>
    Console.log(lines.find((line) => line.startsWith(`${name}{`) && line.includes(label)))
  yield* show("db_client_operation_duration_count", 'db_operation_name="INSERT"')
  yield* show("db_client_connection_count", 'db_client_connection_state="idle"')
}).pipe(Effect.provide(MetricsLive))

const program = Effect.gen(function* () {
  // In production this is OpenTelemetry's collector, or whatever else takes OTLP over HTTP.
  const collector = yield* Collector.make
  const OtlpLive = Otlp.layerJson({ baseUrl: collector.url, resource: { serviceName } }).pipe(
    Layer.provide(FetchHttpClient.layer)
  )
  yield* Effect.zipRight(work, showScrape).pipe(Effect.provide(OtlpLive))
  // All was sent when the layer was closed.
  const measured = CassandraMetrics.names.filter((name) => collector.metrics.has(name))
  const written = collector.spans.filter(({ name }) => name === "INSERT readings")
  const { attributes, events } = written[0]!
  yield* Console.log(
    `the collector has ${measured.length} metrics of the client, and ${written.length} spans such as INSERT readings: ${attributes["cassandra.consistency.level"]}, ${events.length} attempt`
  )
}).pipe(Effect.scoped)

run(program.pipe(Effect.provide(SessionLive)))
