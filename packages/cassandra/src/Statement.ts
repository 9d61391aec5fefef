/**
 * Statements: CQL text, the values for its bind markers, options, and how to decode the rows. Immutable data.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type { ParseError } from "effect/ParseResult"
import type { Pipeable } from "effect/Pipeable"
import * as Predicate from "effect/Predicate"
import type * as Schema from "effect/Schema"
import { QueryError } from "./CassandraError.ts"
import type { Consistency, SerialConsistency } from "./Consistency.ts"
import type { ExecutionProfile, RequestOptions } from "./ExecutionProfile.ts"
import type { LoadBalancing } from "./LoadBalancing.ts"
import type { PagingState } from "./PagingState.ts"
import type { RetryPolicy } from "./RetryPolicy.ts"
import type { SpeculativeExecution } from "./SpeculativeExecution.ts"
import { withCallerFrames } from "./internal/options/callerFrames.ts"
import * as internal from "./internal/request/statement.ts"
import type { RowSchema } from "./internal/request/typeErrors.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/Statement"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/Statement"

/**
 * A row as the server sent it: a plain object, keyed by column. See the guide on types for the JavaScript value of each
 * CQL type: 64-bit integers are `bigint`, uuids are strings, a `timestamp` is a `Date`, an absent value is `null`.
 *
 * @since 0.1.0
 * @category models
 */
export type Row = { readonly [column: string]: unknown }

/**
 * Values for the markers: by position for `?`, by name for `:name`.
 *
 * @since 0.1.0
 * @category models
 */
export type Values = ReadonlyArray<unknown> | { readonly [name: string]: unknown }

/**
 * What only a statement can carry, beside the options it shares with profiles and sessions.
 *
 * @since 0.1.0
 * @category models
 */
export interface StatementOptions extends RequestOptions {
  /** Whether sending the statement twice is harmless. Unset: a SELECT is, anything else is not. */
  readonly idempotent?: boolean | undefined
  /** The name of an execution profile of the cluster, or a profile. */
  readonly profile?: string | ExecutionProfile | undefined
  /** The write's timestamp, in microseconds since the epoch. */
  readonly timestamp?: bigint | undefined
  /** What the server takes for the current time, in seconds since the epoch: for TTLs in tests. Needs protocol v5. */
  readonly nowInSeconds?: number | undefined
  readonly pagingState?: PagingState | undefined
  /** Whether the server traces the request. */
  readonly tracing?: boolean | undefined
  /** Bytes for a custom query handler of the server's. */
  readonly customPayload?: Readonly<Record<string, Uint8Array>> | undefined
  /** The only host to send it to, as `address:port`. */
  readonly host?: string | undefined
  /** The keyspace of unqualified table names. */
  readonly keyspace?: string | undefined
  /** The role to run as, for servers that allow proxy execution. */
  readonly executeAs?: string | undefined
  /**
   * Whether a text without values is prepared. Unset: a `cql` template without composition is, text that was put together is
   * not; `false` is for a template that runs once. A statement with values always is prepared, and `false` is refused there.
   */
  readonly prepared?: boolean | undefined
}

/**
 * A statement whose rows are `A`. `R` and `E` are what decoding them asks for and can fail with: nothing for plain rows, a
 * `ParseError` once a schema is given with `as`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Statement<out A = Row, out R = never, out E = ParseError> extends Pipeable {
  readonly [TypeId]: {
    readonly _A: (_: never) => A
    readonly _R: (_: never) => R
    readonly _E: (_: never) => E
  }
  /** The CQL text, with markers for the values. */
  readonly query: string
  readonly values: Values
  readonly options: StatementOptions
  /** Decodes a page of rows; undefined for plain rows. */
  readonly decode: ((rows: ReadonlyArray<Row>) => Effect.Effect<ReadonlyArray<A>, ParseError, R>) | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export declare namespace Statement {
  /**
   * A statement whatever it decodes to.
   *
   * @since 0.1.0
   * @category models
   */
  export type Any = Statement<unknown, unknown, unknown>
}

const noValues: Values = Object.freeze([])

/**
 * @since 0.1.0
 * @category guards
 */
export const isStatement = (u: unknown): u is Statement<unknown, unknown, unknown> => Predicate.hasProperty(u, TypeId)

