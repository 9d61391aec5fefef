/**
 * One attempt: a request on its way through admission, preparing and the driver, and back.
 *
 * It is an object rather than a chain of effects, because this is the hot path: one attempt is one `Effect.async`, and all
 * that happens in it happens in callbacks.
 */
import * as Effect from "effect/Effect"
import {
  type CassandraError,
  OperationTimedOutError,
  RequestThrottledError,
  SessionClosedError
} from "../CassandraError.ts"
import type { Entrant } from "./admission.ts"
import type { Engine } from "./driver.ts"
import { fromDriverError } from "./driverErrors.ts"
import { type Cancellable, NotSent, type Payload, type Response, type SendOptions } from "./transport.ts"

/**
 * The attempts of a session that have not ended, so that closing can wait for them. A list through the attempts themselves:
 * a `Set` would keep finished attempts alive from its discarded tables, and the garbage collector busy.
 */
export class Activity {
  closed = false
  #first: Attempt | undefined
  #idle: (() => void) | undefined

  add(attempt: Attempt): void {
    attempt.after = this.#first
    if (this.#first !== undefined) this.#first.before = attempt
    this.#first = attempt
  }
  remove(attempt: Attempt): void {
    const { after, before } = attempt
    if (before === undefined) this.#first = after
    else before.after = after
    if (after !== undefined) after.before = before
    attempt.after = undefined
    attempt.before = undefined
    if (this.#first === undefined) this.#idle?.()
  }
  /** Ends when no attempt is left. */
  readonly idle: Effect.Effect<void> = Effect.async((resume) => {
    if (this.#first === undefined) return resume(Effect.void)
    this.#idle = () => resume(Effect.void)
  })
  /** Fails every attempt that is left. */
  interruptAll(): void {
    while (this.#first !== undefined) this.#first.close()
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
  /** The neighbours in the session's list; the activity's own. */
  after: Attempt | undefined = undefined
  before: Attempt | undefined = undefined
  /** Nobody waits for the outcome any more. */
  #done = false
  #sent = false
  #request: Cancellable | undefined
  readonly #engine: Engine
  readonly #activity: Activity
  readonly #payload: Payload
  readonly #options: SendOptions
  readonly #succeed: (response: Response) => void
  readonly #fail: (error: CassandraError) => void

  constructor(
    engine: Engine,
    activity: Activity,
    payload: Payload,
    options: SendOptions,
    succeed: (response: Response) => void,
    fail: (error: CassandraError) => void
  ) {
    this.#engine = engine
    this.#activity = activity
    this.#payload = payload
    this.#options = options
    this.#succeed = succeed
    this.#fail = fail
  }

  start(): void {
    if (this.#activity.closed) {
      this.#done = true
      return this.#fail(closedError("NotApplied"))
    }
    this.#activity.add(this)
    this.#engine.gate.enter(this)
  }

  admitted(): void {
    try {
      this.#sent = true
      this.#request = this.#engine.transport.send(this.#payload, this.#options, this.#answer)
    } catch (error) {
      this.#answer(error, undefined)
    }
  }

  refused(): void {
    const { maxConcurrent, maxQueued } = this.#engine.gate
    this.#end()
    this.#fail(
      new RequestThrottledError({
        message: `${maxConcurrent} requests are in flight and ${maxQueued} wait: try again later`,
        maxConcurrentRequests: maxConcurrent,
        maxQueuedRequests: maxQueued
      })
    )
  }

  // An exception here would run inside the driver: nothing in it may throw.
  readonly #answer = (error: unknown, response: Response | undefined): void => {
    this.#engine.gate.leave()
    if (this.#done) return
    this.#end()
    if (response === undefined) this.#fail(this.#failure(error))
    else this.#succeed(response)
  }

  #failure(error: unknown): CassandraError {
    const sent = !(error instanceof NotSent)
    return fromDriverError(sent ? error : error.cause, {
      timeout: this.#options.readTimeout ?? 0,
      batch: this.#payload._tag === "Batch",
      sent
    })
  }

  #end(): void {
    this.#done = true
    this.#activity.remove(this)
  }

  /** The session closes while the attempt is under way. */
  close(): void {
    const writeState = this.#sent ? "Unknown" : "NotApplied"
    this.abandon()
    this.#fail(closedError(writeState))
  }

  /**
   * Nobody waits any more. A request that cannot be cancelled keeps its place until its answer comes, because it keeps its
   * stream of the connection for as long.
   */
  abandon(): void {
    if (this.#done) return
    this.#done = true
    this.#engine.gate.abandon(this)
    this.#activity.remove(this)
    if (this.#request !== undefined) {
      this.#request.cancel()
      this.#engine.gate.leave()
    }
  }
}

/**
 * One attempt as an effect, which goes on with what its outcome leads to. Interrupting it gives the request up.
 *
 * The clean-up is spelled out, because what `Effect.async` makes of a canceller costs twice as much when nothing is
 * interrupted, which is nearly always.
 */
export const attempt = <A, E, R>(
  engine: Engine,
  activity: Activity,
  payload: Payload,
  options: SendOptions,
  onSuccess: (response: Response) => Effect.Effect<A, E, R>,
  onFailure: (error: CassandraError) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) => {
    let current: Attempt | undefined
    const answered = Effect.async<A, E, R>((resume) => {
      current = new Attempt(
        engine,
        activity,
        payload,
        options,
        (response) => {
          // What is thrown here would be lost in whoever called back.
          let next: Effect.Effect<A, E, R>
          try {
            next = onSuccess(response)
          } catch (defect) {
            next = Effect.die(defect)
          }
          resume(next)
        },
        (error) => resume(onFailure(error))
      )
      current.start()
    })
    return Effect.matchCauseEffect(restore(answered), {
      onFailure: (cause) => {
        current?.abandon()
        return Effect.failCause(cause)
      },
      onSuccess: Effect.succeed
    })
  })

/** The failure of a deadline that is over. */
export const deadlineError = (timeout: number): OperationTimedOutError =>
  new OperationTimedOutError({
    message: `The deadline of ${timeout} ms for the whole request is over`,
    timeout,
    writeState: "Unknown"
  })
