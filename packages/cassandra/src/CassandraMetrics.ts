/**
 * What a cluster does, in numbers. They are always measured, and are in Effect's registry of metrics, so that whatever exports
 * that, such as `@effect/opentelemetry`, exports them; here they can be read in process.
 *
 * Names and units are those of OpenTelemetry's conventions for databases where there are any, and `cassandra.client.*`
 * elsewhere; all are in the guide to observability. Those that change with every request are counted as it happens; what is
 * read from elsewhere, all gauges and the counters of bytes, pages and prepared statements, is brought up to date every
 * `metrics.interval` of the cluster, and by everything that reads here.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Option from "effect/Option"
import { Cluster } from "./Cluster.ts"
import {
  counters,
  gauges,
  operationDuration as durationKey,
  refresh as refreshAll,
  statementOf,
  telemetryOf
} from "./internal/telemetry/index.ts"
import { Argument, integer, namesOf, oneOf } from "./internal/options/index.ts"

/**
 * How a cluster measures.
 *
 * @since 0.1.0
 * @category models
 */
export interface MetricsOptions {
  /** How often gauges are read, and sinks get a snapshot. Default 5 seconds; at least 10 ms. */
  readonly interval?: Duration.DurationInput | undefined
  /** Labels for every metric of the cluster, to tell it from others of the program. Default: none. */
  readonly tags?: Readonly<Record<string, string>> | undefined
  /** Statements that the query table remembers; the half that took the least time makes room for more. Default 1,000. */
  readonly maxStatements?: number | undefined
  /** Who else is told. Default: nobody. */
  readonly sinks?: ReadonlyArray<MetricsSink> | undefined
}

/**
 * Somebody who is told of what is measured, for what cannot read Effect's metrics. Both functions are called where the request
 * is answered and may take no time; one that throws is not told again, and a warning is logged.
 *
 * @since 0.1.0
 * @category models
 */
export interface MetricsSink {
  /** Told of every operation when it has ended. */
  readonly onOperation?: ((operation: OperationRecord) => void) | undefined
  /** Told every `interval`. */
  readonly onSnapshot?: ((snapshot: Snapshot) => void) | undefined
}

/**
 * An operation that has ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationRecord {
  /** `SELECT`, `INSERT`, …, `BATCH` or `PREPARE`. */
  readonly operation: string
  readonly kind: "read" | "write" | "batch" | "prepare" | "schema" | "other"
  /** The text without values. */
  readonly query: string
  /** The name of the execution profile; `custom` for one without a name. */
  readonly profile: string
  /** The session's. */
  readonly keyspace: string | undefined
  /** The tag of the error; `Interrupted` when nobody waited any more; undefined for success. */
  readonly error: string | undefined
  /** How long it took, waiting and retries included. */
  readonly seconds: number
}

/**
 * The operations of one kind with the same profile, keyspace and outcome. Times are in seconds; the percentiles are as exact as
 * the buckets of the histogram.
 *
 * @since 0.1.0
 * @category models
 */
export interface OperationReading {
  readonly operation: string
  readonly kind: OperationRecord["kind"]
  readonly profile: string
  readonly keyspace: string | undefined
  /** The tag of the error; `Interrupted`; undefined for success. */
  readonly error: string | undefined
  readonly count: number
  /** The sum. */
  readonly seconds: number
  readonly longest: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface HostReading {
  /** `address:port` */
  readonly address: string
  readonly dataCenter: string
  readonly state: "up" | "down"
  readonly connections: number
  readonly inFlight: number
  /** Requests that were given up and that the host has not answered yet. */
  readonly orphans: number
  /** Not closed: it has stopped answering, and is tried last. */
  readonly breaker: "closed" | "open" | "half-open"
  /** Attempts that failed on it, by the tag of the error. */
  readonly errors: Readonly<Record<string, number>>
}

/**
 * A cluster at one moment, since it was connected.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  /** The version of the native protocol in use; 0 once the cluster is closed. */
  readonly protocolVersion: number
  /** Whether there is a control connection: without one, nothing is heard of changes to nodes and schema. */
  readonly isControlled: boolean
  readonly operations: ReadonlyArray<OperationReading>
  readonly requests: {
    /** Requests sent: the first attempt of each operation, and retries. */
    readonly attempts: number
    /** By the tag of the error that led to them. */
    readonly retries: Readonly<Record<string, number>>
    readonly speculativeExecutions: number
    /** In flight now. */
    readonly active: number
    /** Waiting to be admitted now. */
    readonly queued: number
    /** Refused because too many waited. */
    readonly throttled: number
    /** Given up before their answer came. */
    readonly cancelled: number
  }
  readonly hosts: ReadonlyArray<HostReading>
  readonly preparedStatements: {
    /** Remembered now. */
    readonly count: number
    readonly hits: number
    readonly misses: number
    /** Prepared again because a node had forgotten them, or their types had changed. */
    readonly reprepared: number
  }
  /** What streams have fetched. */
  readonly streams: {
    readonly pages: number
    readonly rows: number
  }
  readonly io: {
    readonly bytesRead: number
    readonly bytesWritten: number
    readonly compression: "lz4" | "none"
    /** How many times smaller compression makes what it compresses; none when nothing was compressed. */
    readonly compressionRatio: Option.Option<number>
    /** Connections replaced because too many requests were given up on them. */
    readonly connectionsReplaced: number
  }
}

