import {
  ConnectError,
  type Connection,
  type ConnectionSettings,
  type Endpoint,
  endpointName,
  tooOld
} from "../connection/index.ts"
import { type ProtocolVersion, type SchemaChange, type ServerEvent, ServerResponseError } from "../protocol/index.ts"
import type { ClusterStatement } from "./clusterStatement.ts"
import { parseContactPoint, resolveContactPoints } from "./contactPoints.ts"
import { ControlConnection, NoNodeError } from "./controlConnection.ts"
import { Drops } from "./drops.ts"
import { ClusterNode, type Node, type NodeDistance, type NodeInfo } from "./node.ts"
import { readLocal, readPeers } from "./nodeRows.ts"
import { type Partitioner, partitionerOf } from "./partitioner.ts"
import { Pool } from "./pool.ts"
import { PreparedStatements } from "./preparedStatements.ts"
import { RefreshWindow } from "./refreshWindow.ts"
import { parseReplication, type Replication } from "./replication.ts"
import { TokenRing } from "./ring.ts"
import { versionsAgree } from "./schemaAgreement.ts"

/** Which nodes are used, and in which order. */
export interface NodePolicy {
  /** The nodes are known for the first time. Throws what is wrong with the policies for this cluster. */
  init(nodes: ReadonlyArray<Node>, contactPoints: ReadonlySet<string>): void
  /** Nodes have come or gone, or are other ones. */
  changed(nodes: ReadonlyArray<Node>): void
  distance(node: Node): NodeDistance
  /** Every node that is used, the preferred ones first. */
  anyNode(): Iterator<Node, undefined>
}

/** Times in milliseconds. */
export interface TopologyOptions {
  readonly settings: ConnectionSettings
  readonly policy: NodePolicy
  readonly contactPoints: ReadonlyArray<string>
  /** For contact points without one, and for nodes whose port the cluster does not tell. */
  readonly port: number
  /** What connections are switched to where a keyspace cannot travel with the requests. */
  readonly keyspace: string | undefined
  readonly connectionsPerHost: Readonly<Record<Exclude<NodeDistance, "ignored">, number>>
  readonly maxRequestsPerConnection: number
  /** How long a request may take: what is drained goes on for as long. */
  readonly requestTimeout: number
  /** For each query of the client's own; 0 for none. */
  readonly controlTimeout: number
  readonly reconnectionDelays: () => Iterator<number>
  /** The address by which a node is reached that announces itself with another. Must not reject. */
  readonly translate: (address: string, port: number) => Promise<{ readonly address: string; readonly port: number }>
  /** How long announcements are gathered at most; undefined: they are not acted on. */
  readonly schemaRefreshWindow: number | undefined
  readonly topologyRefreshWindow: number | undefined
  readonly statusRefreshWindow: number | undefined
  /** Whether the ring of tokens is kept. */
  readonly tokenMetadata: boolean
  /** Whether the replication of keyspaces is kept. */
  readonly schemaMetadata: boolean
  /** How long to wait for the nodes to agree on the schema. */
  readonly maxSchemaAgreementWait: number
  /** Whether statements are prepared on a node that comes up. */
  readonly reprepareOnUp: boolean
  readonly maxPreparedStatements: number
}

/** What happens in a cluster. A listener that throws is not heard of. */
export interface TopologyListener {
  readonly nodeUp: (node: Node) => void
  readonly nodeDown: (node: Node) => void
  readonly nodeAdded: (node: Node) => void
  readonly nodeRemoved: (node: Node) => void
  /** A node announced a change of the schema. */
  readonly schemaChanged: (change: SchemaChange) => void
  /** This client changed something in the keyspace; the announcement may still be on its way. */
  readonly changedByUs: (keyspace: string) => void
  /** There is a new connection for announcements after the last one broke. */
  readonly reconnected: () => void
}

/** How long a node that comes up waits for its statements, in milliseconds; what is missing is prepared when it is used. */
const PATIENCE = 500

/** A connection with more requests than this that ran out of time is given up. */
const MAX_TIMED_OUT = 64

/** Nodes that come up are asked for within so many milliseconds where topology has no window. */
const RETURNED_WITHIN = 1000

