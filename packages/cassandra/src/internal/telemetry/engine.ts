/** What is measured of an engine. */
import type { Node } from "../topology/index.ts"
import type { TransportTotals } from "./totals.ts"

/** Connections and requests of one node. */
export interface NodeActivity {
  readonly connections: number
  readonly inFlight: number
  /** Requests given up that the node has not answered yet. */
  readonly orphans: number
}

export interface MeasuredEngine {
  readonly view: {
    readonly nodes: ReadonlyArray<Node>
    readonly activity: (node: Node) => NodeActivity
    readonly isControlled: boolean
  }
  readonly gate: { readonly inFlight: number; readonly queued: number }
  readonly transport: {
    readonly totals: () => TransportTotals
    readonly preparedStatements: () => number
    readonly protocolVersion: () => number
    readonly compression: () => "lz4" | "none"
  }
}
