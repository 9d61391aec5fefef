/** The end of a client: of one that is connecting, and of one that is connected. */
import type driver from "cassandra-driver"
import { driverFile } from "../driverFile.ts"
import type { Connection, ConnectionClass } from "../driverShape.ts"
import { clientInside, hostInside } from "../inside.ts"

const ConnectionOfDriver = driverFile("lib/connection") as ConnectionClass

/**
 * Makes connecting abortable. The driver opens its first connection where nothing can reach it, so that a `shutdown` while
 * connecting leaves the socket to its time-out. Call before connecting; the function given back ends the attempt at once.
 */
export const abortable = (client: driver.Client): (() => void) => {
  const { controlConnection, options } = clientInside(client)
  const opening = new Set<Connection>()
  let aborted = false
  controlConnection._createConnection = async (contactPoint) => {
    if (aborted) throw new Error("Connecting was interrupted")
    const connection = new ConnectionOfDriver(contactPoint, null, options)
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
      hostInside(host)
        .shutdown(false)
        .catch(() => undefined)
    }
  }
}

/** How long the other side has to agree to the end of a connection. */
const farewell = 250

/**
 * Closes a client. The driver waits for each node to agree to the end of its connections, as long as connecting may take, and
 * for none of those that are being opened: what is left after a moment is cut, and `abort` ends the rest.
 */
export const shutdown = async (client: driver.Client, abort: () => void): Promise<void> => {
  const open = client.hosts.values().flatMap((host) => hostInside(host).pool.connections)
  const timer = setTimeout(() => {
    for (const { netClient } of open) netClient?.destroy()
  }, farewell)
  await client.shutdown().catch(() => undefined)
  clearTimeout(timer)
  abort()
}