const AGREEMENT_INTERVAL = 200

/** The cluster as one client knows it: nodes with their pools, the control connection, the ring, prepared statements. */
export class Topology {
  version: ProtocolVersion
  ring: TokenRing<ClusterNode> | undefined
  /** Another one whenever the ring or a keyspace's replication is another. */
  generation = 0
  readonly prepared: PreparedStatements<ClusterStatement>
  readonly drops = new Drops()
  readonly options: TopologyOptions
  private readonly byAddress = new Map<string, ClusterNode>()
  private readonly pools = new Map<ClusterNode, Pool>()
  private readonly retired = new Set<Pool>()
  private all: ReadonlyArray<ClusterNode> = []
  private replications = new Map<string, Replication>()
  private partitioner: Partitioner | undefined
  private readonly control: ControlConnection
  private readonly listeners = new Set<Partial<TopologyListener>>()
  /** The addresses that the contact points had last. */
  private contactEndpoints: ReadonlyArray<Endpoint> = []
  private isKept = false
  private isClosed = false
  private interrupt: ((error: Error) => void) | undefined
  private usesPeersV2 = true
  private controlled: ClusterNode | undefined
  private readonly schemaWindow: RefreshWindow<SchemaChange>
  private readonly topologyWindow: RefreshWindow<unknown>
  /** Nodes that came back: they may be of another release, in another rack, or have other tokens than before. */
  private readonly returnedWindow: RefreshWindow<unknown>
  private readonly statusWindows = new Map<ClusterNode, RefreshWindow<unknown>>()

  constructor(options: TopologyOptions) {
    this.options = options
    this.version = options.settings.maximumVersion
    this.prepared = new PreparedStatements(options.maxPreparedStatements)
    this.control = new ControlConnection(options.settings, options.controlTimeout, {
      endpoints: () => this.endpoints(),
      pooled: () => this.pooled(),
      pooledAt: (address) => this.pooledAt(address),
      version: () => this.version,
      learn: (connection, initial) => this.learn(connection, initial),
      adopt: (connection) => this.adopt(connection),
      onEvent: (event) => this.onEvent(event),
      onConnected: () => this.tell("reconnected", undefined),
      reconnectionDelays: options.reconnectionDelays
    })
    this.schemaWindow = new RefreshWindow(options.schemaRefreshWindow, (changes) => {
      for (const keyspace of new Set(changes.filter(isOfKeyspace).map((change) => change.keyspace))) {
        this.refreshKeyspace(keyspace).catch(() => {})
      }
    })
    const refresh = (): void => {
      this.refreshNodes().catch(() => {})
    }
    this.topologyWindow = new RefreshWindow(options.topologyRefreshWindow, refresh)
    this.returnedWindow =
      options.topologyRefreshWindow === undefined ? new RefreshWindow(RETURNED_WITHIN, refresh) : this.topologyWindow
  }

  get nodes(): ReadonlyArray<ClusterNode> {
    return this.all
  }

  node(address: string): ClusterNode | undefined {
    return this.byAddress.get(address)
  }

  pool(node: Node): Pool | undefined {
    return this.pools.get(node as ClusterNode)
  }

  /** Whether there is a connection to hear of the cluster by. */
  get isControlled(): boolean {
    return this.control.connection?.isOpen === true
  }

  /** The node that the client hears of the cluster from. */
  get controlAddress(): string | undefined {
    return this.isControlled ? this.controlled?.address : undefined
  }

  /** Whether changes of the schema are followed. */
  get keepsSchema(): boolean {
    return this.options.schemaMetadata
  }

  replication(keyspace: string): Replication | undefined {
    return this.replications.get(keyspace)
  }

  /** What is going on with a node. */
  activity(node: Node): { readonly connections: number; readonly inFlight: number; readonly orphans: number } {
    const pool = this.pool(node)
    return pool === undefined
      ? { connections: 0, inFlight: 0, orphans: 0 }
      : { connections: pool.connections.length, inFlight: pool.inFlight, orphans: pool.orphans }
  }

