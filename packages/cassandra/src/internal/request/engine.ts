/** What runs the requests of a cluster and knows its nodes: the native engine, or `cassandra-driver`. */
import type { DriverClient } from "../../driver/DriverClient.ts"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { CassandraError, ConfigurationError, ConnectionError } from "../../CassandraError.ts"
import type { LoadBalancing } from "../../LoadBalancing.ts"
import type { Gate } from "./admission.ts"
import type { EffectRunner, Resolved } from "../options/index.ts"
import type { Breaker, Policies } from "../routing/index.ts"
import type { Node, Replication, TokenRing, TopologyListener } from "../topology/index.ts"
import type { NodeActivity } from "../telemetry/index.ts"
import type { Transport } from "./transport.ts"

/** The nodes, the ring and the schema, as far as an engine keeps them. Promises reject with the engine's own errors. */
export interface ClusterView {
  readonly nodes: ReadonlyArray<Node>
  readonly node: (address: string) => Node | undefined
  readonly activity: (node: Node) => NodeActivity
  /** Undefined where tokens are not kept. */
  readonly ring: TokenRing<Node> | undefined
  readonly replication: (keyspace: string) => Replication | undefined
  /** Whether there is a connection to hear of the cluster by. */
  readonly isControlled: boolean
  /** The node that the cluster is heard of from. */
  readonly controlAddress: string | undefined
  /** Whether changes of the schema are followed. */
  readonly keepsSchema: boolean
  /** Listens until what it gives back is called. */
  readonly listen: (listener: Partial<TopologyListener>) => () => void
  /** Opens and closes connections as the policies want it now, and waits for those to nodes that had none. */
  readonly adjustPools: () => Promise<void>
  /** Waits until every connection is open or has failed. */
  readonly openAllPools: () => Promise<void>
  readonly refreshNodes: () => Promise<void>
  readonly refreshKeyspaces: () => Promise<void>
  readonly refreshKeyspace: (name: string) => Promise<void>
  /** Whether all nodes that are up have the same schema. */
  readonly checkAgreement: () => Promise<boolean>
}

export interface Engine {
  readonly view: ClusterView
  /** The keyspace of its connections; none where the keyspace travels with the request. */
  readonly keyspace: string | undefined
  readonly gate: Gate
  readonly transport: Transport
  /** What is wrong with a policy for this cluster; undefined when nothing is. Throws a `ConfigurationError`. */
  readonly checkPolicy: (policy: LoadBalancing) => void
}

/** What an engine shares with the others of its cluster. */
export interface EngineContext {
  readonly policies: Policies
  readonly breaker: Breaker
  readonly runner: EffectRunner
}

/** How the engines of a cluster are opened. */
export interface EngineFactory<E extends Engine> {
  /**
   * Connects, once. Closing the scope closes what was opened; interrupting closes what was opened so far. `timeout` is the default
   * for requests, in milliseconds.
   */
  readonly open: (
    options: Resolved,
    context: EngineContext,
    keyspace: string | undefined,
    timeout: number
  ) => Effect.Effect<E, CassandraError, Scope.Scope>
  /** What `cluster.driver` gives. */
  readonly driver: (
    options: Resolved,
    context: EngineContext,
    base: E
  ) => Effect.Effect<DriverClient, ConfigurationError | ConnectionError, Scope.Scope>
}
