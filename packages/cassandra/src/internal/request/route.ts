import type { Connection } from "../connection/index.ts"
import { type Node, NoNodeError, type Topology } from "../topology/index.ts"

/** The way of a request through the nodes of its plan, and what was wrong with those it could not go to. */
export class Route {
  /** The node of the connection that `next` gave last. */
  node: Node | undefined = undefined
  /** By address; undefined as long as nothing was wrong. */
  failures: Record<string, unknown> | undefined = undefined
  private readonly topology: Topology
  private readonly plan: Iterator<Node, undefined>

  constructor(topology: Topology, plan: Iterator<Node, undefined>) {
    this.topology = topology
    this.plan = plan
  }

  /** A connection to the next node that is up and has one to give; undefined when there is none left. */
  next(): Connection | undefined {
    for (;;) {
      const item = this.plan.next()
      if (item.done === true) return undefined
      const node = (this.node = item.value)
      const pool = this.topology.pool(node)
      // It has left the cluster meanwhile.
      if (pool === undefined) continue
      if (!node.isUp()) {
        this.failed(node, pool.unavailable())
        continue
      }
      try {
        return pool.borrow()
      } catch (error) {
        this.failed(node, error)
      }
    }
  }

  failed(node: Node, why: unknown): void {
    this.failures ??= {}
    this.failures[node.address] = why
  }

  /** The failure of a request that has nowhere left to go. */
  exhausted(): Error {
    return new NoNodeError("No host of the query plan could serve the request", this.failures ?? {})
  }
}
