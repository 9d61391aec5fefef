/** What queries are made of: a schema for the request, and what a session does with the statement. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { type CassandraError, QueryError } from "../../CassandraError.ts"
import type { EffectQuery, ReadOptions, WriteOptions } from "../../Query.ts"
import { Session } from "../../Session.ts"
import * as Statement from "../../Statement.ts"
import { Argument, namesOf, unknownOption } from "../options/index.ts"
import { withoutDecoder } from "../request/index.ts"
import type { Verifiable } from "./verifyQuery.ts"

const ofWrites = { Request: true, execute: true, sample: true } as const
const writeOptions = namesOf<WriteOptions<unknown, unknown, unknown>>(ofWrites)
const readOptions = namesOf<ReadOptions<unknown, unknown, unknown, unknown, unknown, unknown>>({
  ...ofWrites,
  Result: true,
  nulls: true
})

export const verifiableOf = (
  options: {
    readonly Request: Schema.Schema.Any
    readonly execute: (request: never) => Statement.Statement.Any
    readonly sample?: unknown
  },
  result?: { readonly Result: Schema.Schema.Any; readonly nulls?: "trust" | "check" | undefined }
): Verifiable => {
  const { Request, execute, sample } = Argument.record("Query", options)
  return {
    problem: unknownOption("Query", options, result === undefined ? writeOptions : readOptions),
    request: Argument.schema("Query.Request", Request).ast,
    result: result === undefined ? undefined : Argument.schema("Query.Result", result.Result).ast,
    execute: Argument.aFunction("Query.execute", execute),
    sample: Option.fromNullable(sample),
    strict: result?.nulls === "check"
  }
}

/** The statement for an encoded request; what the user's function throws, or gives in place of one, is a `QueryError`. */
export const statementFor = <I>(
  execute: (request: I) => Statement.Statement.Any,
  encoded: I
): Either.Either<Statement.Statement.Any, QueryError> => {
  let cause: unknown
  try {
    const statement = execute(encoded)
    if (Statement.isStatement(statement)) return Either.right(statement)
  } catch (error) {
    cause = error
  }
  const message = cause === undefined ? "`execute` of a query gave no statement" : "`execute` of a query threw"
  return Either.left(new QueryError({ message, cause, writeState: "NotApplied" }))
}

export const asQuery = <Request, A, E, R>(
  verifiable: Verifiable,
  withSession: (session: Session) => (request: Request) => Effect.Effect<A, CassandraError | ParseError | E, R>
): EffectQuery<Request, A, E, R> => {
  const { problem } = verifiable
  const checked: typeof withSession = problem === undefined ? withSession : () => () => Effect.fail(problem)
  return Object.assign((request: Request) => Effect.flatMap(Session, (session) => checked(session)(request)), {
    "~effect-cassandra/Query": { verifiable, with: checked }
  } as const)
}

export const effectQuery = <RequestA, RequestI, RequestR, A, E, R>(
  options: WriteOptions<RequestA, RequestI, RequestR>,
  verifiable: Verifiable,
  run: (session: Session, statement: Statement.Statement.Any) => Effect.Effect<A, CassandraError | ParseError | E, R>
): EffectQuery<RequestA, A, E, RequestR | R> => {
  const encode = Schema.encode(options.Request)
  return asQuery(
    verifiable,
    (session) => (request: RequestA) =>
      Effect.flatMap(encode(request), (encoded) =>
        Effect.flatMap(statementFor(options.execute, encoded), (statement) => run(session, statement))
      )
  )
}

/** For answers whose rows are of no interest. */
export const withoutSchema: (statement: Statement.Statement.Any) => Statement.Statement<Statement.Row, never, never> =
  withoutDecoder
