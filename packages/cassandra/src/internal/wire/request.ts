import { Attempt } from "./attempt.ts"
import { unpreparedLoop, type WireConnection } from "./connection.ts"
import { type Driver } from "./driver.ts"
import type { ExecutionOptions, Host, HostIterator, PreparedInfo, ResponseError } from "./driverShape.ts"
import { Misfit } from "../misfit.ts"
import type { Payload, Settings } from "./encodeRequest.ts"
import { writersFor } from "./encodeValue.ts"
import { DIALECT } from "./negotiate.ts"
import { observeError, observeRetry, observeSuccess } from "./observe.ts"
import { emptyResponse, readResponse, type Response, type WireResult } from "./result.ts"
import { Decision, decide, ErrorKind, errorKind } from "./retry.ts"
import type { WireState } from "./state.ts"
import { PREPARED_RESULT, type PreparedMetadata } from "./stockResponse.ts"

/** Takes the result of a request, or what was wrong. Called once, never after `cancel`. */
export type WireCallback = (error: unknown, result?: WireResult) => void

/**
 * One request from its first attempt to its answer, as the driver's request handler does it (query plan, retries by the
 * driver's policy, request tracker, metrics) and with speculative executions, but in callbacks from end to end, so that it can be
 * given up at any moment.
 */
export class WireRequest {
  readonly isObserved: boolean
  private readonly tried: Record<string, unknown> = {}
  private plan: HostIterator | undefined
  private active: Array<Attempt> = []
  private attempts = 0
  private speculative = 0
  private reprepares = 0
  private speculativeTimer: NodeJS.Timeout | undefined
  private callback: WireCallback | undefined
  private readonly driver: Driver
  readonly wire: WireState
  readonly options: ExecutionOptions
  readonly payload: Payload
  readonly settings: Settings
  private readonly timeout: number

  constructor(
    wire: WireState,
    options: ExecutionOptions,
    payload: Payload,
    settings: Settings,
    callback: WireCallback
  ) {
    this.driver = wire.driver
    this.wire = wire
    this.options = options
    this.payload = payload
    this.settings = settings
    this.callback = callback
    this.timeout = options.getReadTimeout() ?? wire.client.options.socketOptions.readTimeout
    this.isObserved = wire.isObserved
  }

  get isDone(): boolean {
    return this.callback === undefined
  }

  /** What the driver's trackers and policies are told the query is. */
  get query(): string | ReadonlyArray<{ readonly query: string }> {
    const { payload } = this
    return payload._tag === "Execute" ? payload.info.query : payload._tag === "Query" ? payload.query : payload.items
  }

  get values(): ReadonlyArray<unknown> | undefined {
    return this.payload._tag === "Batch" ? undefined : this.payload.bound.values
  }

  start(): void {
    const { client } = this.wire
    const fixed = this.options.getFixedHost()
    try {
      if (fixed !== undefined && fixed !== null) {
        this.plan = [fixed][Symbol.iterator]()
        return this.tryNext(0, this.settings.consistency)
      }
      this.options.getLoadBalancingPolicy().newQueryPlan(client.keyspace, this.options, (error, plan) => {
        if (error) return this.complete(error)
        this.plan = plan
        this.tryNext(0, this.settings.consistency)
      })
    } catch (error) {
      this.complete(error)
    }
  }

  /** Gives the request up: timers cleared, nothing retried, the answer dropped when it comes. The callback is not called. */
  cancel(): void {
    if (this.callback === undefined) return
    this.callback = undefined
    this.wire.counters.cancelled++
    this.release()
  }

  private release(): void {
    if (this.speculativeTimer !== undefined) clearTimeout(this.speculativeTimer)
    this.speculativeTimer = undefined
    const { active } = this
    if (active.length === 0) return
    this.active = []
    for (const attempt of active) attempt.cancel()
  }

  private complete(error: unknown, result?: WireResult): void {
    const { callback } = this
    if (callback === undefined) return
    this.callback = undefined
    this.release()
    try {
      callback(error, result)
    } catch (thrown) {
      // Not into the reading of the socket, which other requests depend on.
      this.log("error", `A callback threw: ${String(thrown)}`, thrown)
    }
  }

  log(level: string, message: string, further?: unknown): void {
    try {
      this.wire.client.emit("log", level, "Wire", message, further ?? "")
    } catch {
      // A log handler that throws is not our failure.
    }
  }

