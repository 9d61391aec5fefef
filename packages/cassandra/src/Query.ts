/**
 * Typed queries: a schema for the request, a schema for the rows, and the statement between them.
 *
 * A query is a function. Preparing it with {@link prepare} or {@link prepareAll}, usually where a layer is built, compares its
 * schemas with the columns and variables of the server and fails when they do not agree, before the first request is made.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { type CassandraError, CasWriteUnknownError, QueryError } from "./CassandraError.ts"
import { Argument, namesOf, unknownOption } from "./internal/options/index.ts"
import { isConditional } from "./internal/cql/index.ts"
import {
  asQuery,
  effectQuery,
  statementFor,
  type Verifiable,
  verifiableOf,
  verify,
  withoutSchema
} from "./internal/typed/index.ts"
import { withRows } from "./internal/request/index.ts"
import type { PagingState } from "./PagingState.ts"
import type { ResultSet } from "./ResultSet.ts"
import type { SchemaMismatchError } from "./SchemaMismatchError.ts"
import { Session } from "./Session.ts"
import * as Statement from "./Statement.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/Query"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/Query"

/**
 * A query: from a request to an effect or a stream, `Out`, given a session.
 *
 * @since 0.1.0
 * @category models
 */
export interface Query<in Request, out Out, out OutWithSession> {
  (request: Request): OutWithSession
  readonly [TypeId]: {
    readonly verifiable: Verifiable
    readonly with: (session: Session) => (request: Request) => Out
  }
}

/**
 * A query that gives an effect.
 *
 * @since 0.1.0
 * @category models
 */
export type EffectQuery<Request, A, E, R> = Query<
  Request,
  Effect.Effect<A, CassandraError | ParseError | E, R>,
  Effect.Effect<A, CassandraError | ParseError | E, R | Session>
>

/**
 * A query that gives a stream.
 *
 * @since 0.1.0
 * @category models
 */
export type StreamQuery<Request, A, R> = Query<
  Request,
  Stream.Stream<A, CassandraError | ParseError, R>,
  Stream.Stream<A, CassandraError | ParseError, R | Session>
>

/**
 * @since 0.1.0
 * @category models
 */
