/** Durations of operations: one series for each operation, outcome, execution profile and keyspace. */
import type * as MetricHook from "effect/MetricHook"
import { bounds, histogramOf, type Labels, labelsOf } from "./metrics.ts"
import type { Operation } from "./operations.ts"

/**
 * One series. It counts for itself beside what it gives the registry, because a series of the registry is shared by all
 * clusters of the process that have the same labels.
 */
export class Series {
  readonly operation: Operation
  readonly profile: string
  readonly namespace: string | undefined
  /** The error; undefined for success. */
  readonly error: string | undefined
  readonly #hook: MetricHook.MetricHook.Histogram
  readonly #buckets = new Float64Array(bounds.length + 1)
  count = 0
  seconds = 0
  longest = 0

  constructor(
    operation: Operation,
    profile: string,
    namespace: string | undefined,
    error: string | undefined,
    labels: Labels
  ) {
    this.operation = operation
    this.profile = profile
    this.namespace = namespace
    this.error = error
    this.#hook = histogramOf([
      ...labels,
      ...labelsOf({
        "db.namespace": namespace,
        "db.operation.name": operation.name,
        "cassandra.operation.kind": operation.kind,
        "cassandra.profile": profile,
        "error.type": error
      })
    ])
  }

  add(seconds: number): void {
    this.#hook.update(seconds)
    let bucket = 0
    while (bucket < bounds.length && seconds > bounds[bucket]!) bucket++
    this.#buckets[bucket]!++
    this.count++
    this.seconds += seconds
    if (seconds > this.longest) this.longest = seconds
  }

  /** Seconds that a share of the operations took at most, as exact as the buckets are. */
  percentile(share: number): number {
    let left = share * this.count
    for (const [i, n] of this.#buckets.entries()) {
      if (n > 0 && left <= n) {
        const from = bounds[i - 1] ?? 0
        const to = Math.min(bounds[i] ?? this.longest, this.longest)
        return Math.max(from, Math.min(from + (to - from) * (left / n), this.longest))
      }
      left -= n
    }
    return this.longest
  }
}

/** The series of a session's keyspace and a profile. */
export class ProfileSeries {
  readonly #labels: Labels
  readonly #namespace: string | undefined
  readonly #profile: string
  readonly #succeeded: Array<Series | undefined> = []
  readonly #failed = new Map<string, Series>()

  constructor(namespace: string | undefined, profile: string, labels: Labels) {
    this.#namespace = namespace
    this.#profile = profile
    this.#labels = labels
  }

  succeeded(operation: Operation): Series {
    return (this.#succeeded[operation.index] ??= this.#make(operation, undefined))
  }

  failed(operation: Operation, error: string): Series {
    const key = `${operation.name} ${error}`
    let series = this.#failed.get(key)
    if (series === undefined) this.#failed.set(key, (series = this.#make(operation, error)))
    return series
  }

  #make(operation: Operation, error: string | undefined): Series {
    return new Series(operation, this.#profile, this.#namespace, error, this.#labels)
  }

  all(): ReadonlyArray<Series> {
    return [...this.#succeeded.filter((series) => series !== undefined), ...this.#failed.values()]
  }
}
