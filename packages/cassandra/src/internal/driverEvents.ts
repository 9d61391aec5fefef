/**
 * What the driver hears of the cluster, for whoever listens. Everything is put on one client's own objects: the driver's
 * classes, and the other clients of the process, stay as they are. A listener that throws is not heard of by the driver.
 */
import type driver from "cassandra-driver"

/** A SCHEMA_CHANGE event as the driver's reader gives it. */
export interface SchemaEvent {
  readonly schemaChangeType: "CREATED" | "UPDATED" | "DROPPED"
  readonly keyspace: string
  readonly isKeyspace: boolean
  readonly table?: string | null
  readonly udt?: string | null
  readonly functionName?: string
  readonly aggregate?: string
  readonly signature?: ReadonlyArray<string> | null
}

export interface DriverListener {
  readonly hostUp: (host: driver.Host) => void
  readonly hostDown: (host: driver.Host) => void
  readonly hostAdded: (host: driver.Host) => void
  readonly hostRemoved: (host: driver.Host) => void
  /** The servers told of a change to the schema. */
  readonly schemaChanged: (event: SchemaEvent) => void
  /** This client changed something in the keyspace; the event may still be on its way. */
  readonly changedByUs: (keyspace: string) => void
  /** There is a new connection for events after the last one broke. */
  readonly reconnected: () => void
}

type HostRefresh = (initializing: boolean, isReconnecting: boolean) => Promise<void>

interface ControlConnection {
  readonly host: driver.Host | null
  readonly connection: object | null
  _refreshHosts: HostRefresh
  _nodeSchemaChangeHandler(event: SchemaEvent): void
  on(event: "newConnection", listener: (error: unknown) => void): void
  removeListener(event: "newConnection", listener: (error: unknown) => void): void
}

interface ObservedClient {
  readonly controlConnection: ControlConnection
  handleSchemaAgreementAndRefresh(connection: unknown, change: SchemaEvent): Promise<boolean>
}

const inside = (client: driver.Client): ObservedClient => client as unknown as ObservedClient

/** What hears of schema changes; `EventEmitter`s of the driver tell the rest. */
const observers = new WeakMap<driver.Client, Set<Partial<DriverListener>>>()

const guarded =
  <A>(handle: ((value: A) => void) | undefined): ((value: A) => void) =>
  (value) => {
    try {
      handle?.(value)
    } catch {
      // The driver calls from inside its sockets' events, where an exception would end the connection.
    }
  }

/** Makes a client's changes of the schema observable. Call before it connects. */
export const observe = (client: driver.Client): void => {
  const listeners = new Set<Partial<DriverListener>>()
  observers.set(client, listeners)
  const told = inside(client)
  const control = told.controlConnection
  const { _nodeSchemaChangeHandler } = control
  const { handleSchemaAgreementAndRefresh } = told

  control._nodeSchemaChangeHandler = (event) => {
    for (const listener of listeners) guarded(listener.schemaChanged)(event)
    _nodeSchemaChangeHandler.call(control, event)
  }
  told.handleSchemaAgreementAndRefresh = async (connection, change) => {
    const agreed = await handleSchemaAgreementAndRefresh.call(client, connection, change)
    for (const listener of listeners) guarded(listener.changedByUs)(change.keyspace)
    return agreed
  }
}

/** Calls back when a keyspace was dropped, or something in it, for as long as the client lives. */
export const onDrop = (client: driver.Client, dropped: (keyspace: string) => void): void => {
  observers.get(client)?.add({
    schemaChanged: ({ keyspace, schemaChangeType }) => {
      if (schemaChangeType === "DROPPED") dropped(keyspace)
    }
  })
}

const tokens = new WeakMap<object, ReadonlyArray<string>>()

/** The tokens of a host, as the server writes them. A policy may ask for each query, so they are read once. */
export const tokensOf = (host: driver.Host): ReadonlyArray<string> => {
  const owned = (host as unknown as { readonly tokens?: Iterable<unknown> | null }).tokens
  if (owned === undefined || owned === null) return noTokens
  const known = tokens.get(owned)
  if (known !== undefined) return known
  const read = [...owned].map(String)
  tokens.set(owned, read)
  return read
}

const noTokens: ReadonlyArray<string> = []

/** Asks again which hosts there are. Rejects when there is no connection to ask by. */
export const refreshHosts = async (client: driver.Client): Promise<void> => {
  const { controlConnection } = inside(client)
  if (controlConnection.connection === null) throw new Error("There is no connection to learn the nodes by")
  await controlConnection._refreshHosts(false, false)
}

/** The host that the client learns of the cluster from, if it is connected to one. */
export const controlHost = (client: driver.Client): string | undefined => inside(client).controlConnection.host?.address

/** Listens until what is given back is called. */
export const listen = (client: driver.Client, listener: Partial<DriverListener>): (() => void) => {
  const { controlConnection } = inside(client)
  const listeners = observers.get(client)
  const onHost = {
    hostUp: guarded(listener.hostUp),
    hostDown: guarded(listener.hostDown),
    hostAdd: guarded(listener.hostAdded),
    hostRemove: guarded(listener.hostRemoved)
  }
  const onConnection = guarded((error: unknown) => {
    if (error === null || error === undefined) listener.reconnected?.()
  })
  listeners?.add(listener)
  for (const [event, handle] of Object.entries(onHost)) client.on(event, handle)
  controlConnection.on("newConnection", onConnection)
  return () => {
    listeners?.delete(listener)
    for (const [event, handle] of Object.entries(onHost)) client.removeListener(event, handle)
    controlConnection.removeListener("newConnection", onConnection)
  }
}
