import { type Connection, isSocketClosed, type Timer, UnansweredError } from "../connection/index.ts"
import {
  type BoundStatement,
  ErrorCode,
  isMisplaced,
  isOfStatement,
  Misfit,
  ofStatement,
  type Payload,
  type PlainStatement,
  readResponse,
  Response as ProtocolResponse,
  type SchemaChange,
  ServerResponseError,
  WireError
} from "../protocol/index.ts"
import type { ClusterStatement, Node } from "../topology/index.ts"
import type { Receiver, Response, SendOptions } from "./transport.ts"
import { Dispatch } from "./dispatch.ts"
import type { NativeClient } from "./nativeClient.ts"
import { Route } from "./route.ts"

/** A statement of the client with its values. */
export interface Bound extends BoundStatement {
  readonly prepared: ClusterStatement
}

/** What an execution sends. */
export type ExecutionPayload =
  | (Bound & { readonly _tag: "Execute" })
  | Extract<Payload, { readonly _tag: "Query" }>
  | (Omit<Extract<Payload, { readonly _tag: "Batch" }>, "items"> & {
      readonly items: ReadonlyArray<Bound | PlainStatement>
    })

/** An answer: what was read of it, and what the execution adds. */
class ExecutionResponse extends ProtocolResponse implements Response {
  host: Node
  failures: Readonly<Record<string, unknown>> | undefined = undefined
  consistency = 0
  speculativeExecutions = 0
  isSchemaInAgreement = true

  constructor(host: Node) {
    super()
    this.host = host
  }
}

/** How often one request prepares its statement again before it fails. */
const MAX_REPREPARES = 3

/** The failure of a request whose statement the server forgets as fast as it is prepared. */
const unpreparedLoop = (times: number): WireError =>
  new WireError("UnpreparedLoop", `the server answered UNPREPARED ${times} times to a statement it had just prepared`)

/**
 * One attempt of a request on its way: to the first node of its plan that can take it, to others for its speculative executions,
 * and back. It can be given up at any moment. Nothing is retried here but what was certainly not sent; and what a node has
 * forgotten is prepared again.
 */
export class Execution {
  private readonly route: Route
  private receiver: Receiver<Response> | undefined
  /** The dispatch under way, and the speculative ones beside it. */
  private dispatch: Dispatch | undefined = undefined
  private others: Array<Dispatch> | undefined = undefined
  private started = 0
  private reprepares = 0
  /** Executions that have a connection and nothing on it: it is switched to the keyspace, or the statement is prepared again. */
  private preparing = 0
  private timer: Timer = undefined
  readonly client: NativeClient
  readonly options: SendOptions
  readonly payload: ExecutionPayload
  /** Microseconds; undefined when the server is to take its own. */
  readonly timestamp: bigint | undefined

  constructor(
    client: NativeClient,
    options: SendOptions,
    payload: ExecutionPayload,
    timestamp: bigint | undefined,
    plan: Iterator<Node, undefined>,
    receiver: Receiver<Response>
  ) {
    this.client = client
    this.options = options
    this.payload = payload
    this.timestamp = timestamp
    this.route = new Route(client.topology, plan)
    this.receiver = receiver
  }

  start(): void {
    this.execute()
  }

  /** Gives the request up: timers cleared, nothing sent again, the answer dropped when it comes. The receiver hears nothing. */
  cancel(): void {
    if (this.receiver === undefined) return
    this.receiver = undefined
    this.client.counters.cancelled++
    this.release()
  }

  private release(): void {
    if (this.timer !== undefined) {
      clearTimeout(this.timer as NodeJS.Timeout)
      clearImmediate(this.timer as NodeJS.Immediate)
      this.timer = undefined
    }
    const { dispatch, others } = this
    this.dispatch = undefined
    this.others = undefined
    dispatch?.cancel()
    if (others !== undefined) for (const other of others) other.cancel()
  }

  private complete(error: unknown, response?: Response): void {
    const { receiver } = this
    if (receiver === undefined) return
    this.receiver = undefined
    this.release()
    try {
      receiver.answered(error, response)
    } catch (thrown) {
      // Not into the reading of the socket, which other requests depend on.
      this.client.log("error", `A callback threw: ${String(thrown)}`, thrown)
    }
  }

