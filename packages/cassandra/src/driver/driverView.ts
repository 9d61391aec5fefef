/** What a client of `cassandra-driver` tells of its cluster by its public API. */
import type driver from "cassandra-driver"
import type { ClusterView } from "../internal/request/index.ts"
import type { NodeActivity } from "../internal/telemetry/index.ts"
import {
  type Node,
  type Partitioner,
  partitionerOf,
  type Range,
  type Replication,
  TokenRing,
  type TopologyListener,
  versionsAgree
} from "../internal/topology/index.ts"
import { ownOptions } from "./encoding.ts"

/** A host of the driver, as the rest knows nodes. */
export class DriverNode implements Node {
  readonly host: driver.Host

  constructor(host: driver.Host) {
    this.host = host
  }
  get address(): string {
    return this.host.address
  }
  get hostId(): string {
    return String(this.host.hostId ?? "")
  }
  get dataCenter(): string {
    return this.host.datacenter ?? ""
  }
  get rack(): string {
    return this.host.rack ?? ""
  }
  get version(): string {
    return this.host.cassandraVersion ?? ""
  }
  get tokens(): ReadonlyArray<string> {
    return this.host.tokens ?? []
  }
  isUp(): boolean {
    return this.host.isUp()
  }
}

const none: ReadonlyArray<never> = []

/**
 * The ring with the replicas that the driver tells. Of a replication it looks at the key alone, which is the keyspace's name: see
 * `DriverView.replication`.
 */
class DriverRing extends TokenRing<Node> {
  readonly #view: DriverView

  constructor(view: DriverView, partitioner: Partitioner) {
    super(view.nodes, partitioner)
    this.#view = view
  }

  override replicasOf({ key: keyspace }: Replication, key: Buffer, start: number, end: number): ReadonlyArray<Node> {
    return this.#replicas(keyspace, key.subarray(start, end))
  }

  override replicasOfToken({ key: keyspace }: Replication, token: string): ReadonlyArray<Node> {
    return this.#replicas(keyspace, this.#view.client.metadata.newToken(token))
  }

  override replicatedRanges(
    replication: Replication
  ): ReadonlyArray<Range & { readonly replicas: ReadonlyArray<Node> }> {
    return this.ranges.map((range) => ({ ...range, replicas: this.replicasOfToken(replication, range.end) }))
  }

  #replicas(keyspace: string, of: Buffer | driver.token.Token): ReadonlyArray<Node> {
    // Null, whatever its type says, where the driver does not know.
    const hosts = this.#view.client.metadata.getReplicas(keyspace, of) as ReadonlyArray<driver.Host> | null | undefined
    return hosts?.map((host) => this.#view.nodeOf(host)) ?? none
  }
}

const nothing = Promise.resolve()

export class DriverView implements ClusterView {
  readonly client: driver.Client
  readonly #partitioner: Partitioner | undefined
  readonly #nodes = new WeakMap<driver.Host, DriverNode>()
  #ring: DriverRing | undefined
  /** The tokens that the ring is made of. */
  #tokens: ReadonlyArray<ReadonlyArray<string>> = none

  constructor(client: driver.Client, partitioner: string) {
    this.client = client
    this.#partitioner = partitionerOf(partitioner)
  }

  nodeOf(host: driver.Host): DriverNode {
    let node = this.#nodes.get(host)
    if (node === undefined) this.#nodes.set(host, (node = new DriverNode(host)))
    return node
  }

  get nodes(): ReadonlyArray<DriverNode> {
    return this.client.hosts.values().map((host) => this.nodeOf(host))
  }

  readonly node = (address: string): DriverNode | undefined => {
    const host = this.client.hosts.get(address) as driver.Host | undefined
    return host && this.nodeOf(host)
  }

  readonly activity = (node: Node): NodeActivity => {
    const state = this.client.getState()
    const { host } = node as DriverNode
    // Of requests that were given up the driver tells nothing.
    return { connections: state.getOpenConnections(host), inFlight: state.getInFlightQueries(host), orphans: 0 }
  }

  get ring(): TokenRing<Node> | undefined {
    if (this.#partitioner === undefined) return undefined
    const tokens = this.nodes.map((node) => node.tokens)
    if (
      this.#ring === undefined ||
      tokens.length !== this.#tokens.length ||
      tokens.some((of, i) => of !== this.#tokens[i])
    ) {
      this.#tokens = tokens
      this.#ring = new DriverRing(this, this.#partitioner)
    }
    return this.#ring
  }

  /** The driver tells a keyspace's strategy, and its replicas; not how many there are in which data centre. */
  readonly replication = (keyspace: string): Replication | undefined => {
    const { keyspaces } = this.client.metadata
    const strategy = Object.hasOwn(keyspaces, keyspace) ? keyspaces[keyspace]?.strategy : undefined
    if (strategy === undefined) return undefined
    switch (strategy.slice(strategy.lastIndexOf(".") + 1)) {
      case "LocalStrategy":
        return { _tag: "Local", key: keyspace }
      case "SimpleStrategy":
        return { _tag: "Simple", key: keyspace, factor: { all: 0, transient: 0 } }
      case "NetworkTopologyStrategy":
        return { _tag: "NetworkTopology", key: keyspace, factors: new Map() }
      default:
        return { _tag: "Unknown", key: keyspace, className: strategy }
    }
  }

  /** The driver does not tell how its control connection is. */
  get isControlled(): boolean {
    return this.client.getState().getConnectedHosts().length > 0
  }

  readonly controlAddress: string | undefined = undefined

  /** The driver tells nobody of changes. */
  readonly keepsSchema = false

  readonly listen = (listener: Partial<TopologyListener>): (() => void) => {
    const handlers = [
      ["hostUp", listener.nodeUp],
      ["hostDown", listener.nodeDown],
      ["hostAdd", listener.nodeAdded],
      ["hostRemove", listener.nodeRemoved]
    ] as const
    const added = handlers.flatMap(([event, told]) => {
      if (told === undefined) return []
      const handler = (host: driver.Host): void => told(this.nodeOf(host))
      this.client.on(event, handler)
      return [() => this.client.off(event, handler)]
    })
    return () => {
      for (const remove of added) remove()
    }
  }

  /** The pools are the driver's. */
  readonly adjustPools = (): Promise<void> => nothing

  /** Opened when the client connected, unless its option `pooling.warmup` said otherwise. */
  readonly openAllPools = (): Promise<void> => nothing

  readonly refreshNodes = (): Promise<void> =>
    Promise.reject(new Error("cassandra-driver reads the list of nodes when it sees fit, and not when it is asked to"))

  readonly refreshKeyspaces = (): Promise<void> => this.client.metadata.refreshKeyspaces().then(() => undefined)

  readonly refreshKeyspace = (name: string): Promise<void> =>
    this.client.metadata.refreshKeyspace(name).then(() => undefined)

  readonly checkAgreement = async (): Promise<boolean> => {
    // A table of the node's own: both questions go to the same one.
    const [host] = this.client.getState().getConnectedHosts()
    if (host === undefined) return false
    const options = { ...ownOptions, host }
    const [local, peers] = await Promise.all([
      this.client.execute("SELECT schema_version FROM system.local", [], options),
      this.client.execute("SELECT host_id, schema_version FROM system.peers", [], options)
    ])
    const down = this.nodes.filter((node) => !node.isUp()).map((node) => node.hostId)
    return versionsAgree(local.first(), peers.rows, new Set(down))
  }
}
