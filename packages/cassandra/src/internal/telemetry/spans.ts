/** Spans of requests, by OpenTelemetry's conventions for Cassandra. Nothing of this runs where nobody traces. */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { liveServices } from "effect/DefaultServices"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import { type CassandraError, isCassandraError } from "../../CassandraError.ts"
import type { Consistency } from "../../Consistency.ts"
import { serverLabels } from "./cluster.ts"
import type { Node } from "../topology/index.ts"
import type { StatementUse } from "./statements.ts"

/** The tracer that there is without one: its spans go nowhere. */
const native = Context.get(liveServices, Tracer.Tracer)

export const isTraced = (fiber: Fiber.RuntimeFiber<unknown, unknown>): boolean => fiber.currentTracer !== native

/** What a span says of a request from the start. */
export interface Traced {
  readonly use: StatementUse
  readonly namespace: string | undefined
  readonly consistency: Consistency
  readonly pageSize: number
  readonly idempotent: boolean
  readonly profile: string
  /** For batches. */
  readonly batchSize: number | undefined
  readonly findHost: (address: string) => Node | undefined
}

const defined = (attributes: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))

const attributesOf = (traced: Traced): Record<string, unknown> => {
  const { operation, table, text } = traced.use
  return defined({
    "db.system.name": "cassandra",
    "db.namespace": traced.namespace,
    "db.collection.name": table,
    "db.operation.name": operation.name,
    "db.operation.batch.size": traced.batchSize,
    "db.query.text": text,
    "cassandra.consistency.level": traced.consistency.toLowerCase(),
    "cassandra.page.size": operation.kind === "read" ? traced.pageSize : undefined,
    "cassandra.query.idempotent": traced.idempotent,
    "cassandra.profile": traced.profile
  })
}

/** The server's code of an error, as text. */
const statusCode = (error: CassandraError): string | undefined => {
  const code = (error.cause as { readonly code?: unknown } | undefined)?.code
  return typeof code === "number" ? String(code) : undefined
}

/**
 * What a span shows of a failure. What the server says of a text may quote the values in it, and what a schema says of rows
 * quotes the rows: both are left to the error itself.
 */
const shown = (error: unknown): Error => {
  const tag = (error as { readonly _tag?: unknown } | null)?._tag
  const name = typeof tag === "string" ? tag : "Error"
  const quotes =
    !isCassandraError(error) || name === "CqlSyntaxError" || name === "InvalidQueryError" || name === "QueryError"
  const shownError = new Error(quotes ? name : error.message)
  shownError.name = name
  // Where it was made says nothing about the request.
  delete shownError.stack
  return shownError
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> =>
  Exit.isSuccess(exit)
    ? Exit.void
    : Cause.isInterruptedOnly(exit.cause)
      ? exit
      : Exit.fail(
          Cause.failureOrCause(exit.cause).pipe((either) => shown(either._tag === "Left" ? either.left : undefined))
        )

/** What is told of a request that was answered. */
interface Answered {
  /** The coordinator. */
  readonly host: { readonly address: string }
  readonly rows: ReadonlyArray<unknown> | undefined
  readonly deferred: { readonly count: number } | undefined
  readonly speculativeExecutions: number
  readonly traceId: string | undefined
}

/** The span of one request. */
export class RequestSpan {
  readonly #span: Tracer.Span
  readonly #clock: Clock.Clock
  readonly #findHost: Traced["findHost"]
  #attempts = 0

  constructor(span: Tracer.Span, clock: Clock.Clock, { findHost }: Traced) {
    this.#span = span
    this.#clock = clock
    this.#findHost = findHost
  }

  #attempt(address: string | undefined, error: string | undefined): void {
    this.#span.event(
      "cassandra.attempt",
      this.#clock.unsafeCurrentTimeNanos(),
      defined({
        "cassandra.attempt.number": ++this.#attempts,
        ...(address === undefined ? {} : serverLabels(address)),
        "error.type": error
      })
    )
  }

  attemptFailed(error: CassandraError, host: string | undefined): void {
    this.#attempt(host, error._tag)
  }

  answered(response: Answered): void {
    const { address } = response.host
    this.#attempt(address, undefined)
    const host = this.#findHost(address)
    const rows = response.deferred?.count ?? response.rows?.length
    this.#attributes({
      ...serverLabels(address),
      "cassandra.coordinator.id": host === undefined ? undefined : String(host.hostId),
      "cassandra.coordinator.dc": host?.dataCenter,
      "cassandra.speculative_execution.count": response.speculativeExecutions,
      // The server's own trace of the request: `session.trace` reads it.
      "cassandra.trace.id": response.traceId,
      "db.response.returned_rows": rows
    })
  }

  #attributes(attributes: Readonly<Record<string, unknown>>): void {
    for (const [name, value] of Object.entries(defined(attributes))) this.#span.attribute(name, value)
  }

  end(exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isFailure(exit)) {
      const error = Cause.failureOrCause(exit.cause)
      const failure = error._tag === "Left" ? error.left : undefined
      const interrupted = Cause.isInterruptedOnly(exit.cause)
      this.#attributes({
        "error.type": interrupted ? "Interrupted" : shown(failure).name,
        "db.response.status_code": isCassandraError(failure) ? statusCode(failure) : undefined
      })
    }
    this.#span.end(this.#clock.unsafeCurrentTimeNanos(), outcomeOf(exit))
  }
}

/** Runs a request in a span of its own. */
export const inSpan = <A, E, R>(
  traced: Traced,
  run: (span: RequestSpan) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const { operation, table } = traced.use
  const target = table ?? traced.namespace
  return Effect.acquireUseRelease(
    Effect.zipWith(
      Effect.makeSpan(target === undefined ? operation.name : `${operation.name} ${target}`, {
        kind: "client",
        attributes: attributesOf(traced),
        captureStackTrace: false
      }),
      Effect.clock,
      (span, clock) => new RequestSpan(span, clock, traced)
    ),
    run,
    (span, exit) => Effect.sync(() => span.end(exit))
  )
}