  /** Begins an execution, and sees to the one after it. */
  private execute(): void {
    if (++this.started > 1) this.client.counters.speculative++
    this.proceed()
    const { speculation } = this.options
    if (speculation !== undefined && this.dispatch !== undefined) this.guarded(() => this.speculate(speculation))
  }

  private speculate(speculation: (started: number) => number | undefined): void {
    const delay = speculation(this.started)
    if (delay === undefined) return
    this.timer = setTimeout(() => {
      // The answer may have come while the event loop was blocked.
      this.timer = setImmediate(() => {
        this.timer = undefined
        if (this.receiver !== undefined) this.guarded(() => this.execute())
      })
    }, delay)
  }

  /** Goes on with the next node that can take it. */
  private proceed(): void {
    const connection = this.route.next()
    if (connection !== undefined) return this.send(this.route.node!, connection)
    // Nothing is answered before `start` has returned, nor without a turn for everything else.
    if (!this.isUnderWay) setImmediate(() => this.complete(this.route.exhausted()))
  }

  /** Whether another execution may still answer. */
  private get isUnderWay(): boolean {
    return this.dispatch !== undefined || this.preparing > 0
  }

  private send(node: Node, connection: Connection): void {
    const { keyspace } = this.client
    if (keyspace === undefined || connection.isV5 || connection.keyspace === keyspace) {
      return this.sendNow(node, connection)
    }
    void this.sendIn(keyspace, node, connection)
  }

  private async sendIn(keyspace: string, node: Node, connection: Connection): Promise<void> {
    let failure: unknown
    this.preparing++
    try {
      await connection.useKeyspace(keyspace)
    } catch (error) {
      failure = error
      this.route.failed(node, error)
    }
    this.preparing--
    if (this.receiver === undefined) return
    this.guarded(() => (failure === undefined ? this.sendNow(node, connection) : this.proceed()))
  }

