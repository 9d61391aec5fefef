/**
 * What to do when an attempt fails: one place decides.
 *
 * A policy is a pure `decide` and a `Schedule` for the delay. Below it nothing is sent again but
 * what was certainly never sent. Whatever a policy decides, a write that is not idempotent and may have been applied is not sent
 * again: mark the statement `Statement.idempotent` if sending it twice does no harm.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import type { CassandraError } from "./CassandraError.ts"
import type { Consistency } from "./Consistency.ts"
import * as Argument from "./internal/options/arguments.ts"
import { namesOf } from "./internal/options/optionNames.ts"
import { refuse } from "./internal/options/checks.ts"

/**
 * - `Rethrow`: the operation fails with the error.
 * - `Retry`: send it again, to the same host or to the next one of the query plan, with the same consistency unless
 *   another is named.
 * - `Ignore`: the operation succeeds with an empty result.
 *
 * @since 0.1.0
 * @category models
 */
export type RetryDecision =
  | { readonly _tag: "Rethrow" }
  | { readonly _tag: "Retry"; readonly host: "same" | "next"; readonly consistency?: Consistency | undefined }
  | { readonly _tag: "Ignore" }

/**
 * What a policy knows beside the error.
 *
 * @since 0.1.0
 * @category models
 */
export interface RetryContext {
  /** Retries made so far: 0 after the first attempt. */
  readonly retries: number
  /** Whether sending the request twice is harmless. Unset, a SELECT is and a write is not. */
  readonly idempotent: boolean
  /** The consistency of the failed attempt; undefined when the default applies. */
  readonly consistency: Consistency | undefined
  /** The CQL text, or `undefined` for a batch. */
  readonly query: string | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface RetryPolicy {
  readonly decide: (error: CassandraError, context: RetryContext) => RetryDecision
  /** The delay before each retry. When the schedule ends, so do the retries. */
  readonly schedule: Schedule.Schedule<unknown, CassandraError>
}

/**
 * @since 0.1.0
 * @category decisions
 */
export const rethrow: RetryDecision = { _tag: "Rethrow" }

/**
 * @since 0.1.0
 * @category decisions
 */
export const retrySameHost: RetryDecision = { _tag: "Retry", host: "same" }

/**
 * @since 0.1.0
 * @category decisions
 */
export const retryNextHost: RetryDecision = { _tag: "Retry", host: "next" }

/**
 * @since 0.1.0
 * @category decisions
 */
export const ignore: RetryDecision = { _tag: "Ignore" }

/**
 * 25 ms, doubled each time up to a second, with jitter so that clients do not come back in step.
 *
 * @since 0.1.0
 * @category schedules
 */
export const defaultSchedule: Schedule.Schedule<unknown, CassandraError> = Schedule.exponential("25 millis").pipe(
  Schedule.modifyDelay((_, delay) => Duration.min(delay, "1 second")),
  Schedule.jittered
)

const policyNames = namesOf<RetryPolicy>({ decide: true, schedule: true })
const standardNames = namesOf<Parameters<typeof standardWith>[0]>({ maxRetries: true, schedule: true })

/**
 * A policy of your own.
 *
 * @example
 * ```ts
 * import { RetryPolicy } from "effect-cassandra"
 *
 * // Never waits for a second answer from a slow coordinator.
 * const impatient = RetryPolicy.make({
 *   decide: (error, context) =>
 *     error._tag === "OperationTimedOutError" ? RetryPolicy.rethrow : RetryPolicy.standard.decide(error, context),
 *   schedule: RetryPolicy.defaultSchedule
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (policy: {
  readonly decide: (error: CassandraError, context: RetryContext) => RetryDecision
  readonly schedule?: Schedule.Schedule<unknown, CassandraError> | undefined
}): RetryPolicy => {
  const { decide, schedule = defaultSchedule } = Argument.options("RetryPolicy.make", policy, policyNames)
  return {
    decide: Argument.aFunction("RetryPolicy.make", decide),
    schedule: Argument.schedule("RetryPolicy.make", schedule)
  }
}

/**
 * The policy used when none is named, with its limit and delays changed.
 *
 * A read timeout is retried on the same host when enough replicas answered or the data was there; a write timeout only when
 * the statement is idempotent and the write was simple or a batch; an unavailable once on the next host and once more;
 * a lost connection, a client timeout and an overloaded or bootstrapping coordinator on the next host, when the request is
 * idempotent or was certainly not written. Everything else is rethrown, and so is anything after `maxRetries` (3).
 *
 * @since 0.1.0
 * @category constructors
 */
export const standardWith = (options: {
  readonly maxRetries?: number | undefined
  readonly schedule?: Schedule.Schedule<unknown, CassandraError> | undefined
}): RetryPolicy => {
  const { maxRetries = 3, schedule } = Argument.options("RetryPolicy.standardWith", options, standardNames)
  if (!(typeof maxRetries === "number" && maxRetries >= 0)) {
    refuse("RetryPolicy.standardWith", "maxRetries is a number that is not negative")
  }
  return make({
    schedule,
    decide: (error, context) => (context.retries >= maxRetries ? rethrow : standardDecision(error, context))
  })
}

const standardDecision = (error: CassandraError, context: RetryContext): RetryDecision => {
  switch (error._tag) {
    case "ReadTimeoutError":
      return error.received >= error.required || error.dataPresent ? retrySameHost : rethrow
    case "WriteTimeoutError":
      return context.idempotent &&
        (error.writeType === "SIMPLE" || error.writeType === "BATCH" || error.writeType === "UNLOGGED_BATCH")
        ? retrySameHost
        : rethrow
    case "UnavailableError":
      return context.retries === 0 ? retryNextHost : context.retries === 1 ? retrySameHost : rethrow
    case "ConnectionError":
    case "OperationTimedOutError":
    case "OverloadedError":
    case "BootstrappingError":
      return context.idempotent || error.writeState === "NotApplied" ? retryNextHost : rethrow
    default:
      return rethrow
  }
}

/**
 * The policy used when none is named: `standardWith({})`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const standard: RetryPolicy = standardWith({})

/**
 * Retries nothing.
 *
 * @since 0.1.0
 * @category constructors
 */
export const never: RetryPolicy = make({ decide: () => rethrow, schedule: Schedule.stop })
