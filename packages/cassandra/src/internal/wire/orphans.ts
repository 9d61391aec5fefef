import type { WireConnection } from "./connection.ts"
import type { Host, Pool } from "./driverShape.ts"

/**
 * A request that was cancelled keeps its stream id until its answer arrives, or the answer would be taken for that of
 * another request. A server that stops answering would hide behind them: a connection with too many is replaced.
 */
export const retire = (connection: WireConnection): void => {
  connection.retiring = true
  const host = hostOf(connection)
  if (host === undefined) return
  connection.log(
    "warning",
    `${connection.orphans} abandoned requests unanswered: replacing the connection to ${host.address}`
  )
  connection.wire.counters.connectionsReplaced++
  const { pool } = host
  // The new one first: a pool without connections makes the driver consider its host as down.
  pool._attemptNewConnection().then(
    () => closeWhenDone(withdraw(pool, connection)),
    // No new connection can be had, so the host really is down: this is how the driver finds out.
    () => host.removeFromPool(connection)
  )
}

const hostOf = (connection: WireConnection): Host | undefined =>
  connection.wire.client.hosts.values().find((host) => host.pool.connections.includes(connection))

/** Nobody borrows it any more; what is under way on it goes on. */
const withdraw = (pool: Pool, connection: WireConnection): WireConnection => {
  pool.connections = pool.connections.filter((c) => c !== connection)
  return connection
}

const GRACE = 50

const closeWhenDone = (connection: WireConnection): void => {
  const until = performance.now() + connection.options.socketOptions.readTimeout
  const check = (): void => {
    if (connection.getInFlight() > connection.orphans && performance.now() <= until) {
      setTimeout(check, GRACE).unref()
      return
    }
    connection.close()
  }
  check()
}