export interface WriteOptions<RequestA, RequestI, RequestR> {
  readonly Request: Schema.Schema<RequestA, RequestI, RequestR>
  /** The statement for an encoded request. It must depend on the request by its values alone. */
  readonly execute: (request: RequestI) => Statement.Statement.Any
  /**
   * An encoded request to prepare the query with. Needed only when `execute` cannot do with made-up values of the right
   * types, because it looks into them.
   */
  readonly sample?: NoInfer<RequestI> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ReadOptions<RequestA, RequestI, RequestR, ResultA, ResultI, ResultR> extends WriteOptions<
  RequestA,
  RequestI,
  RequestR
> {
  readonly Result: Schema.Schema<ResultA, ResultI, ResultR>
  /**
   * What to make, when the query is prepared, of a field that does not take null and a column that may be null. Every column outside
   * of the primary key may be; so may a clustering key of a table with static columns, unless the query restricts it or a column
   * with values, a `max` without a GROUP BY, and an expression of such columns. `"trust"`: nothing, the application never writes null there; a row that has
   * one fails with a `ParseError`. `"check"`: it is a mismatch. Default: `"trust"`.
   */
  readonly nulls?: "trust" | "check" | undefined
}

/**
 * @since 0.1.0
 * @category guards
 */
export const isQuery = (u: unknown): u is Query<never, unknown, unknown> => Predicate.hasProperty(u, TypeId)

/**
 * Every row of every page, gathered in memory.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Columns, cql, CqlType, Query } from "effect-cassandra"
 *
 * class Order extends Schema.Class<Order>("Order")({ customer: CqlType.uuid, at: CqlType.timestamp, total: CqlType.decimal }) {}
 *
 * const ordersOf = Query.findAll({
 *   Request: CqlType.uuid,
 *   Result: Order,
 *   execute: (customer) => cql`SELECT ${Columns.select(Order)} FROM orders WHERE customer = ${customer}`
 * })
 *
 * const program = Effect.gen(function* () {
 *   const orders = yield* ordersOf("b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10")
 *   return orders.length
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const findAll = <RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>(
  options: ReadOptions<RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>
): EffectQuery<RequestA, ReadonlyArray<ResultA>, never, RequestR | ResultR> =>
  effectQuery(options, verifiableOf(options, options), (session, statement) =>
    session.rows(withRows(statement, options.Result))
  )

/**
 * The first row, if there is one.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Columns, cql, CqlType, Query } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const userById = Query.findOne({
 *   Request: CqlType.uuid,
 *   Result: User,
 *   execute: (id) => cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const findOne = <RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>(
  options: ReadOptions<RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>
): EffectQuery<RequestA, Option.Option<ResultA>, never, RequestR | ResultR> =>
  effectQuery(options, verifiableOf(options, options), (session, statement) =>
    session.one(withRows(statement, options.Result))
  )

/**
 * The first row. Fails with a `NoSuchElementException` when there is none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const single = <RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>(
  options: ReadOptions<RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>
): EffectQuery<RequestA, ResultA, Cause.NoSuchElementException, RequestR | ResultR> =>
  effectQuery(options, verifiableOf(options, options), (session, statement) =>
    Effect.flatMap(
      session.one(withRows(statement, options.Result)),
      Option.match({
        onNone: () => Effect.fail(new Cause.NoSuchElementException("The query gives no row")),
        onSome: (row) => Effect.succeed(row)
      })
    )
  )

/**
 * A write, or a read whose rows are of no interest.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Columns, cql, CqlType, Query } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const insertUser = Query.void({
 *   Request: User,
 *   execute: (user) => cql`INSERT INTO users ${Columns.insert(User, user)}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
const execute = <RequestA, RequestI, RequestR>(
  options: WriteOptions<RequestA, RequestI, RequestR>
): EffectQuery<RequestA, void, never, RequestR> =>
  effectQuery(options, verifiableOf(options), (session, statement) =>
    Effect.asVoid(session.execute(withoutSchema(statement)))
  )

export { execute as void }

/**
 * A conditional write: whether it was applied. A write without a condition always is. Fails with a `CasWriteUnknownError` where
 * that is not known: after an attempt of unknown outcome, or a failure that the retry policy ignored.
 *
 * What was there instead is in the rows of `session.execute`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Columns, cql, CqlType, Query } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const createUser = Query.applied({
 *   Request: User,
 *   execute: (user) => cql`INSERT INTO users ${Columns.insert(User, user)} IF NOT EXISTS`
 * })
 *
 * const program = Effect.if(createUser(new User({ id: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10", name: "Ada" })), {
 *   onTrue: () => Effect.log("Welcome"),
 *   onFalse: () => Effect.log("There is somebody of that id")
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const applied = <RequestA, RequestI, RequestR>(
  options: WriteOptions<RequestA, RequestI, RequestR>
): EffectQuery<RequestA, boolean, never, RequestR> =>
  effectQuery(options, verifiableOf(options), (session, statement) =>
    Effect.flatMap(session.execute(withoutSchema(statement)), ({ wasApplied }) =>
      Option.isNone(wasApplied) && isConditional(statement.query)
        ? ignoredFailure
        : Effect.succeed(Option.getOrElse(wasApplied, () => true))
    )
  )

const ignoredFailure = new CasWriteUnknownError({
  message: "The retry policy ignored the failure of a conditional write: whether it was applied is not known",
  consistency: "SERIAL",
  received: 0,
  required: 0
})

/**
 * Asks for a page.
 *
 * @since 0.1.0
 * @category models
 */
export interface PageRequest<out Request> {
  readonly request: Request
  /** The `pagingState` of the page before. Default: the first page. */
  readonly after?: Option.Option<PagingState> | undefined
  /** Rows, at the most. Default: that of the statement. */
  readonly pageSize?: number | undefined
}

const pageRequest = namesOf<PageRequest<unknown>>({ request: true, after: true, pageSize: true })

/**
 * One page, and in its `pagingState` where the next one starts; for lists that are read a page at a time, with a cursor
 * (`PagingState.toText`).
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { cql, CqlType, PagingState, Query } from "effect-cassandra"
 *
 * const ordersOf = Query.page({
 *   Request: CqlType.uuid,
 *   Result: Schema.Struct({ at: CqlType.timestamp, total: CqlType.decimal }),
 *   execute: (customer) => cql`SELECT at, total FROM orders WHERE customer = ${customer}`
 * })
 *
 * const list = (customer: string, cursor: string) =>
 *   Effect.gen(function* () {
 *     const after = yield* Effect.option(PagingState.fromText(cursor))
 *     const { pagingState, rows } = yield* ordersOf({ request: customer, after, pageSize: 50 })
 *     return { rows, next: pagingState }
 *   })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const page = <RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>(
  options: ReadOptions<RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>
): EffectQuery<PageRequest<RequestA>, ResultSet<ResultA>, never, RequestR | ResultR> => {
  const verifiable = verifiableOf(options, options)
  const encode = Schema.encode(options.Request)
  const withSession = (session: Session) => (wanted: PageRequest<RequestA>) => {
    const { after = Option.none(), pageSize, request } = Argument.record("Query.page", wanted)
    const unknown = unknownOption("Query.page", wanted, pageRequest)
    if (unknown !== undefined) return Effect.fail(unknown)
    return Effect.flatMap(encode(request), (encoded) =>
      Effect.flatMap(statementFor(options.execute, encoded), (made) => {
        let statement = withRows(made, options.Result)
        if (pageSize !== undefined) statement = Statement.withPageSize(statement, pageSize)
        if (Option.isSome(after)) statement = Statement.withPagingState(statement, after.value)
        return session.execute(statement)
      })
    )
  }
  return asQuery(verifiable, withSession)
}

/**
 * Every row of every page, as a stream: in chunks of up to 1,000; a page is fetched when it is needed.
 *
 * @example
 * ```ts
 * import { Schema, Stream } from "effect"
 * import { cql, CqlType, Query } from "effect-cassandra"
 *
 * const readings = Query.stream({
 *   Request: CqlType.text,
 *   Result: Schema.Struct({ at: CqlType.timestamp, value: CqlType.double }),
 *   execute: (sensor) => cql`SELECT at, value FROM readings WHERE sensor = ${sensor}`
 * })
 *
 * const highest = Stream.runFold(readings("roof"), 0, (max, { value }) => Math.max(max, value))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const stream = <RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>(
  options: ReadOptions<RequestA, RequestI, RequestR, ResultA, ResultI, ResultR>
): StreamQuery<RequestA, ResultA, RequestR | ResultR> => {
  const verifiable = verifiableOf(options, options)
  const encode = Schema.encode(options.Request)
  const { problem } = verifiable
  const encoding = (request: RequestA): Effect.Effect<RequestI, CassandraError | ParseError, RequestR> =>
    problem ?? encode(request)
  const withSession = (session: Session) => (request: RequestA) =>
    Stream.unwrap(
      Effect.flatMap(encoding(request), (encoded) =>
        Effect.map(statementFor(options.execute, encoded), (statement) =>
          session.stream(withRows(statement, options.Result))
        )
      )
    )
  return Object.assign(
    (request: RequestA) => Stream.unwrap(Effect.map(Session, (session) => withSession(session)(request))),
    { [TypeId]: { verifiable, with: withSession } } as const
  )
}

/**
 * A query with its session, as {@link prepare} gives it.
 *
 * @since 0.1.0
 * @category models
 */
export type Prepared<Q> = Q extends Query<infer Request, infer Out, infer _> ? (request: Request) => Out : never

/**
 * Prepares a query on the session and compares its schemas with what the server says: the fields of `Result` with the
 * columns, the fields of `Request` with the variables that `execute` binds them to. Fails with a `SchemaMismatchError` that
 * shows both sides. What cannot be known, as the type of an expression without an alias, is trusted.
 *
 * Gives the query with the session built in. `execute` is called once with made-up values.
 *
 * @example
 * ```ts
 * import { Context, Effect, Layer, Schema } from "effect"
 * import { cql, CqlType, Query } from "effect-cassandra"
 *
 * const User = Schema.Struct({ id: CqlType.uuid, name: CqlType.text })
 *
 * const make = Effect.gen(function* () {
 *   const byId = yield* Query.prepare(
 *     Query.findOne({
 *       Request: CqlType.uuid,
 *       Result: User,
 *       execute: (id) => cql`SELECT id, name FROM users WHERE id = ${id}`
 *     })
 *   )
 *   return { byId }
 * })
 *
 * class Users extends Context.Tag("Users")<Users, Effect.Effect.Success<typeof make>>() {
 *   static readonly layer = Layer.effect(Users, make)
 * }
 * ```
 *
 * @since 0.1.0
 * @category preparing
 */
export const prepare = <Request, Out, OutWithSession>(
  query: Query<Request, Out, OutWithSession>
): Effect.Effect<(request: Request) => Out, CassandraError | SchemaMismatchError, Session> =>
  Effect.flatMap(Session, (session) => {
    if (!isQuery(query)) {
      return new QueryError({
        message: "Not a query: make one with Query.findAll or its like",
        writeState: "NotApplied"
      })
    }
    const { verifiable, with: withSession } = query[TypeId]
    return Effect.as(verify(session, verifiable), withSession(session))
  })

/**
 * Prepares a record of queries, as {@link prepare} does one.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { cql, CqlType, Query } from "effect-cassandra"
 *
 * const queries = {
 *   remove: Query.void({ Request: CqlType.uuid, execute: (id) => cql`DELETE FROM users WHERE id = ${id}` })
 * }
 *
 * // Fails at start-up when the schemas and the tables do not match.
 * const QueriesChecked = Layer.effectDiscard(Query.prepareAll(queries))
 * ```
 *
 * @since 0.1.0
 * @category preparing
 */
export const prepareAll = <const Queries extends { readonly [name: string]: Query<never, unknown, unknown> }>(
  queries: Queries
): Effect.Effect<
  { readonly [Name in keyof Queries]: Prepared<Queries[Name]> },
  CassandraError | SchemaMismatchError,
  Session
> =>
  Effect.map(
    Effect.forEach(
      Object.entries(Argument.record("Query.prepareAll", queries)),
      ([name, query]) => Effect.map(prepare(query), (prepared) => [name, prepared] as const),
      { concurrency: 8 }
    ),
    Object.fromEntries
  ) as Effect.Effect<never, CassandraError | SchemaMismatchError, Session>
