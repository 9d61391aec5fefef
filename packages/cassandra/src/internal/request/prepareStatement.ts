/** Preparing as an effect. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Option from "effect/Option"
import type { CassandraError } from "../../CassandraError.ts"
import { deadlineError } from "./attempt.ts"
import { failureOf } from "./engineErrors.ts"
import { locate } from "./errorSite.ts"
import { decide } from "./request.ts"
import type { Effective } from "./requestOptions.ts"
import type { SessionTelemetry } from "../telemetry/index.ts"
import type { PreparedColumns, SendOptions, Transport } from "./transport.ts"
import { timeoutFail, turn } from "./turns.ts"

export interface Preparing {
  readonly transport: Transport
  readonly query: string
  /** The keyspace of the tables that it names without one. */
  readonly keyspace: string | undefined
  /** Asks also where it is prepared already. */
  readonly again: boolean
  readonly telemetry: SessionTelemetry
}

/**
 * Prepares a statement for a session. It changes nothing on the server, so that it is tried again as the retry policy says of
 * what is idempotent; but not once the caller's own time is over.
 */
export const prepareStatement = (
  { again, keyspace, query, telemetry, transport }: Preparing,
  { consistency, deadline, retryPolicy, send }: Effective,
  timeLimited: boolean
): Effect.Effect<PreparedColumns, CassandraError> =>
  Effect.suspend(() => {
    const started = performance.now()
    const { cluster } = telemetry
    const once = Effect.tapError(prepareOnce(transport, query, send, again), (error) =>
      Effect.sync(() => cluster.attemptFailed(error))
    )
    let retries = 0
    const isRetried = (error: CassandraError) =>
      Effect.map(
        decide(retryPolicy, error, { retries: retries++, idempotent: true, consistency, query }),
        ({ _tag }) => _tag === "Retry"
      )
    const retried = timeLimited
      ? once
      : Effect.retry(once, {
          schedule: retryPolicy.schedule,
          while: (error) => Effect.tap(isRetried(error), (is) => is && cluster.retries.increment(error._tag))
        })
    const limited =
      deadline === undefined ? retried : timeoutFail(retried, deadline, () => deadlineError(deadline, false))
    const located = Effect.mapError(limited, (error) => locate(error, { query, keyspace }))
    return Effect.onExit(located, (exit) =>
      Effect.sync(() => telemetry.ended(cluster.statements.of(`PREPARE ${query}`), "default", tagOf(exit), started))
    )
  })

const tagOf = (exit: Exit.Exit<unknown, CassandraError>): string | undefined =>
  Exit.isSuccess(exit)
    ? undefined
    : Option.match(Cause.failureOption(exit.cause), { onNone: () => "Interrupted", onSome: ({ _tag }) => _tag })

/**
 * Prepares a statement, or finds it prepared unless it is to ask anew; the next node is asked where one does not answer.
 * Interrupting it ends the waiting; what comes of it is there for the next time.
 */
export const prepareOnce = (
  transport: Transport,
  query: string,
  options: SendOptions,
  again: boolean
): Effect.Effect<PreparedColumns, CassandraError> =>
  // What is prepared already, and what no node can be asked for, is known without waiting.
  Effect.zipRight(
    turn,
    Effect.async<PreparedColumns, CassandraError>((resume) => {
      const failed = (cause: unknown) =>
        resume(failureOf(cause, { timeout: options.timeout, batch: false, sent: false }))
      try {
        const preparing = transport.prepare(query, options, again, {
          answered: (error, prepared) => (prepared === undefined ? failed(error) : resume(Effect.succeed(prepared)))
        })
        return Effect.sync(() => preparing?.cancel())
      } catch (error) {
        failed(error)
      }
      return undefined
    })
  )
