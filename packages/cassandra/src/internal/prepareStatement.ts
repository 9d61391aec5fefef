/** Preparing as an effect. */
import * as Effect from "effect/Effect"
import type { CassandraError } from "../CassandraError.ts"
import { fromDriverError } from "./driverErrors.ts"
import type { PreparedColumns, SendOptions, Transport } from "./transport.ts"

/** Prepares a statement, or finds it prepared unless it is to ask anew. Interrupting it ends the waiting; what comes of it is there for the next time. */
export const prepareStatement = (
  transport: Transport,
  query: string,
  options: SendOptions,
  again: boolean
): Effect.Effect<PreparedColumns, CassandraError> =>
  Effect.async((resume) => {
    const failed = (error: unknown) =>
      resume(Effect.fail(fromDriverError(error, { timeout: options.timeout, batch: false, sent: false })))
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
