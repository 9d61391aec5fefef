/**
 * What a contender, in whatever language, hears and says: one line of JSON each time, on its standard input and output.
 *
 * Once started it connects, makes one query (the point read of user 0) and says `Ready`. Then it is sent a `Stretch` of work, does
 * it, and answers with a `Measurement` or a `Failure`, until its input ends. It gets the workload as its first argument (and its
 * style as the second), the cluster as `CASSANDRA_*`, and the statements as JSON in `BENCH_PLAN`.
 */
import type { Histogram } from "./histogram.ts"

export interface Stretch {
  readonly milliseconds: number
  /** Operations in flight at once, each worker beginning the next when its last one is done. */
  readonly concurrency: number
  /** Operations a second, each begun at its time whatever became of those before; there is no limit to those in flight then. */
  readonly rate?: number | undefined
}

export interface Ready {
  /** The version of the client. */
  readonly version: string
  /** What it runs on, and what of its options matters, for a person. */
  readonly runtime: string
  /** CPU time since the process began: user and system. */
  readonly cpuMicros: number
  /** In bytes, where the language has a heap that it can tell the size of. */
  readonly heap?: number
}

/** One measured stretch of work. */
export interface Measurement {
  readonly operations: number
  readonly milliseconds: number
  /** User and system time of the whole process: garbage collection, compilers and helper threads count. */
  readonly cpuMicros: number
  /** As in `Ready`. */
  readonly heap?: number
  /** JavaScript: the longest time between two beats of a heartbeat of 5 ms, how long everything else had to wait. */
  readonly largestGap?: number
  /** With a rate: from the moment an operation was to begin to its answer. When connecting: to the answer of the first query. */
  readonly latency?: Histogram
}

/** The stretch could not be done: why. The contender is ready for the next one. */
export interface Failure {
  readonly failure: string
}

export type Answer = Measurement | Failure
