/**
 * One attempt: a request on its way through admission, preparing and the driver, and back.
 *
 * It is an object rather than a chain of effects, because this is the hot path: one attempt is one `Effect.async`, and all
 * that happens in it happens in callbacks.
 */
import type driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import {
  type CassandraError,
  OperationTimedOutError,
  QueryError,
  RequestThrottledError,
  SessionClosedError
} from "../CassandraError.ts"
import type { BatchType } from "../Batch.ts"
import type { Values } from "../Statement.ts"
import type { Entrant } from "./admission.ts"
import { cqlName } from "./cqlTypes.ts"
import { type Engine, refusedVariable } from "./driver.ts"
import { fromDriverError, isEncodingError, type RequestFacts } from "./driverErrors.ts"

/** What is sent. */
export type Payload =
  | { readonly _tag: "Query"; readonly query: string; readonly values: Values; readonly prepare: boolean }
  | {
      readonly _tag: "Batch"
      readonly type: BatchType
      readonly statements: ReadonlyArray<{ readonly query: string; readonly values: Values }>
    }

/** The attempts of a session that have not ended, so that closing can wait for them. */
export class Activity {
  closed = false
  readonly #attempts = new Set<Attempt>()
  #idle: (() => void) | undefined

  get size(): number {
    return this.#attempts.size
  }
  add(attempt: Attempt): void {
    this.#attempts.add(attempt)
  }
  remove(attempt: Attempt): void {
    this.#attempts.delete(attempt)
    if (this.#attempts.size === 0) this.#idle?.()
  }
  /** Ends when no attempt is left. */
  readonly idle: Effect.Effect<void> = Effect.async((resume) => {
    if (this.size === 0) return resume(Effect.void)
    this.#idle = () => resume(Effect.void)
  })
  /** Fails every attempt that is left. */
  interruptAll(): void {
    for (const attempt of [...this.#attempts]) attempt.close()
  }
}

export const closedError = (writeState: "NotApplied" | "Unknown"): SessionClosedError =>
  new SessionClosedError({
    message:
      writeState === "NotApplied"
        ? "The session is closed"
        : "The session was closed before the answer to the request came",
    writeState
  })

class Attempt implements Entrant {
  next: Entrant | undefined = undefined
  previous: Entrant | undefined = undefined
  queued = false
  /** Nobody waits for the outcome any more. */
  #done = false
  #sent = false
  readonly #engine: Engine
  readonly #activity: Activity
  readonly #payload: Payload
  readonly #options: driver.QueryOptions
  readonly #resume: (effect: Effect.Effect<driver.types.ResultSet, CassandraError>) => void

  constructor(
    engine: Engine,
    activity: Activity,
    payload: Payload,
    options: driver.QueryOptions,
    resume: (effect: Effect.Effect<driver.types.ResultSet, CassandraError>) => void
  ) {
    this.#engine = engine
    this.#activity = activity
    this.#payload = payload
    this.#options = options
    this.#resume = resume
  }

  start(): void {
    if (this.#activity.closed) {
      this.#done = true
      return this.#resume(Effect.fail(closedError("NotApplied")))
    }
    this.#activity.add(this)
    this.#engine.gate.enter(this)
  }

  admitted(): void {
    const payload = this.#payload
    if (payload._tag === "Query") {
      if (!payload.prepare) return this.#send(() => this.#execute(payload.query, []))
      const prepared = this.#engine.prepared(payload.query)
      if (prepared !== undefined) return this.#send(() => this.#execute(payload.query, prepared.encode(payload.values)))
    }
    this.#prepareAndSend(payload)
  }

  refused(): void {
    const { maxConcurrent, maxQueued } = this.#engine.gate
    this.#end(
      Effect.fail(
        new RequestThrottledError({
          message: `${maxConcurrent} requests are in flight and ${maxQueued} wait: try again later`,
          maxConcurrentRequests: maxConcurrent,
          maxQueuedRequests: maxQueued
        })
      )
    )
  }

  #prepareAndSend(payload: Payload): void {
    const texts = payload._tag === "Query" ? [payload.query] : payload.statements.map((statement) => statement.query)
    Promise.all(texts.map((text) => this.#engine.prepared(text) ?? this.#engine.prepare(text))).then(
      (prepared) => {
        if (this.#done) return this.#engine.gate.leave()
        this.#send(() => {
          if (payload._tag === "Query") {
            return this.#execute(payload.query, prepared[0]?.encode(payload.values) ?? [])
          }
          const queries = payload.statements.map(({ query, values }, i) => ({
            query,
            params: [...(prepared[i]?.encode(values) ?? [])]
          }))
          this.#sent = true
          this.#engine.client.batch(queries, this.#options, this.#answer)
        })
      },
      (error: unknown) => this.#answer(error, undefined)
    )
  }

  /** Runs what hands the request to the driver; what that throws is a failure like any other. */
  #send(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#answer(error, undefined)
    }
  }

  #execute(query: string, values: ReadonlyArray<unknown>): void {
    this.#sent = true
    this.#engine.client.execute(query, values as Array<unknown>, this.#options, this.#answer)
  }

  // An exception here would run inside the driver: nothing in it may throw.
  readonly #answer = (error: unknown, result: driver.types.ResultSet | undefined): void => {
    this.#engine.gate.leave()
    if (this.#done) return
    this.#end(error || result === undefined ? Effect.fail(this.#failure(error)) : Effect.succeed(result))
  }

  #failure(error: unknown): CassandraError {
    const facts: RequestFacts = {
      timeout: this.#options.readTimeout ?? 0,
      batch: this.#payload._tag === "Batch",
      sent: this.#sent
    }
    const failure = fromDriverError(error, facts)
    if (!isEncodingError(error) || this.#payload._tag !== "Query") return failure
    const { query, values } = this.#payload
    const encoded = this.#engine.prepared(query)?.encode(values) ?? []
    const variable = refusedVariable(this.#engine, query, encoded)
    return variable === undefined
      ? failure
      : new QueryError({
          message: `The value for "${variable.name}" does not fit its type ${cqlName(variable.type)}`,
          cause: failure.cause,
          writeState: "NotApplied"
        })
  }

  #end(effect: Effect.Effect<driver.types.ResultSet, CassandraError>): void {
    this.#done = true
    this.#activity.remove(this)
    this.#resume(effect)
  }

  /** The session closes while the attempt is under way. */
  close(): void {
    const writeState = this.#sent ? "Unknown" : "NotApplied"
    this.abandon()
    this.#resume(Effect.fail(closedError(writeState)))
  }

  /**
   * Nobody waits any more. A request that has left keeps its place until its answer comes, because it keeps its stream of
   * the connection for as long.
   */
  abandon(): void {
    if (this.#done) return
    this.#done = true
    this.#engine.gate.abandon(this)
    this.#activity.remove(this)
  }
}

export type { Attempt }

/** One attempt as an effect. Interrupting it drops the answer. */
export const attempt = (
  engine: Engine,
  activity: Activity,
  payload: Payload,
  options: driver.QueryOptions
): Effect.Effect<driver.types.ResultSet, CassandraError> =>
  Effect.async((resume) => {
    const attempt = new Attempt(engine, activity, payload, options, resume)
    attempt.start()
    return Effect.sync(() => attempt.abandon())
  })

/** The failure of a deadline that is over. */
export const deadlineError = (timeout: number): OperationTimedOutError =>
  new OperationTimedOutError({
    message: `The deadline of ${timeout} ms for the whole request is over`,
    timeout,
    writeState: "Unknown"
  })
