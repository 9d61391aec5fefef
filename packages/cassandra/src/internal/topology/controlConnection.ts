import { ConnectError, Connection, type ConnectionSettings, type Endpoint, endpointName } from "../connection/index.ts"
import { Opcode, type ProtocolVersion, type ServerEvent, writeRegister } from "../protocol/index.ts"

/** The nodes could not be reached, each for a reason of its own. */
export class NoNodeError extends Error {
  readonly _tag = "NoNode"
  override readonly name = "NoNodeError"
  /** By `address:port`, or by the contact point that has no address. */
  readonly innerErrors: Readonly<Record<string, unknown>>
  /** Names of contact points that have no address. */
  readonly unresolved: ReadonlyArray<string>
  constructor(message: string, innerErrors: Readonly<Record<string, unknown>>, unresolved: ReadonlyArray<string> = []) {
    super(message)
    this.innerErrors = innerErrors
    this.unresolved = unresolved
  }
}

/** What the control connection needs of those who know the nodes. */
export interface ControlOwner {
  /** The addresses of the contact points as they are now, in the order to try, and the names that have none. */
  readonly endpoints: () => Promise<{
    readonly endpoints: ReadonlyArray<Endpoint>
    readonly unresolved: ReadonlyArray<string>
  }>
  /** Connections of the pools, the nodes that are preferred first. */
  readonly pooled: () => Iterable<Connection>
  /** What a pool has for an address: a connection, `"down"` where it is to find one by itself, or nothing of it. */
  readonly pooledAt: (address: string) => Connection | "down" | undefined
  /** The version that all nodes speak, as far as that is known. */
  readonly version: () => ProtocolVersion
  /** Learns of the cluster by a connection. */
  readonly learn: (connection: Connection, initial: boolean) => Promise<void>
  /** A connection that was opened for a contact point: true where a pool takes it. */
  readonly adopt: (connection: Connection) => boolean
  readonly onEvent: (event: ServerEvent) => void
  readonly onConnected: () => void
  readonly reconnectionDelays: () => Iterator<number>
}

const eventTypes = ["TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"]

/** One that ended sooner than this is not followed by another one opened at once: that could go on without end. */
const SHORT_LIFE = 1000

/**
 * - `starting`: connecting for the first time
 * - `connected`: by `connection`, whose end leads to `connecting`
 * - `connecting`: one attempt is under way, which leads to `connected` or `waiting`
 * - `waiting`: for the time of the next attempt, or a node that comes up
 * - `closed`: for good
 */
type State = "starting" | "connected" | "connecting" | "waiting" | "closed"

/**
 * The one connection by which the client hears of its cluster. As long as the client is open there is one, or one attempt to get
 * one, or one wait for the next attempt; and nothing of it is left afterwards. It is one of a pool's where that can be.
 */
export class ControlConnection {
  connection: Connection | undefined
  private state: State = "starting"
  private since = 0
  private delays: Iterator<number>
  private timer: NodeJS.Timeout | undefined
  /** A node came up during the attempt. */
  private nodeCameUp = false
  /** The connection that is in no pool: nobody else closes it. */
  private own: Connection | undefined
  private opening: Connection | undefined
  private readonly settings: ConnectionSettings
  private readonly timeout: number
  private readonly owner: ControlOwner

  /** `timeout` in milliseconds for each of its queries; 0 for none. */
  constructor(settings: ConnectionSettings, timeout: number, owner: ControlOwner) {
    this.settings = settings
    this.timeout = timeout
    this.owner = owner
    this.delays = owner.reconnectionDelays()
  }

  /** The first connection, and what the cluster tells by it. */
  async connect(): Promise<Connection> {
    const tried: Record<string, unknown> = {}
    const { endpoints, unresolved } = await this.owner.endpoints()
    for (const endpoint of endpoints) {
      if (this.isClosed) break
      const name = endpointName(endpoint)
      try {
        let connection = await this.open(endpoint)
        await this.learn(connection, true)
        const version = this.owner.version()
        if (connection.version !== version) {
          // A node that is older than this one decides for all.
          this.own = undefined
          connection.close()
          connection = await this.open(endpoint, version)
          await this.learn(connection, true)
        }
        return connection
      } catch (error) {
        tried[name] = error
        this.own?.close()
        this.own = undefined
      }
    }
    if (this.isClosed) throw new ConnectError("Connecting was interrupted")
    throw new NoNodeError(
      endpoints.length === 0 ? "No host could be resolved" : "All host(s) tried for connecting failed",
      tried,
      unresolved
    )
  }

