/** Traces, read from where the servers write them. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CassandraError } from "../../CassandraError.ts"
import { type QueryTrace, type TraceOptions, TraceUnavailableError } from "../../QueryTrace.ts"
import type { ResultInfo } from "../../ResultSet.ts"
import type { Session } from "../../Session.ts"
import { namesOf, unknownOption } from "../options/index.ts"
import { make as makeStatement, type Row, type StatementOptions } from "../../Statement.ts"

const selectSession = "SELECT * FROM system_traces.sessions WHERE session_id = ?"
const selectEvents = "SELECT * FROM system_traces.events WHERE session_id = ?"

const traceOptions = namesOf<TraceOptions>({ maxWait: true, interval: true, consistency: true })

/** The coordinator writes the duration last of all. */
const isComplete = (row: Row): boolean => typeof row["duration"] === "number"

const traceOf = (id: string, row: Row, events: ReadonlyArray<Row>): QueryTrace => ({
  id,
  request: String(row["request"]),
  coordinator: String(row["coordinator"]),
  client: Option.map(Option.fromNullable(row["client"]), String),
  parameters: Object.fromEntries((row["parameters"] as ReadonlyMap<string, string> | null) ?? []),
  startedAt: row["started_at"] as Date,
  duration: Number(row["duration"]),
  events: events.map((event) => ({
    activity: String(event["activity"]),
    source: String(event["source"]),
    elapsed: Option.map(Option.fromNullable(event["source_elapsed"]), Number),
    thread: String(event["thread"])
  }))
})

export const fetchTrace = (
  session: Pick<Session, "one" | "rows">,
  traced: string | { readonly info: Pick<ResultInfo, "traceId"> },
  options: TraceOptions
): Effect.Effect<QueryTrace, CassandraError | TraceUnavailableError> => {
  const unknown = unknownOption("trace", options, traceOptions)
  if (unknown !== undefined) return unknown
  const { consistency = "LOCAL_ONE", interval = "100 millis", maxWait = "2 seconds" } = options
  const traceId = typeof traced === "string" ? Option.some(traced) : traced.info.traceId
  if (Option.isNone(traceId)) {
    return new TraceUnavailableError({ reason: "NotTraced", message: "The request was made without tracing", traceId })
  }
  const id = traceId.value
  // Whatever the session traces, its reading of traces is nothing to trace.
  const read: StatementOptions = { consistency, idempotent: true, tracing: false }
  const complete = Effect.gen(function* () {
    for (;;) {
      const row = yield* session.one(makeStatement(selectSession, [id], read))
      if (Option.isSome(row) && isComplete(row.value)) {
        return traceOf(id, row.value, yield* session.rows(makeStatement(selectEvents, [id], read)))
      }
      yield* Effect.sleep(interval)
    }
  })
  return complete.pipe(
    Effect.timeoutFail({
      duration: maxWait,
      onTimeout: () =>
        new TraceUnavailableError({
          reason: "NotComplete",
          message: `The trace ${id} was not complete within ${Duration.format(maxWait)}`,
          traceId
        })
    })
  )
}
