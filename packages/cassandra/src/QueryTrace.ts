/**
 * What the servers did for one request: see `session.trace`.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type * as Option from "effect/Option"
import type { Consistency } from "./Consistency.ts"

/**
 * The trace of a request.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { cql, Session, Statement } from "effect-cassandra"
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Session.Session
 *   const result = yield* session.execute(cql`SELECT * FROM orders LIMIT 10`.pipe(Statement.withTracing(true)))
 *   const trace = yield* session.trace(result, { maxWait: "5 seconds" })
 *   for (const { activity, source } of trace.events) yield* Effect.log(source, activity)
 * })
 * ```
 *
 * @since 0.1.0
 * @category models
 */
export interface QueryTrace {
  readonly id: string
  /** The kind of request: `Execute CQL3 prepared query`. */
  readonly request: string
  /** The address of the node that served the request. */
  readonly coordinator: string
  /** The address of this client, as the coordinator saw it. */
  readonly client: Option.Option<string>
  /** What the coordinator tells of the request: the consistency, the page size, the query. */
  readonly parameters: Readonly<Record<string, string>>
  readonly startedAt: Date
  /** In microseconds. */
  readonly duration: number
  /** In the order they happened. */
  readonly events: ReadonlyArray<TraceEvent>
}

/**
 * A step of a request.
 *
 * @since 0.1.0
 * @category models
 */
export interface TraceEvent {
  readonly activity: string
  /** The address of the node where it happened. */
  readonly source: string
  /** Microseconds since that node began with the request; none where the server does not tell. */
  readonly elapsed: Option.Option<number>
  readonly thread: string
}

/**
 * How to wait for a trace.
 *
 * @since 0.1.0
 * @category models
 */
export interface TraceOptions {
  /** How long to wait for the trace to be complete. Default 2 seconds; `Duration.infinity` is no limit. */
  readonly maxWait?: Duration.DurationInput | undefined
  /** How long to wait before looking again. Default 100 milliseconds. */
  readonly interval?: Duration.DurationInput | undefined
  /** The consistency to read the trace with. Default `LOCAL_ONE`. */
  readonly consistency?: Consistency | undefined
}

/**
 * There is no trace to be had.
 *
 * - `NotTraced`: the request was made without tracing.
 * - `NotComplete`: the trace was not there, or not complete, when `maxWait` was over. Asking again later may give it.
 *
 * @since 0.1.0
 * @category errors
 */
export class TraceUnavailableError extends Data.TaggedError("TraceUnavailableError")<{
  readonly reason: "NotTraced" | "NotComplete"
  readonly message: string
  /** The trace asked for, unless there is none. */
  readonly traceId: Option.Option<string>
}> {}
