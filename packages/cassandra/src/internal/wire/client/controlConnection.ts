/**
 * The control connection: the one connection by which a client hears of its cluster. The driver's own way of getting it back
 * does not hold: it listens twice for the end of one that it opened by a contact point, and so reconnects twice at once and
 * loses sight of a connection; it misses the end of one that its pool closes; and it replaces the host that it comes back to,
 * whose old pool goes on. So the driver connects, and from there on this keeps what it has.
 */
import driver from "cassandra-driver"
import { driverFile } from "../driverFile.ts"
import type { Client, Connection, ControlConnection, Host } from "../driverShape.ts"
import { clientInside } from "../inside.ts"
import { ask } from "./ask.ts"

const { Host: HostOfDriver } = driverFile("lib/host") as {
  readonly Host: new (
    endpoint: string,
    protocolVersion: number | null,
    options: Client["options"],
    metadata: Client["metadata"]
  ) => Host
}

const events = ["nodeTopologyChange", "nodeStatusChange", "nodeSchemaChange"]

/** One that ended sooner than this is not followed by another one opened at once: that could go on without end. */
const shortLife = 1000

/**
 * - `starting`: the driver connects for the first time
 * - `connected`: by `control.connection`, whose end leads to `connecting`
 * - `connecting`: one attempt is under way, which leads to `connected` or `waiting`
 * - `waiting`: for the time of the next attempt, or a node that comes up
 * - `closed`: for good
 */
type State = "starting" | "connected" | "connecting" | "waiting" | "closed"

class Keeper {
  readonly #control: ControlConnection
  readonly #watched = new WeakSet<Connection>()
  #state: State = "starting"
  #since = 0
  #schedule: ReturnType<ControlConnection["_reconnectionPolicy"]["newSchedule"]>
  #timer: NodeJS.Timeout | undefined
  /** A node came up during the attempt. */
  #hostCameUp = false
  /** The connection that is in no pool: nobody else closes it. */
  #own: Connection | undefined

  constructor(control: ControlConnection) {
    this.#control = control
    this.#schedule = control._reconnectionPolicy.newSchedule()
  }

  connected(connection: Connection): void {
    this.#watch(connection)
    this.#state = "connected"
    this.#since = performance.now()
    if (!connection.connected) this.#lost(connection)
  }

