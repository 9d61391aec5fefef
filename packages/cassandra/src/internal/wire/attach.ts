import { abortedError, makeConnectionClass, type WireConnection } from "./connection.ts"
import { theDriver } from "./driver.ts"
import type { Client, ClientOptions, Host } from "./driverShape.ts"
import { patchHighestCommon } from "./negotiate.ts"
import { setState, stateOf, type WireOptions, WireState } from "./state.ts"

type WireConnectionClass = new (endpoint: string, version: number | null, options: ClientOptions) => WireConnection

let connectionClass: WireConnectionClass | undefined

/**
 * Ends everything of an attached client at once: its sockets are destroyed, none is opened any more, and a `connect` that is
 * under way fails. The driver itself cannot be stopped while it connects.
 */
export const abort = (client: Client): void => {
  const state = stateOf(client)
  if (state === undefined) return
  state.isAborted = true
  for (const connection of state.opening) connection.netClient?.destroy(abortedError())
  for (const connection of state.connections) connection.netClient.destroy(abortedError())
}

/**
 * Makes a new client, not connected yet, use the wire. Everything is put on this client's own objects: what creates its
 * connections creates ours. The driver's classes stay as they are.
 */
export const attach = (client: Client, options: WireOptions): WireState => {
  const known = stateOf(client)
  if (known !== undefined) return known
  const driver = theDriver()
  const WireConnection = (connectionClass ??= makeConnectionClass(driver))
  const state = new WireState(driver, client, options)
  const control = client.controlConnection
  if (client.connected || control.connection !== null) throw new Error("attach the wire before the client is connected")
  patchHighestCommon(driver)
  setState(client, state)
  const { logEmitter } = client.options
  // A log handler of the application's may throw, and the driver logs from inside its sockets' events.
  client.options.logEmitter = (...args) => {
    try {
      logEmitter(...args)
    } catch {
      // There is nobody left to tell.
    }
  }
  control._createConnection = async (contactPoint) => {
    const connection = new WireConnection(contactPoint, null, control.options)
    try {
      await connection.openAsync()
    } catch (error) {
      connection.closeAsync().catch(() => {})
      throw error
    }
    return connection
  }
  control.hosts.on("add", (host: Host) => {
    const { pool } = host
    pool._createConnection = () => {
      const { sni } = pool.options
      const endpoint = sni === undefined || sni === null ? pool._address : String(pool._host.hostId)
      const connection = new WireConnection(endpoint, pool.protocolVersion, pool.options)
      pool._addListeners(connection)
      return connection
    }
    const schedule = pool.scheduleNewConnectionAttempt.bind(pool)
    // The end of the client does not reach a pool that it finds closing, nor that of a host that is learnt of meanwhile.
    pool.scheduleNewConnectionAttempt = (delay) => {
      if (!state.isAborted) schedule(delay)
    }
  })
  return state
}
