import { Misfit } from "../protocol/misfit.ts"
import type { Receiver, SendOptions } from "../transport.ts"
import { Attempt } from "./attempt.ts"
import { unpreparedLoop, type WireConnection } from "./connection.ts"
import type { Host, PreparedInfo, ResponseError } from "./driverShape.ts"
import type { Payload } from "./encodeRequest.ts"
import { writersFor } from "../protocol/encodeValue.ts"
import { readResponse, type WireResponse } from "./result.ts"
import { inKeyspace, needsKeyspace, Route } from "./route.ts"
import type { WireState } from "./state.ts"
import { PREPARED_RESULT, type PreparedMetadata } from "./stockResponse.ts"

const UNPREPARED = 0x2500

/**
 * One request on its way: to the first host of its plan that can take it, to others for its speculative executions, and
 * back. It can be given up at any moment. Nothing is retried here but what was certainly not sent; and what the server has
 * forgotten is prepared again.
 */
export class WireRequest {
  private readonly route: Route
  private receiver: Receiver<WireResponse> | undefined
  /** The execution under way, and the speculative ones beside it. */
  private attempt: Attempt | undefined = undefined
  private others: Array<Attempt> | undefined = undefined
  private started = 0
  private reprepares = 0
  private timer: NodeJS.Timeout | undefined = undefined
  readonly wire: WireState
  readonly options: SendOptions
  readonly payload: Payload
  /** Microseconds; undefined when the server is to take its own. */
  readonly timestamp: bigint | undefined

  constructor(
    wire: WireState,
    options: SendOptions,
    payload: Payload,
    timestamp: bigint | undefined,
    plan: Iterator<Host>,
    receiver: Receiver<WireResponse>
  ) {
    this.wire = wire
    this.options = options
    this.payload = payload
    this.timestamp = timestamp
    this.route = new Route(wire, plan)
    this.receiver = receiver
  }

  start(): void {
    this.execute()
  }

  /** Gives the request up: timers cleared, nothing sent again, the answer dropped when it comes. The receiver hears nothing. */
  cancel(): void {
    if (this.receiver === undefined) return
    this.receiver = undefined
    this.wire.counters.cancelled++
    this.release()
  }

  private release(): void {
    if (this.timer !== undefined) clearTimeout(this.timer)
    this.timer = undefined
    const { attempt, others } = this
    this.attempt = undefined
    this.others = undefined
    attempt?.cancel()
    if (others !== undefined) for (const other of others) other.cancel()
  }

  private complete(error: unknown, response?: WireResponse): void {
    const { receiver } = this
    if (receiver === undefined) return
    this.receiver = undefined
    this.release()
    try {
      receiver.answered(error, response)
    } catch (thrown) {
      // Not into the reading of the socket, which other requests depend on.
      this.wire.log("error", `A callback threw: ${String(thrown)}`, thrown)
    }
  }

  /** Begins an execution, and sees to the one after it. */
  private execute(): void {
    if (++this.started > 1) this.wire.counters.speculative++
    this.proceed()
    const { speculation } = this.options
    if (speculation !== undefined && this.attempt !== undefined) this.guarded(() => this.speculate(speculation))
  }

  private speculate(speculation: (started: number) => number | undefined): void {
    const delay = speculation(this.started)
    if (delay === undefined) return
    this.timer = setTimeout(() => {
      this.timer = undefined
      if (this.receiver !== undefined) this.guarded(() => this.execute())
    }, delay)
  }

  /** Goes on with the next host that can take it. */
  private proceed(): void {
    const connection = this.route.next()
    if (connection !== undefined) return this.send(this.route.host!, connection)
    // Another execution may still answer; and nothing is answered before `start` has returned.
    if (this.attempt === undefined) process.nextTick(() => this.complete(this.route.exhausted()))
  }

  private send(host: Host, connection: WireConnection): void {
    if (!needsKeyspace(this.wire, connection)) return this.sendNow(host, connection)
    const proceed = (): void => {
      if (this.receiver !== undefined) this.sendNow(host, connection)
    }
    inKeyspace(this.wire, connection, proceed, (error) => {
      this.route.failed(host, error)
      if (this.receiver !== undefined) this.guarded(() => this.proceed())
    })
  }

