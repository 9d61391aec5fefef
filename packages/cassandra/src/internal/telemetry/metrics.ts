/** The metrics, and how their values get into Effect's registry. */
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import type * as MetricHook from "effect/MetricHook"
import * as MetricKey from "effect/MetricKey"
import * as MetricLabel from "effect/MetricLabel"

export type Counter = MetricKey.MetricKey.Counter<number>
export type Gauge = MetricKey.MetricKey.Gauge<number>
export type Labels = ReadonlyArray<MetricLabel.MetricLabel>

/** Seconds. Those that OpenTelemetry advises, and finer ones below and between: Cassandra answers within a millisecond. */
export const bounds = [0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] as const

/** Where exporters look for the unit. */
const measured = <K extends MetricKey.MetricKey.Untyped>(key: K, unit: string): K =>
  MetricKey.taggedWithLabels(key, labelsOf({ "db.system.name": "cassandra", unit })) as K

const counter = (name: string, unit: string, description: string): Counter =>
  measured(MetricKey.counter(name, { description, incremental: true }), unit)

const gauge = (name: string, unit: string, description: string): Gauge =>
  measured(MetricKey.gauge(name, { description }), unit)

/** By name and value; what is undefined is left out. */
export const labelsOf = (labels: Readonly<Record<string, string | undefined>>): Labels =>
  Object.entries(labels).flatMap(([key, value]) => (value === undefined ? [] : [MetricLabel.make(key, value)]))

export const operationDuration: MetricKey.MetricKey.Histogram = measured(
  MetricKey.histogram(
    "db.client.operation.duration",
    MetricBoundaries.fromIterable(bounds),
    "Duration of operations, retries and waiting included"
  ),
  "s"
)

export const counters = {
  attempts: counter("cassandra.client.attempts", "{attempt}", "Requests sent, the first of each operation and retries"),
  retries: counter("cassandra.client.retries", "{retry}", "Retries, by the error that led to them"),
  speculative: counter("cassandra.client.speculative_executions", "{execution}", "Speculative executions started"),
  throttled: counter("cassandra.client.requests.throttled", "{request}", "Requests refused because too many waited"),
  cancelled: counter("cassandra.client.requests.cancelled", "{request}", "Requests given up before their answer"),
  hostErrors: counter("cassandra.client.host.errors", "{error}", "Attempts that failed on a host, by error"),
  replaced: counter("cassandra.client.connections.replaced", "{connection}", "Connections with too many orphans"),
  preparedHits: counter("cassandra.client.prepared_statements.hits", "{request}", "Statements found prepared"),
  preparedMisses: counter("cassandra.client.prepared_statements.misses", "{request}", "Statements prepared first"),
  reprepared: counter("cassandra.client.prepared_statements.reprepared", "{statement}", "Prepared for a node again"),
  pages: counter("cassandra.client.stream.pages", "{page}", "Pages that streams fetched"),
  rows: counter("cassandra.client.stream.rows", "{row}", "Rows of the pages that streams fetched"),
  bytesRead: counter("cassandra.client.io.read", "By", "Read from sockets"),
  bytesWritten: counter("cassandra.client.io.written", "By", "Written to sockets"),
  uncompressed: counter("cassandra.client.compression.uncompressed", "By", "Compressed segments, before"),
  compressed: counter("cassandra.client.compression.compressed", "By", "Compressed segments, after")
} as const

export const gauges = {
  connections: gauge(
    "db.client.connection.count",
    "{connection}",
    "Connections to each host, by whether they are used"
  ),
  active: gauge("cassandra.client.requests.active", "{request}", "Requests in flight"),
  queued: gauge("cassandra.client.requests.queued", "{request}", "Requests that wait to be admitted"),
  hostActive: gauge("cassandra.client.host.requests.active", "{request}", "Requests in flight to each host"),
  orphans: gauge("cassandra.client.host.orphans", "{request}", "Requests given up that the host has not answered yet"),
  hostState: gauge("cassandra.client.host.state", "{host}", "Hosts by state: 1 for the state that a host is in"),
  breaker: gauge(
    "cassandra.client.host.breaker",
    "{host}",
    "Hosts by the state of their breaker: 1 for the one it is in"
  ),
  prepared: gauge("cassandra.client.prepared_statements", "{statement}", "Prepared statements that are remembered"),
  clusters: gauge("cassandra.client.clusters", "{cluster}", "Connected clusters, by protocol version and compression"),
  controlled: gauge("cassandra.client.clusters.controlled", "{cluster}", "Clusters that have a control connection")
} as const

export type CounterName = keyof typeof counters

/** What updates one series. Looked up in the registry, which hashes: kept by whoever needs it often. */
export const histogramOf = (labels: Labels): MetricHook.MetricHook.Histogram =>
  Metric.globalMetricRegistry.get(MetricKey.taggedWithLabels(operationDuration, labels))

export const counterOf = (key: Counter, labels: Labels): MetricHook.MetricHook.Counter<number> =>
  Metric.globalMetricRegistry.get(MetricKey.taggedWithLabels(key, labels))

export const gaugeOf = (key: Gauge, labels: Labels): MetricHook.MetricHook.Gauge<number> =>
  Metric.globalMetricRegistry.get(MetricKey.taggedWithLabels(key, labels))
