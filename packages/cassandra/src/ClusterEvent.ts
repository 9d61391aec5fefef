/**
 * What happens in a cluster: see `cluster.events`.
 *
 * @since 0.1.0
 */
import type * as Option from "effect/Option"
import type { Host } from "./Host.ts"

/**
 * A node came up: the client has connections to it again, or the servers say so of a node the client keeps none to.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostUp {
  readonly _tag: "HostUp"
  readonly host: Host
}

/**
 * A node went down: its connections broke and none can be made, or the servers say so of a node the client keeps none to.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostDown {
  readonly _tag: "HostDown"
  readonly host: Host
}

/**
 * A node joined the cluster. It is `DOWN` until a `HostUp` follows, which is when the client has connected to it.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostAdded {
  readonly _tag: "HostAdded"
  readonly host: Host
}

/**
 * A node is no member of the cluster any more.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostRemoved {
  readonly _tag: "HostRemoved"
  readonly host: Host
}

/**
 * A node has not answered several times in a row: from now on, requests try it last. See `BreakerOptions`.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostBreakerOpened {
  readonly _tag: "HostBreakerOpened"
  readonly host: Host
}

/**
 * A request is let through to a node whose breaker was open, to see how it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostBreakerHalfOpened {
  readonly _tag: "HostBreakerHalfOpened"
  readonly host: Host
}

/**
 * A node whose breaker was not closed has answered: it is used as before.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostBreakerClosed {
  readonly _tag: "HostBreakerClosed"
  readonly host: Host
}

/**
 * The schema was changed, by whomever. A view counts as a table, and an index as an update of its table.
 *
 * @since 0.1.0
 * @category models
 */
export interface SchemaChanged {
  readonly _tag: "SchemaChanged"
  readonly change: "created" | "updated" | "dropped"
  readonly target: "keyspace" | "table" | "type" | "function" | "aggregate"
  readonly keyspace: string
  /** The name of what changed; none when it is the keyspace itself. */
  readonly name: Option.Option<string>
  /** The types of the arguments of a function or aggregate. */
  readonly argumentTypes: ReadonlyArray<string>
}

/**
 * The connection that the servers' news come by broke, and there is a new one. Which nodes there are was asked again, so that
 * their events follow; what was changed in the schema meanwhile was not told.
 *
 * @since 0.1.0
 * @category models
 */
export interface Reconnected {
  readonly _tag: "Reconnected"
}

/**
 * This many events are missing here, because the subscriber was too slow for its buffer. Whoever follows the state of the
 * cluster by its events should ask for the state itself now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Dropped {
  readonly _tag: "Dropped"
  readonly count: number
}

/**
 * Any of them; `_tag` tells which.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { Cluster } from "effect-cassandra"
 *
 * const watch = Effect.gen(function* () {
 *   const cluster = yield* Cluster.Cluster
 *   yield* Stream.runForEach(cluster.events, (event) =>
 *     event._tag === "HostDown" || event._tag === "HostUp"
 *       ? Effect.logInfo(event._tag, event.host.address)
 *       : event._tag === "Dropped"
 *         ? Effect.logWarning(`${event.count} events were missed`)
 *         : Effect.void
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export type ClusterEvent =
  | HostUp
  | HostDown
  | HostAdded
  | HostRemoved
  | HostBreakerOpened
  | HostBreakerHalfOpened
  | HostBreakerClosed
  | SchemaChanged
  | Reconnected
  | Dropped

/**
 * @since 0.1.0
 * @category models
 */
export interface SubscribeOptions {
  /** Events that are kept for the subscriber while it is busy with others. Default 1,024. */
  readonly capacity?: number | undefined
}
