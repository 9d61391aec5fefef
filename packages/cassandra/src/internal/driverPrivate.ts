/**
 * The parts of the driver that its public API does not reach, each with the reason. The driver is pinned to the version
 * that these were read in.
 */
import { type EventEmitter, once } from "node:events"
import { createRequire } from "node:module"
import type { Socket } from "node:net"
import driver from "cassandra-driver"
import type { Column } from "./wire/columnType.ts"

const require = createRequire(import.meta.url)

/** What the driver remembers of a prepared statement; `meta` is replaced when the statement is prepared again. */
export interface PreparedInfo {
  readonly query: string
  readonly meta: {
    /** The variables. */
    readonly columns: ReadonlyArray<Column>
    readonly keyspace?: string
    readonly table?: string
  }
}

type LoadBalancing = driver.policies.loadBalancing.LoadBalancingPolicy

interface PrepareHandler {
  new (
    client: driver.Client,
    loadBalancing: LoadBalancing
  ): { _prepare(info: PreparedInfo, query: string, keyspace: string | undefined): Promise<PreparedInfo> }
  getPrepared(
    client: driver.Client,
    loadBalancing: LoadBalancing,
    query: string,
    keyspace: string | undefined
  ): Promise<PreparedInfo>
}

interface Connection {
  readonly netClient?: Socket
  openAsync(): Promise<void>
  closeAsync(): Promise<void>
}

interface ControlConnection {
  readonly _contactPoints: ReadonlySet<string>
  readonly connection: Connection | null
  readonly hosts: EventEmitter
  _createConnection(contactPoint: string): Promise<Connection>
}

interface PrivateHost {
  readonly pool: EventEmitter & { readonly connections: ReadonlyArray<Connection>; isClosing(): boolean }
  shutdown(waitForPending: boolean): Promise<void>
  warmupPool(keyspace: string | undefined): Promise<void>
  initializePool(): void
}

interface PrivateClient {
  readonly options: driver.ClientOptions & { readonly policies: { readonly loadBalancing: LoadBalancing } }
  readonly profileManager: { getDistance(host: driver.Host): driver.types.distance }
  readonly controlConnection: ControlConnection & { readonly protocolVersion: number | null }
  readonly connecting?: boolean
}

const prepareHandler = require("cassandra-driver/lib/prepare-handler") as PrepareHandler
const ConnectionClass = require("cassandra-driver/lib/connection") as new (
  endpoint: string,
  protocolVersion: number | null,
  options: driver.ClientOptions
) => Connection

interface SchemaConnection {
  send(request: unknown, options: null): Promise<{ readonly rows?: ReadonlyArray<Readonly<Record<string, unknown>>> }>
}

interface SchemaMetadata {
  compareSchemaVersions(connection: SchemaConnection): Promise<boolean>
}

const { QueryRequest } = require("cassandra-driver/lib/requests") as {
  readonly QueryRequest: new (query: string) => unknown
}

const inside = (client: driver.Client): PrivateClient => client as unknown as PrivateClient

/**
 * Prepares a statement, or finds it prepared. The public API prepares only as a side effect of executing, and keeps the
 * types of the variables to itself. The driver does not say which host refused: the one it took last from the plan did.
 */
export const prepare = async (client: driver.Client, query: string): Promise<PreparedInfo> => {
  const policy = loadBalancingOf(client)
  let asked: string | undefined
  const watched = {
    newQueryPlan: (keyspace, options, callback) =>
      policy.newQueryPlan(keyspace, options, (error, plan) =>
        error
          ? callback(error, plan)
          : callback(
              error,
              watch(plan, (host) => (asked = host.address))
            )
      )
  } as LoadBalancing
  try {
    return await prepareHandler.getPrepared(client, watched, query, client.keyspace)
  } catch (error) {
    throw error instanceof Error && asked !== undefined ? Object.assign(error, { coordinator: asked }) : error
  }
}

/** The policy that the client was made with. */
export const loadBalancingOf = (client: driver.Client): LoadBalancing => inside(client).options.policies.loadBalancing

/** Prepares a statement that is prepared already, as its types may have changed: its `meta` is replaced. */
export const prepareAgain = (client: driver.Client, info: PreparedInfo): Promise<PreparedInfo> =>
  new prepareHandler(client, loadBalancingOf(client))._prepare(info, info.query, client.keyspace)

function* watch(plan: Iterator<driver.Host>, onHost: (host: driver.Host) => void): Generator<driver.Host, undefined> {
  for (let item = plan.next(); item.done !== true; item = plan.next()) {
    onHost(item.value)
    yield item.value
  }
  return undefined
}

/**
 * Gives every host its pool, or takes it, after a change of the distances. It ends when the new pools are open or cannot be
 * opened now; the driver goes on trying those, as it does for any host that is down.
 */
export const adjustPools = async (client: driver.Client): Promise<void> => {
  const { profileManager } = inside(client)
  const state = client.getState()
  const adjust = async (host: driver.Host): Promise<void> => {
    const inner = host as unknown as PrivateHost
    if (profileManager.getDistance(host) === driver.types.distance.ignored || !host.isUp()) return
    if (state.getOpenConnections(host) > 0) return inner.initializePool()
    // It may have been ignored a moment ago, and not have closed its last connections yet.
    if (inner.pool.isClosing()) await once(inner.pool, "close")
    await inner.warmupPool(client.keyspace)
  }
  await Promise.all(client.hosts.values().map((host) => adjust(host).catch(() => undefined)))
}

