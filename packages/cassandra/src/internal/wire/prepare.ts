import type { Cancellable, Receiver, SendOptions } from "../transport.ts"
import type { Column } from "../protocol/columnType.ts"
import type { WireConnection } from "./connection.ts"
import type { Timed } from "./deadlines.ts"
import type { Host, PreparedInfo, PreparedResponse, ResponseError } from "./driverShape.ts"
import { inKeyspace, Route } from "./route.ts"
import type { WireState } from "./state.ts"
import { PREPARED_RESULT, type PreparedMetadata } from "./stockResponse.ts"

/** A prepared statement, good for the client that prepared it, for as long as that lives. */
export class Prepared {
  /** What the driver remembers of it; preparing again changes it in place. */
  readonly info: PreparedInfo

  constructor(info: PreparedInfo) {
    this.info = info
  }

  get query(): string {
    return this.info.query
  }
  get id(): Buffer {
    return this.info.queryId!
  }
  /** The keyspace and table of the variables, when they are all of one. */
  get table(): { readonly keyspace: string | undefined; readonly name: string | undefined } {
    const { keyspace, table } = this.info.meta!
    return { keyspace, name: table }
  }
  /** The variables, in order. */
  get variables(): ReadonlyArray<Column> {
    return this.info.meta!.columns
  }
  /** The columns of its results; undefined when it gives no rows, or when those are only known from the answer. */
  get columns(): ReadonlyArray<Column> | undefined {
    return (this.info.meta as PreparedMetadata)[PREPARED_RESULT]?.shape?.columns
  }
  /** The indexes of the variables that make up the partition key. */
  get partitionKey(): ReadonlyArray<number> {
    return this.info.meta!.partitionKeys ?? []
  }
}

/**
 * Somebody who waits until a statement is prepared, not longer than the options say. The preparing itself is shared by all
 * who wait for the same statement, and ends by itself.
 */
class Waiter implements Timed, Cancellable {
  deadline = 0
  previous: Timed | undefined = undefined
  next: Timed | undefined = undefined
  timer: NodeJS.Timeout | undefined = undefined
  private receiver: Receiver<Prepared> | undefined
  private readonly wire: WireState
  private readonly info: PreparedInfo
  private readonly timeout: number

  constructor(wire: WireState, info: PreparedInfo, timeout: number, receiver: Receiver<Prepared>) {
    this.wire = wire
    this.info = info
    this.timeout = timeout
    this.receiver = receiver
    wire.deadlines.add(this, timeout)
    info.once("prepared", this.onPrepared)
  }

  readonly onPrepared = (error: unknown): void => {
    this.end()?.answered(error ?? null, error ? undefined : new Prepared(this.info))
  }

  onDeadline(): void {
    const message = `The statement was not prepared before timeout ${this.timeout} ms`
    this.end()?.answered(new this.wire.driver.errors.OperationTimedOutError(message), undefined)
  }

  cancel(): void {
    if (this.end() !== undefined) this.wire.counters.cancelled++
  }

  private end(): Receiver<Prepared> | undefined {
    const { receiver } = this
    this.receiver = undefined
    this.wire.deadlines.remove(this)
    this.info.removeListener("prepared", this.onPrepared)
    return receiver
  }
}

/** Prepares a statement, once per client and keyspace, however many ask for it; and `again` for who wants to know it anew. */
export const prepare = (
  wire: WireState,
  query: string,
  keyspace: string | undefined,
  options: SendOptions,
  again: boolean,
  receiver: Receiver<Prepared>
): Cancellable => {
  const info = wire.client.metadata.getPreparedInfo(keyspace, query)
  const waiter = new Waiter(wire, info, options.timeout, receiver)
  // Its own answer, and nobody else's: others may wait for a newer one.
  if (info.queryId !== undefined && !again) process.nextTick(() => waiter.onPrepared(null))
  else if (info.preparing !== true) new Preparing(wire, info, query, keyspace, options).start()
  return waiter
}

/** Prepares one statement on the first host that can, and then on the others, for which nobody waits. */
class Preparing {
  private readonly wire: WireState
  private readonly info: PreparedInfo
  private readonly query: string
  private readonly keyspace: string | undefined
  private readonly route: Route

  constructor(wire: WireState, info: PreparedInfo, query: string, keyspace: string | undefined, options: SendOptions) {
    this.wire = wire
    this.info = info
    this.query = query
    this.keyspace = keyspace
    this.route = new Route(wire, wire.plan(undefined, options))
  }

  start(): void {
    this.info.preparing = true
    this.proceed()
  }

  private proceed(): void {
    const connection = this.route.next()
    const host = this.route.host
    if (connection === undefined || host === undefined) {
      return process.nextTick(() => this.failed(this.route.exhausted()))
    }
    const { breaker } = this.wire
    const began = performance.now()
    this.on(connection, (error, response) => {
      if (!error) {
        breaker.answered(host.address)
        return this.done(response)
      }
      const failure = error as ResponseError
      failure.coordinator = host.address
      this.route.failed(host, failure)
      // What the server says of the statement, another one would say too.
      if (failure.isSocketError === true) breaker.lost(host.address, connection)
      else if (error instanceof this.wire.driver.errors.OperationTimedOutError) {
        breaker.timedOut(host.address, performance.now() - began)
      } else {
        breaker.answered(host.address)
        return this.failed(failure)
      }
      this.proceed()
    })
  }

  private on(connection: WireConnection, done: (error: unknown, response: PreparedResponse) => void): void {
    const send = (): void => connection.prepareOnce(this.query, this.keyspace, done)
    inKeyspace(this.wire, connection, send, (error) => done(error, undefined as never))
  }

  private done(response: PreparedResponse): void {
    const { info } = this
    info.preparing = false
    info.queryId = response.id
    info.meta = response.meta
    info.drops = this.wire.drops.in(info.meta.keyspace)
    this.wire.client.metadata.setPreparedById(info)
    if (this.wire.client.options.prepareOnAllHosts) this.elsewhere()
    info.emit("prepared", null, info)
  }

  private failed(error: Error): void {
    const { info } = this
    info.preparing = false
    Object.assign(error, { query: this.query })
    info.emit("prepared", error)
  }

  /** A host that does not know the statement yet would answer its first execution with UNPREPARED. */
  private elsewhere(): void {
    for (let connection = this.route.next(); connection !== undefined; connection = this.route.next()) {
      const { address } = this.route.host as Host
      this.on(connection, (error) => {
        if (error) this.wire.log("verbose", `The statement was not prepared on ${address}: ${String(error)}`, error)
      })
    }
  }
}