  /** Sends to the next host of the plan that can take it. */
  private tryNext(retries: number, consistency: number): void {
    const { client } = this.wire
    for (;;) {
      const item = this.plan!.next()
      if (item.done === true) {
        // Another execution may still answer.
        if (this.active.length > 0) return
        return this.complete(new this.driver.errors.NoHostAvailableError(this.tried))
      }
      const host = item.value
      if (client.profileManager.getDistance(host) === this.driver.distanceIgnored) continue
      if (!host.isUp()) {
        this.tried[host.address] = "Host considered as DOWN"
        continue
      }
      let connection: WireConnection
      try {
        connection = host.borrowConnection() as WireConnection
      } catch (error) {
        this.tried[host.address] = error
        continue
      }
      this.tried[host.address] = null
      return this.sendOn(host, connection, retries, consistency)
    }
  }

  private sendOn(host: Host, connection: WireConnection, retries: number, consistency: number): void {
    const { client } = this.wire
    const { keyspace } = client
    // v5 names the keyspace in the request.
    if (keyspace && connection.protocolVersion !== DIALECT && connection.keyspace !== keyspace) {
      connection.changeKeyspace(keyspace).then(
        () => (this.isDone ? undefined : this.sendNow(host, connection, retries, consistency)),
        (error: unknown) => {
          this.tried[host.address] = error
          if (!this.isDone) this.guarded(() => this.tryNext(retries, consistency))
        }
      )
      return
    }
    this.sendNow(host, connection, retries, consistency)
  }

  private sendNow(host: Host, connection: WireConnection, retries: number, consistency: number): void {
    const attempt = new Attempt(this, host, connection, retries, consistency)
    this.attempts++
    this.active.push(attempt)
    attempt.send(this.timeout)
    // A retry belongs to an execution that has its speculative ones already.
    if (retries > 0 || this.reprepares > 0 || this.options.isIdempotent() !== true) return
    const { speculation } = this.options.getRawQueryOptions()
    if (speculation !== undefined) this.guarded(() => this.speculate(speculation))
  }

  private speculate(speculation: (started: number) => number | undefined): void {
    const delay = speculation(this.speculative + 1)
    if (delay === undefined) return
    if (this.speculativeTimer !== undefined) clearTimeout(this.speculativeTimer)
    this.speculativeTimer = setTimeout(() => {
      this.speculativeTimer = undefined
      if (this.isDone) return
      this.speculative++
      this.guarded(() => {
        this.wire.client.metrics.onSpeculativeExecution()
        this.tryNext(0, this.settings.consistency)
      })
    }, delay)
  }

