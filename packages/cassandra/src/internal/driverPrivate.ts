/**
 * The parts of the driver that its public API does not reach, each with the reason. The driver is pinned to the version
 * that these were read in.
 */
import { createRequire } from "node:module"
import type { Socket } from "node:net"
import type driver from "cassandra-driver"
import type { DriverColumn } from "./cqlTypes.ts"

const require = createRequire(import.meta.url)

/** What the driver remembers of a prepared statement; `meta` is replaced when the statement is prepared again. */
export interface PreparedInfo {
  readonly query: string
  readonly meta: {
    /** The variables. */
    readonly columns: ReadonlyArray<DriverColumn>
    readonly keyspace?: string
    readonly table?: string
  }
}

type LoadBalancing = driver.policies.loadBalancing.LoadBalancingPolicy

interface PrepareHandler {
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
  /** Set by the wire, whose connections are its own. */
  readonly _newConnection?: (contactPoint: string) => Connection
  _createConnection(contactPoint: string): Promise<Connection>
  shutdown(): void
}

interface PrivateClient {
  readonly options: driver.ClientOptions
  readonly controlConnection: ControlConnection & { readonly protocolVersion: number | null }
  readonly connecting?: boolean
}

const prepareHandler = require("cassandra-driver/lib/prepare-handler") as PrepareHandler
const ConnectionClass = require("cassandra-driver/lib/connection") as new (
  endpoint: string,
  protocolVersion: number | null,
  options: driver.ClientOptions
) => Connection

const inside = (client: driver.Client): PrivateClient => client as unknown as PrivateClient

/**
 * Prepares a statement, or finds it prepared. The public API prepares only as a side effect of executing, and keeps the
 * types of the variables to itself. The driver does not say which host refused: the one it took last from the plan did.
 */
export const prepare = async (client: driver.Client, query: string): Promise<PreparedInfo> => {
  const { loadBalancing } = (client as unknown as { options: { policies: { loadBalancing: LoadBalancing } } }).options
    .policies
  let asked: string | undefined
  const watched = {
    newQueryPlan: (keyspace, options, callback) =>
      loadBalancing.newQueryPlan(keyspace, options, (error, plan) =>
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

function* watch(plan: Iterator<driver.Host>, onHost: (host: driver.Host) => void): Generator<driver.Host, undefined> {
  for (let item = plan.next(); item.done !== true; item = plan.next()) {
    onHost(item.value)
    yield item.value
  }
  return undefined
}

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
  const create =
    controlConnection._newConnection ?? ((contactPoint) => new ConnectionClass(contactPoint, null, options))
  controlConnection._createConnection = async (contactPoint) => {
    if (aborted) throw new Error("Connecting was interrupted")
    const connection = create(contactPoint)
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
      ;(host as unknown as { shutdown(waitForPending: boolean): Promise<void> }).shutdown(false).catch(() => undefined)
    }
  }
}
