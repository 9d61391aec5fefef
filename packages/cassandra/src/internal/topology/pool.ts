import { ConnectError, Connection, type ConnectionOwner, type ConnectionSettings } from "../connection/index.ts"
import type { ProtocolVersion } from "../protocol/index.ts"
import type { ClusterNode } from "./node.ts"

export interface PoolOptions {
  readonly settings: ConnectionSettings
  /** The version of the cluster, asked for each connection that is opened. */
  readonly version: () => ProtocolVersion
  /** Requests in flight on a connection, at most. */
  readonly maxRequestsPerConnection: number
  /** With more requests than this that ran out of time unanswered, a connection is given up. */
  readonly maxTimedOut: number
  /** How long connections that are drained may go on, in milliseconds. */
  readonly drainTimeout: number
  /** Milliseconds between attempts to reach a node that is down; a new one whenever it was up. */
  readonly reconnectionDelays: () => Iterator<number>
  /** Run with the first connection to a node that was down, before it counts as up. Must not reject. */
  readonly beforeUp: (node: ClusterNode, connection: Connection) => Promise<void>
  readonly onUp: (node: ClusterNode) => void
  readonly onDown: (node: ClusterNode) => void
  /** A connection is not one of the pool's any more. */
  readonly onLost: (connection: Connection) => void
}

/** No connection of a node can take another request. */
export class NoConnectionError extends Error {
  readonly _tag = "NoConnection"
  override readonly name = "NoConnectionError"
}

/** How often a connection that is drained is looked at, in milliseconds. */
const GRACE = 50

/** Where the search for a connection begins, of all pools: it spreads the load. */
let turn = 0

/**
 * The connections to one node. It keeps as many as it is told to, and finds out by them whether the node is up: a node without
 * any is down, and is tried again until it has one.
 */
export class Pool implements ConnectionOwner {
  connections: ReadonlyArray<Connection> = []
  readonly node: ClusterNode
  private size = 0
  private readonly options: PoolOptions
  private opening: Connection | undefined
  private timer: NodeJS.Timeout | undefined
  private delays: Iterator<number>
  private isClosed = false
  private lastFailure: Error | undefined
  /** Connections that are there until another one takes their place. */
  private replacing = 0
  /** No longer borrowed; closed when what is in flight on them has ended. */
  private readonly draining = new Set<Connection>()
  /** Called when the attempt that is under way, or the next one, has ended. */
  private waiters: Array<(error: Error | undefined) => void> = []

  constructor(node: ClusterNode, options: PoolOptions) {
    this.node = node
    this.options = options
    this.delays = options.reconnectionDelays()
  }

  get inFlight(): number {
    let sum = 0
    for (const connection of this.connections) sum += connection.load
    return sum
  }

  get orphans(): number {
    let sum = 0
    for (const connection of this.connections) sum += connection.orphans
    return sum
  }

  /** How many connections there are to be; 0 closes them once what is in flight has ended. */
  resize(size: number): void {
    const grows = size > this.size
    this.size = size
    if (size === 0) return this.drain()
    if (grows && !this.node.isUp() && this.opening === undefined) this.reconnectNow()
  }

  /** One with little in flight, and not `other` if that can be. Throws when none can take a request. */
  borrow(other?: Connection): Connection {
    const { connections } = this
    const { length } = connections
    if (length === 0) throw this.unavailable()
    const { maxRequestsPerConnection } = this.options
    turn = (turn + 1) & 0x3fff
    let least = connections[turn % length]!
    for (let i = 1; i < length; i++) {
      const next = connections[(turn + i) % length]!
      if (least === other || (next !== other && next.load < least.load)) least = next
      // As few as possible are looked at.
      if (least.load < maxRequestsPerConnection) break
    }
    if (least.load >= maxRequestsPerConnection) {
      throw new NoConnectionError(
        `All connections to host ${this.node.address} are busy, ${maxRequestsPerConnection} requests are in-flight on ${
          length === 1 ? "a single connection" : `each of the ${length} connections`
        }`
      )
    }
    return least
  }

  /** Why there is no connection. */
  unavailable(): Error {
    const { lastFailure } = this
    const why = lastFailure === undefined ? "" : `: ${lastFailure.message}`
    return new NoConnectionError(
      this.isClosed ? "the cluster is closed" : `no open connection${why}`,
      lastFailure === undefined ? undefined : { cause: lastFailure }
    )
  }

  /** Takes a connection that is open already. */
  add(connection: Connection): void {
    connection.owner = this
    this.connections = [...this.connections, connection]
    if (this.connections.length < this.size) return
    clearTimeout(this.timer)
    this.timer = undefined
  }

  /** Opens connections until there are as many as there are to be; rejects with the first failure. */
  async fill(): Promise<void> {
    while (!this.isClosed && this.connections.length < this.size) await this.attempt()
  }

  /** Opens those that are missing, while nobody waits. */
  grow(): void {
    if (this.connections.length < this.size && !this.isTrying) this.schedule(0)
  }

  /** Tries at once, and as often again as for a node that has just gone. */
  reconnectNow(): void {
    if (this.node.isUp() || this.isClosed || this.size === 0) return
    this.delays = this.options.reconnectionDelays()
    clearTimeout(this.timer)
    this.timer = undefined
    if (this.opening === undefined) this.schedule(0)
  }

  /** A request on the connection ran out of time. */
  timedOut(connection: Connection): void {
    if (connection.timedOut > this.options.maxTimedOut) this.remove(connection)
  }