  private guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.complete(error)
    }
  }

  private forget(attempt: Attempt): void {
    const { active } = this
    if (active.length === 1 && active[0] === attempt) {
      active.pop()
      return
    }
    const i = active.indexOf(attempt)
    if (i >= 0) active.splice(i, 1)
  }

  onResponse(attempt: Attempt, flags: number, opcode: number, buf: Buffer, start: number, end: number): void {
    const version = attempt.connection.protocolVersion
    let response: Response
    try {
      response = readResponse(this.driver, version, flags, opcode, buf, start, end, attempt.sent?.prepared)
    } catch (error) {
      return this.onFailure(attempt, error as Error, end - start)
    }
    if (response.error !== undefined) return this.onFailure(attempt, response.error, end - start)
    this.forget(attempt)
    if (this.isObserved) observeSuccess(this, attempt, end - start)
    const { client } = this.wire
    if (response.keyspaceSet !== undefined) client.keyspace = response.keyspaceSet
    if (response.changed !== undefined && this.payload._tag === "Execute") {
      const meta = this.payload.info.meta as PreparedMetadata
      meta[PREPARED_RESULT] = response.changed
      meta.resultId = response.changed.id
    }
    if (response.schemaChange !== undefined) {
      client.handleSchemaAgreementAndRefresh(attempt.connection, response.schemaChange).then(
        (agreement) => this.complete(null, this.resultOf(attempt, response, end - start, agreement)),
        (error: unknown) => this.complete(error)
      )
      return
    }
    this.complete(null, this.resultOf(attempt, response, end - start, true))
  }

  private resultOf(attempt: Attempt, response: Response, length: number, agreement: boolean): WireResult {
    return {
      rows: response.rows,
      columns: response.shape?.columns,
      pageState: response.pageState,
      host: attempt.host,
      triedHosts: this.tried,
      attempts: this.attempts,
      speculativeExecutions: this.speculative,
      consistency: attempt.consistency,
      traceId: response.traceId,
      warnings: response.warnings,
      customPayload: response.customPayload,
      isSchemaInAgreement: agreement,
      responseLength: length
    }
  }

  onTimeout(attempt: Attempt): void {
    const { endpoint } = attempt.connection
    const message = `The host ${endpoint} did not reply before timeout ${this.timeout} ms`
    this.onFailure(attempt, new this.driver.errors.OperationTimedOutError(message, endpoint), 0)
  }

  onFailure(attempt: Attempt, thrown: Error, length: number): void {
    this.forget(attempt)
    const error = thrown as ResponseError
    const kind = errorKind(this.driver, error)
    observeError(this, attempt, kind, error, length)
    if (this.isDone) return
    const { connection, host } = attempt
    this.tried[host.address] = error
    error.coordinator = host.address
    this.guarded(() => {
      if (kind === ErrorKind.unprepared) return this.reprepare(attempt, error)
      // Its fields may have been added to the type since the statement was prepared; once is enough to know.
      if (thrown instanceof Misfit) {
        return thrown.outdated && this.reprepares === 0 ? this.reprepare(attempt, error) : this.complete(thrown)
      }
      if (kind === ErrorKind.socket || kind === ErrorKind.socketBeforeWrite) {
        host.removeFromPool(connection)
      } else if (kind === ErrorKind.clientTimeout) {
        this.log("warning", error.message)
        host.checkHealth(connection)
      }
      const decision = decide(this.options, kind, error, this.query, attempt.consistency, attempt.retries)
      if (decision.decision === Decision.rethrow) {
        const { query } = this
        if (typeof query === "string") error.query = query
        return this.complete(error)
      }
      if (decision.decision === Decision.ignore) {
        observeRetry(this, kind, error, true)
        return this.complete(null, this.resultOf(attempt, emptyResponse(), 0, true))
      }
      observeRetry(this, kind, error, false)
      this.retry(attempt, decision.consistency ?? attempt.consistency, decision.useCurrentHost !== false)
    })
  }

  private retry(attempt: Attempt, consistency: number, sameHost: boolean): void {
    if (!sameHost) return this.tryNext(attempt.retries + 1, consistency)
    let connection: WireConnection
    try {
      connection = attempt.host.borrowConnection(attempt.connection) as WireConnection
    } catch {
      return this.tryNext(attempt.retries + 1, consistency)
    }
    this.sendOn(attempt.host, connection, attempt.retries + 1, consistency)
  }

  /** The node has forgotten the statement: prepare it there, on the same connection, and send again; not without end. */
  private reprepare(attempt: Attempt, error: ResponseError | Misfit): void {
    if (++this.reprepares > this.wire.maxReprepares) return this.complete(unpreparedLoop(this.reprepares))
    const info = this.forgotten(error)
    if (info === undefined) return this.complete(error)
    const { connection, host } = attempt
    connection.prepareOnce(info.query, info.keyspace, (failure, response) => {
      if (this.isDone) return
      this.guarded(() => {
        if (failure) {
          this.tried[host.address] = failure
          return this.tryNext(attempt.retries, attempt.consistency)
        }
        // A node of an older version knows no result id; what is remembered for the others must stay.
        if (response.meta.resultId !== undefined || info.meta?.resultId === undefined) info.meta = response.meta
        if (!info.queryId!.equals(response.id)) {
          info.queryId = response.id
          this.wire.client.metadata.setPreparedById(info)
        }
        this.renewWriters(info)
        this.sendOn(host, connection, attempt.retries, attempt.consistency)
      })
    })
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
    return payload.items.find(({ info }) => info !== undefined && isIt(info))?.info
  }

  /** Prepared again, a statement may have variables of other types: fields are added to a UDT, or renamed. */
  private renewWriters(info: PreparedInfo): void {
    const { payload } = this
    const writers = writersFor(info.meta!.columns)
    if (payload._tag === "Execute") payload.bound.writers = writers
    if (payload._tag !== "Batch") return
    for (const item of payload.items) if (item.info === info) item.bound.writers = writers
  }
}