  private sendNow(host: Host, connection: WireConnection): void {
    const attempt = new Attempt(this, host, connection)
    if (this.attempt === undefined) this.attempt = attempt
    else (this.others ??= []).push(attempt)
    attempt.send(this.options.timeout)
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.complete(error)
    }
  }

  /** An execution has ended. */
  private forget(attempt: Attempt): void {
    const { others } = this
    if (this.attempt === attempt) {
      this.attempt = others?.pop()
      return
    }
    const i = others?.indexOf(attempt) ?? -1
    if (i >= 0) others!.splice(i, 1)
  }

  onResponse(attempt: Attempt, flags: number, opcode: number, buf: Buffer, start: number, end: number): void {
    const { driver } = this.wire
    const { connection, prepared } = attempt
    let response: WireResponse
    try {
      response = readResponse(
        driver,
        connection.protocolVersion,
        flags,
        opcode,
        buf,
        start,
        end,
        prepared,
        this.options.defer
      )
    } catch (error) {
      return this.onFailure(attempt, error as Error)
    }
    if (response.error !== undefined) return this.onFailure(attempt, response.error)
    this.forget(attempt)
    const { client } = this.wire
    response.host = attempt.host
    response.failures = this.route.failures
    response.consistency = this.options.consistency
    response.speculativeExecutions = this.started - 1
    if (response.keyspaceSet !== undefined) client.keyspace = response.keyspaceSet
    if (response.changed !== undefined && this.payload._tag === "Execute") {
      const meta = this.payload.info.meta as PreparedMetadata
      meta[PREPARED_RESULT] = response.changed
      meta.resultId = response.changed.id
    }
    if (response.schemaChange === undefined) return this.complete(null, response)
    this.agreed(connection, response.schemaChange).then(
      (agreement) => {
        response.isSchemaInAgreement = agreement
        return this.complete(null, response)
      },
      (error: unknown) => this.complete(error)
    )
  }

  /**
   * Waits until the nodes agree on a change of the schema, as long as somebody wants to know, and has the driver learn of it: what
   * the driver does, but for the giving up.
   */
  private async agreed(connection: WireConnection, change: unknown): Promise<boolean> {
    const { client } = this.wire
    let agreement = false
    try {
      agreement = await client._waitForSchemaAgreement(connection, () => this.receiver !== undefined)
      if (client.options.isMetadataSyncEnabled) await client.controlConnection.handleSchemaChange(change, true)
    } catch (error) {
      this.wire.log("warning", `After a change of the schema: ${String(error)}`, error)
    }
    return agreement
  }

  onTimeout(attempt: Attempt): void {
    const { endpoint } = attempt.connection
    const message = `The host ${endpoint} did not reply before timeout ${this.options.timeout} ms`
    const error = new this.wire.driver.errors.OperationTimedOutError(message, endpoint)
    this.wire.log("warning", message)
    this.guarded(() => attempt.host.checkHealth(attempt.connection))
    this.onFailure(attempt, error)
  }

  onFailure(attempt: Attempt, thrown: Error): void {
    this.forget(attempt)
    if (this.receiver === undefined) return
    const error = thrown as ResponseError
    const { connection, host } = attempt
    this.route.failed(host, error)
    error.coordinator = host.address
    this.guarded(() => {
      if (error.code === UNPREPARED) return this.reprepare(attempt, error)
      if (thrown instanceof Misfit) {
        return this.reprepares === 0 && this.isOutdated(thrown)
          ? this.reprepare(attempt, thrown)
          : this.complete(thrown)
      }
      if (error.isSocketError === true) {
        // Its socket may have ended without the pool having heard of it: it would be borrowed again, and again.
        host.removeFromPool(connection)
        if (error.requestNotWritten === true) return this.sendAgain(attempt)
      }
      // The other executions may still answer.
      if (this.attempt !== undefined) return
      const { payload } = this
      if (payload._tag !== "Batch") error.query = payload._tag === "Query" ? payload.query : payload.info.query
      this.complete(error)
    })
  }

  /** On another connection to the same host, or else on another host. */
  private sendAgain({ connection, host }: Attempt): void {
    let other: WireConnection
    try {
      other = host.borrowConnection(connection) as WireConnection
    } catch {
      return this.proceed()
    }
    this.send(host, other)
  }

  /** The node has forgotten the statement: prepare it there, on the same connection, and send again; not without end. */
  private reprepare(attempt: Attempt, error: ResponseError | Misfit): void {
    if (++this.reprepares > this.wire.maxReprepares) return this.complete(unpreparedLoop(this.reprepares))
    const info = this.forgotten(error)
    if (info === undefined) return this.complete(error)
    const { connection, host } = attempt
    this.wire.counters.reprepared++
    connection.prepareOnce(info.query, info.keyspace, (failure, response) => {
      if (this.receiver === undefined) return
      this.guarded(() => {
        if (failure) {
          this.route.failed(host, failure)
          return this.proceed()
        }
        // A node of an older version knows no result id; what is remembered for the others must stay.
        if (response.meta.resultId !== undefined || info.meta?.resultId === undefined) info.meta = response.meta
        info.drops = this.wire.drops.in(response.meta.keyspace)
        if (!info.queryId!.equals(response.id)) {
          info.queryId = response.id
          this.wire.client.metadata.setPreparedById(info)
        }
        this.renewWriters(info)
        this.send(host, connection)
      })
    })
  }

  /** Whether the types of the statement may have changed: fields may have been added to one, and its table may have been made anew. */
  private isOutdated(misfit: Misfit): boolean {
    const info = this.forgotten(misfit)
    return misfit.outdated || info?.drops !== this.wire.drops.in(info?.meta?.keyspace)
  }

  /** The statement that the node has forgotten, or whose types are not what they were. */
  private forgotten(error: ResponseError | Misfit): PreparedInfo | undefined {
    const { payload } = this
    if (payload._tag === "Execute") return payload.info
    if (payload._tag === "Query") return undefined
    const isIt =
      error instanceof Misfit
        ? ({ meta }: PreparedInfo) => error.variable !== undefined && meta!.columns.includes(error.variable)
        : ({ queryId }: PreparedInfo) => error.queryId !== undefined && queryId!.equals(error.queryId)
    return payload.items.find(({ info }) => isIt(info))?.info
  }

  /** Prepared again, a statement may have variables of other types: fields are added to a UDT, or renamed. */
  private renewWriters(info: PreparedInfo): void {
    const { payload } = this
    const writers = writersFor(info.meta!.columns)
    if (payload._tag === "Execute") payload.writers = writers
    if (payload._tag !== "Batch") return
    for (const item of payload.items) if (item.info === info) item.writers = writers
  }
}
