/** Preparing as an effect. */
import * as Effect from "effect/Effect"
import type { CassandraError } from "../CassandraError.ts"
import { fromDriverError } from "./driverErrors.ts"
import type { SessionTelemetry } from "./telemetry/session.ts"
import type { PreparedColumns, SendOptions, Transport } from "./transport.ts"

/**
 * Prepares a statement, or finds it prepared unless it is to ask anew. Interrupting it ends the waiting; what comes of it is
 * there for the next time. Without telemetry it is the client's own affair, and no operation of a session's.
 */
export const prepareStatement = (
  transport: Transport,
  query: string,
  options: SendOptions,
  again: boolean,
  telemetry?: SessionTelemetry
): Effect.Effect<PreparedColumns, CassandraError> =>
  Effect.async((resume) => {
    const started = performance.now()
    const ended = (error: string | undefined) =>
      telemetry?.ended(telemetry.cluster.statements.of(`PREPARE ${query}`), "default", error, started)
    const failed = (cause: unknown) => {
      const error = fromDriverError(cause, { timeout: options.timeout, batch: false, sent: false })
      ended(error._tag)
      telemetry?.cluster.attemptFailed(error)
      resume(Effect.fail(error))
    }
    try {
      const preparing = transport.prepare(query, options, again, {
        answered: (error, prepared) => {
          if (prepared === undefined) return failed(error)
          ended(undefined)
          resume(Effect.succeed(prepared))
        }
      })
      return Effect.sync(() => {
        ended("Interrupted")
        preparing?.cancel()
      })
    } catch (error) {
      failed(error)
    }
    return undefined
  })