/**
 * What a statement has cost. Times are in seconds.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatementReading {
  /** The text without values; a batch has the text of its first statement. */
  readonly query: string
  readonly operation: string
  /** The table, where the text says it plainly. */
  readonly table: string | undefined
  readonly count: number
  readonly errors: number
  /** The sum. */
  readonly seconds: number
  readonly mean: number
  readonly longest: number
}

/**
 * The metrics of the cluster, now, as plain values.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import { CassandraMetrics } from "effect-cassandra"
 *
 * const report = Effect.gen(function* () {
 *   const { operations, requests } = yield* CassandraMetrics.snapshot
 *   for (const { count, error, operation, p99 } of operations) {
 *     yield* Console.log(`${operation} ${error ?? "ok"}: ${count}, 99% within ${p99 * 1000} ms`)
 *   }
 *   yield* Console.log(`${requests.active} in flight, ${requests.queued} wait`)
 * })
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const snapshot: Effect.Effect<Snapshot, never, Cluster> = Effect.map(Cluster, (cluster) =>
  telemetryOf(cluster).snapshot()
)

/**
 * @since 0.1.0
 * @category models
 */
export interface TopStatementsOptions {
  /** What to order by: the time of all executions, their number, those that failed, or the longest. Default `seconds`. */
  readonly by?: "seconds" | "count" | "errors" | "longest" | "mean" | undefined
  /** How many. Default 10. */
  readonly limit?: number | undefined
}

const topStatementsNames = namesOf<TopStatementsOptions>({ by: true, limit: true })

/**
 * The statements that cost the most. They are told apart by their texts without values. What the table had no room for is one
 * statement, `(others)`.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { CassandraMetrics } from "effect-cassandra"
 *
 * const slowest = Effect.map(CassandraMetrics.topStatements({ by: "mean", limit: 3 }), (statements) =>
 *   statements.map(({ mean, query }) => `${query}: ${mean} s`)
 * )
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const topStatements = (
  options: TopStatementsOptions = {}
): Effect.Effect<ReadonlyArray<StatementReading>, never, Cluster> => {
  const { by = "seconds", limit = 10 } = Argument.options("CassandraMetrics.topStatements", options, topStatementsNames)
  oneOf("CassandraMetrics.topStatements", by, ["seconds", "count", "errors", "longest", "mean"])
  integer("CassandraMetrics.topStatements", limit, 0, Number.MAX_SAFE_INTEGER)
  return Effect.map(Cluster, (cluster) => {
    const { statements } = telemetryOf(cluster)
    return [...statements.all(), statements.dropped]
      .filter(({ count }) => count > 0)
      .map(statementOf)
      .toSorted((a, b) => b[by] - a[by])
      .slice(0, limit)
  })
}

/**
 * Brings the metrics of all clusters up to date in Effect's registry, for an exporter that is about to read it.
 *
 * @since 0.1.0
 * @category reading
 */
export const refresh: Effect.Effect<void> = Effect.sync(refreshAll)

/**
 * What a sink in memory has been told.
 *
 * @since 0.1.0
 * @category models
 */
export interface MemorySink extends MetricsSink {
  /** The last operations, oldest first. */
  readonly operations: ReadonlyArray<OperationRecord>
  /** The last snapshots, oldest first. */
  readonly snapshots: ReadonlyArray<Snapshot>
}

/**
 * A sink that remembers the last `capacity` operations and snapshots, 1,000 unless given. For tests.
 *
 * @example
 * ```ts
 * import { CassandraMetrics, Cluster } from "effect-cassandra"
 *
 * const sink = CassandraMetrics.memorySink()
 * const ClusterLive = Cluster.layer({ metrics: { sinks: [sink] } })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const memorySink = (capacity = 1000): MemorySink => {
  integer("CassandraMetrics.memorySink", capacity, 0, Number.MAX_SAFE_INTEGER)
  const operations: Array<OperationRecord> = []
  const snapshots: Array<Snapshot> = []
  const keep = <A>(all: Array<A>, one: A): void => {
    all.push(one)
    if (all.length > capacity) all.shift()
  }
  return {
    operations,
    snapshots,
    onOperation: (operation) => keep(operations, operation),
    onSnapshot: (reading) => keep(snapshots, reading)
  }
}

/**
 * Duration of operations in seconds, as a histogram, retries and waiting included; its count is the number of operations. By
 * `db.operation.name`, `cassandra.operation.kind`, `cassandra.profile`, `db.namespace` and, for those that failed, `error.type`.
 *
 * @since 0.1.0
 * @category metrics
 */
export const operationDuration: Metric.Metric.Histogram<number> = Metric.fromMetricKey(durationKey)

/**
 * The names of all metrics.
 *
 * @since 0.1.0
 * @category metrics
 */
export const names: ReadonlyArray<string> = [durationKey, ...Object.values(counters), ...Object.values(gauges)].map(
  ({ name }) => name
)
