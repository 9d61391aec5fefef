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

interface PrepareHandler {
  getPrepared(
    client: driver.Client,
    loadBalancing: driver.policies.loadBalancing.LoadBalancingPolicy,
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
  _createConnection(contactPoint: string): Promise<Connection>
  shutdown(): void
}

interface PrivateClient {
  readonly options: driver.ClientOptions
  readonly controlConnection: ControlConnection & { readonly protocolVersion: number | null }
  readonly connecting?: boolean
  _getEncoder(): { encode(value: unknown, type: unknown): unknown }
}

const prepareHandler = require("cassandra-driver/lib/prepare-handler") as PrepareHandler
const ConnectionClass = require("cassandra-driver/lib/connection") as new (
  endpoint: string,
  protocolVersion: number | null,
  options: driver.ClientOptions
) => Connection

const inside = (client: driver.Client): PrivateClient => client as unknown as PrivateClient

/**
 * Prepares a statement, or finds it prepared; concurrent calls for one text share one request. The public API prepares only
 * as a side effect of executing, and keeps the types of the variables to itself.
 */
export const prepare = (client: driver.Client, query: string): Promise<PreparedInfo> =>
  prepareHandler.getPrepared(
    client,
    (client as unknown as { options: { policies: { loadBalancing: never } } }).options.policies.loadBalancing,
    query,
    client.keyspace
  )

/** The negotiated protocol version, which the public API does not tell. */
export const protocolVersion = (client: driver.Client): number => inside(client).controlConnection.protocolVersion ?? 0

/** Whether the driver's encoder takes a value for a type: to find, among many values, the one it refused. */
export const encodes = (client: driver.Client, value: unknown, type: unknown): boolean => {
  try {
    inside(client)._getEncoder().encode(value, type)
    return true
  } catch {
    return false
  }
}

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
      ;(host as unknown as { shutdown(waitForPending: boolean): Promise<void> }).shutdown(false).catch(() => undefined)
    }
  }
}
