import { type PreparedResponse, PreparedStatement } from "../protocol/index.ts"
import type { Drops } from "./drops.ts"

/** A prepared statement as a client keeps it, for all nodes of its cluster. */
export class ClusterStatement extends PreparedStatement {
  /** What goes with each request that prepares it. */
  payload: Readonly<Record<string, Uint8Array>> | undefined = undefined
  /** How often something had been dropped in its keyspace when it was prepared last. */
  private drops = 0

  /** A node has prepared it, perhaps not for the first time. */
  renew(response: PreparedResponse, drops: Drops): void {
    this.update(response)
    this.drops = drops.in(this.tableKeyspace)
  }

  /** Whether its types may be others by now: its table may have been dropped and made anew. */
  isOutdated(drops: Drops): boolean {
    return this.drops !== drops.in(this.tableKeyspace)
  }
}
