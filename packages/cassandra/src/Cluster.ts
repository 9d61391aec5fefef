/**
 * A cluster: its configuration and the connections to its nodes, for as long as a scope lives.
 *
 * @since 0.1.0
 */
import type { DriverClient } from "./driver/DriverClient.ts"
import type * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { CassandraError, ConfigurationError, ConnectionError } from "./CassandraError.ts"
import type { ClusterEvent, SubscribeOptions } from "./ClusterEvent.ts"
import type { ClusterOptions } from "./ClusterOptions.ts"
import type { ExecutionProfile } from "./ExecutionProfile.ts"
import type { Host } from "./Host.ts"
import { Argument, environment, resolve } from "./internal/options/index.ts"
import { make as openCluster, native } from "./internal/cluster/index.ts"
import { turn } from "./internal/request/index.ts"
import type { Metadata } from "./Metadata.ts"
import type { ProfileExistsError } from "./ProfileExistsError.ts"
import type { Session, SessionOptions } from "./Session.ts"

export type {
  /**
   * @since 0.1.0
   * @category models
   */
  BreakerOptions,
  /**
   * @since 0.1.0
   * @category models
   */
  ClusterOptions,
  /**
   * @since 0.1.0
   * @category models
   */
  Credentials,
  /**
   * @since 0.1.0
   * @category models
   */
  NodeAddress,
  /**
   * @since 0.1.0
   * @category models
   */
  PoolSizes,
  /**
   * @since 0.1.0
   * @category models
   */
  RefreshWindow,
  /**
   * @since 0.1.0
   * @category models
   */
  SocketOptions,
  /**
   * @since 0.1.0
   * @category models
   */
  TlsOptions
} from "./ClusterOptions.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/Cluster"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/Cluster"

/**
 * A connected cluster. It is closed with the scope it was made in; its sessions are closed first.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cluster {
  readonly [TypeId]: TypeId
  /** Opens a session, closed with the scope it is opened in. */
  readonly connect: (options?: SessionOptions) => Effect.Effect<Session, CassandraError, Scope.Scope>
  /** The nodes as they are known now. */
  readonly hosts: Effect.Effect<ReadonlyArray<Host>>
  /** The schema, the token ring, and what is known of the nodes. */
  readonly metadata: Metadata
  /**
   * What happens from the moment the stream is run: nodes that come and go, changes of the schema. Each run has a buffer of its
   * own for 1,024 events; a consumer that is slower than that gets a `Dropped` event in the place of what is missing. The
   * stream ends when the cluster is closed.
   */
  readonly events: Stream.Stream<ClusterEvent>
  /**
   * The same, but subscribed once this effect is done, so that nothing is missed that happens before the stream is run; and
   * with a buffer of the size asked for.
   */
  readonly subscribe: (options?: SubscribeOptions) => Effect.Effect<Stream.Stream<ClusterEvent>, never, Scope.Scope>
  /** Connections and requests as they are now. */
  readonly state: Effect.Effect<ClusterState>
  /** The execution profiles as they are now, by name. `default` stands for the cluster's own options. */
  readonly profiles: Effect.Effect<Readonly<Record<string, ExecutionProfile>>>
  /**
   * Adds an execution profile, for statements from now on. When its load balancing needs nodes that had no connections, these
   * are opened, and it waits for them, but no longer than `poolWaitTimeout`; a node that cannot be reached is no failure.
   *
   * Fails with `ProfileExistsError` when there is one of that name, and with a `ConfigurationError` when an option is invalid or
   * names a data centre that the cluster does not have: nothing is added then.
   */
  readonly addProfile: (
    name: string,
    profile: ExecutionProfile,
    options?: AddProfileOptions
  ) => Effect.Effect<void, ProfileExistsError | CassandraError>
  /** Closes it before its scope does. A second call does nothing. */
  readonly close: Effect.Effect<void>
  readonly isClosed: Effect.Effect<boolean>
  /**
   * Opens a client of `cassandra-driver` with the same contact points, credentials and TLS, for what this library does not offer;
   * it is shut down with the scope. It needs that package installed, has connections of its own, and knows nothing of admission
   * and retries. Fails with a `ConfigurationError` where the package is missing.
   */
  readonly driver: Effect.Effect<DriverClient, ConfigurationError | ConnectionError, Scope.Scope>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface AddProfileOptions {
  /** How long to wait for connections to nodes that had none. Default 5 seconds. */
  readonly poolWaitTimeout?: Duration.DurationInput | undefined
}

