/**
 * Statements on a node that comes up. The driver prepares all it knows there, one after the other, before it uses the node:
 * with hundreds of them, or a node that is slow as it starts, no node may be in use for minutes although all are connected.
 */
import type driver from "cassandra-driver"
import { driverFile } from "../driverFile.ts"
import type { Host, PreparedInfo } from "../driverShape.ts"
import { clientInside } from "../inside.ts"

const { prepareAllQueries } = driverFile("lib/prepare-handler") as {
  prepareAllQueries(host: Host, statements: ReadonlyArray<PreparedInfo>): Promise<void>
}

/** Milliseconds that a node is kept waiting. What it does not know by then is prepared when it is used, if not before. */
const patience = 500

/** Prepares the statements on nodes that come up, and has none wait for long, or at all where no other is in use. */
export const reprepareInTime = (client: driver.Client): void => {
  const { controlConnection, metadata } = clientInside(client)
  const { hosts } = controlConnection
  const others = (host: Host) => hosts.values().some((other) => other !== host && other.isUp() && isConnected(other))
  hosts.on("add", (host: Host) => {
    const opened = host._onNewConnectionOpen.bind(host)
    host._onNewConnectionOpen = async (failure) => {
      if (!failure && !host.isUp()) {
        const prepared = prepareAllQueries(host, metadata.getAllPrepared()).catch(() => undefined)
        if (others(host)) await atMost(patience, prepared)
        // Lost meanwhile: the pool has seen to the next attempt.
        if (!isConnected(host)) return
      }
      return opened(failure)
    }
  })
}

const isConnected = ({ pool }: Host): boolean => pool.connections.length > 0

const atMost = (millis: number, promise: Promise<void>): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, millis)
    void promise.finally(() => {
      clearTimeout(timer)
      resolve()
    })
  })