  private sendNow(node: Node, connection: Connection): void {
    const pool = this.client.topology.pool(node)
    if (pool === undefined) return this.proceed()
    const dispatch = new Dispatch(this, pool, connection)
    if (this.dispatch === undefined) this.dispatch = dispatch
    else (this.others ??= []).push(dispatch)
    dispatch.send(this.options.timeout)
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.complete(error)
    }
  }

  /** A dispatch has ended. */
  private forget(dispatch: Dispatch): void {
    const { others } = this
    if (this.dispatch === dispatch) {
      this.dispatch = others?.pop()
      return
    }
    const i = others?.indexOf(dispatch) ?? -1
    if (i >= 0) others!.splice(i, 1)
  }

  onResponse(dispatch: Dispatch, flags: number, opcode: number, buf: Buffer, start: number, end: number): void {
    const { connection } = dispatch
    const response = new ExecutionResponse(dispatch.pool.node)
    try {
      readResponse(connection.version, flags, opcode, buf, start, end, dispatch, response)
    } catch (error) {
      this.onFailure(dispatch, error as Error)
      return isMisplaced(error) ? connection.distrust(error) : undefined
    }
    if (response.error !== undefined) return this.onFailure(dispatch, response.error)
    this.forget(dispatch)
    response.failures = this.route.failures
    response.consistency = this.options.consistency
    response.speculativeExecutions = this.started - 1
    if (response.changed !== undefined && this.payload._tag === "Execute") {
      this.payload.prepared.result = response.changed
    }
    if (response.schemaChange === undefined) return this.complete(null, response)
    void this.agreed(connection, response, response.schemaChange)
  }

  /** Waits until the nodes agree on a change of the schema, as long as somebody wants to know. */
  private async agreed(connection: Connection, response: ExecutionResponse, change: SchemaChange): Promise<void> {
    const isWanted = () => this.receiver !== undefined
    response.isSchemaInAgreement = await this.client.topology.changedSchema(connection, change, isWanted)
    this.complete(null, response)
  }

  onTimeout(dispatch: Dispatch): void {
    const { name } = dispatch.connection
    const message = `The host ${name} did not reply before timeout ${this.options.timeout} ms`
    this.client.log("warning", message)
    this.guarded(() => dispatch.pool.timedOut(dispatch.connection))
    this.onFailure(dispatch, new UnansweredError(message, name))
  }

  onFailure(dispatch: Dispatch, error: Error): void {
    this.forget(dispatch)
    if (this.receiver === undefined) return
    const { connection, pool } = dispatch
    const { node } = pool
    this.route.failed(node, error)
    this.describe(error, node)
    this.guarded(() => {
      if (error instanceof ServerResponseError && error.code === ErrorCode.unprepared) {
        return this.reprepare(dispatch, error)
      }
      if (error instanceof Misfit) {
        if (this.reprepares === 0 && this.isOutdated(error)) return this.reprepare(dispatch, error)
        error.query = this.forgotten(error)?.query
        return this.complete(error)
      }
      if (isSocketClosed(error)) {
        // Its socket may have ended without the pool having heard of it: it would be borrowed again, and again.
        pool.remove(connection)
        if (error.requestNotWritten) return this.sendAgain(dispatch)
      }
      if (!this.isUnderWay) this.complete(error)
    })
  }

  /** Adds what whoever reads the error wants to know. */
  private describe(error: Error & { coordinator?: string }, node: Node): void {
    const { payload } = this
    error.coordinator = node.address
    if (payload._tag !== "Batch") {
      ofStatement(error, payload._tag === "Query" ? payload.query : payload.prepared.query)
    }
  }

  /** On another connection to the same node, or else on another node. */
  private sendAgain({ connection, pool }: Dispatch): void {
    let other: Connection
    try {
      other = pool.borrow(connection)
    } catch {
      return this.proceed()
    }
    this.send(pool.node, other)
  }

  /** The node has forgotten the statement: prepare it there, on the same connection, and send again; not without end. */
  private reprepare({ connection, pool }: Dispatch, error: ServerResponseError | Misfit): void {
    if (++this.reprepares > MAX_REPREPARES) return this.complete(unpreparedLoop(this.reprepares))
    const prepared = this.forgotten(error)
    if (prepared === undefined) return this.complete(error)
    this.client.counters.reprepared++
    const keyspace = connection.isV5 ? prepared.keyspace : undefined
    this.preparing++
    connection.prepare(prepared.query, keyspace, prepared.payload, this.options.timeout, (failure, response) => {
      this.preparing--
      if (this.receiver === undefined) return
      this.guarded(() => {
        if (response === undefined) {
          // What the server says of the statement holds on every node.
          if (failure instanceof ServerResponseError && isOfStatement(failure.code)) {
            this.describe(failure, pool.node)
            return this.complete(failure)
          }
          this.route.failed(pool.node, failure)
          return this.proceed()
        }
        const { topology } = this.client
        prepared.renew(response, topology.drops)
        topology.prepared.set(prepared.query, prepared.keyspace, prepared)
        this.renewWriters(prepared)
        this.send(pool.node, connection)
      })
    })
  }

  /** Whether the types of the statement may have changed: fields may have been added to one, and its table may have been made anew. */
  private isOutdated(misfit: Misfit): boolean {
    return misfit.outdated || this.forgotten(misfit)?.isOutdated(this.client.topology.drops) === true
  }

  /** The statement that the node has forgotten, or whose types are not what they were. */
  private forgotten(error: ServerResponseError | Misfit): ClusterStatement | undefined {
    const { payload } = this
    if (payload._tag === "Execute") return payload.prepared
    if (payload._tag === "Query") return undefined
    const isIt =
      error instanceof Misfit
        ? ({ variables }: ClusterStatement) => error.variable !== undefined && variables.includes(error.variable)
        : ({ id }: ClusterStatement) => error.queryId !== undefined && id.equals(error.queryId)
    for (const { prepared } of payload.items) if (prepared !== undefined && isIt(prepared)) return prepared
    return undefined
  }

  /** Prepared again, a statement may have variables of other types: fields are added to a UDT, or renamed. */
  private renewWriters(prepared: ClusterStatement): void {
    const { payload } = this
    const renew = (bound: Bound): void => {
      bound.writers = prepared.writers
    }
    if (payload._tag === "Execute") renew(payload)
    if (payload._tag !== "Batch") return
    for (const item of payload.items) if (item.prepared === prepared) renew(item)
  }
}
