/**
 * A cluster over a `Client` of `cassandra-driver`, by its public API: the same `Cluster` and the same sessions, for the time in which
 * an application has both clients. docs/migrating-from-cassandra-driver.md shows the way, and has the table of what the driver
 * cannot do; whoever asks for that gets a `ConfigurationError`.
 *
 * @since 0.1.0
 */
import type * as driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { CassandraError, ConfigurationError } from "../CassandraError.ts"
import { Cluster } from "../Cluster.ts"
import type { ClusterOptions } from "../ClusterOptions.ts"
import type { ExecutionProfile, RequestOptions } from "../ExecutionProfile.ts"
import { make as openCluster } from "../internal/cluster/index.ts"
import { refuse, resolve } from "../internal/options/index.ts"
import type { Engine, EngineFactory } from "../internal/request/index.ts"
import { owning, sharing } from "./driverEngine.ts"

/**
 * What requests are sent with, and what is measured of them. All that concerns connections and nodes is the client's: its contact
 * points, credentials, TLS, pools and policies. What the client's `queryOptions` and `profiles` say of requests does not count here.
 *
 * @since 0.1.0
 * @category models
 */
export interface DriverClusterOptions
  extends
    Omit<RequestOptions, "loadBalancing" | "speculativeExecution">,
    Pick<
      ClusterOptions,
      | "connectAttempts"
      | "connectBackoff"
      | "maxConcurrentRequests"
      | "maxQueuedRequests"
      | "maxSchemaAgreementWait"
      | "metrics"
      | "shutdownTimeout"
      | "slowQueryThreshold"
      | "timestampGenerator"
    > {
  /** Execution profiles by name. The load balancing and the speculative executions are the client's, whatever the profile. */
  readonly profiles?:
    { readonly [name: string]: Omit<ExecutionProfile, "loadBalancing" | "speculativeExecution"> } | undefined
}

const known: { readonly [K in keyof DriverClusterOptions]-?: true } = {
  connectAttempts: true,
  connectBackoff: true,
  consistency: true,
  deadline: true,
  maxConcurrentRequests: true,
  maxQueuedRequests: true,
  maxSchemaAgreementWait: true,
  metrics: true,
  pageSize: true,
  prefetch: true,
  profiles: true,
  retryPolicy: true,
  serialConsistency: true,
  shutdownTimeout: true,
  slowQueryThreshold: true,
  timeout: true,
  timestampGenerator: true
}

const clients = ["loadBalancing", "speculativeExecution"] as const

/** Throws a `ConfigurationError` for an option that is the client's. */
const check = (options: DriverClusterOptions): void => {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && !Object.hasOwn(known, name))
      refuse(name, "belongs into the options of the driver's client")
  }
  for (const [name, profile] of Object.entries<ExecutionProfile>(options.profiles ?? {})) {
    for (const option of clients) {
      if (profile?.[option] !== undefined) {
        refuse(`profiles.${name}.${option}`, "belongs into the options of the driver's client")
      }
    }
  }
}

const over = <E extends Engine>(
  options: DriverClusterOptions,
  factory: () => EngineFactory<E>
): Effect.Effect<Cluster, CassandraError, Scope.Scope> =>
  Effect.gen(function* () {
    const resolved = yield* resolve(options)
    const engines = yield* Effect.try({
      try: () => {
        check(options)
        return factory()
      },
      catch: (error) => error as ConfigurationError
    })
    return yield* openCluster(resolved, engines)
  })

/**
 * Connects a client with the driver's own options, and shuts it down with the scope. A session in another keyspace than the
 * client's gets a client of its own with the same options.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  clientOptions: driver.DseClientOptions,
  options: DriverClusterOptions = {}
): Effect.Effect<Cluster, CassandraError, Scope.Scope> =>
  over(options, () =>
    typeof clientOptions === "object" && clientOptions !== null
      ? owning(clientOptions)
      : refuse("clientOptions", "takes the options of the driver's client")
  )

/**
 * The same as a layer.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { Session } from "effect-cassandra"
 * import { DriverCluster } from "effect-cassandra/driver"
 *
 * const CassandraLive = Session.layer({ keyspace: "shop" }).pipe(
 *   Layer.provide(DriverCluster.layer({ contactPoints: ["10.0.0.1"], localDataCenter: "dc1" }))
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  clientOptions: driver.DseClientOptions,
  options: DriverClusterOptions = {}
): Layer.Layer<Cluster, CassandraError> => Layer.scoped(Cluster, make(clientOptions, options))

/**
 * A cluster over a client that the application has. It is connected where it is not yet, and never shut down here. Sessions are in
 * the client's keyspace: one in another fails with a `ConfigurationError`.
 *
 * @example
 * ```ts
 * import { Client } from "cassandra-driver"
 * import { Effect } from "effect"
 * import { cql } from "effect-cassandra"
 * import { DriverCluster } from "effect-cassandra/driver"
 *
 * const client = new Client({ contactPoints: ["10.0.0.1"], localDataCenter: "dc1", keyspace: "shop" })
 *
 * const program = Effect.gen(function* () {
 *   const cluster = yield* DriverCluster.fromClient(client)
 *   const session = yield* cluster.connect()
 *   return yield* session.one(cql`SELECT name FROM users WHERE id = ${1}`)
 * }).pipe(Effect.scoped)
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const fromClient = (
  client: driver.Client,
  options: DriverClusterOptions = {}
): Effect.Effect<Cluster, CassandraError, Scope.Scope> => over(options, () => sharing(client))

/**
 * The same as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromClient = (
  client: driver.Client,
  options: DriverClusterOptions = {}
): Layer.Layer<Cluster, CassandraError> => Layer.scoped(Cluster, fromClient(client, options))
