/**
 * Asking a second node when the first one takes long: the first answer counts, and the others are dropped.
 *
 * Only requests that are idempotent are ever sent twice: a SELECT, or what is marked `Statement.idempotent`; a conditional write
 * (`IF …`) never is, since the second would be refused because of the first. It makes slow answers rarer at the price of more load, so the delay should be longer than most answers take.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Argument from "./internal/options/arguments.ts"

/**
 * When the next execution of a request starts.
 *
 * @since 0.1.0
 * @category models
 */
export type SpeculativeExecution =
  | { readonly _tag: "None" }
  | { readonly _tag: "Constant"; readonly delay: Duration.DurationInput; readonly maxExecutions: number }
  | { readonly _tag: "Custom"; readonly next: (started: number) => Duration.DurationInput | undefined }

/**
 * A request is sent to one node at a time. This is the default.
 *
 * @since 0.1.0
 * @category constructors
 */
export const none: SpeculativeExecution = { _tag: "None" }

/**
 * Another execution after each `delay` without an answer, on the next node of the plan, until there are `maxExecutions`, the
 * first one included. Default of `maxExecutions`: 2.
 *
 * @example
 * ```ts
 * import { Cluster, ExecutionProfile, SpeculativeExecution } from "effect-cassandra"
 *
 * const CassandraLive = Cluster.layer({
 *   contactPoints: ["127.0.0.1"],
 *   profiles: {
 *     cart: ExecutionProfile.make({
 *       speculativeExecution: SpeculativeExecution.constant({ delay: "30 millis", maxExecutions: 3 })
 *     })
 *   }
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const constant = (options: {
  readonly delay: Duration.DurationInput
  readonly maxExecutions?: number | undefined
}): SpeculativeExecution => {
  const { maxExecutions = 2, ...rest } = Argument.record("SpeculativeExecution.constant", options)
  return { ...rest, _tag: "Constant", maxExecutions }
}

/**
 * Delays of your own. `next` is given how many executions have started (1 at first), and tells how long after the latest of
 * them the next one starts; undefined for no more. What it throws fails the request with a `QueryError`.
 *
 * @example
 * ```ts
 * import { SpeculativeExecution } from "effect-cassandra"
 *
 * // Soon once, and later once more.
 * const twice = SpeculativeExecution.custom((started) => (started === 1 ? "20 millis" : started === 2 ? "1 second" : undefined))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const custom = (next: (started: number) => Duration.DurationInput | undefined): SpeculativeExecution => ({
  _tag: "Custom",
  next
})
