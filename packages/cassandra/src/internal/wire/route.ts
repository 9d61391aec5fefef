import type { WireConnection } from "./connection.ts"
import type { Host } from "./driverShape.ts"
import type { WireState } from "./state.ts"

/** The way of a request through the hosts of its plan, and what was wrong with those it could not go to. */
export class Route {
  /** The host of the connection that `next` gave last. */
  host: Host | undefined
  /** By address; undefined as long as nothing was wrong. */
  failures: Record<string, unknown> | undefined
  private readonly wire: WireState
  private readonly plan: Iterator<Host>

  constructor(wire: WireState, plan: Iterator<Host>) {
    this.wire = wire
    this.plan = plan
    this.host = undefined
    this.failures = undefined
  }

  /** A connection to the next host that is up and has one to give; undefined when there is none left. */
  next(): WireConnection | undefined {
    for (;;) {
      const item = this.plan.next()
      if (item.done === true) return undefined
      const host = (this.host = item.value)
      if (!host.isUp()) {
        this.failed(host, this.wire.whyNoConnection(host))
        continue
      }
      try {
        return host.borrowConnection() as WireConnection
      } catch (error) {
        this.failed(host, host.pool.connections.length === 0 ? this.wire.whyNoConnection(host) : error)
      }
    }
  }

  failed(host: Host, why: unknown): void {
    this.failures ??= {}
    this.failures[host.address] = why
  }

  /** The failure of a request that has nowhere left to go. */
  exhausted(): Error {
    const message = "No host of the query plan could serve the request"
    return new this.wire.driver.errors.NoHostAvailableError(this.failures ?? {}, message)
  }
}

/**
 * Makes sure that a connection is in the client's keyspace, and goes on. Under v5 there is nothing to do: the keyspace
 * travels with the requests.
 */
export const inKeyspace = (
  wire: WireState,
  connection: WireConnection,
  run: () => void,
  failed: (error: unknown) => void
): void => {
  const { keyspace } = wire.client
  if (!needsKeyspace(wire, connection)) return run()
  connection.changeKeyspace(keyspace).then(() => connection.guard(run), failed)
}

export const needsKeyspace = ({ client }: WireState, connection: WireConnection): boolean =>
  !connection.isV5 &&
  client.keyspace !== undefined &&
  client.keyspace !== null &&
  client.keyspace !== connection.keyspace
