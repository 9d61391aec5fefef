/** A reading as plain values. */
import * as Option from "effect/Option"
import type { OperationReading, Snapshot, StatementReading } from "../../CassandraMetrics.ts"
import type { ClusterTelemetry } from "./cluster.ts"
import type { Series } from "./series.ts"
import type { StatementUse } from "./statements.ts"

const operationOf = (series: Series): OperationReading => ({
  operation: series.operation.name,
  kind: series.operation.kind,
  profile: series.profile,
  keyspace: series.namespace,
  error: series.error,
  count: series.count,
  seconds: series.seconds,
  longest: series.longest,
  p50: series.percentile(0.5),
  p95: series.percentile(0.95),
  p99: series.percentile(0.99)
})

export const statementOf = ({
  count,
  errors,
  longest,
  operation,
  seconds,
  table,
  text
}: StatementUse): StatementReading => ({
  query: text,
  operation: operation.name,
  table,
  count,
  errors,
  seconds,
  mean: count === 0 ? 0 : seconds / count,
  longest
})

export const snapshotOf = (telemetry: ClusterTelemetry): Snapshot => {
  const { attempts, pages, rows, throttled, ...transport } = telemetry.totals()
  const engines = [...telemetry.engines]
  const of = (read: (engine: (typeof engines)[number]) => number) =>
    engines.reduce((total, engine) => total + read(engine), 0)
  return {
    protocolVersion: engines[0]?.transport.protocolVersion() ?? 0,
    isControlled: engines[0]?.view.isControlled === true,
    operations: telemetry.allSeries().map(operationOf),
    requests: {
      attempts,
      retries: telemetry.retries.all(),
      speculativeExecutions: transport.speculative,
      active: of(({ gate }) => gate.inFlight),
      queued: of(({ gate }) => gate.queued),
      throttled,
      cancelled: transport.cancelled
    },
    hosts: telemetry.hosts().map(({ isUp, ...host }) => ({
      ...host,
      state: isUp ? "up" : "down",
      errors: telemetry.hostErrors.get(host.address)?.all() ?? {}
    })),
    preparedStatements: {
      count: of((engine) => engine.transport.preparedStatements()),
      hits: transport.preparedHits,
      misses: transport.preparedMisses,
      reprepared: transport.reprepared
    },
    streams: { pages, rows },
    io: {
      bytesRead: transport.bytesRead,
      bytesWritten: transport.bytesWritten,
      compression: engines[0]?.transport.compression() ?? "none",
      compressionRatio:
        transport.compressed === 0 ? Option.none() : Option.some(transport.uncompressed / transport.compressed),
      connectionsReplaced: transport.replaced
    }
  }
}