  /** Listens until what it gives back is called. */
  listen(listener: Partial<TopologyListener>): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * Connects, and opens the connections to the local nodes. Rejects with a `NoNodeError`, or with what is wrong with the policies;
   * then nothing is left open.
   */
  async connect(): Promise<void> {
    const interrupted = new Promise<never>((_, reject) => (this.interrupt = reject))
    try {
      await Promise.race([this.start(), interrupted])
    } catch (error) {
      this.abort()
      throw error
    }
  }

  private async start(): Promise<void> {
    const { keyspace, policy } = this.options
    const connection = await this.control.connect()
    policy.init(this.all, new Set(this.contactEndpoints.map(endpointName)))
    for (const node of this.all) this.makePool(node)
    this.isKept = true
    if (keyspace !== undefined && this.version < 5) await connection.useKeyspace(keyspace)
    this.control.keep()
    await this.openPools()
  }

  /** Ends everything at once. */
  abort(): void {
    const interruption = new ConnectError("Connecting was interrupted")
    void this.stop()
    for (const pool of this.everyPool) pool.destroy(interruption)
    this.interrupt?.(interruption)
  }

  /** Closes all connections; nodes that do not agree to that are left after a moment. */
  async close(): Promise<void> {
    await Promise.all([this.stop(), ...this.everyPool.map((pool) => pool.close())])
  }

  private stop(): Promise<void> {
    this.isClosed = true
    this.schemaWindow.stop()
    this.topologyWindow.stop()
    this.returnedWindow.stop()
    for (const window of this.statusWindows.values()) window.stop()
    return this.control.close()
  }

  /** Those of nodes that have left are there as long as something is in flight. */
  private get everyPool(): ReadonlyArray<Pool> {
    return [...this.pools.values(), ...this.retired]
  }

  /** Opens the connections that the policies ask for now, and waits for those to nodes that had none. */
  async adjustPools(): Promise<void> {
    await Promise.all(
      [...this.pools.values()].map(async (pool) => {
        this.resize(pool)
        if (!this.isUsed(pool.node) || !pool.node.isUp()) return
        if (pool.connections.length > 0) pool.grow()
        else await pool.fill().catch(() => {})
      })
    )
  }

  /** Opens all connections to all nodes that are up and in use, and waits until each is open or has failed. */
  async openAllPools(): Promise<void> {
    await Promise.all(
      [...this.pools.values()].map(async (pool) => {
        if (this.isUsed(pool.node) && pool.node.isUp()) await pool.fill().catch(() => {})
      })
    )
  }

  private async openPools(): Promise<void> {
    await Promise.all(
      [...this.pools.values()].map(async (pool) => {
        this.resize(pool)
        const distance = this.options.policy.distance(pool.node)
        if (distance === "local") await pool.fill().catch(() => {})
        else pool.grow()
      })
    )
  }

  private isUsed(node: ClusterNode): boolean {
    return this.isKept && this.sizeOf(node) > 0
  }

  private sizeOf(node: ClusterNode): number {
    const distance = this.options.policy.distance(node)
    return distance === "ignored" ? 0 : this.options.connectionsPerHost[distance]
  }

  private resize(pool: Pool): void {
    pool.resize(this.sizeOf(pool.node))
  }

  private makePool(node: ClusterNode): Pool {
    const { maxRequestsPerConnection, reconnectionDelays, requestTimeout, settings } = this.options
    const pool = new Pool(node, {
      settings,
      version: () => this.version,
      maxRequestsPerConnection,
      maxTimedOut: MAX_TIMED_OUT,
      drainTimeout: requestTimeout + 100,
      reconnectionDelays,
      beforeUp: (_node, connection) => this.reprepare(connection),
      onUp: (up) => {
        this.tell("nodeUp", up)
        this.control.nodeUp()
        this.returnedWindow.add(up)
      },
      onDown: (down) => this.tell("nodeDown", down),
      onLost: (connection) => this.control.lost(connection)
    })
    this.pools.set(node, pool)
    return pool
  }

