/** What queries are made of: a schema for the request, and what a session does with the statement. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { CassandraError } from "../CassandraError.ts"
import { type EffectQuery, TypeId, type WriteOptions } from "../Query.ts"
import { Session } from "../Session.ts"
import * as Statement from "../Statement.ts"
import type { Verifiable } from "./verifyQuery.ts"

export const verifiableOf = (
  {
    Request,
    execute,
    sample
  }: {
    readonly Request: Schema.Schema.Any
    readonly execute: (request: never) => Statement.Statement.Any
    readonly sample?: unknown
  },
  result?: { readonly Result: Schema.Schema.Any; readonly nulls?: "trust" | "check" | undefined }
): Verifiable => ({
  request: Request.ast,
  result: result?.Result.ast,
  execute,
  sample: Option.fromNullable(sample),
  strict: result?.nulls === "check"
})

export const asQuery = <Request, A, E, R>(
  verifiable: Verifiable,
  withSession: (session: Session) => (request: Request) => Effect.Effect<A, CassandraError | ParseError | E, R>
): EffectQuery<Request, A, E, R> =>
  Object.assign((request: Request) => Effect.flatMap(Session, (session) => withSession(session)(request)), {
    [TypeId]: { verifiable, with: withSession }
  } as const)

export const effectQuery = <RequestA, RequestI, RequestR, A, E, R>(
  options: WriteOptions<RequestA, RequestI, RequestR>,
  verifiable: Verifiable,
  run: (session: Session, statement: Statement.Statement.Any) => Effect.Effect<A, CassandraError | ParseError | E, R>
): EffectQuery<RequestA, A, E, RequestR | R> => {
  const encode = Schema.encode(options.Request)
  return asQuery(
    verifiable,
    (session) => (request: RequestA) =>
      Effect.flatMap(encode(request), (encoded) => run(session, options.execute(encoded)))
  )
}

/** The first row, of a later page when the first is empty, as pages can be when the server filters. */
export const firstOf = <A, R>(
  session: Session,
  statement: Statement.Statement<A, R>
): Effect.Effect<Option.Option<A>, CassandraError | ParseError, R> =>
  Effect.flatMap(session.execute(statement), ({ one, pagingState }) =>
    Option.isSome(one) || Option.isNone(pagingState)
      ? Effect.succeed(one)
      : Stream.runHead(session.stream(Statement.withPagingState(statement, pagingState.value)))
  )

/** For answers whose rows are of no interest. */
export const withoutSchema = ({ options, query, values }: Statement.Statement.Any) =>
  Statement.make(query, values, options)
