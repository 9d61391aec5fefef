/** The log of slow operations. */
import * as Effect from "effect/Effect"
import type { StatementUse } from "./statements.ts"

export interface SlowQuery {
  readonly use: StatementUse
  readonly namespace: string | undefined
  readonly profile: string
  /** Milliseconds. */
  readonly took: number
  readonly coordinator: string | undefined
  readonly attempts: number
  readonly error: string | undefined
}

/** A warning, by the logger of whoever made the request. */
export const logSlow = ({
  attempts,
  coordinator,
  error,
  namespace,
  profile,
  took,
  use
}: SlowQuery): Effect.Effect<void> => {
  const annotations = {
    "db.query.text": use.text,
    "db.namespace": namespace,
    "cassandra.profile": profile,
    "cassandra.coordinator": coordinator,
    "cassandra.attempts": attempts,
    "error.type": error,
    duration_ms: Math.round(took)
  }
  return Effect.logWarning(`Slow query: ${use.operation.name} took ${Math.round(took)} ms`).pipe(
    Effect.annotateLogs(Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== undefined)))
  )
}
