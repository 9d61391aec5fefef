/**
 * Several Cassandra nodes on this machine, as one scoped layer, with the faults a test may want to inject.
 *
 * @since 0.1.0
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { CassandraServer } from "./CassandraServer.ts"
import type { FaultProxy } from "./FaultProxy.ts"
import * as ClusterStart from "./internal/clusterStart.ts"
import * as Defaults from "./internal/defaults.ts"
import * as Engine from "./internal/engine.ts"
import * as Membership from "./internal/membership.ts"
import type { NodeControl } from "./internal/nodeControl.ts"
import * as Topology from "./internal/topology.ts"
import type { NodeOptions } from "./ServerOptions.ts"
import type { MembershipError, NodeStateError, ServerStartError, TestkitError } from "./TestkitError.ts"
import { NoServerError, OptionsError, UnknownNodeError } from "./TestkitError.ts"

/**
 * What can be asked of a cluster. Every node costs about as much memory as its heap and 400 MB more.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterOptions extends NodeOptions {
  /** How many nodes, all in the data centre `dc1`. Default: 3. */
  readonly nodes?: number | undefined
  /** How many nodes in which data centre, instead of `nodes`: `{ dc1: 2, dc2: 1 }`. The first one is the local one. */
  readonly dataCenters?: Readonly<Record<string, number>> | undefined
  /** Over how many racks the nodes of each data centre are spread. Default: 1. */
  readonly racks?: number | undefined
  /**
   * Puts a `FaultProxy` before every node. The cluster's contact points are the proxies then, and the nodes send clients to
   * each other's proxies (`broadcast_rpc_address`); among themselves they talk directly. At most 100 nodes. Default: false.
   */
  readonly proxied?: boolean | undefined
}

/**
 * What can be asked of a node that joins.
 *
 * @since 0.1.0
 * @category models
 */
export interface AddOptions {
  /** Default: the cluster's first one. */
  readonly dataCenter?: string | undefined
  /** Default: `rack1`. */
  readonly rack?: string | undefined
  /** Its tokens. Default: it draws 16. */
  readonly tokens?: ReadonlyArray<string> | undefined
}

/**
 * `up`: its process runs; `paused`: it is frozen; `down`: there is no process.
 *
 * @since 0.1.0
 * @category models
 */
export type NodeState = "up" | "paused" | "down"

/**
 * A node as it is now.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterNode {
  /** `node1` and up. */
  readonly name: string
  /** Its own address on the loopback network, not that of its proxy; the port is the cluster's. */
  readonly address: string
  readonly dataCenter: string
  readonly rack: string
  readonly state: NodeState
  /** Its process, unless it is down. */
  readonly pid: Option.Option<number>
  /** Its log, as long as the cluster exists. */
  readonly logFile: string
}

/**
 * A running cluster. Each operation on a node waits for the one before it on the same node; doing what is already done is
 * harmless.
 *
 * @since 0.1.0
 * @category models
 */
export interface CassandraCluster extends Pick<
  CassandraServer,
  "version" | "contactPoints" | "port" | "localDataCenter" | "credentials" | "tls"
