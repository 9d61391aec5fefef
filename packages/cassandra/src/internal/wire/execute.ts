import { inOrder } from "../boundValues.ts"
import { type Column, type ColumnType } from "./columnType.ts"
import type {
  Client,
  ExecutionOptions,
  Host,
  LoadBalancingPolicy,
  PreparedInfo,
  RawQueryOptions
} from "./driverShape.ts"
import { type BatchItem, type Bound, type Payload, settingsOf } from "./encodeRequest.ts"
import { makeWriter, type ValueWriter, writersFor } from "./encodeValue.ts"
import { WireError } from "./errors.ts"
import { DIALECT } from "./negotiate.ts"
import { type WireCallback, WireRequest } from "./request.ts"
import { routingKey } from "./routing.ts"
import { stateOf, type WireState } from "./state.ts"
import { PREPARED_RESULT, type PreparedMetadata } from "./stockResponse.ts"

/** What gives a request up. After `cancel` its callback is not called. */
export interface Cancellable {
  cancel(): void
}

/** A prepared statement, good for the client that prepared it, for as long as that lives. */
export interface Prepared {
  readonly _tag: "Prepared"
  readonly query: string
  readonly keyspace: string | undefined
  readonly id: Buffer
  /** The keyspace and table of the variables, when they are all of one. */
  readonly table: { readonly keyspace: string | undefined; readonly name: string | undefined }
  /** The variables, in order. */
  readonly variables: ReadonlyArray<Column>
  /** The columns of its results; undefined when it gives no rows, or when those are only known from the answer. */
  readonly columns: ReadonlyArray<Column> | undefined
  /** The indexes of the variables that make up the partition key. */
  readonly partitionKey: ReadonlyArray<number>
}

/** Values by position, or by name. */
export type Params = ReadonlyArray<unknown> | Readonly<Record<string, unknown>> | null | undefined

class PreparedImpl implements Prepared {
  readonly _tag = "Prepared"
  readonly info: PreparedInfo

  constructor(info: PreparedInfo) {
    this.info = info
  }

  get query(): string {
    return this.info.query
  }
  get keyspace(): string | undefined {
    return this.info.keyspace
  }
  get id(): Buffer {
    return this.info.queryId!
  }
  get table(): Prepared["table"] {
    const { keyspace, table } = this.info.meta!
    return { keyspace, name: table }
  }
  get variables(): ReadonlyArray<Column> {
    return this.info.meta!.columns
  }
  get columns(): ReadonlyArray<Column> | undefined {
    return (this.info.meta as PreparedMetadata)[PREPARED_RESULT]?.shape?.columns
  }
  get partitionKey(): ReadonlyArray<number> {
    return this.info.meta!.partitionKeys ?? []
  }
}

const wireOf = (client: Client): WireState => {
  const wire = stateOf(client)
  if (wire === undefined) throw new Error("the wire is not attached to this client")
  return wire
}

const EMPTY: ReadonlyArray<never> = []

const boundTo = (info: PreparedInfo, params: Params): Bound => {
  const { columns } = info.meta!
  return {
    writers: writersFor(columns),
    values: inOrder(columns, params ?? EMPTY),
    names: undefined,
    key: undefined,
    keyIndex: -1
  }
}

const hintType = (wire: WireState, hint: unknown): ColumnType | undefined => {
  if (typeof hint === "string") return wire.driver.dataTypes.getByName(hint)
  if (typeof hint === "number") return { code: hint }
  return hint === undefined || hint === null ? undefined : (hint as ColumnType)
}

/** The writer of values whose type nobody tells: the driver guesses it from the value. */
const guessed = (wire: WireState): ValueWriter => {
  const encoder = new wire.driver.Encoder(4, wire.client.options)
  return (w, value) => {
    const encoded = encoder.encode(value, undefined)
    if (!(encoded instanceof Uint8Array)) return w.i32(encoded === null ? -1 : -2)
    w.i32(encoded.length)
    w.bytes(encoded)
  }
}

/** Values of a statement that is not prepared: their types come from the hints, or the driver guesses them. */
const boundToText = (wire: WireState, params: Params, hints: unknown): Bound => {
  const isArray = Array.isArray(params)
  const names = !params || isArray ? undefined : Object.keys(params)
  const values = !params ? EMPTY : isArray ? (params as ReadonlyArray<unknown>) : Object.values(params)
  const hintOf = (i: number): unknown =>
    (hints as Readonly<Record<string | number, unknown>> | undefined)?.[names === undefined ? i : names[i]!]
  const writers = values.map((_, i) => {
    const type = hintType(wire, hintOf(i))
    return type === undefined ? guessed(wire) : makeWriter(type)
  })
  return { writers, values, names, key: undefined, keyIndex: -1 }
}

