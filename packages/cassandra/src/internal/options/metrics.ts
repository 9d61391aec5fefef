import type { ClusterOptions } from "../../ClusterOptions.ts"
import type { MetricsSink } from "../../CassandraMetrics.ts"
import { refuseUnknown } from "./optionNames.ts"
import { metricsOptions } from "./names.ts"
import { integer, longestTimer, millis, refuse } from "./checks.ts"

/** What is measured, with the defaults filled in. */
export interface ResolvedMetrics {
  /** Milliseconds. */
  readonly interval: number
  readonly tags: Readonly<Record<string, string>>
  readonly maxStatements: number
  readonly sinks: ReadonlyArray<MetricsSink>
}

export const resolveMetrics = (metrics: ClusterOptions["metrics"] = {}): ResolvedMetrics => {
  if (typeof metrics !== "object" || metrics === null) refuse("metrics", "must be an object")
  refuseUnknown("metrics", metrics, metricsOptions)
  const { interval = "5 seconds", maxStatements = 1000, sinks = [], tags = {} } = metrics
  for (const [name, value] of Object.entries(tags)) {
    if (typeof value !== "string") refuse(`metrics.tags.${name}`, "must be text")
  }
  if (!Array.isArray(sinks) || sinks.some((sink) => typeof sink !== "object" || sink === null)) {
    refuse("metrics.sinks", "must be sinks")
  }
  const every = millis("metrics.interval", interval)
  if (every < 10) refuse("metrics.interval", "must be at least 10 ms")
  return {
    interval: Math.min(every, longestTimer),
    tags,
    maxStatements: integer("metrics.maxStatements", maxStatements, 2, 1_000_000),
    sinks
  }
}

/** Milliseconds; longer than anything lasts where nothing is to be logged. */
export const resolveSlowQueryThreshold = (threshold: ClusterOptions["slowQueryThreshold"]): number =>
  threshold === undefined ? Infinity : millis("slowQueryThreshold", threshold)
