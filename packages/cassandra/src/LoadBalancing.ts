/**
 * Which nodes a request is sent to, and in which order.
 *
 * A policy is plain data. It says how far each node is: `local` nodes serve the requests, `remote` ones when no local one can,
 * `ignored` ones never get a connection. And it says, for each request, which nodes to try one after the other.
 *
 * The policies of the cluster, of its profiles and of its open sessions decide together which nodes get connections: a node is
 * as near as it is to the nearest of them. A policy that only a statement or `Session.withDefaults` names chooses among those
 * nodes, and opens no connections of its own.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import type * as Predicate from "effect/Predicate"
import type { Consistency } from "./Consistency.ts"
import type { Host } from "./Host.ts"
import * as Argument from "./internal/options/arguments.ts"

/**
 * How far a node is: `local` nodes are used first, `remote` ones after them, and `ignored` ones not at all. It decides which
 * nodes get connections.
 *
 * @since 0.1.0
 * @category models
 */
export type HostDistance = "local" | "remote" | "ignored"

/**
 * @since 0.1.0
 * @category models
 */
export interface DcAwareOptions {
  /** The data centre to use. Default: the cluster's `localDataCenter`, or else that of the contact points. */
  readonly localDataCenter?: string | undefined
  /**
   * The data centres to fail over to, in this order. Their nodes are used only for requests that no local node can take.
   * Default: none, and a request fails with `NoHostAvailableError` when no local node is left.
   */
  readonly remoteDataCenters?: ReadonlyArray<string> | undefined
  /** The most nodes of each remote data centre to connect to. Default: all of them. */
  readonly hostsPerRemoteDataCenter?: number | undefined
  /**
   * Whether requests at `LOCAL_ONE`, `LOCAL_QUORUM` and `LOCAL_SERIAL` fail over as well. Default `true`.
   *
   * "Local" is then the data centre that serves the request: what was written at `LOCAL_QUORUM` in one data centre may not be
   * seen yet by a read at `LOCAL_QUORUM` in another, and `LOCAL_SERIAL` does not protect against conditional writes elsewhere.
   * With `false` such requests fail while the local data centre is away.
   */
  readonly failoverLocalConsistencies?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface DcAware extends DcAwareOptions {
  readonly _tag: "DcAware"
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TokenAware {
  readonly _tag: "TokenAware"
  readonly policy: LoadBalancing
}

/**
 * @since 0.1.0
 * @category models
 */
export interface AllowList {
  readonly _tag: "AllowList"
  readonly policy: LoadBalancing
  readonly allows: Predicate.Predicate<Host>
}

/**
 * What a policy of one's own is asked about a request.
 *
 * @since 0.1.0
 * @category models
 */
export interface RoutingRequest {
  /** The keyspace of the table, as far as it is known. */
  readonly keyspace: string | undefined
  /** The partition key as it is serialized; undefined when the statement does not bind all of it. */
  readonly routingKey: Uint8Array | undefined
  /** The nodes that have the partition, in the order of the ring; none when that cannot be told. */
  readonly replicas: ReadonlyArray<Host>
  /** Every node that the policy does not ignore. */
  readonly hosts: ReadonlyArray<Host>
  readonly consistency: Consistency | undefined
  /** One more than in the request before: for taking turns. */
  readonly turn: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Custom {
  readonly _tag: "Custom"
  readonly distance: (host: Host) => HostDistance
  readonly plan: (request: RoutingRequest) => ReadonlyArray<Host>
}

/**
 * A policy.
 *
 * @since 0.1.0
 * @category models
 */
export type LoadBalancing = DcAware | TokenAware | AllowList | Custom

/**
 * The nodes of one data centre in turns, and after them those of the data centres named to fail over to.
 *
 * By itself it does not know who has the data: wrap it in `tokenAware`, or use `standardWith`, which does.
 *
 * @example
 * ```ts
 * import { Cluster, LoadBalancing } from "effect-cassandra"
 *
 * const CassandraLive = Cluster.layer({
 *   contactPoints: ["10.0.0.1"],
 *   loadBalancing: LoadBalancing.tokenAware(
 *     LoadBalancing.dcAware({ localDataCenter: "dc1", remoteDataCenters: ["dc2", "dc3"], hostsPerRemoteDataCenter: 2 })
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const dcAware = (options: DcAwareOptions = {}): LoadBalancing => ({
  ...Argument.record("LoadBalancing.dcAware", options),
  _tag: "DcAware"
})

/**
 * Tries the local replicas of the request's partition first, in turns, and then goes on as the other policy says. Requests
 * whose partition key is not bound go where the other policy says.
 *
 * @since 0.1.0
 * @category constructors
 */
export const tokenAware = (policy: LoadBalancing): LoadBalancing => ({ _tag: "TokenAware", policy })

/**
 * Only the nodes that are allowed: by address (`10.0.0.1` or `10.0.0.1:9042`) or by a predicate. All others are ignored. The
 * predicate is asked again when nodes come or go.
 *
 * @example
 * ```ts
 * import { Cluster, LoadBalancing } from "effect-cassandra"
 *
 * const oneRack = LoadBalancing.allowList(LoadBalancing.standard, (host) => host.rack === "rack1")
 * const CassandraLive = Cluster.layer({ contactPoints: ["10.0.0.1"], loadBalancing: oneRack })
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const allowList: {
  (allowed: ReadonlyArray<string> | Predicate.Predicate<Host>): (policy: LoadBalancing) => LoadBalancing
  (policy: LoadBalancing, allowed: ReadonlyArray<string> | Predicate.Predicate<Host>): LoadBalancing
} = dual(2, (policy: LoadBalancing, allowed: ReadonlyArray<string> | Predicate.Predicate<Host>): LoadBalancing => ({
  _tag: "AllowList",
  policy,
  allows: typeof allowed === "function" ? allowed : isOneOf(new Set(Argument.array("LoadBalancing.allowList", allowed)))
}))

const isOneOf =
  (addresses: ReadonlySet<string>): Predicate.Predicate<Host> =>
  ({ address }) =>
    addresses.has(address) || addresses.has(address.slice(0, address.lastIndexOf(":")))

/**
 * A policy of your own. `distance` is asked once for each node, and again when nodes come or go; `plan` is asked for each
 * request, and gives the nodes to try, the first one first. Nodes that the cluster does not have, or that are ignored, are
 * passed over.
 *
 * Both are called on the way of every request: they must be quick. What `plan` throws fails the request with a `QueryError`;
 * what `distance` throws fails connecting with a `ConfigurationError`, and later makes a new node `ignored`.
 *
 * @example
 * ```ts
 * import { LoadBalancing } from "effect-cassandra"
 *
 * // Replicas of one rack first.
 * const sameRack = LoadBalancing.custom({
 *   distance: (host) => (host.rack === "rack1" ? "local" : "remote"),
 *   plan: ({ hosts, replicas }) => [
 *     ...replicas.filter((host) => host.rack === "rack1"),
 *     ...hosts.filter((host) => host.rack === "rack1"),
 *     ...hosts
 *   ]
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const custom = (policy: Omit<Custom, "_tag">): LoadBalancing => {
  const { distance, plan } = Argument.record("LoadBalancing.custom", policy)
  return { _tag: "Custom", distance, plan }
}

/**
 * The policy used when none is named, with other data centres: `tokenAware(dcAware(options))`.
 *
 * @example
 * ```ts
 * import { Cluster, LoadBalancing } from "effect-cassandra"
 *
 * const CassandraLive = Cluster.layer({
 *   contactPoints: ["10.0.0.1"],
 *   localDataCenter: "dc1",
 *   loadBalancing: LoadBalancing.standardWith({ remoteDataCenters: ["dc2"] })
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const standardWith = (options: DcAwareOptions): LoadBalancing => tokenAware(dcAware(options))

/**
 * The policy used when none is named: the replicas in the local data centre first, then its other nodes, and no others.
 *
 * @since 0.1.0
 * @category constructors
 */
export const standard: LoadBalancing = standardWith({})
