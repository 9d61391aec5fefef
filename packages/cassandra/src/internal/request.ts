/**
 * A request from options to answer: the first attempt, and the retries its policy decides on.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { BatchType } from "../Batch.ts"
import { type CassandraError, QueryError } from "../CassandraError.ts"
import { codes } from "../Consistency.ts"
import type { RetryDecision } from "../RetryPolicy.ts"
import type { Statement } from "../Statement.ts"
import { type Activity, Attempt, type Attempted, deadlineError, type Outcome } from "./attempt.ts"
import { kindOf } from "./cqlText.ts"
import type { Engine } from "./driver.ts"
import { type Routing, routingKey } from "./loadBalancing.ts"
import type { Effective } from "./requestOptions.ts"
import { suspend } from "./suspend.ts"
import type { BatchMember, Cancellable, Receiver, Response, SendOptions } from "./transport.ts"

/** What came back, and after how much. */
export interface Answer {
  /** Undefined when the policy decided to ignore the failure. */
  readonly response: Response | undefined
  readonly attempts: number
  /** Hosts whose attempts failed. */
  readonly failedHosts: ReadonlyArray<string>
}

const noHosts: ReadonlyArray<string> = []

/** Sends something until it is answered or its policy gives up, and goes on with the answer. */
export abstract class Request<A, E, R> implements Attempted, Outcome<A, E | CassandraError, R> {
  readonly engine: Engine
  readonly activity: Activity
  readonly options: Effective
  mayBeSent = false

  constructor(engine: Engine, activity: Activity, options: Effective) {
    this.engine = engine
    this.activity = activity
    this.options = options
  }

  abstract readonly isBatch: boolean
  /** The text, for the retry policy. */
  abstract readonly query: string | undefined
  abstract transmit(options: SendOptions, receiver: Receiver<Response>): Cancellable | undefined
  /** Goes on with the answer. */
  protected abstract finish(answer: Answer): Effect.Effect<A, E, R>

  /** The fiber is the one that evaluates what this gives. */
  run(fiber: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<A, E | CassandraError, R> {
    const { deadline, send } = this.options
    const first = new Attempt<A, E | CassandraError, R>(this, send, this)
    // The retries are set up when there is something to retry, and not around what succeeds.
    if (deadline === undefined) return suspend(fiber, first)
    return Effect.timeoutFail(
      Effect.withFiberRuntime<A, E | CassandraError, R>((timed) =>
        suspend(timed as Fiber.RuntimeFiber<unknown, unknown>, first)
      ),
      { duration: deadline, onTimeout: () => deadlineError(deadline, this.mayBeSent) }
    )
  }

  succeeded(response: Response): Effect.Effect<A, E, R> {
    return this.finish({ response, attempts: 1, failedHosts: noHosts })
  }

  failed(error: CassandraError): Effect.Effect<A, E | CassandraError, R> {
    return Effect.flatMap(retry(this, error), (answer) => this.finish(answer))
  }
}

/** A statement that is executed. */
export class StatementRequest<A, E, R> extends Request<A, E, R> {
  readonly #statement: Statement.Any
  readonly #finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>

  constructor(
    engine: Engine,
    activity: Activity,
    options: Effective,
    statement: Statement.Any,
    finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>
  ) {
    super(engine, activity, options)
    this.#statement = statement
    this.#finish = finish
  }

  get isBatch(): boolean {
    return false
  }
  get query(): string {
    return this.#statement.query
  }
  transmit(options: SendOptions, receiver: Receiver<Response>): Cancellable | undefined {
    const { query, values } = this.#statement
    return this.engine.transport.execute(query, values, options, receiver)
  }
  protected finish(answer: Answer): Effect.Effect<A, E, R> {
    return this.#finish(this.#statement, answer)
  }
}

/** A batch. */
export class BatchRequest<A> extends Request<A, never, never> {
  readonly #type: BatchType
  readonly #members: ReadonlyArray<BatchMember>
  readonly #finish: (answer: Answer) => A

  constructor(
    engine: Engine,
    activity: Activity,
    options: Effective,
    type: BatchType,
    members: ReadonlyArray<BatchMember>,
    finish: (answer: Answer) => A
  ) {
    super(engine, activity, options)
    this.#type = type
    this.#members = members
    this.#finish = finish
  }

  get isBatch(): boolean {
    return true
  }
  get query(): undefined {
    return undefined
  }
  transmit(options: SendOptions, receiver: Receiver<Response>): Cancellable | undefined {
    return this.engine.transport.batch(this.#type, this.#members, options, receiver)
  }
  protected finish(answer: Answer): Effect.Effect<A> {
    return Effect.sync(() => this.#finish(answer))
  }
}

/** The outcome of a retry is for the one who retries to look at. */
const looked: Outcome<Response, CassandraError, never> = { succeeded: Effect.succeed, failed: Effect.fail }

/** The host an attempt failed on, as far as its error tells. */
const hostOf = (error: CassandraError): string | undefined =>
  "host" in error ? error.host : error._tag === "ConnectionError" ? error.hosts[0] : undefined

const retry = <A, E, R>(request: Request<A, E, R>, firstError: CassandraError): Effect.Effect<Answer, CassandraError> =>
  Effect.gen(function* () {
    const { options, query } = request
    const { idempotent, retryPolicy } = options
    const tried = new Set<string>()
    let consistency = options.consistency
    let error = firstError
    // A retry's error tells nothing of the attempts before it: "not applied" would be a lie if one of those may have been.
    let doubtful: CassandraError | undefined
    const giveUp = (last: CassandraError) =>
      Effect.fail(last.writeState === "NotApplied" && doubtful !== undefined ? doubtful : last)
    const write = query === undefined || !kindOf(query).read
    // Made on the first decision to retry: most failures are rethrown.
    let delays: Schedule.ScheduleDriver<unknown, CassandraError> | undefined
    for (let retries = 0; ; retries++) {
      const host = hostOf(error)
      if (host !== undefined) tried.add(host)
      const decision = yield* decide(() => retryPolicy.decide(error, { retries, idempotent, consistency, query }))
      if (decision._tag === "Ignore") return { response: undefined, attempts: retries + 1, failedHosts: [...tried] }
      // The gate: whatever the policy says, a write that may have been applied is not sent a second time.
      if (decision._tag === "Rethrow" || !(idempotent || error.writeState === "NotApplied")) {
        return yield* giveUp(error)
      }
      if (write && error.writeState === "Unknown") doubtful = error
      delays ??= yield* Schedule.driver(retryPolicy.schedule)
      const ended = yield* Effect.isFailure(delays.next(error))
      if (ended) return yield* giveUp(error)
      consistency = decision.consistency ?? consistency
      const routing: Routing = { tried, preferred: decision.host === "same" ? host : undefined }
      const attempt = new Attempt(
        request,
        { ...options.send, consistency: codes[consistency], [routingKey]: routing },
        looked
      )
      const outcome = yield* Effect.either(
        Effect.withFiberRuntime<Response, CassandraError>((fiber) =>
          suspend(fiber as Fiber.RuntimeFiber<unknown, unknown>, attempt)
        )
      )
      if (outcome._tag === "Right") {
        return { response: outcome.right, attempts: retries + 2, failedHosts: [...tried] }
      }
      error = outcome.left
    }
  })

const decide = (run: () => RetryDecision): Effect.Effect<RetryDecision, QueryError> =>
  Effect.try({
    try: run,
    catch: (cause) => new QueryError({ message: "The retry policy threw", cause, writeState: "Unknown" })
  })