/** The state of a request that is still on its way to being sent, so that it can be given up at any point. */
class Pending implements Cancellable {
  private request: WireRequest | undefined
  private cancelled = false
  readonly wire: WireState
  readonly callback: WireCallback

  constructor(wire: WireState, callback: WireCallback) {
    this.wire = wire
    this.callback = callback
  }

  cancel(): void {
    if (this.request !== undefined) return this.request.cancel()
    if (!this.cancelled) this.wire.counters.cancelled++
    this.cancelled = true
  }

  /** Goes on with the request, unless nobody wants it any more; a failure goes to the callback. */
  proceed(run: () => void): void {
    if (this.cancelled) return
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  fail(error: unknown): void {
    if (this.cancelled) return
    this.cancelled = true
    // Never before `execute` has returned.
    process.nextTick(() => this.guardedCallback(error))
  }

  private guardedCallback(error: unknown): void {
    try {
      this.callback(error)
    } catch (thrown) {
      this.wire.client.emit("log", "error", "Wire", `A callback threw: ${String(thrown)}`, thrown)
    }
  }

  whenConnected(run: () => void): void {
    const { client } = this.wire
    if (client.connected) return this.proceed(run)
    client.connect((error) => (error ? this.fail(error) : this.proceed(run)))
  }

  send(options: ExecutionOptions, payload: Payload, keyspace: string | undefined): void {
    this.start(new WireRequest(this.wire, options, payload, settingsOf(options, keyspace), this.callback))
  }

  start(request: WireRequest): void {
    this.request = request
    request.start()
  }
}

/** The keyspace for a statement: its own, which only v5 can send, or the client's. */
const keyspaceOf = (wire: WireState, raw: RawQueryOptions | null | undefined): string | undefined => {
  const { client } = wire
  const own = raw?.keyspace
  if (own === undefined || own === client.keyspace) return client.keyspace
  if (client.controlConnection.protocolVersion === DIALECT) return own
  throw new WireError("NotSupportedByVersion", `a keyspace per request ("${own}") needs native protocol v5`)
}

const setRouting = (options: ExecutionOptions, bound: Bound, info: PreparedInfo): void => {
  const meta = info.meta!
  if (!options.getKeyspace() && meta.keyspace !== undefined) options.setKeyspace(meta.keyspace)
  const indexes = options.getRoutingIndexes() ?? meta.partitionKeys
  if (options.getRoutingKey() || indexes === undefined || indexes.length === 0) return
  const key = routingKey(bound, indexes)
  if (key !== undefined) options.setRoutingKey(key)
}

const preparedRequest = (
  wire: WireState,
  info: PreparedInfo,
  params: Params,
  raw: RawQueryOptions | null | undefined,
  callback: WireCallback
): WireRequest => {
  const options = wire.driver.DefaultExecutionOptions.create(raw, wire.client)
  const bound = boundTo(info, params)
  if (options.getRoutingKey()) wire.client.controlConnection.getEncoder()!.setRoutingKeyFromUser(bound.values, options)
  else setRouting(options, bound, info)
  return new WireRequest(wire, options, { _tag: "Execute", info, bound }, settingsOf(options, undefined), callback)
}

const withPrepared = (
  pending: Pending,
  query: string,
  raw: RawQueryOptions | null | undefined,
  use: (info: PreparedInfo) => void
): void => {
  const { wire } = pending
  const keyspace = keyspaceOf(wire, raw)
  const known = wire.client.metadata.getPreparedInfo(keyspace, query)
  if (known.queryId !== undefined) return use(known)
  const policy = wire.driver.DefaultExecutionOptions.create(raw, wire.client).getLoadBalancingPolicy()
  // The driver does not say which host refused: it was the last that it took from the plan.
  let asked: string | undefined
  const watched = watchedPlans(policy, (host) => (asked = host.address))
  wire.driver.PrepareHandler.getPrepared(wire.client, watched, query, keyspace).then(
    (info) => pending.proceed(() => use(info)),
    (error: unknown) => {
      if (error instanceof Error && asked !== undefined) Object.assign(error, { coordinator: asked })
      pending.fail(error)
    }
  )
}

/** The policy as preparing asks it: for plans, whose hosts `onHost` sees as they are taken. */
const watchedPlans = (policy: LoadBalancingPolicy, onHost: (host: Host) => void): LoadBalancingPolicy => ({
  newQueryPlan: (keyspace, options, callback) =>
    policy.newQueryPlan(keyspace, options, (error, plan) =>
      error || plan === undefined
        ? callback(error, plan)
        : callback(error, {
            next: () => {
              const item = plan.next()
              if (item.done !== true) onHost(item.value)
              return item
            }
          })
    )
})

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

/** Prepares a statement, once per client and keyspace. */
export const prepare = (
  client: Client,
  query: string,
  raw: RawQueryOptions | null | undefined,
  callback: (error: unknown, prepared?: Prepared) => void
): Cancellable => {
  const pending = new Pending(wireOf(client), (error) => callback(error))
  pending.whenConnected(() => withPrepared(pending, query, raw, (info) => callback(null, new PreparedImpl(info))))
  return pending
}

/** Executes one statement: one page of its result. See `index.ts`. */
export const execute = (
  client: Client,
  statement: string | Prepared,
  params: Params,
  raw: RawQueryOptions | null | undefined,
  callback: WireCallback
): Cancellable => {
  const wire = wireOf(client)
  // The usual case has nothing to wait for.
  if (typeof statement !== "string" && client.connected) {
    let request: WireRequest
    try {
      request = preparedRequest(wire, (statement as PreparedImpl).info, params, raw, callback)
    } catch (error) {
      const failed = new Pending(wire, callback)
      failed.fail(error)
      return failed
    }
    request.start()
    return request
  }
  const pending = new Pending(wire, callback)
  const sendPrepared = (info: PreparedInfo): void => pending.start(preparedRequest(wire, info, params, raw, callback))
  pending.whenConnected(() => {
    if (typeof statement !== "string") return sendPrepared((statement as PreparedImpl).info)
    const { DefaultExecutionOptions } = wire.driver
    const options = DefaultExecutionOptions.create(raw, client)
    if (options.isPrepared() === true) {
      return withPrepared(pending, statement, raw, sendPrepared)
    }
    const bound = boundToText(wire, params, options.getHints())
    const { names } = bound
    const keys = names === undefined ? undefined : Object.fromEntries(names.map((name, i) => [name, i]))
    const values = names === undefined ? bound.values : names.map((name, i) => ({ name, value: bound.values[i] }))
    client.controlConnection.getEncoder()!.setRoutingKeyFromUser(values, options, keys)
    pending.send(options, { _tag: "Query", query: statement, bound }, keyspaceOf(wire, raw))
  })
  return pending
}

/** One statement of a batch. */
export interface BatchStatement {
  readonly query: string | Prepared
  readonly params?: Params
}

/** Executes a batch; its statements are prepared first where the options say `prepare`. See `index.ts`. */
export const batch = (
  client: Client,
  statements: ReadonlyArray<BatchStatement>,
  raw: RawQueryOptions | null | undefined,
  callback: WireCallback
): Cancellable => {
  const wire = wireOf(client)
  const pending = new Pending(wire, callback)
  pending.whenConnected(() => {
    if (statements.length === 0) throw new wire.driver.errors.ArgumentError("a batch without statements")
    const options = wire.driver.DefaultExecutionOptions.create(raw, client)
    const hints = options.getHints() as ReadonlyArray<unknown> | undefined
    const keyspace = keyspaceOf(wire, raw)
    const items: Array<BatchItem> = []
    const add = (info: PreparedInfo, params: Params): void => {
      items.push({ query: info.query, info, bound: boundTo(info, params) })
    }
    const collect = (): void => {
      while (items.length < statements.length) {
        const { params, query } = statements[items.length]!
        if (typeof query !== "string") {
          add((query as PreparedImpl).info, params)
        } else if (options.isPrepared() !== true) {
          items.push({ query, info: undefined, bound: boundToText(wire, params, hints?.[items.length]) })
        } else {
          const known = client.metadata.getPreparedInfo(keyspace, query)
          if (known.queryId === undefined) {
            // One after the other, as the driver does.
            return withPrepared(pending, query, raw, (info) => {
              add(info, params)
              collect()
            })
          }
          add(known, params)
        }
      }
      const first = items[0]!
      if (first.info !== undefined) setRouting(options, first.bound, first.info)
      pending.send(options, { _tag: "Batch", items }, keyspace)
    }
    collect()
  })
  return pending
}
