/**
 * Sessions: where statements are executed.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Batch } from "./Batch.ts"
import type { CassandraError } from "./CassandraError.ts"
import { Cluster } from "./Cluster.ts"
import type { RequestOptions } from "./ExecutionProfile.ts"
import { Argument, environmentKeyspace, type LocalOptions } from "./internal/options/index.ts"
import { Defaults } from "./internal/request/index.ts"
import type { PreparedStatement } from "./PreparedStatement.ts"
import type { QueryTrace, TraceOptions, TraceUnavailableError } from "./QueryTrace.ts"
import type { ResultInfo, ResultSet } from "./ResultSet.ts"
import type { Row, Statement } from "./Statement.ts"
import type { TimestampGenerator } from "./TimestampGenerator.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/Session"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/Session"

/**
 * A session. It is closed with the scope it was opened in: no more requests are admitted, those in flight have
 * `shutdownTimeout` to end, and whatever is used after that fails with `SessionClosedError`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Session {
  readonly [TypeId]: TypeId
  /** The keyspace of unqualified table names. */
  readonly keyspace: Option.Option<string>
  /** One round trip: the first page of the result, and in `pagingState` where the next one starts. */
  readonly execute: <A, R, E>(statement: Statement<A, R, E>) => Effect.Effect<ResultSet<A>, CassandraError | E, R>
  /**
   * The first row of the result. Where the server's first pages are empty, as they can be when it filters, the next ones are
   * asked for. Only that row is decoded.
   */
  readonly one: <A, R, E>(statement: Statement<A, R, E>) => Effect.Effect<Option.Option<A>, CassandraError | E, R>
  /** Every row of every page, gathered in memory. For results without a known bound, use `stream`. */
  readonly rows: <A, R, E>(statement: Statement<A, R, E>) => Effect.Effect<ReadonlyArray<A>, CassandraError | E, R>
  /** Every row of every page, in chunks of up to 1,000 rows. Pages are fetched as they are consumed, and decoded as their chunks are. */
  readonly stream: <A, R, E>(statement: Statement<A, R, E>) => Stream.Stream<A, CassandraError | E, R>
  /** The pages themselves, empty ones too, each with the state to continue from. */
  readonly pages: <A, R, E>(statement: Statement<A, R, E>) => Stream.Stream<ResultSet<A>, CassandraError | E, R>
  /** Prepares CQL text on the nodes. Preparing the same text again costs nothing. */
  readonly prepare: (query: string, options?: PrepareOptions) => Effect.Effect<PreparedStatement, CassandraError>
  /**
   * What the servers did for a request that was made with `Statement.withTracing`: of a result, or of a trace id. The servers
   * write traces after they have answered, so it waits for the trace to be complete. A result of many pages has a trace for
   * each: take them from `pages`. Fails with a `TraceUnavailableError` when the request was not traced, or when the trace is
   * not complete in time.
   */
  readonly trace: (
    traced: string | { readonly info: Pick<ResultInfo, "traceId"> },
    options?: TraceOptions
  ) => Effect.Effect<QueryTrace, CassandraError | TraceUnavailableError>
  /** Applies a batch of writes. */
  readonly batch: (batch: Batch) => Effect.Effect<ResultSet<Row>, CassandraError>
  /** Closes it before its scope does. A second call does nothing. */
  readonly close: Effect.Effect<void>
  readonly isClosed: Effect.Effect<boolean>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface PrepareOptions {
  /** The keyspace of unqualified table names, in place of the session's. Bound statements go there too. */
  readonly keyspace?: string | undefined
  /**
   * How long to wait. After it preparing fails with an `OperationTimedOutError`. Default: the `timeout` of a request, after which
   * it is tried again as the retry policy says, within the `deadline`.
   */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * Asks a node also where the text is prepared already, since a table that was made anew may have other types. Default:
   * `false`, which costs nothing the second time.
   */
  readonly refresh?: boolean | undefined
  /**
   * For a query handler of the server's that looks for one. It goes with every request that prepares this text from now on, and
   * with the bound statements; a text that is prepared already is not prepared again for it.
   */
  readonly customPayload?: Readonly<Record<string, Uint8Array>> | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface SessionOptions extends RequestOptions {
  /** The keyspace of unqualified table names. It must exist. */
  readonly keyspace?: string | undefined
  /**
   * Opens the connections to all nodes, remote ones too where they are used, before the session is there. A node that cannot
   * be reached is not waited for any longer than its attempt takes. Default `false`: those to the local data centre are open.
   */
  readonly waitForAllPools?: boolean | undefined
  /** How long opening the session may take; then it fails with `OperationTimedOutError`. Default: no limit of its own. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /**
   * Where the timestamps of writes come from; `TimestampGenerator.serverSide` leaves them to the server. Default: the
   * cluster's generator.
   */
  readonly timestampGenerator?: TimestampGenerator | undefined
}

/**
 * @since 0.1.0
 * @category tags
 */
export const Session: Context.Tag<Session, Session> = Context.GenericTag<Session>("effect-cassandra/Session")

/**
 * Opens a session of the cluster in the context.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: SessionOptions = {}): Effect.Effect<Session, CassandraError, Cluster | Scope.Scope> =>
  Effect.flatMap(Cluster, (cluster) => cluster.connect(options))

/**
 * A session as a layer.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Cluster, cql, Session } from "effect-cassandra"
 *
 * const CassandraLive = Session.layer({ keyspace: "shop", consistency: "LOCAL_QUORUM" }).pipe(
 *   Layer.provide(Cluster.layer({ contactPoints: ["127.0.0.1"] }))
 * )
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Session.Session
 *   return yield* session.rows(cql`SELECT id, name FROM users`)
 * }).pipe(Effect.provide(CassandraLive))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: SessionOptions = {}): Layer.Layer<Session, CassandraError, Cluster> =>
  Layer.scoped(Session, make(options))

/**
 * A session whose options, some or all, come from `Config`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  config: Config.Config.Wrap<SessionOptions>
): Layer.Layer<Session, CassandraError | ConfigError, Cluster> =>
  Layer.scoped(Session, Effect.flatMap(Argument.config("Session.layerConfig", config), make))

/**
 * A session in the keyspace that `CASSANDRA_KEYSPACE` names, or in none when it is not set.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerEnv = (options: SessionOptions = {}): Layer.Layer<Session, CassandraError | ConfigError, Cluster> => {
  Argument.record("Session.layerEnv", options)
  return Layer.scoped(
    Session,
    Effect.flatMap(environmentKeyspace, (keyspace) =>
      make(Option.isSome(keyspace) ? { ...options, keyspace: keyspace.value } : options)
    )
  )
}

/**
 * Options for every request made inside an effect, unless the statement says otherwise. Nested calls add up; the inner wins.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { cql, Session } from "effect-cassandra"
 *
 * const report = Effect.gen(function* () {
 *   const session = yield* Session.Session
 *   return yield* session.rows(cql`SELECT * FROM orders`)
 * }).pipe(Session.withDefaults({ consistency: "ONE", timeout: "1 minute" }))
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const withDefaults: {
  (options: LocalOptions): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, options: LocalOptions): Effect.Effect<A, E, R>
} = dual(2, <A, E, R>(self: Effect.Effect<A, E, R>, options: LocalOptions): Effect.Effect<A, E, R> => {
  Argument.effect("Session.withDefaults", self)
  Argument.record("Session.withDefaults", options)
  return Effect.flatMap(Defaults, (outer) => Effect.provideService(self, Defaults, { ...outer, ...options }))
})
