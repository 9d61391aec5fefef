/**
 * Where the timestamps of writes come from. Cassandra keeps the value with the highest timestamp: generators decide which of
 * two writes wins.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Argument from "./internal/options/arguments.ts"
import { namesOf } from "./internal/options/optionNames.ts"
import { millis } from "./internal/options/checks.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/TimestampGenerator"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/TimestampGenerator"

/**
 * A source of timestamps. It is asked once for each request that has none of its own.
 *
 * @since 0.1.0
 * @category models
 */
export interface TimestampGenerator {
  readonly [TypeId]: TypeId
  /**
   * The next timestamp, in microseconds since 1970; `undefined` leaves it to the server. `warn` logs a warning with the
   * logger of the cluster that asks.
   */
  readonly next: (warn: (message: string) => void) => bigint | undefined
}

/**
 * A generator of your own. The function runs for every request, so it has to be quick; when it throws, the request fails
 * with a `QueryError` and is not sent.
 *
 * @example
 * ```ts
 * import { Cluster, TimestampGenerator } from "effect-cassandra"
 *
 * let logical = 0n
 * const CassandraLive = Cluster.layer({ timestampGenerator: TimestampGenerator.make(() => ++logical) })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (next: (warn: (message: string) => void) => bigint | undefined): TimestampGenerator => ({
  [TypeId]: TypeId,
  next: Argument.aFunction("TimestampGenerator.make", next)
})

/**
 * When a monotonic generator warns.
 *
 * @since 0.1.0
 * @category models
 */
export interface MonotonicOptions {
  /** How far timestamps may be ahead of the clock before there is a warning. Default 1 second. */
  readonly warnAfter?: Duration.DurationInput | undefined
  /** The least time between two warnings. Default 1 second. */
  readonly warnEvery?: Duration.DurationInput | undefined
}

const monotonicName = "TimestampGenerator.monotonic"
const monotonicNames = namesOf<MonotonicOptions>({ warnAfter: true, warnEvery: true })

/**
 * Microseconds of the clock, each higher than the one before: when the clock stands still or goes back, it counts on. It
 * warns when it is ahead of the clock by more than a second.
 *
 * Each call makes a generator with a memory of its own. A cluster has one for all its sessions; give the same one to several
 * clusters if their writes must be in order among each other.
 *
 * @example
 * ```ts
 * import { Cluster, TimestampGenerator } from "effect-cassandra"
 *
 * const timestampGenerator = TimestampGenerator.monotonic({ warnAfter: "5 seconds" })
 * const Orders = Cluster.layer({ contactPoints: ["10.0.0.1"], timestampGenerator })
 * const Audit = Cluster.layer({ contactPoints: ["10.1.0.1"], timestampGenerator })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const monotonic = (options: MonotonicOptions = {}): TimestampGenerator => {
  const { warnAfter: after = "1 second", warnEvery: every = "1 second" } = Argument.options(
    monotonicName,
    options,
    monotonicNames
  )
  const warnAfter = millis(`${monotonicName}.warnAfter`, after)
  const warnEvery = millis(`${monotonicName}.warnEvery`, every)
  // Numbers hold microseconds until the year 2255, and are cheaper than bigints.
  let last = 0
  let warnedAt = -Infinity
  return make((warn) => {
    const now = Date.now()
    last = Math.max(now * 1000, last + 1)
    const ahead = last / 1000 - now
    if (ahead > warnAfter) {
      // By another clock than the one that went back.
      const at = performance.now()
      if (at - warnedAt >= warnEvery) {
        warnedAt = at
        warn(`Timestamps of writes are ${Math.round(ahead)} ms ahead of the clock, which was probably set back`)
      }
    }
    return BigInt(last)
  })
}

/**
 * The clock as it is. When it is set back, or for two writes within a millisecond, a later write may lose against an earlier
 * one: use it only where losing writes is acceptable.
 *
 * @since 0.1.0
 * @category constructors
 */
export const wallClock: TimestampGenerator = make(() => BigInt(Date.now()) * 1000n)

/**
 * No timestamps from this client: the coordinator of each write sets them, by its own clock.
 *
 * @since 0.1.0
 * @category constructors
 */
export const serverSide: TimestampGenerator = make(() => undefined)