/**
 * A statement from CQL text and values, for text that is not written in place. The text must not be put together from
 * values: pass those as `values`, for `?` (an array) or `:name` (a record).
 *
 * @example
 * ```ts
 * import { Statement } from "effect-cassandra"
 *
 * const byId = Statement.make("SELECT name FROM users WHERE id = ?", ["b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"])
 * const byName = Statement.make("SELECT id FROM users_by_name WHERE name = :name", { name: "Ada" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  query: string,
  values: Values = noValues,
  options: StatementOptions = internal.noOptions
): Statement<Row, never, never> =>
  new internal.StatementImpl<Row, never, never>(query, values, options, undefined, false, undefined)

const withOptions = <A, R, E>(self: Statement<A, R, E>, changes: StatementOptions): Statement<A, R, E> =>
  internal.withOptions(given(self), { ...self.options, ...changes })

const given = <A, R, E>(self: Statement<A, R, E>): Statement<A, R, E> => {
  if (isStatement(self)) return self
  throw withCallerFrames(
    new QueryError({
      message: "Not a statement: make one with the cql template or Statement.make",
      writeState: "NotApplied"
    })
  )
}

/**
 * Decodes each row with a schema: a row that does not fit fails the request with a `ParseError`.
 *
 * A schema that reads no rows does not compile: one whose encoded side has no fields, as `Schema.String`, or one with a field that
 * reads a time from a text, as `Schema.Date` (a row has a `Date` for a `timestamp`). A schema of the type `Schema.Schema<A, any>`
 * is taken as it is.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { cql, Statement } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: Schema.UUID, name: Schema.String }) {}
 *
 * const users = cql`SELECT id, name FROM users`.pipe(Statement.as(User))
 * ```
 *
 * @since 0.1.0
 * @category decoding
 */
export const as: {
  <A, I, R>(schema: Schema.Schema<A, I, R> & RowSchema<A, I>): (self: Statement.Any) => Statement<A, R, ParseError>
  <A, I, R>(self: Statement.Any, schema: Schema.Schema<A, I, R> & RowSchema<A, I>): Statement<A, R, ParseError>
} = dual(2, <A, I, R>(self: Statement.Any, schema: Schema.Schema<A, I, R>): Statement<A, R, ParseError> =>
  internal.withRows(given(self), schema)
)

/**
 * The same text with other values.
 *
 * @since 0.1.0
 * @category combinators
 */
export const withValues: {
  (values: Values): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, values: Values): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, values: Values): Statement<A, R, E> =>
  internal.withValues(given(self), values)
)

/**
 * Says that sending the statement twice does no more than sending it once, so that it may be retried after a failure that
 * leaves open whether it was applied. A conditional write that is sent again so, and then not applied, fails with a
 * `CasWriteUnknownError`: the first attempt may have been.
 *
 * @since 0.1.0
 * @category options
 */
export const idempotent = <A, R, E>(self: Statement<A, R, E>): Statement<A, R, E> =>
  withOptions(self, { idempotent: true })

/**
 * Says whether sending the statement twice is harmless: `false` for a SELECT that calls a function with side effects.
 *
 * @since 0.1.0
 * @category options
 */
export const withIdempotent: {
  (value: boolean): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, value: boolean): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, value: boolean) => withOptions(self, { idempotent: value }))

/**
 * How many replicas must answer.
 *
 * @since 0.1.0
 * @category options
 */
export const withConsistency: {
  (consistency: Consistency): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, consistency: Consistency): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, consistency: Consistency) => withOptions(self, { consistency }))

/**
 * The consistency of the Paxos phase of a conditional write.
 *
 * @since 0.1.0
 * @category options
 */
export const withSerialConsistency: {
  (serialConsistency: SerialConsistency): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, serialConsistency: SerialConsistency): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, serialConsistency: SerialConsistency) =>
  withOptions(self, { serialConsistency })
)

/**
 * Rows a page, for this statement only.
 *
 * @since 0.1.0
 * @category options
 */
export const withPageSize: {
  (pageSize: number): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, pageSize: number): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, pageSize: number) => withOptions(self, { pageSize }))

/**
 * Pages a stream of this statement fetches ahead of its consumer: 0 fetches on demand.
 *
 * @since 0.1.0
 * @category options
 */
export const withPrefetch: {
  (prefetch: number): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, prefetch: number): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, prefetch: number) => withOptions(self, { prefetch }))

/**
 * How long to wait for the answer to one attempt. `Duration.infinity` waits as long as it takes.
 *
 * @since 0.1.0
 * @category options
 */
export const withTimeout: {
  (timeout: Duration.DurationInput): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, timeout: Duration.DurationInput): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, timeout: Duration.DurationInput) => withOptions(self, { timeout }))

/**
 * How long the whole request may take: waiting for admission, every attempt and the delays between them. A stream's
 * deadline is for each of its pages.
 *
 * @since 0.1.0
 * @category options
 */
export const withDeadline: {
  (deadline: Duration.DurationInput): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, deadline: Duration.DurationInput): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, deadline: Duration.DurationInput) => withOptions(self, { deadline }))