  hostUp(): void {
    if (this.#state === "waiting") void this.#reconnect(true)
    else this.#hostCameUp = true
  }

  close(): void {
    this.#state = "closed"
    clearTimeout(this.#timer)
    this.#own?.close()
    this.#own = undefined
  }

  /** Whoever ends it, the pool, a heartbeat or the node, `close` is what is called. */
  #watch(connection: Connection): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    const { close } = connection
    connection.close = (callback) => {
      close.call(connection, callback)
      this.#lost(connection)
    }
  }

  #lost(connection: Connection): void {
    if (this.#state !== "connected" || this.#control.connection !== connection) return
    const lasted = performance.now() - this.#since >= shortLife
    if (lasted) this.#schedule = this.#control._reconnectionPolicy.newSchedule()
    void this.#reconnect(lasted)
  }

  async #reconnect(opening: boolean): Promise<void> {
    const control = this.#control
    clearTimeout(this.#timer)
    this.#state = "connecting"
    this.#hostCameUp = false
    this.#own?.close()
    this.#own = undefined
    control.host = null
    control.connection = null
    const tried: Record<string, unknown> = {}
    const connection = await this.#find(tried, opening)
    if (this.#isClosed()) return
    if (connection !== undefined) {
      this.connected(connection)
      if (connection.connected) control.emit("newConnection", null, connection, control.host)
      return
    }
    this.#state = "waiting"
    this.#timer = setTimeout(() => void this.#reconnect(true), this.#hostCameUp ? 0 : this.#schedule.next().value)
    control.emit("newConnection", new driver.errors.NoHostAvailableError(tried))
  }

  #isClosed(): boolean {
    return this.#state === "closed"
  }

  /** Tries every node that there is a connection to, and then to open one to a contact point. It never rejects. */
  async #find(tried: Record<string, unknown>, opening: boolean): Promise<Connection | undefined> {
    const control = this.#control
    for (const host of await plan(control)) {
      const connection = host.isUp() && isUsed(control, host) ? openOf(host) : undefined
      if (connection === undefined || connection.endpoint in tried) continue
      if (await this.#learn(connection, tried)) return connection
      if (this.#isClosed()) return undefined
    }
    if (!opening || (control.options.sni ?? undefined) !== undefined) return undefined
    for (const endpoint of await contactPoints(control)) {
      // There are connections to try that were not there before.
      if (this.#isClosed() || this.#hostCameUp) return undefined
      if (endpoint in tried) continue
      try {
        const connection = await this.#open(endpoint)
        if (await this.#learn(connection, tried)) return connection
      } catch (error) {
        tried[endpoint] = error
      }
      this.#own?.close()
      this.#own = undefined
    }
    return undefined
  }

  /** Learns of the cluster by a connection, and asks for what happens in it. */
  async #learn(connection: Connection, tried: Record<string, unknown>): Promise<boolean> {
    const control = this.#control
    control.connection = connection
    try {
      await control._refreshHosts(false, true)
      stopListening(connection)
      await control._registerToConnectionEvents()
      if (!this.#isClosed() && connection.connected) return true
    } catch (error) {
      tried[connection.endpoint] = error
    }
    tried[connection.endpoint] ??= new Error("The connection was closed")
    stopListening(connection)
    control.host = null
    control.connection = null
    return false
  }

  /** A connection to a contact point. Those that have a pool are left to it: it tells when it has one. */
  async #open(endpoint: string): Promise<Connection> {
    const control = this.#control
    const host = control.hosts.get(endpoint)
    if (host !== undefined && isUsed(control, host)) {
      const connection = openOf(host)
      if (connection === undefined) throw new Error("The node is down")
      return connection
    }
    const connection = await control._createConnection(endpoint)
    // No pool listens for a heartbeat that is not answered.
    connection.once("idleRequestError", () => connection.close())
    this.#own = connection
    if (this.#isClosed()) this.close()
    if (host === undefined) await this.#introduce(connection)
    return connection
  }

  /** Makes a host known that a contact point has led to. */
  async #introduce(connection: Connection): Promise<void> {
    const control = this.#control
    const [local] = await ask(connection, "SELECT * FROM system.local WHERE key='local'")
    if (local === undefined) throw new Error("The node does not tell of itself")
    if (this.#isClosed()) return
    const host = Object.assign(
      new HostOfDriver(connection.endpoint, control.protocolVersion, control.options, control.metadata),
      {
        datacenter: local["data_center"],
        rack: local["rack"],
        tokens: local["tokens"],
        hostId: local["host_id"],
        cassandraVersion: local["release_version"]
      }
    )
    control.hosts.set(connection.endpoint, host)
    if (!isUsed(control, host)) return
    if (connection.protocolVersion === control.protocolVersion) {
      host.pool.addExistingConnection(connection)
      this.#own = undefined
    }
    host.initializePool()
  }
}

/** Is it a host that has a pool? Asking tells the host how large that is. */
const isUsed = (control: ControlConnection, host: Host): boolean =>
  control._profileManager.getDistance(host) !== driver.types.distance.ignored && host.pool.coreConnectionsLength > 0

const openOf = ({ pool }: Host): Connection | undefined => pool.connections.find(({ connected }) => connected)

const stopListening = (connection: Connection): void => {
  for (const event of events) connection.removeAllListeners(event)
}

/** The hosts in the order of the cluster's policy; none if that has no plan. */
const plan = (control: ControlConnection): Promise<ReadonlyArray<Host>> =>
  new Promise((resolve) => {
    try {
      control._profileManager.getDefaultLoadBalancing().newQueryPlan(null, null, (error, hosts) => {
        if (error) return resolve([])
        resolve([...{ [Symbol.iterator]: () => hosts }])
      })
    } catch {
      resolve([])
    }
  })

/** The contact points with the addresses that their names have now, or had before if that cannot be told. */
const contactPoints = async (control: ControlConnection): Promise<ReadonlyArray<string>> => {
  // The driver fills its own sets step by step, from which connections take the name for a certificate meanwhile.
  const fresh = Object.assign(Object.create(control) as ControlConnection, {
    _contactPoints: new Set<string>(),
    _resolvedContactPoints: new Map<string, ReadonlyArray<string>>()
  })
  let timer: NodeJS.Timeout | undefined
  const resolved = Promise.all(control.options.contactPoints.map((name) => fresh._parseContactPoint(name)))
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, control.options.socketOptions.connectTimeout)
  })
  await Promise.race([resolved.catch(() => undefined), limit])
  clearTimeout(timer)
  if (fresh._contactPoints.size > 0) {
    control._contactPoints = fresh._contactPoints
    control._resolvedContactPoints = fresh._resolvedContactPoints
  }
  return shuffled([...control._contactPoints])
}

const shuffled = (endpoints: Array<string>): ReadonlyArray<string> => {
  for (let i = endpoints.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[endpoints[i], endpoints[j]] = [endpoints[j] as string, endpoints[i] as string]
  }
  return endpoints
}

/**
 * Keeps a client's control connection: as long as the client is open there is one, or one attempt to get one, or one wait for
 * the next attempt; and nothing of it is left afterwards. Call before the client connects.
 */
export const keepControlConnection = (client: driver.Client): void => {
  const { controlConnection: control, profileManager } = clientInside(client)
  const keeper = new Keeper(control)
  const borrowFirst = control._borrowFirstConnection.bind(control)
  control._borrowFirstConnection = (endpoints) => {
    // The one of the contact point before was of no use, and is in no pool.
    control.connection?.close()
    return borrowFirst(endpoints)
  }
  // What the driver calls when it has connected.
  control._setHealthListeners = (_host, connection) => keeper.connected(connection)
  client.on("hostUp", () => keeper.hostUp())
  // Once it has connected, the driver asks for the distance of the control connection's host, which may be lost again by then.
  const getDistance = profileManager.getDistance.bind(profileManager)
  profileManager.getDistance = (host) => (host === null ? driver.types.distance.ignored : getDistance(host))
  const shutdown = control.shutdown.bind(control)
  control.shutdown = () => {
    keeper.close()
    shutdown()
  }
  const reset = control.reset.bind(control)
  control.reset = () => {
    keeper.close()
    return reset()
  }
}
