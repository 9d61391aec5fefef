/**
 * A request from options to answer: the first attempt, and the retries its policy decides on.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type CassandraError, QueryError } from "../CassandraError.ts"
import { codes } from "../Consistency.ts"
import type { RetryDecision } from "../RetryPolicy.ts"
import { type Activity, attempt, deadlineError } from "./attempt.ts"
import { kindOf } from "./cqlText.ts"
import type { Engine } from "./driver.ts"
import { type Routing, routingKey } from "./loadBalancing.ts"
import type { Effective } from "./requestOptions.ts"
import type { Payload, Response } from "./transport.ts"

/** What came back, and after how much. */
export interface Answer {
  /** Undefined when the policy decided to ignore the failure. */
  readonly response: Response | undefined
  readonly attempts: number
  /** Hosts whose attempts failed. */
  readonly failedHosts: ReadonlyArray<string>
}

const noHosts: ReadonlyArray<string> = []

/** Sends a request until it is answered or its policy gives up, and goes on with the answer. */
export const send = <A, E, R>(
  engine: Engine,
  activity: Activity,
  payload: Payload,
  options: Effective,
  finish: (answer: Answer) => Effect.Effect<A, E, R>
): Effect.Effect<A, CassandraError | E, R> => {
  const { deadline } = options
  // The retries are set up when there is something to retry, and not around what succeeds.
  const answered = attempt<A, CassandraError | E, R>(
    engine,
    activity,
    payload,
    options.driver,
    (response) => finish({ response, attempts: 1, failedHosts: noHosts }),
    (error) => Effect.flatMap(retry(engine, activity, payload, options, error), finish)
  )
  return deadline === undefined
    ? answered
    : Effect.timeoutFail(answered, { duration: deadline, onTimeout: () => deadlineError(deadline) })
}

/** The host an attempt failed on, as far as its error tells. */
const hostOf = (error: CassandraError): string | undefined =>
  "host" in error ? error.host : error._tag === "ConnectionError" ? error.hosts[0] : undefined

const retry = (
  engine: Engine,
  activity: Activity,
  payload: Payload,
  options: Effective,
  firstError: CassandraError
): Effect.Effect<Answer, CassandraError> =>
  Effect.gen(function* () {
    const { idempotent, retryPolicy } = options
    const query = payload._tag === "Query" ? payload.query : undefined
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
      const outcome = yield* Effect.either(
        attempt<Response, CassandraError, never>(
          engine,
          activity,
          payload,
          { ...options.driver, consistency: codes[consistency], [routingKey]: routing },
          Effect.succeed,
          Effect.fail
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
