/**
 * When a client acts on what the cluster announces. The driver waits a fixed second, the same for every client; here each
 * announcement starts a random part of a window, and those that come meanwhile are dealt with at its end.
 */
import driver from "cassandra-driver"
import type { Host } from "../driverShape.ts"
import { clientInside } from "../inside.ts"

/** How long announcements are gathered at most, in milliseconds; those without a window are not acted on. */
export interface RefreshWindows {
  readonly schemaRefreshWindow: number | undefined
  readonly topologyRefreshWindow: number | undefined
  readonly statusRefreshWindow: number | undefined
  /** Whether the ring of tokens is kept. */
  readonly tokenMetadata: boolean
}

/** Gathers announcements from the first one on, for a random part of its width. */
class Window<A> {
  readonly #width: number | undefined
  readonly #act: (gathered: ReadonlyArray<A>) => void
  #gathered: Array<A> = []
  #timer: NodeJS.Timeout | undefined

  constructor(width: number | undefined, act: (gathered: ReadonlyArray<A>) => void) {
    this.#width = width
    this.#act = act
  }

  add(item: A): void {
    if (this.#width === undefined) return
    this.#gathered.push(item)
    if (this.#width === 0) return this.#close()
    this.#timer ??= setTimeout(() => this.#close(), Math.random() * this.#width)
  }

  #close(): void {
    const gathered = this.#gathered
    this.#gathered = []
    this.#timer = undefined
    this.#act(gathered)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#gathered = []
  }
}

/** Nodes that come up are asked for within so many milliseconds where topology has no window. */
const atMost = 1000

/** What failed is tried again with the next announcement, and when the control connection moves. */
const later = (promise: Promise<void>): void => void promise.catch(() => undefined)

/** Puts the windows and the switches for metadata on one client, before it is connected. */
export const refreshInWindows = (client: driver.Client, options: RefreshWindows): void => {
  const control = clientInside(client).controlConnection
  const { metadata } = control
  if (!options.tokenMetadata) metadata.buildTokens = () => undefined

  // The driver builds the ring once, when it connects: nodes that come, go or move would never be in it.
  const refreshHosts = control._refreshHosts.bind(control)
  control._refreshHosts = async (initializing, reconnecting) => {
    await refreshHosts(initializing, reconnecting)
    if (!control.initialized) return
    metadata.buildTokens(control.hosts)
    for (const keyspace of Object.values(metadata.keyspaces)) delete keyspace.replicas
  }

  const schema = new Window<unknown>(options.schemaRefreshWindow, (events) => {
    // The driver gathers as well, and deals with all it has at the one that is to be dealt with now.
    events.forEach((event, i) => later(control.handleSchemaChange(event, i === events.length - 1)))
  })
  const refresh = (): void => later(control._refreshHosts(false, false))
  const topology = new Window<unknown>(options.topologyRefreshWindow, refresh)
  // A node that comes up may be of another release, in another rack, or have other tokens than before.
  const returned = options.topologyRefreshWindow === undefined ? new Window<unknown>(atMost, refresh) : topology
  client.on("hostUp", (host) => returned.add(host))
  const status = new Map<Host, Window<Host>>()
  const isUp = (host: Host): void => {
    let window = status.get(host)
    if (window === undefined) {
      window = new Window<Host>(options.statusRefreshWindow, () => {
        status.delete(host)
        host.checkIsUp()
      })
      status.set(host, window)
    }
    window.add(host)
  }

  control._nodeSchemaChangeHandler = (event) => {
    if (control.options.isMetadataSyncEnabled) schema.add(event)
  }
  control._nodeTopologyChangeHandler = (event) => topology.add(event)
  control._nodeStatusChangeHandler = ({ inet, up }) => {
    const { port } = control.options.protocolOptions
    control._addressTranslator.translate(inet.address.toString(), port, (endpoint) => {
      const host = control.hosts.get(endpoint)
      // A node that nobody has told of yet.
      if (host === undefined) return up ? topology.add(endpoint) : undefined
      // One that was gone for so short that nobody missed it has no other way to tell.
      if (up && host.isUp()) returned.add(host)
      if (control._profileManager.getDistance(host) === driver.types.distance.ignored) {
        return up ? host.setUp(true) : host.setDown()
      }
      if (up) isUp(host)
    })
  }

  const shutdown = control.shutdown.bind(control)
  control.shutdown = () => {
    schema.stop()
    topology.stop()
    returned.stop()
    for (const window of status.values()) window.stop()
    shutdown()
  }
}
