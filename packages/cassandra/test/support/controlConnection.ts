/** The driver's control connection, which its public API does not show. */
import type { Cluster } from "effect-cassandra"
import type * as Net from "node:net"

interface Control {
  readonly controlConnection: {
    readonly connection: { readonly connected: boolean; readonly netClient: Net.Socket } | null
    readonly host: { readonly address: string } | null
  }
}

/** A client's control connection as it is now. */
export const control = (client: Cluster.Cluster): Control["controlConnection"] =>
  (client.driver as unknown as Control).controlConnection

/** Whether the client hears of its cluster. */
export const hears = (client: Cluster.Cluster): boolean => control(client).connection?.connected === true
