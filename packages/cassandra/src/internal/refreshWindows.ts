/**
 * When a client acts on what the cluster announces. The driver waits a fixed second, the same for every client; here each
 * announcement starts a random part of a window, and those that come meanwhile are dealt with at its end.
 */
import driver from "cassandra-driver"
import type { Resolved } from "./clusterOptions/resolve.ts"

interface StatusChange {
  readonly up: boolean
  readonly inet: { readonly address: { toString(): string } }
}

interface PrivateHost {
  readonly address: string
  checkIsUp(): void
  setUp(clearReconnection: boolean): void
  setDown(): void
}

interface PrivateMetadata {
  readonly keyspaces: Readonly<Record<string, { replicas?: unknown }>>
  buildTokens(hosts: unknown): void
}

/** The driver's control connection, as far as this reaches into it. */
interface ControlConnection {
  readonly initialized: boolean
  readonly hosts: { get(endpoint: string): PrivateHost | undefined }
  readonly metadata: PrivateMetadata
  readonly options: { readonly isMetadataSyncEnabled: boolean; readonly protocolOptions: { readonly port: number } }
  readonly _profileManager: { getDistance(host: PrivateHost): number }
  readonly _addressTranslator: {
    translate(address: string, port: number, callback: (endpoint: string) => void): void
  }
  handleSchemaChange(event: unknown, now: boolean): Promise<void>
  shutdown(): void
  _refreshHosts(initializing: boolean, reconnecting: boolean): Promise<void>
  _nodeSchemaChangeHandler(event: unknown): void
  _nodeTopologyChangeHandler(event: unknown): void
  _nodeStatusChangeHandler(event: StatusChange): void
}

/** Gathers announcements from the first one on, for a random part of its width. */
export class Window<A> {
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

/** What failed is tried again with the next announcement, and when the control connection moves. */
const later = (promise: Promise<void>): void => void promise.catch(() => undefined)

/** Puts the windows and the switches for metadata on one client, before it is connected. */
export const install = (client: driver.Client, options: Resolved): void => {
  const control = (client as unknown as { readonly controlConnection: ControlConnection }).controlConnection
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
  const topology = new Window<unknown>(options.topologyRefreshWindow, () => later(control._refreshHosts(false, false)))
  const status = new Map<PrivateHost, Window<PrivateHost>>()
  const isUp = (host: PrivateHost): void => {
    let window = status.get(host)
    if (window === undefined) {
      window = new Window<PrivateHost>(options.statusRefreshWindow, () => {
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
    for (const window of status.values()) window.stop()
    shutdown()
  }
}
