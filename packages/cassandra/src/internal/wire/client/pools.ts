/** The pools of a client's hosts, which the driver opens and closes by itself alone. */
import { once } from "node:events"
import driver from "cassandra-driver"
import type { Host } from "../driverShape.ts"
import { clientInside, hostInside } from "../inside.ts"

/**
 * Gives every host its pool, or takes it, after a change of the distances. It ends when the new pools are open or cannot be
 * opened now; the driver goes on trying those, as it does for any host that is down.
 */
export const adjustPools = async (client: driver.Client): Promise<void> => {
  const state = client.getState()
  await forUsed(client, async (host) => {
    const inner = hostInside(host)
    if (state.getOpenConnections(host) > 0) return inner.initializePool()
    // It may have been ignored a moment ago, and not have closed its last connections yet.
    if (inner.pool.isClosing()) await once(inner.pool, "close")
    await inner.warmupPool(client.keyspace)
  })
}

/** Opens all connections to all nodes that are up and in use, and waits until each is open or has failed. */
export const openAllPools = (client: driver.Client): Promise<void> =>
  forUsed(client, (host) => hostInside(host).warmupPool(client.keyspace))

/** Asking for the distance is also what tells a host how large its pool is to be, and closes that of one not in use. */
const forUsed = async (client: driver.Client, work: (host: driver.Host) => Promise<void>): Promise<void> => {
  const { profileManager } = clientInside(client)
  const ifUsed = async (host: driver.Host): Promise<void> => {
    if (profileManager.getDistance(hostInside(host)) === driver.types.distance.ignored || !host.isUp()) return
    await work(host)
  }
  await Promise.all(client.hosts.values().map((host) => ifUsed(host).catch(() => undefined)))
}

/**
 * Closes the pool of a host that has left for good, once what is in flight has ended. The driver leaves it as it leaves that of a
 * host that may be used again, which an announcement that comes late wakes; and closing the client does not reach it.
 */
export const retireRemoved = (client: driver.Client): void => {
  clientInside(client).controlConnection.hosts.on("remove", (host: Host) => {
    const retire = () => void host.shutdown(false).catch(() => undefined)
    if (host.pool.isClosing()) host.pool.once("close", retire)
    else retire()
  })
}