/** The resolved contact points, as `address:port`: what tells the local data centre when it is not named. */
export const contactPoints = (client: driver.Client): ReadonlySet<string> =>
  inside(client).controlConnection._contactPoints

/** Whether the control connection is there; the driver looks for another one as soon as it is lost. */
export const isControlled = (client: driver.Client): boolean => inside(client).controlConnection.connection !== null

/** The negotiated protocol version, which the public API does not tell. */
export const protocolVersion = (client: driver.Client): number => inside(client).controlConnection.protocolVersion ?? 0

/**
 * Makes connecting abortable. The driver opens its first connection where nothing can reach it, so that a `shutdown` while
 * connecting leaves the socket to its time-out. Call before connecting; the function given back ends the attempt at once.
 */
export const abortable = (client: driver.Client): (() => void) => {
  const { controlConnection, options } = inside(client)
  const opening = new Set<Connection>()
  let aborted = false
  controlConnection._createConnection = async (contactPoint) => {
    if (aborted) throw new Error("Connecting was interrupted")
    const connection = new ConnectionClass(contactPoint, null, options)
    opening.add(connection)
    try {
      await connection.openAsync()
      return connection
    } catch (error) {
      connection.closeAsync().catch(() => undefined)
      throw error
    } finally {
      opening.delete(connection)
    }
  }
  return () => {
    aborted = true
    for (const connection of opening) connection.netClient?.destroy(new Error("Connecting was interrupted"))
    for (const host of client.hosts.values()) {
      ;(host as unknown as PrivateHost).shutdown(false).catch(() => undefined)
    }
  }
}

/**
 * Waits for schema agreement as long as it was told to and somebody wants to know, where the driver counts whole seconds and
 * knows no answer when it does not wait.
 */
export const waitForAgreement = (client: driver.Client, limit: number): void => {
  const own = client as unknown as {
    readonly metadata: SchemaMetadata
    _waitForSchemaAgreement(connection: SchemaConnection, isWanted?: () => boolean): Promise<boolean>
  }
  own._waitForSchemaAgreement = async (connection, isWanted = () => true) => {
    if (client.hosts.length === 1) return true
    const end = performance.now() + limit
    for (let left = limit; left > 0 && isWanted(); left = end - performance.now()) {
      if (await own.metadata.compareSchemaVersions(connection)) return true
      await new Promise((resolve) => setTimeout(resolve, Math.min(200, left)))
    }
    return false
  }
}

/** Opens all connections to all nodes that are up and in use, and waits until each is open or has failed. */
export const openAllPools = async (client: driver.Client): Promise<void> => {
  const { profileManager } = inside(client)
  const open = async (host: driver.Host): Promise<void> => {
    if (profileManager.getDistance(host) === driver.types.distance.ignored || !host.isUp()) return
    await (host as unknown as PrivateHost).warmupPool(client.keyspace)
  }
  await Promise.all(client.hosts.values().map((host) => open(host).catch(() => undefined)))
}

/**
 * Lets nodes that are down have no say in whether the nodes agree on the schema. The driver asks for the versions of all, and
 * a node that is down keeps the version it had: each schema change would wait its full time, and end in disagreement.
 */
export const agreeAmongLiving = (client: driver.Client): void => {
  const metadata = client.metadata as unknown as SchemaMetadata
  metadata.compareSchemaVersions = async (connection) => {
    const versions = new Set<string>()
    const local = await connection.send(new QueryRequest("SELECT schema_version FROM system.local"), null)
    const peers = await connection.send(new QueryRequest("SELECT host_id, schema_version FROM system.peers"), null)
    const down = new Set(
      client.hosts
        .values()
        .filter((host) => !host.isUp())
        .map((host) => String(host.hostId))
    )
    for (const row of [...(local.rows ?? []), ...(peers.rows ?? [])]) {
      const version = row["schema_version"]
      if (version && !down.has(String(row["host_id"]))) versions.add(String(version))
    }
    return versions.size === 1
  }
}

/**
 * Closes the pool of a host that has left for good, once what is in flight has ended. The driver leaves it as it leaves that of a
 * host that may be used again, which an announcement that comes late wakes; and closing the client does not reach it.
 */
export const retireRemoved = (client: driver.Client): void => {
  inside(client).controlConnection.hosts.on("remove", (host: PrivateHost) => {
    const retire = () => void host.shutdown(false).catch(() => undefined)
    if (host.pool.isClosing()) host.pool.once("close", retire)
    else retire()
  })
}

/** How long the other side has to agree to the end of a connection. */
const farewell = 250

/**
 * Closes a client. The driver waits for each node to agree to the end of its connections, as long as connecting may take, and
 * for none of those that are being opened: what is left after a moment is cut, and `abort` ends the rest.
 */
export const shutdown = async (client: driver.Client, abort: () => void): Promise<void> => {
  const open = client.hosts.values().flatMap((host) => (host as unknown as PrivateHost).pool.connections)
  const timer = setTimeout(() => {
    for (const { netClient } of open) netClient?.destroy()
  }, farewell)
  await client.shutdown().catch(() => undefined)
  clearTimeout(timer)
  abort()
}