> {
  /** The nodes as they are now. */
  readonly nodes: Effect.Effect<ReadonlyArray<ClusterNode>>
  /** One node as it is now. */
  readonly node: (name: string) => Effect.Effect<ClusterNode, UnknownNodeError>
  /** The proxy before a node. `OptionsError` in a cluster that was not made with `proxied`. */
  readonly proxy: (name: string) => Effect.Effect<FaultProxy, UnknownNodeError | OptionsError>
  /** Ends a node in an orderly way: it tells the others, and finishes what it does. */
  readonly stop: (name: string) => Effect.Effect<void, UnknownNodeError>
  /** Ends a node at once (SIGKILL), paused or not: its connections break, the others notice by themselves. */
  readonly kill: (name: string) => Effect.Effect<void, UnknownNodeError>
  /** Freezes a node (SIGSTOP): its connections stay open and nothing answers. */
  readonly pause: (name: string) => Effect.Effect<void, UnknownNodeError | NodeStateError>
  /** Lets a frozen node go on (SIGCONT). */
  readonly resume: (name: string) => Effect.Effect<void, UnknownNodeError | NodeStateError>
  /**
   * Starts a node that is down, with the data it had, and waits until it serves CQL and, if no other node is down, until
   * all nodes see each other. A frozen node goes on.
   */
  readonly start: (name: string) => Effect.Effect<void, UnknownNodeError | ServerStartError>
  /**
   * Makes a new node a member: it takes over its part of the data, and this waits until it serves CQL and, if no other node is
   * down, until all nodes see each other. Its name is the next one, `node4` after `node3`; a name is never used again. The
   * cluster's contact points stay as they are.
   */
  readonly add: (options?: AddOptions) => Effect.Effect<ClusterNode, MembershipError | OptionsError>
  /**
   * Takes a node out of the cluster for good. One that is up hands its data to the others first; one that is down or paused is
   * declared gone by the others, as soon as they have noticed. Waits until all other nodes have forgotten it. A keyspace with
   * more replicas than there are nodes left cannot be read at `ALL`, nor perhaps at `QUORUM`.
   */
  readonly remove: (name: string) => Effect.Effect<void, UnknownNodeError | MembershipError>
  /** `stop`, then `start`. */
  readonly restart: (name: string) => Effect.Effect<void, UnknownNodeError | ServerStartError>
}

/**
 * The service of a running cluster.
 *
 * @since 0.1.0
 * @category tags
 */
export const CassandraCluster = Context.GenericTag<CassandraCluster>("effect-cassandra-testkit/CassandraCluster")

const describe = (member: ClusterStart.Member) =>
  Effect.map(Effect.all([member.control.state, member.control.pid]), ([state, pid]): ClusterNode => ({
    name: member.name,
    address: member.address,
    dataCenter: member.dataCenter,
    rack: member.rack,
    logFile: member.logFile,
    state,
    pid
  }))

const engineFor = Effect.fnUntraced(function* (resolved: Defaults.Resolved) {
  const engine = yield* Engine.find(resolved.release, resolved.report)
  if (Either.isRight(engine)) return yield* engine.right
  return yield* new NoServerError({
    tried: [
      { source: "environment", reason: "a cluster whose nodes can be killed must be one of our own" },
      { source: "docker", reason: "clusters are only made of embedded nodes" },
      { source: "embedded", reason: engine.left }
    ]
  })
})