  /** Prepares the statements on a node that comes up. It is not kept waiting for long, or at all where no other is in use. */
  private async reprepare(connection: Connection): Promise<void> {
    if (!this.options.reprepareOnUp) return
    const { controlTimeout } = this.options
    const preparing = Promise.all(
      this.prepared.all().map(
        ({ keyspace, prepared, query }) =>
          new Promise<void>((resolve) => {
            const ofRequest = this.version === 5 ? keyspace : undefined
            connection.prepare(query, ofRequest, prepared.payload, controlTimeout, () => resolve())
          })
      )
    )
    const others = [...this.pools.values()].some(({ connections, node }) => node.isUp() && connections.length > 0)
    if (others) await atMost(PATIENCE, preparing)
  }

  // What the control connection needs.

  private async endpoints() {
    const { contactPoints, port, settings } = this.options
    const points = contactPoints.map((text) => ({ text, ...parseContactPoint(text, port) }))
    const resolved = await resolveContactPoints(points, settings.connectTimeout, this.contactEndpoints)
    this.contactEndpoints = resolved.endpoints
    return {
      endpoints: shuffled([...resolved.endpoints]),
      unresolved: points.flatMap(({ host, text }) => (resolved.failures.has(host) ? [text] : []))
    }
  }

  private *pooled(): Generator<Connection> {
    let nodes: Iterator<Node, undefined>
    try {
      nodes = this.options.policy.anyNode()
    } catch {
      return
    }
    for (let item = nodes.next(); item.done !== true; item = nodes.next()) {
      const connection = item.value.isUp() ? this.pool(item.value)?.connections.find(({ isOpen }) => isOpen) : undefined
      if (connection !== undefined) yield connection
    }
  }

  private pooledAt(address: string): Connection | "down" | undefined {
    const node = this.byAddress.get(address)
    if (node === undefined || !this.isUsed(node)) return undefined
    return this.pools.get(node)?.connections.find(({ isOpen }) => isOpen) ?? "down"
  }

  private adopt(connection: Connection): boolean {
    const node = this.byAddress.get(connection.name)
    const pool = node && this.pools.get(node)
    if (node === undefined || pool === undefined || !this.isUsed(node)) return false
    if (connection.version !== this.version) return false
    this.resize(pool)
    pool.add(connection)
    pool.grow()
    return true
  }

  private async learn(connection: Connection, initial: boolean): Promise<void> {
    await this.readNodes(connection, initial)
    if (initial && this.options.schemaMetadata) await this.readKeyspaces(connection)
  }

  // Nodes and tokens.

  /** Asks again which nodes there are. Rejects when there is no connection to ask by. */
  async refreshNodes(): Promise<void> {
    const { connection } = this.control
    if (connection === undefined) throw new ConnectError("There is no connection to learn the nodes by")
    await this.readNodes(connection, false)
  }

  private async readNodes(connection: Connection, initial: boolean): Promise<void> {
    const [localRow] = await this.query(connection, "SELECT * FROM system.local WHERE key='local'")
    const local = localRow === undefined ? undefined : readLocal(localRow)
    if (local === undefined) throw new ConnectError(`${connection.name} does not tell of itself`)
    const { left, rows } = readPeers(await this.readPeers(connection), local.hostId)
    for (const why of left) this.options.settings.log("warning", why)
    const found = new Map<string, NodeInfo>([[connection.name, local]])
    const endpoints = new Map<string, Endpoint>([[connection.name, connection.endpoint]])
    for (const node of rows) {
      const { address, port } = await this.options.translate(node.address, node.port ?? this.options.port)
      const endpoint = { address, port, serverName: this.serverNameOf(address, port) }
      const name = endpointName(endpoint)
      if (found.has(name)) continue
      found.set(name, node)
      endpoints.set(name, endpoint)
    }
    if (this.isClosed) throw new ConnectError("The cluster is closed")
    this.partitioner ??= partitionerOf(local.partitioner)
    if (initial) this.negotiate(found)
    this.take(found, endpoints, initial, connection.name)
    this.controlled = this.byAddress.get(connection.name)
  }

  private serverNameOf(address: string, port: number): string | undefined {
    return this.contactEndpoints.find((known) => known.address === address && known.port === port)?.serverName
  }

