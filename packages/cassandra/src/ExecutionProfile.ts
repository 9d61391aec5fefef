/**
 * Options under a name, for statements that share a purpose: `"olap"` with long timeouts, `"cart"` with `LOCAL_QUORUM`.
 *
 * Each option is looked up in the statement, then in the local context (`Session.withDefaults`), then in the profile,
 * then in the session, then in the cluster.
 *
 * A profile called `"default"` changes the cluster's own options: what it sets is used in their place.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Consistency, SerialConsistency } from "./Consistency.ts"
import type { LoadBalancing } from "./LoadBalancing.ts"
import type { RetryPolicy } from "./RetryPolicy.ts"
import type { SpeculativeExecution } from "./SpeculativeExecution.ts"
import * as Argument from "./internal/options/arguments.ts"

/**
 * The options a request takes from wherever they are set.
 *
 * @since 0.1.0
 * @category models
 */
export interface RequestOptions {
  /** Replicas that must answer. Default `LOCAL_ONE`. */
  readonly consistency?: Consistency | undefined
  /** Consistency of the Paxos phase of conditional writes. Default: the server's, `SERIAL`. */
  readonly serialConsistency?: SerialConsistency | undefined
  /** Rows a page. Default 5,000. */
  readonly pageSize?: number | undefined
  /** How long to wait for the answer to one attempt. Default 10 seconds; `Duration.infinity` for no limit. */
  readonly timeout?: Duration.DurationInput | undefined
  /** How long the whole request may take, waiting for admission and retries included. Default: no limit. */
  readonly deadline?: Duration.DurationInput | undefined
  /** What to do when an attempt fails. Default `RetryPolicy.standard`. */
  readonly retryPolicy?: RetryPolicy | undefined
  /** Pages that a stream fetches ahead of its consumer. Default 1; 0 fetches on demand. */
  readonly prefetch?: number | undefined
  /** Which nodes to send it to, and in which order. Default `LoadBalancing.standard`. */
  readonly loadBalancing?: LoadBalancing | undefined
  /** Whether to ask a second node when the first is slow, if the request is idempotent. Default `SpeculativeExecution.none`. */
  readonly speculativeExecution?: SpeculativeExecution | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ExecutionProfile extends RequestOptions {}

/**
 * A profile.
 *
 * @example
 * ```ts
 * import { Cluster, ExecutionProfile } from "effect-cassandra"
 *
 * const cart = ExecutionProfile.make({ consistency: "LOCAL_QUORUM", timeout: "2 seconds" })
 * const CassandraLive = Cluster.layer({
 *   contactPoints: ["127.0.0.1"],
 *   profiles: { cart, report: ExecutionProfile.derive(cart, { timeout: "1 minute" }) }
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: RequestOptions): ExecutionProfile => ({
  ...Argument.record("ExecutionProfile.make", options)
})

/**
 * A copy of a profile with some options changed.
 *
 * @since 0.1.0
 * @category combinators
 */
export const derive = (self: ExecutionProfile, changes: RequestOptions): ExecutionProfile => ({
  ...Argument.record("ExecutionProfile.derive", self),
  ...Argument.record("ExecutionProfile.derive", changes)
})