/**
 * Starts a cluster and waits until every node serves CQL and sees all others; it is gone, with its files, when the scope
 * closes or the program ends in any other way, whatever state its nodes are in.
 *
 * The nodes are embedded ones (Java and, the first time, Maven) on loopback addresses `127.x.y.1` and up, all with the
 * same port. Linux answers on all of these by itself; elsewhere they must be added first
 * (`ifconfig lo0 alias 127.x.y.z` on macOS), which is why it is best used on Linux.
 *
 * Fails with `NoServerError` when Java or Maven is missing, `DownloadError` when the jars cannot be fetched,
 * `ServerStartError` when a node does not come up, and `OptionsError` when the options make no sense.
 *
 * @example
 * ```ts
 * import { CassandraCluster } from "effect-cassandra-testkit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const cluster = yield* CassandraCluster.make({ nodes: 3 })
 *   yield* cluster.kill("node2")
 *   // two of three are left: QUORUM still works, ALL does not
 *   yield* cluster.start("node2")
 * })
 *
 * Effect.runPromise(Effect.scoped(program))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: ClusterOptions | undefined
) => Effect.Effect<CassandraCluster, TestkitError, Scope.Scope> = Effect.fnUntraced(function* (
  options: ClusterOptions = {}
) {
  const resolved = yield* Defaults.resolve(options)
  const places = yield* Topology.places(options)
  const proxied = options.proxied ?? false
  if (proxied && places.length > Topology.maxProxied) {
    return yield* new OptionsError({ option: "proxied", reason: `at most ${Topology.maxProxied} nodes` })
  }
  const engine = yield* engineFor(resolved)
  const startedAt = yield* Clock.currentTimeMillis
  yield* resolved.report(`starting ${places.length} nodes of Cassandra ${engine.release.version}`)
  const started = yield* ClusterStart.start(engine, resolved, places, proxied)
  const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1000
  yield* resolved.report(`ready in ${seconds.toFixed(1)} s: ${started.contactPoints.join(", ")} port ${started.port}`)

  const services = yield* Effect.context<NodeContext.NodeContext>()
  const find = (name: string): Effect.Effect<ClusterStart.Member, UnknownNodeError> =>
    Effect.suspend(() => {
      const { members } = started
      const member = members.find((known) => known.name === name)
      return member === undefined
        ? new UnknownNodeError({ name, known: members.map((known) => known.name) })
        : Effect.succeed(member)
    })
  const on =
    <E>(action: (control: NodeControl) => Effect.Effect<void, E>) =>
    (name: string) =>
      Effect.flatMap(find(name), (member) => action(member.control))
  // One change of the membership at a time: Cassandra refuses more.
  const alone = (yield* Effect.makeSemaphore(1)).withPermits(1)
  let named = places.length
  const startOne = (control: NodeControl) => Effect.zipRight(Effect.provide(control.start, services), started.settle)

  const cluster: CassandraCluster = {
    version: engine.release.version,
    contactPoints: started.contactPoints,
    port: started.port,
    localDataCenter: started.localDataCenter,
    credentials: started.credentials,
    tls: started.tls,
    nodes: Effect.suspend(() => Effect.forEach(started.members, describe)),
    node: (name) => Effect.flatMap(find(name), describe),
    proxy: (name) =>
      Effect.flatMap(find(name), (member) =>
        Option.match(member.proxy, {
          onSome: (proxy) => Effect.succeed(proxy),
          onNone: () => Effect.fail(new OptionsError({ option: "proxied", reason: "the cluster has no proxies" }))
        })
      ),
    stop: on((control) => control.stop),
    kill: on((control) => control.kill),
    pause: on((control) => control.pause),
    resume: on((control) => control.resume),
    start: on(startOne),
    restart: on((control) => Effect.zipRight(control.stop, startOne(control))),
    add: ({ dataCenter = started.localDataCenter, rack = "rack1", tokens = [] } = {}) =>
      Effect.gen(function* () {
        if (named >= (proxied ? Topology.maxProxied : Topology.maxNodes)) {
          return yield* new OptionsError({
            option: "nodes",
            reason: `there have been ${named} nodes, which is all there may be`
          })
        }
        named += 1
        const member = yield* Membership.add(started, { name: `node${named}`, dataCenter, rack, tokens })
        return yield* describe(member)
      }).pipe(alone, Effect.provide(services)),
    remove: (name) =>
      Effect.flatMap(find(name), (member) => Membership.remove(started, member)).pipe(alone, Effect.provide(services))
  }
  return cluster
}, Effect.provide(NodeContext.layer))

/**
 * The cluster of {@link make} as a layer. It is a `CassandraServer` as well, so that what runs on a single server (a
 * `TestKeyspace`, for one) runs on the cluster.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: ClusterOptions | undefined
): Layer.Layer<CassandraCluster | CassandraServer, TestkitError> =>
  Layer.scopedContext(
    Effect.map(make(options), (cluster) =>
      Context.make(CassandraCluster, cluster).pipe(
        Context.add(CassandraServer, {
          source: "embedded",
          version: cluster.version,
          contactPoints: cluster.contactPoints,
          port: cluster.port,
          localDataCenter: cluster.localDataCenter,
          credentials: cluster.credentials,
          tls: cluster.tls,
          logFile: Option.none(),
          pid: Option.none()
        })
      )
    )
  )