  /** `system.peers_v2` tells the port of each node; servers before 4.0 do not have it. */
  private async readPeers(connection: Connection) {
    if (this.usesPeersV2) {
      try {
        return await this.query(connection, "SELECT * FROM system.peers_v2")
      } catch (error) {
        if (!(error instanceof ServerResponseError)) throw error
        this.usesPeersV2 = false
      }
    }
    return this.query(connection, "SELECT * FROM system.peers")
  }

  private query(connection: Connection, query: string) {
    return connection.query(query, this.options.controlTimeout)
  }

  /** A node that is older than the one connected to decides on the version of all. */
  private negotiate(found: ReadonlyMap<string, NodeInfo>): void {
    const { minimumVersion } = this.options.settings
    for (const [address, { version }] of found) {
      const major = Number.parseInt(version, 10)
      if (!(major < 4)) continue
      if (minimumVersion > 4) throw tooOld(address, 4, minimumVersion)
      this.version = 4
    }
    const { connection } = this.control
    if (connection !== undefined && connection.version < this.version) this.version = connection.version
  }

  private take(
    found: ReadonlyMap<string, NodeInfo>,
    endpoints: ReadonlyMap<string, Endpoint>,
    initial: boolean,
    local: string
  ): void {
    let isDifferent = false
    const added: Array<ClusterNode> = []
    for (const [address, info] of found) {
      const known = this.byAddress.get(address)
      if (known !== undefined) {
        if (known.update(info)) isDifferent = true
        continue
      }
      // A node that is learnt of later is down until there is a connection to it.
      const node = new ClusterNode(address, endpoints.get(address)!, info, initial || address === local)
      this.byAddress.set(address, node)
      added.push(node)
    }
    const removed = this.all.filter(({ address }) => !found.has(address))
    for (const node of removed) this.byAddress.delete(node.address)
    if (!isDifferent && added.length === 0 && removed.length === 0 && this.ring !== undefined) return
    this.all = [...this.byAddress.values()]
    this.buildRing()
    if (!this.isKept) return
    this.options.policy.changed(this.all)
    for (const node of removed) {
      this.retire(node)
      this.statusWindows.get(node)?.stop()
      this.statusWindows.delete(node)
      this.tell("nodeRemoved", node)
    }
    for (const node of added) {
      const pool = this.makePool(node)
      this.tell("nodeAdded", node)
      this.resize(pool)
      pool.grow()
    }
    // A node may be in another data centre than it was, and be used now, or not any more.
    for (const pool of this.pools.values()) {
      this.resize(pool)
      pool.grow()
    }
  }

  private retire(node: ClusterNode): void {
    const pool = this.pools.get(node)
    if (pool === undefined) return
    this.pools.delete(node)
    this.retired.add(pool)
    void pool.retire().then(() => this.retired.delete(pool))
  }

  private buildRing(): void {
    this.generation++
    const { partitioner } = this
    this.ring =
      this.options.tokenMetadata && partitioner !== undefined ? new TokenRing(this.all, partitioner) : undefined
  }

  // Schema.

  /** Reads the replication of all keyspaces. */
  async refreshKeyspaces(): Promise<void> {
    await this.readKeyspaces(this.requireControl())
  }

  /** Reads the replication of one keyspace, which may be gone. */
  async refreshKeyspace(keyspace: string): Promise<void> {
    if (!this.options.schemaMetadata) return
    const name = keyspace.replaceAll("'", "''")
    const [row] = await this.query(
      this.requireControl(),
      `SELECT keyspace_name, replication FROM system_schema.keyspaces WHERE keyspace_name = '${name}'`
    )
    this.generation++
    if (row === undefined) this.replications.delete(keyspace)
    else this.replications.set(keyspace, parseReplication(row["replication"]))
  }

  private async readKeyspaces(connection: Connection): Promise<void> {
    const rows = await this.query(connection, "SELECT keyspace_name, replication FROM system_schema.keyspaces")
    this.generation++
    this.replications = new Map(rows.map((row) => [String(row["keyspace_name"]), parseReplication(row["replication"])]))
  }

  private requireControl(): Connection {
    const { connection } = this.control
    if (connection === undefined) throw new NoNodeError("There is no connection to learn the schema by", {})
    return connection
  }

