/**
 * What the driver hears of the cluster, for whoever listens. Everything is put on one client's own objects: the driver's
 * classes, and the other clients of the process, stay as they are. A listener that throws is not heard of by the driver.
 */
import type driver from "cassandra-driver"
import type { SchemaEvent } from "../driverShape.ts"
import { clientInside } from "../inside.ts"

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
  const told = clientInside(client)
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

/** Listens until what is given back is called. */
export const listen = (client: driver.Client, listener: Partial<DriverListener>): (() => void) => {
  const { controlConnection } = clientInside(client)
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
