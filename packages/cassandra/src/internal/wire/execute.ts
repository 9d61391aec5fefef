import type { Values } from "../../Statement.ts"
import { inOrder } from "../boundValues.ts"
import type { Cancellable, Receiver, SendOptions } from "../transport.ts"
import type { Client, Host, PreparedInfo } from "./driverShape.ts"
import type { BoundStatement, Payload } from "./encodeRequest.ts"
import { type ValueWriter, writersFor } from "../protocol/encodeValue.ts"
import { WireError } from "../protocol/errors.ts"
import { DIALECT } from "./negotiate.ts"
import { type Prepared, prepare as prepareStatement } from "./prepare.ts"
import { WireRequest } from "./request.ts"
import type { WireResponse } from "./result.ts"
import type { Target } from "./routing.ts"
import { stateOf, type WireState } from "./state.ts"

/** The wire's requests; see `index.ts`. */

const wireOf = (client: Client): WireState => {
  const wire = stateOf(client)
  if (wire === undefined) throw new Error("the wire is not attached to this client")
  return wire
}

/**
 * A statement with its values, to be executed. No object literal: once those of a burst of requests have survived a collection of
 * garbage, V8 makes all that follow as old objects, which keep the values alive long after the request.
 */
class Execute implements BoundStatement {
  readonly _tag = "Execute"
  readonly info: PreparedInfo
  writers: ReadonlyArray<ValueWriter>
  readonly values: ReadonlyArray<unknown>

  constructor({ info }: Prepared, values: Values) {
    const { columns } = info.meta!
    this.info = info
    this.writers = writersFor(columns)
    this.values = inOrder(columns, values)
  }
}

/** The keyspace to send with a request: its own, which only v5 can, or the client's. */
const keyspaceOf = (wire: WireState, own: string | undefined): string | undefined => {
  const { client } = wire
  if (own === undefined || own === client.keyspace) return client.keyspace
  if (client.controlConnection.protocolVersion === DIALECT) return own
  throw new WireError("NotSupportedByVersion", `a keyspace per request ("${own}") needs native protocol v5`)
}

/** The plan of a request for one host; one that is not connected to on purpose has nothing to say. */
const only = ({ client, driver }: WireState, host: Host): Iterator<Host> =>
  (client.profileManager.getDistance(host) === driver.distanceIgnored ? [] : [host]).values()

const send = (
  wire: WireState,
  payload: Payload,
  routed: BoundStatement | undefined,
  options: SendOptions,
  receiver: Receiver<WireResponse>
): Cancellable => {
  const { host } = options
  const request = new WireRequest(
    wire,
    options,
    payload,
    options.timestamp ?? options.nextTimestamp?.(),
    host === undefined ? wire.plan(targetOf(wire, routed, options), options) : only(wire, host as unknown as Host),
    receiver
  )
  request.start()
  return request
}

/** What a request is about, as far as its plan needs to know. */
const targetOf = (wire: WireState, routed: BoundStatement | undefined, options: SendOptions): Target | undefined => {
  const meta = routed?.info.meta
  if (routed === undefined || meta?.partitionKeys === undefined || meta.partitionKeys.length === 0) return undefined
  return wire.aim.at(routed, meta.partitionKeys, meta.keyspace ?? options.keyspace ?? wire.client.keyspace)
}

/** Gives the requests that prepare this text a custom payload, for as long as the driver remembers the statement. */
export const setPreparePayload = (
  client: Client,
  query: string,
  keyspace: string | undefined,
  payload: Readonly<Record<string, Uint8Array>>
): void => {
  const info = client.metadata.getPreparedInfo(keyspace ?? client.keyspace, query)
  wireOf(client).preparePayloads.set(info, payload)
}

/** Prepares a statement, once per client and keyspace unless it is to ask `again`. */
export const prepare = (
  client: Client,
  query: string,
  options: SendOptions,
  again: boolean,
  receiver: Receiver<Prepared>
): Cancellable => {
  const wire = wireOf(client)
  return prepareStatement(wire, query, keyspaceOf(wire, options.keyspace), options, again, receiver)
}

/** Executes a prepared statement: one page of its result. */
export const execute = (
  client: Client,
  prepared: Prepared,
  values: Values,
  options: SendOptions,
  receiver: Receiver<WireResponse>
): Cancellable => {
  const wire = wireOf(client)
  const payload = new Execute(prepared, values)
  return send(wire, payload, payload, options, receiver)
}

/** Sends a statement without values as it is. */
export const query = (
  client: Client,
  text: string,
  options: SendOptions,
  receiver: Receiver<WireResponse>
): Cancellable => {
  const wire = wireOf(client)
  const keyspace = keyspaceOf(wire, options.keyspace)
  return send(wire, { _tag: "Query", query: text, keyspace }, undefined, options, receiver)
}

/** One statement of a batch. */
export interface BatchStatement {
  readonly prepared: Prepared
  readonly values: Values
}

const batchTypes = { LOGGED: 0, UNLOGGED: 1, COUNTER: 2 } as const

/** Executes a batch, routed by its first statement. */
export const batch = (
  client: Client,
  type: keyof typeof batchTypes,
  statements: ReadonlyArray<BatchStatement>,
  options: SendOptions,
  receiver: Receiver<WireResponse>
): Cancellable => {
  const wire = wireOf(client)
  const items = statements.map(({ prepared, values }) => new Execute(prepared, values))
  const keyspace = keyspaceOf(wire, options.keyspace)
  return send(wire, { _tag: "Batch", type: batchTypes[type], items, keyspace }, items[0], options, receiver)
}