  /** From now on it is kept. A pool may have taken the first connection. */
  keep(): void {
    const { connection } = this
    if (connection === undefined) return
    if (this.own !== undefined && this.owner.adopt(connection)) this.own = undefined
    this.connected(connection)
  }

  /** A node came up: worth an attempt. */
  nodeUp(): void {
    if (this.state === "waiting") void this.reconnect(true)
    else this.nodeCameUp = true
  }

  /** A connection has closed, or is not to be used any more. */
  lost(connection: Connection): void {
    if (this.state !== "connected" || this.connection !== connection) return
    connection.onEvent = undefined
    const lasted = performance.now() - this.since >= SHORT_LIFE
    if (lasted) this.delays = this.owner.reconnectionDelays()
    void this.reconnect(lasted)
  }

  /** For good; ends when nothing is left of it. */
  async close(): Promise<void> {
    this.state = "closed"
    clearTimeout(this.timer)
    this.opening?.destroy(new ConnectError("Connecting was interrupted"))
    const { own } = this
    own?.close()
    this.own = undefined
    if (this.connection !== undefined) this.connection.onEvent = undefined
    this.connection = undefined
    await own?.gone
  }

  private get isClosed(): boolean {
    return this.state === "closed"
  }

  private connected(connection: Connection): void {
    this.state = "connected"
    this.since = performance.now()
    if (!connection.isOpen) this.lost(connection)
  }

  private async reconnect(opening: boolean): Promise<void> {
    clearTimeout(this.timer)
    this.state = "connecting"
    this.nodeCameUp = false
    this.own?.close()
    this.own = undefined
    this.connection = undefined
    const connection = await this.find(opening)
    if (this.isClosed) return
    if (connection !== undefined) {
      this.connected(connection)
      if (connection.isOpen) this.owner.onConnected()
      return
    }
    this.state = "waiting"
    const delay = this.nodeCameUp ? 0 : (this.delays.next().value as number)
    this.timer = setTimeout(() => void this.reconnect(true), delay)
  }

  /** Tries every node that there is a connection to, and then to open one to a contact point. It never rejects. */
  private async find(opening: boolean): Promise<Connection | undefined> {
    const tried = new Set<string>()
    for (const connection of this.owner.pooled()) {
      if (tried.has(connection.name)) continue
      tried.add(connection.name)
      if (await this.learned(connection)) return connection
      if (this.isClosed) return undefined
    }
    if (!opening) return undefined
    const { endpoints } = await this.owner.endpoints()
    for (const endpoint of endpoints) {
      // There are connections to try that were not there before.
      if (this.isClosed || this.nodeCameUp) return undefined
      const name = endpointName(endpoint)
      if (tried.has(name)) continue
      const pooled = this.owner.pooledAt(name)
      if (pooled === "down") continue
      try {
        const connection = pooled ?? (await this.open(endpoint, this.owner.version()))
        if (await this.learned(connection)) {
          if (this.own === connection && this.owner.adopt(connection)) this.own = undefined
          return connection
        }
      } catch {
        // Logged where it was opened.
      }
      this.own?.close()
      this.own = undefined
    }
    return undefined
  }

  private async learned(connection: Connection): Promise<boolean> {
    try {
      await this.learn(connection, false)
      if (!this.isClosed && connection.isOpen) return true
    } catch (error) {
      this.settings.log("warning", `The cluster cannot be learnt of by ${connection.name}: ${String(error)}`, error)
    }
    connection.onEvent = undefined
    this.connection = undefined
    return false
  }

  /** Learns of the cluster by a connection, and asks for what happens in it. */
  private async learn(connection: Connection, initial: boolean): Promise<void> {
    this.connection = connection
    try {
      await this.owner.learn(connection, initial)
      connection.onEvent = (event) => this.owner.onEvent(event)
      await connection.ask(
        { opcode: Opcode.register, write: (w, id) => writeRegister(w, connection.version, id, eventTypes) },
        this.timeout
      )
    } catch (error) {
      connection.onEvent = undefined
      this.connection = undefined
      throw error
    }
  }

  private async open(endpoint: Endpoint, version?: ProtocolVersion): Promise<Connection> {
    const connection = (this.opening = new Connection(this.settings, endpoint, version))
    try {
      await connection.open()
    } catch (error) {
      this.settings.log("warning", `Connection to ${connection.name} could not be created: ${String(error)}`, error)
      throw error
    } finally {
      this.opening = undefined
    }
    if (this.isClosed) {
      connection.close()
      throw new ConnectError("Connecting was interrupted")
    }
    // In no pool yet: nobody else listens.
    connection.owner = {
      closed: () => this.lost(connection),
      broken: () => connection.close(),
      clogged: () => connection.close()
    }
    this.own = connection
    return connection
  }
}