  /** Whether all nodes that are up have the same schema. Rejects when nobody could be asked. */
  async checkAgreement(connection: Connection = this.requireControl()): Promise<boolean> {
    const local = await this.query(connection, "SELECT schema_version FROM system.local")
    const peers = await this.query(connection, "SELECT host_id, schema_version FROM system.peers")
    const down = new Set(this.all.filter((node) => !node.isUp()).map(({ hostId }) => hostId))
    return versionsAgree(local[0], peers, down)
  }

  /** Waits until the nodes agree, as long as that may take and somebody wants to know; what it gives back is whether they do. */
  private async awaitAgreement(connection: Connection, isWanted: () => boolean): Promise<boolean> {
    if (this.all.length === 1) return true
    const limit = this.options.maxSchemaAgreementWait
    const end = performance.now() + limit
    for (let left = limit; left > 0 && isWanted() && !this.isClosed; left = end - performance.now()) {
      if (await this.checkAgreement(connection)) return true
      await new Promise((resolve) => setTimeout(resolve, Math.min(AGREEMENT_INTERVAL, left)))
    }
    return false
  }

  /** A request of this client changed the schema. Gives whether the nodes agree on it; never rejects. */
  async changedSchema(connection: Connection, change: SchemaChange, isWanted: () => boolean): Promise<boolean> {
    let agreed = false
    // The announcement may be still on its way.
    if (change.change === "DROPPED") this.drops.add(change.keyspace)
    try {
      agreed = await this.awaitAgreement(connection, isWanted)
      if (isOfKeyspace(change)) await this.refreshKeyspace(change.keyspace)
    } catch (error) {
      this.options.settings.log("warning", `After a change of the schema: ${String(error)}`, error)
    }
    this.tell("changedByUs", change.keyspace)
    return agreed
  }

  // Announcements.

  private onEvent(event: ServerEvent): void {
    switch (event.type) {
      case "SCHEMA_CHANGE":
        if (event.schema.change === "DROPPED") this.drops.add(event.schema.keyspace)
        this.tell("schemaChanged", event.schema)
        return this.schemaWindow.add(event.schema)
      case "TOPOLOGY_CHANGE":
        return this.topologyWindow.add(event)
      case "STATUS_CHANGE":
        // Where the nodes' ports are not told of, all of them listen on the one that was given.
        void this.options
          .translate(event.address, this.usesPeersV2 ? event.port : this.options.port)
          .then(({ address, port }) => this.onStatus(`${address}:${port}`, event.change === "UP"))
    }
  }

  private onStatus(address: string, up: boolean): void {
    const node = this.byAddress.get(address)
    // A node that nobody has told of yet.
    if (node === undefined) return up ? this.topologyWindow.add(address) : undefined
    // One that was gone for so short that nobody missed it has no other way to tell.
    if (up && node.isUp()) this.returnedWindow.add(address)
    if (!this.isUsed(node)) {
      if (up ? node.setUp() : node.setDown()) this.tell(up ? "nodeUp" : "nodeDown", node)
      return
    }
    if (!up) return
    let window = this.statusWindows.get(node)
    if (window === undefined) {
      window = new RefreshWindow(this.options.statusRefreshWindow, () => {
        this.statusWindows.delete(node)
        this.pools.get(node)?.reconnectNow()
      })
      this.statusWindows.set(node, window)
    }
    window.add(undefined)
  }

  private tell<K extends keyof TopologyListener>(what: K, value: Parameters<TopologyListener[K]>[0]): void {
    for (const listener of this.listeners) {
      try {
        ;(listener[what] as ((value: unknown) => void) | undefined)?.(value)
      } catch (error) {
        // It is called from inside the events of sockets, where an exception would end the connection.
        this.options.settings.log("error", `A listener threw: ${String(error)}`, error)
      }
    }
  }
}

const isOfKeyspace = ({ target }: SchemaChange): boolean => target === "KEYSPACE"

const shuffled = <A>(items: Array<A>): ReadonlyArray<A> => {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[items[i], items[j]] = [items[j] as A, items[i] as A]
  }
  return items
}

const atMost = (millis: number, promise: Promise<unknown>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, millis)
    void promise.finally(() => {
      clearTimeout(timer)
      resolve()
    })
  })
