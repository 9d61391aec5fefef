import type { ConnectionCounters } from "../connection/index.ts"
import { type Breaker, type RoutingPolicy, Target } from "../routing/index.ts"
import type { Topology } from "../topology/index.ts"

/** What has happened to the requests of one client, counted. */
export interface RequestCounters {
  /** Requests abandoned so far. */
  cancelled: number
  /** Executions started while another one of the same request was under way. */
  speculative: number
  /** Statements prepared again because a node had forgotten them. */
  reprepared: number
}

/** What the executions of one client share. */
export class NativeClient {
  readonly counters: RequestCounters = { cancelled: 0, speculative: 0, reprepared: 0 }
  readonly target: Target
  readonly topology: Topology
  readonly routing: RoutingPolicy
  readonly breaker: Breaker
  readonly connections: ConnectionCounters
  /** The keyspace of statements that name none: that of the connections. Undefined where it travels with the request. */
  readonly keyspace: string | undefined
  /** Whether a statement is prepared on the other nodes as well. */
  readonly prepareOnAllHosts: boolean

  constructor(
    topology: Topology,
    routing: RoutingPolicy,
    breaker: Breaker,
    connections: ConnectionCounters,
    keyspace: string | undefined,
    prepareOnAllHosts: boolean
  ) {
    this.topology = topology
    this.routing = routing
    this.breaker = breaker
    this.connections = connections
    this.keyspace = keyspace
    this.prepareOnAllHosts = prepareOnAllHosts
    this.target = new Target(topology)
  }

  log(level: "error" | "warning", message: string, cause?: unknown): void {
    this.topology.options.settings.log(level, message, cause)
  }
}