  /** Gives a connection up: nobody borrows it any more, and it is closed. */
  remove(connection: Connection): void {
    if (!this.connections.includes(connection)) return
    this.connections = this.connections.filter((other) => other !== connection)
    setImmediate(() => connection.close())
    this.check()
    this.options.onLost(connection)
  }

  closed(connection: Connection): void {
    this.lastFailure = new ConnectError("the last one was lost")
    this.remove(connection)
  }

  broken(connection: Connection, error: Error): void {
    this.lastFailure = error
    this.remove(connection)
  }

  /**
   * A request that was cancelled keeps its stream id until its answer arrives, or the answer would be taken for that of another
   * one. A server that stops answering would hide behind them: a connection with too many is replaced. The new one is opened
   * first, since a node without connections is down.
   */
  clogged(connection: Connection): void {
    const { counters, log } = this.options.settings
    log(
      "warning",
      `${connection.orphans} abandoned requests unanswered: replacing the connection to ${this.node.address}`
    )
    counters.connectionsReplaced++
    this.replacing++
    void this.replace(connection).finally(() => this.replacing--)
  }

  private async replace(connection: Connection): Promise<void> {
    try {
      await this.attempt()
    } catch {
      // No new connection can be had: the node really is down.
      return this.remove(connection)
    }
    this.connections = this.connections.filter((other) => other !== connection)
    this.closeWhenDone(connection)
    this.options.onLost(connection)
  }

  /** Closes everything for good, and waits until it is. */
  async close(): Promise<void> {
    this.isClosed = true
    this.size = 0
    clearTimeout(this.timer)
    this.timer = undefined
    this.opening?.destroy(new ConnectError("Connecting was interrupted"))
    const all = [...this.connections, ...this.draining]
    this.connections = []
    for (const connection of all) connection.close()
    await Promise.all(all.map((connection) => connection.gone))
  }

  /** Ends everything at once. */
  destroy(error: Error): void {
    this.isClosed = true
    this.size = 0
    clearTimeout(this.timer)
    this.timer = undefined
    this.opening?.destroy(error)
    const all = [...this.connections, ...this.draining]
    this.connections = []
    for (const connection of all) connection.destroy(error)
  }

  /** The node has left: no more connections, and those there are end with what is in flight. Ends when they have. */
  async retire(): Promise<void> {
    this.isClosed = true
    this.resize(0)
    this.opening?.destroy(new ConnectError("The node has left the cluster"))
    await Promise.all([...this.draining].map((connection) => connection.gone))
  }

  private get isTrying(): boolean {
    return this.opening !== undefined || this.timer !== undefined
  }

  private drain(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const { connections } = this
    this.connections = []
    for (const connection of connections) {
      this.closeWhenDone(connection)
      this.options.onLost(connection)
    }
  }

  /** Closes a connection once nothing is in flight on it but what nobody waits for. */
  private closeWhenDone(connection: Connection): void {
    const until = performance.now() + this.options.drainTimeout
    const check = (): void => {
      if (connection.isOpen && connection.load > connection.orphans && performance.now() <= until) {
        setTimeout(check, GRACE).unref()
        return
      }
      this.draining.delete(connection)
      connection.close()
    }
    this.draining.add(connection)
    // What is sent on it in this turn of the event loop goes on.
    setImmediate(check)
  }

  /** What a loss of connections leads to. */
  private check(): void {
    if (this.isClosed || this.size === 0) return
    if (this.connections.length < this.size && !this.isTrying) this.schedule(this.delays.next().value as number)
    if (this.connections.length === 0 && this.node.setDown()) this.options.onDown(this.node)
  }

  private schedule(delay: number): void {
    if (this.isClosed) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      if (this.connections.length < this.size) this.attempt().catch(() => {})
    }, delay)
  }

  /** Opens one connection, or waits for the one that is being opened. */
  private attempt(): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.waiters.push((error) => (error === undefined ? resolve() : reject(error)))
    })
    if (this.opening === undefined) void this.open()
    return done
  }

  private async open(): Promise<void> {
    const { settings, version } = this.options
    const connection = (this.opening = new Connection(settings, this.node.endpoint, version()))
    let failure: Error | undefined
    try {
      await connection.open()
    } catch (error) {
      failure = error as Error
      settings.log("warning", `Connection to ${this.node.address} could not be created: ${failure.message}`, failure)
    }
    if (this.size === 0 && failure === undefined) {
      failure = new ConnectError("Connection closed")
      connection.close()
    }
    this.opening = undefined
    this.lastFailure = failure
    if (failure === undefined) {
      settings.log("info", `Connection to ${this.node.address} opened successfully`)
      // There may be one by now that was opened elsewhere.
      if (this.connections.length < this.size + this.replacing) this.add(connection)
      else connection.close()
    }
    const { waiters } = this
    this.waiters = []
    for (const waiter of waiters) waiter(failure)
    if (failure !== undefined) return this.check()
    await this.opened(connection)
  }

  private async opened(connection: Connection): Promise<void> {
    if (!this.node.isUp()) {
      await this.options.beforeUp(this.node, connection)
      // Lost meanwhile: the next attempt has been seen to.
      if (this.connections.length === 0) return
    }
    this.setUp()
    this.grow()
  }

  private setUp(): void {
    if (!this.node.setUp()) return
    this.options.settings.log("info", `Host ${this.node.address} is UP`)
    this.delays = this.options.reconnectionDelays()
    this.options.onUp(this.node)
  }
}
