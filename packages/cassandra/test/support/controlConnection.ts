/** Whether and where from a client hears of its cluster, which the public API does not show. */
import type { Cluster } from "effect-cassandra"
import type * as Net from "node:net"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"

/** Whether the client hears of its cluster. */
export const hears = (client: Cluster.Cluster): boolean => viewOf(client).isControlled

/** The address of the node that it hears from. */
export const heardFrom = (client: Cluster.Cluster): string | undefined => viewOf(client).controlAddress

/** Cuts the connection that it hears by, as a network does. */
export const cutControlConnection = (client: Cluster.Cluster): void => {
  const { control } = viewOf(client) as unknown as {
    readonly control: { readonly connection: { readonly socket: Net.Socket } | undefined }
  }
  control.connection?.socket.destroy()
}