/**
 * What a cluster does at the moment.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterState {
  /** The version of the native protocol in use. */
  readonly protocolVersion: number
  /** Requests in flight, by all sessions. */
  readonly inFlight: number
  /** Requests that wait to be admitted. */
  readonly queued: number
  /** By `address:port`. */
  readonly hosts: ReadonlyMap<
    string,
    {
      readonly connections: number
      readonly inFlight: number
      /** Requests that were given up and that the host has not answered yet. */
      readonly orphans: number
      /** `open`: the host does not answer and is tried last. `half-open`: it is being found out whether it does again. */
      readonly breaker: "closed" | "open" | "half-open"
    }
  >
}

/**
 * @since 0.1.0
 * @category tags
 */
export const Cluster: Context.Tag<Cluster, Cluster> = Context.GenericTag<Cluster>("effect-cassandra/Cluster")

/**
 * Connects to a cluster. Fails with a `ConfigurationError` before any connection is opened when an option is invalid; a
 * refused connection is tried again, up to `connectAttempts` times; interrupting closes whatever was opened.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Cluster, cql } from "effect-cassandra"
 *
 * const program = Effect.gen(function* () {
 *   const cluster = yield* Cluster.make({ contactPoints: ["127.0.0.1"] })
 *   const session = yield* cluster.connect()
 *   return yield* session.one(cql`SELECT cluster_name FROM system.local`)
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: ClusterOptions = {}): Effect.Effect<Cluster, CassandraError, Scope.Scope> =>
  Effect.flatMap(
    Effect.tapError(resolve(options), () => turn),
    (resolved) => openCluster(resolved, native)
  )

/**
 * A cluster as a layer, closed when the layer's scope is.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Cluster, Session } from "effect-cassandra"
 *
 * const CassandraLive = Session.layer({ keyspace: "shop" }).pipe(
 *   Layer.provide(Cluster.layer({ contactPoints: ["10.0.0.1", "10.0.0.2"], localDataCenter: "dc1" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: ClusterOptions = {}): Layer.Layer<Cluster, CassandraError> =>
  Layer.scoped(Cluster, make(options))

/**
 * A cluster whose options, some or all, come from `Config`.
 *
 * @example
 * ```ts
 * import { Config } from "effect"
 * import { Cluster } from "effect-cassandra"
 *
 * const ClusterLive = Cluster.layerConfig({
 *   contactPoints: Config.array(Config.string(), "SHOP_DB_HOSTS"),
 *   credentials: {
 *     username: Config.string("SHOP_DB_USER"),
 *     password: Config.redacted("SHOP_DB_PASSWORD")
 *   },
 *   consistency: Config.succeed("LOCAL_QUORUM" as const)
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<ClusterOptions>
): Layer.Layer<Cluster, CassandraError | ConfigError> =>
  Layer.scoped(Cluster, Effect.flatMap(Argument.config("Cluster.layerConfig", config), make))

/**
 * A cluster from the environment, with options of your own for what it does not say: `CASSANDRA_CONTACT_POINTS` (separated
 * by commas), `_PORT`, `_LOCAL_DC`, `_USERNAME`, `_PASSWORD`, and for TLS `_TLS` (`true`), `_TLS_CA`, `_TLS_CERT`, `_TLS_KEY`
 * (files in PEM, or the PEM itself) and `_TLS_SERVER_NAME`. The environment wins over the options. A variable that is empty is not
 * set.
 *
 * `CASSANDRA_KEYSPACE` is for `Session.layerEnv`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv = (options: ClusterOptions = {}): Layer.Layer<Cluster, CassandraError | ConfigError> => {
  Argument.record("Cluster.layerEnv", options)
  return Layer.scoped(Cluster, Effect.flatMap(environment(options), make))
}
