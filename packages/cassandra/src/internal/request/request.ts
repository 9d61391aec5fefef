/**
 * A request from options to answer: the first attempt, and the retries its policy decides on.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type { BatchType } from "../../Batch.ts"
import { type CassandraError, CasWriteUnknownError, QueryError } from "../../CassandraError.ts"
import { codes, fromCode, isConsistency } from "../../Consistency.ts"
import type { RetryContext, RetryDecision, RetryPolicy } from "../../RetryPolicy.ts"
import type { Statement } from "../../Statement.ts"
import { type Activity, Attempt, type Attempted, deadlineError, type Outcome } from "./attempt.ts"
import { isConditional, kindOf } from "../cql/index.ts"
import type { Engine } from "./engine.ts"
import { batchText, locate } from "./errorSite.ts"
import { typeName } from "../protocol/index.ts"
import { type Routing, routingKey } from "../routing/index.ts"
import type { Effective } from "./requestOptions.ts"
import { appliedOf } from "./resultSet.ts"
import { suspend } from "./suspend.ts"
import {
  emptyBatch,
  inSpan,
  isTraced,
  logSlow,
  type RequestSpan,
  type SessionTelemetry,
  type StatementUse
} from "../telemetry/index.ts"
import type { BatchMember, Cancellable, Receiver, Response, SendOptions } from "./transport.ts"
import { failInTurn, timeoutFail, turn } from "./turns.ts"

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
  readonly telemetry: SessionTelemetry
  readonly options: Effective
  mayBeSent = false
  readonly #started = performance.now()
  /** Undefined where nobody traces. */
  span: RequestSpan | undefined = undefined

  constructor(engine: Engine, activity: Activity, telemetry: SessionTelemetry, options: Effective) {
    this.engine = engine
    this.activity = activity
    this.telemetry = telemetry
    this.options = options
  }

  abstract readonly isBatch: boolean
  abstract readonly isConditional: boolean
  /** The text, for the retry policy. */
  abstract readonly query: string | undefined
  /** The text, for errors. */
  protected abstract readonly text: string
  /** Those of a batch. */
  protected abstract readonly members: ReadonlyArray<BatchMember> | undefined
  /** Its place in the query table. */
  protected abstract readonly use: StatementUse
  /** How many statements; undefined for one that is no batch. */
  protected abstract readonly size: number | undefined
  abstract transmit(options: SendOptions, receiver: Receiver<Response>): Cancellable | undefined
  /** Goes on with the answer. */
  protected abstract finish(answer: Answer): Effect.Effect<A, E, R>

  /** The fiber is the one that evaluates what this gives. */
  run(fiber: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<A, E | CassandraError, R> {
    return isTraced(fiber) ? this.#traced() : this.#run(fiber)
  }

  #traced(): Effect.Effect<A, E | CassandraError, R> {
    const { view } = this.engine
    const { consistency, idempotent, profile, send } = this.options
    const traced = {
      use: this.use,
      namespace: this.#keyspace,
      consistency,
      idempotent,
      profile,
      pageSize: send.pageSize,
      batchSize: this.size,
      findHost: (address: string) => view.node(address)
    }
    return inSpan(traced, (span) => {
      this.span = span
      return Effect.withFiberRuntime<A, E | CassandraError, R>((fiber) =>
        this.#run(fiber as Fiber.RuntimeFiber<unknown, unknown>)
      )
    })
  }

  #run(fiber: Fiber.RuntimeFiber<unknown, unknown>): Effect.Effect<A, E | CassandraError, R> {
    const { deadline, send } = this.options
    const first = new Attempt<A, E | CassandraError, R>(this, send, this)
    // The retries are set up when there is something to retry, and not around what succeeds.
    if (deadline === undefined) return suspend(fiber, first)
    return timeoutFail(
      Effect.withFiberRuntime<A, E | CassandraError, R>((timed) =>
        suspend(timed as Fiber.RuntimeFiber<unknown, unknown>, first)
      ),
      deadline,
      () => this.#located(deadlineError(deadline, this.mayBeSent))
    )
  }

  succeeded(response: Response): Effect.Effect<A, E, R> {
    const took = this.#ended(undefined)
    this.span?.answered(response)
    const finished = this.finish({ response, attempts: 1, failedHosts: noHosts })
    return took < this.telemetry.cluster.slow
      ? finished
      : Effect.zipRight(this.#logSlow(took, response.host.address, 1, undefined), finished)
  }

  failed(error: CassandraError): Effect.Effect<A, E | CassandraError, R> {
    this.attemptFailed(error)
    let attempts = 1
    const answered = Effect.onExit(
      Effect.mapError(
        Effect.zipRight(
          turn,
          retry(this, error, () => attempts++)
        ),
        (last) => this.#located(last)
      ),
      (exit) => {
        const outcome = Exit.isSuccess(exit) ? undefined : this.#errorOf(exit.cause)
        const took = this.#ended(outcome)
        if (took < this.telemetry.cluster.slow) return Effect.void
        const host = Exit.isSuccess(exit) ? exit.value.response?.host.address : hostOfCause(exit.cause)
        return this.#logSlow(took, host, attempts, outcome)
      }
    )
    return Effect.flatMap(answered, (answer) => this.finish(answer))
  }

  died(defect: unknown): Effect.Effect<never> {
    this.#ended("Defect")
    return Effect.die(defect)
  }

  abandoned(): void {
    this.#ended(this.#interruption())
  }

  /** Counts an attempt that failed. */
  attemptFailed(error: CassandraError): void {
    this.telemetry.cluster.attemptFailed(error)
    this.span?.attemptFailed(error, hostOf(error))
  }

  /** An error says which statement it is about. */
  #located<Failure extends CassandraError>(error: Failure): Failure {
    return locate(error, { query: this.text, keyspace: this.#keyspace, members: this.members })
  }

  get #keyspace(): string | undefined {
    return this.options.send.keyspace ?? this.engine.keyspace ?? this.telemetry.namespace
  }

  #ended(error: string | undefined): number {
    return this.telemetry.ended(this.use, this.options.profile, error, this.#started)
  }

  /** It is interrupted by whoever waits, or by its deadline. */
  #interruption(): string {
    const { deadline } = this.options
    return deadline !== undefined && performance.now() - this.#started >= deadline
      ? "OperationTimedOutError"
      : "Interrupted"
  }

  #errorOf(cause: Cause.Cause<CassandraError>): string {
    if (Cause.isInterruptedOnly(cause)) return this.#interruption()
    const error = Cause.failureOrCause(cause)
    return error._tag === "Left" ? error.left._tag : "Defect"
  }

  #logSlow(
    took: number,
    coordinator: string | undefined,
    attempts: number,
    error: string | undefined
  ): Effect.Effect<void> {
    const { profile } = this.options
    return logSlow({ use: this.use, namespace: this.telemetry.namespace, profile, took, coordinator, attempts, error })
  }
}

