/**
 * One attempt: a request on its way through admission and the transport, and back.
 *
 * It is an object rather than a chain of effects, because this is the hot path: a fiber is suspended once, and all that
 * happens until it goes on happens in callbacks.
 */
import * as Effect from "effect/Effect"
import {
  type CassandraError,
  OperationTimedOutError,
  RequestThrottledError,
  SessionClosedError
} from "../../CassandraError.ts"
import type { Entrant } from "./admission.ts"
import type { Engine } from "./engine.ts"
import { fromEngineError, isBug } from "./engineErrors.ts"
import type { Waiting } from "./suspend.ts"
import type { SessionTelemetry } from "../telemetry/index.ts"
import { type Cancellable, NotSent, type Receiver, type Response, type SendOptions } from "./transport.ts"

/**
 * The attempts of a session that have not ended, so that closing can wait for them. A list through the attempts themselves:
 * a `Set` would keep finished attempts alive from its discarded tables, and the garbage collector busy.
 */
export class Activity {
  closed = false
  /** Whether the cluster is closed as well, and the session with it. */
  readonly #isClusterClosed: () => boolean
  #first: AnyAttempt | undefined
  #idle: (() => void) | undefined

  constructor(isClusterClosed: () => boolean) {
    this.#isClusterClosed = isClusterClosed
  }

  /** What a request fails with. */
  error(writeState: "NotApplied" | "Unknown"): SessionClosedError {
    return closedError(writeState, this.#isClusterClosed() ? "cluster" : "session")
  }

  add(attempt: AnyAttempt): void {
    attempt.after = this.#first
    if (this.#first !== undefined) this.#first.before = attempt
    this.#first = attempt
  }
  remove(attempt: AnyAttempt): void {
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

export const closedError = (writeState: "NotApplied" | "Unknown", what: "session" | "cluster"): SessionClosedError =>
  new SessionClosedError({
    message:
      writeState === "NotApplied"
        ? `The ${what} is closed`
        : `The ${what} was closed before the answer to the request came`,
    writeState
  })

/** What is attempted. */
export interface Attempted {
  /** Set as soon as an attempt may have reached a server. */
  mayBeSent: boolean
  readonly engine: Engine
  readonly activity: Activity
  readonly telemetry: SessionTelemetry
  /** Batches may be applied in part when they fail. */
  readonly isBatch: boolean
  /** A conditional write, or a batch with one. Asked for when something goes wrong only. */
  readonly isConditional: boolean
  transmit(options: SendOptions, receiver: Receiver<Response>): Cancellable | undefined
}

/** What the outcome of an attempt leads to. */
export interface Outcome<A, E, R> {
  succeeded(response: Response): Effect.Effect<A, E, R>
  failed(error: CassandraError): Effect.Effect<A, E, R>
  /** A bug came to light. */
  died(defect: unknown): Effect.Effect<A, E, R>
  /** Nobody waits for it any more. */
  abandoned(): void
}

type AnyAttempt = Attempt<never, never, never>

export class Attempt<A, E, R> implements Entrant, Receiver<Response>, Waiting<A, E, R> {
  next: Entrant | undefined = undefined
  previous: Entrant | undefined = undefined
  queued = false
  /** The neighbours in the session's list; the activity's own. */
  after: AnyAttempt | undefined = undefined
  before: AnyAttempt | undefined = undefined
  /** Nobody waits for the outcome any more. */
  #done = false
  #sent = false
  #transmission: Cancellable | undefined = undefined
  #resume: ((next: Effect.Effect<A, E, R>) => void) | undefined = undefined
  readonly #subject: Attempted
  readonly #options: SendOptions
  readonly #outcome: Outcome<A, E, R>

  constructor(subject: Attempted, options: SendOptions, outcome: Outcome<A, E, R>) {
    this.#subject = subject
    this.#options = options
    this.#outcome = outcome
  }

  start(resume: (next: Effect.Effect<A, E, R>) => void): void {
    this.#resume = resume
    const { activity, engine } = this.#subject
    if (activity.closed) {
      this.#done = true
      return this.#fail(activity.error("NotApplied"))
    }
    activity.add(this as unknown as AnyAttempt)
    engine.gate.enter(this)
  }

  admitted(): void {
    try {
      this.#sent = true
      this.#subject.mayBeSent = true
      this.#subject.telemetry.cluster.attempts++
      this.#transmission = this.#subject.transmit(this.#options, this)
    } catch (error) {
      this.answered(new NotSent(error), undefined)
    }
  }

  refused(): void {
    const { maxConcurrent, maxQueued } = this.#subject.engine.gate
    this.#end()
    this.#subject.telemetry.cluster.throttled++
    this.#fail(
      new RequestThrottledError({
        message: `${maxConcurrent} requests are in flight and ${maxQueued} wait: try again later`,
        maxConcurrentRequests: maxConcurrent,
        maxQueuedRequests: maxQueued
      })
    )
  }

  // Called while a socket is read, by which other requests are answered: nothing in it may throw.
  answered(error: unknown, response: Response | undefined): void {
    this.#subject.engine.gate.leave()
    if (this.#done) return
    this.#end()
    if (response === undefined) return this.#failed(error)
    let next: Effect.Effect<A, E, R>
    try {
      next = this.#outcome.succeeded(response)
    } catch (defect) {
      next = Effect.die(defect)
    }
    this.#resume!(next)
  }

  #fail(error: CassandraError): void {
    this.#resume!(this.#outcome.failed(error))
  }

  #failed(error: unknown): void {
    const sent = !(error instanceof NotSent)
    const cause = sent ? error : error.cause
    if (isBug(cause)) return this.#resume!(this.#outcome.died(cause))
    this.#fail(
      fromEngineError(cause, {
        timeout: this.#options.timeout,
        batch: this.#subject.isBatch,
        conditional: this.#subject.isConditional,
        sent
      })
    )
  }

  #end(): void {
    this.#done = true
    this.#subject.activity.remove(this as unknown as AnyAttempt)
  }

  /** The session closes while the attempt is under way. */
  close(): void {
    const writeState = this.#sent ? "Unknown" : "NotApplied"
    this.#giveUp()
    this.#fail(this.#subject.activity.error(writeState))
  }

  /**
   * Nobody waits any more. A request that cannot be cancelled keeps its place until its answer comes, because it keeps its
   * stream of the connection for as long.
   */
  abandon(): void {
    if (this.#done) return
    this.#giveUp()
    this.#outcome.abandoned()
  }

  #giveUp(): void {
    this.#done = true
    const { activity, engine } = this.#subject
    engine.gate.abandon(this)
    activity.remove(this as unknown as AnyAttempt)
    if (this.#transmission !== undefined) {
      this.#transmission.cancel()
      engine.gate.leave()
    }
  }
}

/** The failure of a deadline that is over. */
export const deadlineError = (timeout: number, mayBeSent: boolean): OperationTimedOutError =>
  new OperationTimedOutError({
    message: `The deadline of ${timeout} ms for the whole request is over`,
    timeout,
    writeState: mayBeSent ? "Unknown" : "NotApplied"
  })