/**
 * The execution profile to take options from: its name in the cluster's `profiles`, or the profile itself.
 *
 * @since 0.1.0
 * @category options
 */
export const withProfile: {
  (profile: string | ExecutionProfile): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, profile: string | ExecutionProfile): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, profile: string | ExecutionProfile) => withOptions(self, { profile }))

/**
 * Which of the connected nodes to send it to. It opens no connections: name a policy that needs other nodes in the cluster's
 * options, in a profile of the cluster or for a session.
 *
 * @since 0.1.0
 * @category options
 */
export const withLoadBalancing: {
  (loadBalancing: LoadBalancing): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, loadBalancing: LoadBalancing): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, loadBalancing: LoadBalancing) => withOptions(self, { loadBalancing }))

/**
 * Whether to ask a second node when the first one is slow. It counts only when the statement is idempotent.
 *
 * @since 0.1.0
 * @category options
 */
export const withSpeculativeExecution: {
  (speculativeExecution: SpeculativeExecution): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, speculativeExecution: SpeculativeExecution): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, speculativeExecution: SpeculativeExecution) =>
  withOptions(self, { speculativeExecution })
)

/**
 * What to do when an attempt fails.
 *
 * @since 0.1.0
 * @category options
 */
export const withRetryPolicy: {
  (retryPolicy: RetryPolicy): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, retryPolicy: RetryPolicy): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, retryPolicy: RetryPolicy) => withOptions(self, { retryPolicy }))

/**
 * The write's timestamp, in microseconds since the epoch.
 *
 * @since 0.1.0
 * @category options
 */
export const withTimestamp: {
  (timestamp: bigint): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, timestamp: bigint): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, timestamp: bigint) => withOptions(self, { timestamp }))

/**
 * What the server takes for the current time of the request, in seconds since the epoch, so that a test can see a TTL
 * expire. Needs protocol v5.
 *
 * @since 0.1.0
 * @category options
 */
export const withNowInSeconds: {
  (nowInSeconds: number): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, nowInSeconds: number): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, nowInSeconds: number) => withOptions(self, { nowInSeconds }))

/**
 * Where to continue, from `ResultSet.pagingState` of the same statement with the same values.
 *
 * @since 0.1.0
 * @category options
 */
export const withPagingState: {
  (pagingState: PagingState): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, pagingState: PagingState): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, pagingState: PagingState) => withOptions(self, { pagingState }))

/**
 * Whether the server traces the request; the trace's id is in `ResultSet.info`.
 *
 * @since 0.1.0
 * @category options
 */
export const withTracing: {
  (tracing: boolean): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, tracing: boolean): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, tracing: boolean) => withOptions(self, { tracing }))

/**
 * Bytes for a custom query handler of the server's.
 *
 * @since 0.1.0
 * @category options
 */
export const withCustomPayload: {
  (customPayload: Readonly<Record<string, Uint8Array>>): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, customPayload: Readonly<Record<string, Uint8Array>>): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, customPayload: Readonly<Record<string, Uint8Array>>) =>
  withOptions(self, { customPayload })
)

/**
 * The only host to send it to, as `address:port`.
 *
 * @since 0.1.0
 * @category options
 */
export const withHost: {
  (host: string): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, host: string): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, host: string) => withOptions(self, { host }))

/**
 * The keyspace of unqualified table names, in place of the session's.
 *
 * @since 0.1.0
 * @category options
 */
export const withKeyspace: {
  (keyspace: string): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, keyspace: string): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, keyspace: string) => withOptions(self, { keyspace }))

/**
 * The role to run as, for servers that allow proxy execution.
 *
 * @since 0.1.0
 * @category options
 */
export const withExecuteAs: {
  (executeAs: string): <A, R, E>(self: Statement<A, R, E>) => Statement<A, R, E>
  <A, R, E>(self: Statement<A, R, E>, executeAs: string): Statement<A, R, E>
} = dual(2, <A, R, E>(self: Statement<A, R, E>, executeAs: string) => withOptions(self, { executeAs }))

/**
 * Prepares a text without values that was put together, which is sent as it is otherwise: for a text that is sent again and
 * again. Each text takes a place in the caches of the client and of every node.
 *
 * @example
 * ```ts
 * import { cql, Statement } from "effect-cassandra"
 *
 * const newest = (table: string) => cql`SELECT * FROM ${cql.id(table)} LIMIT 1`.pipe(Statement.prepared)
 * ```
 *
 * @since 0.2.0
 * @category options
 */
export const prepared = <A, R, E>(self: Statement<A, R, E>): Statement<A, R, E> => withOptions(self, { prepared: true })