/** A statement that is executed. */
export class StatementRequest<A, E, R> extends Request<A, E, R> {
  readonly #statement: Statement.Any
  readonly #finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>

  constructor(
    engine: Engine,
    activity: Activity,
    telemetry: SessionTelemetry,
    options: Effective,
    statement: Statement.Any,
    finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>
  ) {
    super(engine, activity, telemetry, options)
    this.#statement = statement
    this.#finish = finish
  }

  get isBatch(): boolean {
    return false
  }
  get isConditional(): boolean {
    return isConditional(this.#statement.query)
  }
  get query(): string {
    return this.#statement.query
  }
  protected get text(): string {
    return this.#statement.query
  }
  protected get members(): undefined {
    return undefined
  }
  protected get use(): StatementUse {
    return this.telemetry.cluster.statements.of(this.#statement.query)
  }
  protected get size(): undefined {
    return undefined
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
  protected readonly members: ReadonlyArray<BatchMember>
  readonly #finish: (answer: Answer) => A

  constructor(
    engine: Engine,
    activity: Activity,
    telemetry: SessionTelemetry,
    options: Effective,
    type: BatchType,
    members: ReadonlyArray<BatchMember>,
    finish: (answer: Answer) => A
  ) {
    super(engine, activity, telemetry, options)
    this.#type = type
    this.members = members
    this.#finish = finish
  }

  get isBatch(): boolean {
    return true
  }
  get isConditional(): boolean {
    return this.members.some(({ query }) => isConditional(query))
  }
  get query(): undefined {
    return undefined
  }
  protected get text(): string {
    return batchText(this.#type, this.members)
  }
  protected get use(): StatementUse {
    const [first] = this.members
    return first === undefined ? emptyBatch : this.telemetry.cluster.statements.ofBatch(first.query)
  }
  protected get size(): number {
    return this.members.length
  }
  transmit(options: SendOptions, receiver: Receiver<Response>): Cancellable | undefined {
    return this.engine.transport.batch(this.#type, this.members, options, receiver)
  }
  protected finish(answer: Answer): Effect.Effect<A> {
    return Effect.sync(() => this.#finish(answer))
  }
}

/** The outcome of a retry is for the one who retries to look at. */
const looked: Outcome<Response, CassandraError, never> = {
  succeeded: Effect.succeed,
  failed: failInTurn,
  died: Effect.die,
  abandoned: () => undefined
}

/** The host an attempt failed on, as far as its error tells. */
const hostOf = (error: CassandraError): string | undefined =>
  "host" in error ? error.host : error._tag === "ConnectionError" ? error.hosts[0] : undefined

/** The host that a request failed on in the end. */
const hostOfCause = (cause: Cause.Cause<CassandraError>): string | undefined => {
  const error = Cause.failureOrCause(cause)
  return error._tag === "Left" ? hostOf(error.left) : undefined
}

const retry = <A, E, R>(
  request: Request<A, E, R>,
  firstError: CassandraError,
  onRetry: () => void
): Effect.Effect<Answer, CassandraError> =>
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
      const decision = yield* decide(retryPolicy, error, { retries, idempotent, consistency, query })
      if (decision._tag === "Ignore") return { response: undefined, attempts: retries + 1, failedHosts: [...tried] }
      // The gate: whatever the policy says, a write that may have been applied is not sent a second time.
      if (decision._tag === "Rethrow" || !(idempotent || error.writeState === "NotApplied")) {
        return yield* giveUp(error)
      }
      if (write && error.writeState === "Unknown") doubtful = error
      delays ??= yield* Schedule.driver(retryPolicy.schedule)
      if (!(yield* waitFor(delays, error))) return yield* giveUp(error)
      request.telemetry.cluster.retries.increment(error._tag)
      onRetry()
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
        request.span?.answered(outcome.right)
        // Refused because of itself, it may be: by the attempt before, which nobody knows about.
        if (doubtful !== undefined && request.isConditional && appliedOf(query, outcome.right) === false) {
          return yield* unknownOutcome(doubtful, options, outcome.right.host.address)
        }
        return { response: outcome.right, attempts: retries + 2, failedHosts: [...tried] }
      }
      error = outcome.left
      request.attemptFailed(error)
    }
  })

const unknownOutcome = (cause: CassandraError, { send }: Effective, host: string): CasWriteUnknownError =>
  new CasWriteUnknownError({
    message:
      "The conditional write was not applied when it was sent again, but an attempt before may have been: whether it was applied is not known. Read at SERIAL consistency to find out.",
    cause,
    host,
    consistency: fromCode(send.serialConsistency ?? codes.SERIAL),
    received: 0,
    required: 0
  })

/** What the policy decides about an error. What is no decision is the policy's fault, and leaves open what the error left open. */
export const decide = (
  policy: RetryPolicy,
  error: CassandraError,
  context: RetryContext
): Effect.Effect<RetryDecision, QueryError> =>
  Effect.suspend(() => {
    let decision: unknown
    try {
      decision = policy.decide(error, context)
    } catch (cause) {
      return policyFailed("`decide` threw", cause, error)
    }
    return isDecision(decision)
      ? Effect.succeed(decision)
      : policyFailed(`\`decide\` returned ${typeName(decision)} that is no decision`, error, error)
  })

const policyFailed = (what: string, cause: unknown, { writeState }: CassandraError): Effect.Effect<never, QueryError> =>
  Effect.fail(new QueryError({ message: `The retry policy (\`retryPolicy\`) failed: ${what}`, cause, writeState }))

const isDecision = (value: unknown): value is RetryDecision => {
  if (typeof value !== "object" || value === null) return false
  const { _tag, consistency, host } = value as {
    readonly _tag?: unknown
    readonly host?: unknown
    readonly consistency?: unknown
  }
  if (_tag === "Rethrow" || _tag === "Ignore") return true
  return (
    _tag === "Retry" &&
    (host === "same" || host === "next") &&
    (consistency === undefined || isConsistency(consistency))
  )
}

/** The delay before a retry; whether there is one. A schedule that throws is the policy's fault. */
const waitFor = (
  delays: Schedule.ScheduleDriver<unknown, CassandraError>,
  error: CassandraError
): Effect.Effect<boolean, QueryError> =>
  Effect.isSuccess(delays.next(error)).pipe(
    Effect.catchAllDefect((cause) => policyFailed("`schedule` threw", cause, error))
  )
