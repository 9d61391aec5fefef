/** An open session: from statements to requests, and from answers to results. */
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Batch, isIdempotent } from "../Batch.ts"
import { type CassandraError, InvalidQueryError, isCassandraError, QueryError } from "../CassandraError.ts"
import { cql } from "../cql.ts"
import type { PagingState } from "../PagingState.ts"
import type { PreparedStatement } from "../PreparedStatement.ts"
import type { QueryTrace, TraceOptions, TraceUnavailableError } from "../QueryTrace.ts"
import type { ResultInfo, ResultSet } from "../ResultSet.ts"
import { type PrepareOptions, type Session, type SessionOptions, TypeId } from "../Session.ts"
import {
  make as makeStatement,
  type Row,
  type Statement,
  type StatementOptions,
  withPagingState
} from "../Statement.ts"
import { Activity, closedError } from "./attempt.ts"
import { checkStatementOptions, problemWithBatch, problemWithStatement } from "./badRequest.ts"
import type { ClusterInternals } from "./cluster.ts"
import { flag } from "./clusterOptions/checks.ts"
import { isConditional } from "./conditional.ts"
import { kindOf } from "./cqlText.ts"
import type { Engine } from "./driver.ts"
import { fromDriverError } from "./driverErrors.ts"
import { type Emission, pages, whole } from "./paging.ts"
import { prepareStatement } from "./prepareStatement.ts"
import { type Answer, BatchRequest, type Request, StatementRequest } from "./request.ts"
import { Defaults, type Effective, OptionSources } from "./requestOptions.ts"
import { columnOf, makeResultSet, pagingStateOf, rowsOf } from "./resultSet.ts"
import { inAgreement } from "./schemaAgreement.ts"
import { SessionTelemetry } from "./telemetry/session.ts"
import { fetchTrace } from "./trace.ts"

/**
 * For whatever has to wait for a schema change: whether the nodes that are up agree on the schema now. Not on the public
 * interface, because a session has no business with the schema; `Migrator` has.
 */
export const schemaAgreement: unique symbol = Symbol.for("effect-cassandra/Session/schemaAgreement")

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

export const openSession = (
  cluster: ClusterInternals,
  options: SessionOptions
): Effect.Effect<Session, CassandraError> =>
  Effect.gen(function* () {
    // What the session holds of the cluster, released when it closes.
    const scope = yield* Scope.make()
    const open = Effect.gen(function* () {
      const engine = yield* cluster.engine(options.keyspace)
      if (options.loadBalancing !== undefined) yield* cluster.usePolicy(options.loadBalancing)
      return engine
    })
    const home = yield* Scope.extend(open, scope).pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
    const session = new OpenSession(cluster, options, home, scope, yield* Effect.makeSemaphore(1))
    if (options.keyspace !== undefined && home.transport.keyspacePerRequest) {
      yield* Effect.onError(keyspaceExists(home, session, options.keyspace), () => session.close)
    }
    return session
  })

// Connections that are bound to a keyspace fail without it; where it travels with the requests, nobody has asked yet. What
// the driver knows of the schema spares the request, as it does for every session but in a keyspace that was just made.
const keyspaceExists = ({ client }: Engine, session: Session, name: string): Effect.Effect<void, CassandraError> =>
  Object.hasOwn(client.metadata.keyspaces, name)
    ? Effect.void
    : Effect.flatMap(
        session.one(cql`SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ${name}`),
        Option.match({
          onNone: () => Effect.fail(new InvalidQueryError({ message: `Keyspace '${name}' does not exist` })),
          onSome: () => Effect.void
        })
      )

class OpenSession implements Session {
  readonly [TypeId]: TypeId = TypeId
  readonly keyspace: Option.Option<string>
  readonly #cluster: ClusterInternals
  readonly #home: Engine
  readonly #scope: Scope.CloseableScope
  readonly #closing: Effect.Semaphore
  readonly #sources: OptionSources
  readonly #activity = new Activity()
  readonly #telemetry: SessionTelemetry
  /** The engines of other keyspaces that statements asked for. */
  readonly #others = new Map<string, Engine>()
  readonly #findHost: (address: string) => ReturnType<Engine["client"]["hosts"]["get"]> | undefined

  constructor(
    cluster: ClusterInternals,
    options: SessionOptions,
    home: Engine,
    scope: Scope.CloseableScope,
    closing: Effect.Semaphore
  ) {
    this.#cluster = cluster
    this.#home = home
    this.#scope = scope
    this.#closing = closing
    this.#telemetry = new SessionTelemetry(cluster.telemetry, options.keyspace)
    this.#sources = new OptionSources(
      cluster.options,
      options,
      home.transport.keyspacePerRequest,
      cluster.profiles,
      cluster.timestamps(options.timestampGenerator)
    )
    this.#findHost = (address) => home.client.hosts.get(address)
    this.keyspace = Option.fromNullable(options.keyspace)
  }

  readonly execute = <A, R, E>(statement: Statement<A, R, E>): Effect.Effect<ResultSet<A>, CassandraError | E, R> =>
    this.#request<ResultSet<A>, E, R>(statement, resultOf)

  readonly one = <A, R, E>(statement: Statement<A, R, E>): Effect.Effect<Option.Option<A>, CassandraError | E, R> =>
    Effect.flatMap(this.#request<First<A>, E, R>(statement, firstOf), ({ next, row }) =>
      Option.isSome(row) || next === undefined ? Effect.succeed(row) : this.one(withPagingState(statement, next))
    )

  readonly rows = <A, R, E>(statement: Statement<A, R, E>): Effect.Effect<ReadonlyArray<A>, CassandraError | E, R> =>
    Effect.flatMap(this.execute(statement), (first) =>
      Option.match(first.pagingState, {
        onNone: () => Effect.succeed(first.rows),
        onSome: (state) =>
          Effect.map(Stream.runCollect(this.stream(withPagingState(statement, state))), (rest) => [
            ...first.rows,
            ...Chunk.toReadonlyArray(rest)
          ])
      })
    )

  readonly pages = <A, R, E>(statement: Statement<A, R, E>): Stream.Stream<ResultSet<A>, CassandraError | E, R> =>
    this.#pages<ResultSet<A>, ResultSet<A>, R, E>(statement, resultOf, whole, false)

  readonly stream = <A, R, E>(statement: Statement<A, R, E>): Stream.Stream<A, CassandraError | E, R> =>
    this.#pages<Answer, A, R, E>(statement, asItIs, (answer) => chunksOf(statement, answer), true)

  #pages<A, B, R, E>(
    statement: Statement.Any,
    finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>,
    emit: (value: A) => Emission<B, CassandraError | E, R>,
    defer: boolean
  ): Stream.Stream<B, CassandraError | E, R> {
    const problem = problemWithStatement(statement)
    if (problem !== undefined) return Stream.fail(problem)
    const { cluster } = this.#telemetry
    const page = (of: Statement.Any, answer: Answer) => {
      cluster.pages++
      cluster.rows += answer.response?.deferred?.count ?? answer.response?.rows?.length ?? 0
      return Effect.map(finish(of, answer), (value) => ({ value, next: pagingStateOf(answer) }))
    }
    return pages<A, B, CassandraError | E, R>(
      (state) => this.#request(state === undefined ? statement : withPagingState(statement, state), page, defer),
      undefined,
      Effect.map(this.#optionsOf(statement.options, true), ({ prefetch }) => prefetch),
      emit
    )
  }

  get [schemaAgreement](): Effect.Effect<boolean> {
    return inAgreement(this.#home.client)
  }

  readonly trace = (
    traced: string | { readonly info: Pick<ResultInfo, "traceId"> },
    options: TraceOptions = {}
  ): Effect.Effect<QueryTrace, CassandraError | TraceUnavailableError> => fetchTrace(this, traced, options)

  readonly prepare = (query: string, options: PrepareOptions = {}): Effect.Effect<PreparedStatement, CassandraError> =>
    Effect.flatMap(
      Effect.suspend(() => {
        if (typeof query !== "string") return invalid("The CQL text to prepare is no text")
        try {
          checkStatementOptions(options)
          flag("prepare.refresh", options.refresh, false)
        } catch (error) {
          return failWith(error)
        }
        return this.#activity.closed ? Effect.fail(closedError("NotApplied")) : this.#engine(options.keyspace)
      }),
      ({ transport }) =>
        Effect.flatMap(this.#optionsOf(options, true), (effective) => {
          const preparing = { transport, query, again: options.refresh ?? false, telemetry: this.#telemetry }
          return prepareStatement(preparing, effective, options.timeout !== undefined)
        })
    ).pipe(
      Effect.map(({ columns, keyspace, table, variables }) => ({
        query,
        variables: variables.map((column) => columnOf(column, keyspace, table)),
        columns: Option.map(Option.fromNullable(columns), (known) =>
          known.map((column) => columnOf(column, keyspace, table))
        ),
        bind: (values) => makeStatement(query, values)
      }))
    )

  readonly batch = (batch: Batch): Effect.Effect<ResultSet<Row>, CassandraError> =>
    Effect.withFiberRuntime<ResultSet<Row>, CassandraError>((fiber) => {
      const problem = problemWithBatch(batch)
      if (problem !== undefined) return Effect.fail(problem)
      const idempotent = isIdempotent(batch)
      let options: Effective
      try {
        options = this.#resolve(fiber, idempotent ? { ...batch.options, idempotent } : batch.options, false)
        if (options.send.speculation !== undefined && batch.statements.some(({ query }) => isConditional(query))) {
          options = notSpeculated(options)
        }
      } catch (error) {
        return failWith(error)
      }
      return this.#run(fiber, batch.options.keyspace, (engine) => {
        const { statements, type } = batch
        return new BatchRequest(engine, this.#activity, this.#telemetry, options, type, statements, batchResult)
      })
    })

  readonly isClosed: Effect.Effect<boolean> = Effect.sync(() => this.#activity.closed)

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#activity.closed = true
    return this.#activity.idle.pipe(
      Effect.interruptible,
      Effect.timeoutTo({
        duration: this.#cluster.options.shutdownTimeout,
        onSuccess: () => undefined,
        onTimeout: () => this.#activity.interruptAll()
      }),
      Effect.zipRight(Scope.close(this.#scope, Exit.void)),
      Effect.uninterruptible,
      // Whoever closes second waits for the first, and finds nothing left to do.
      this.#closing.withPermits(1)
    )
  })

  /** The hot path: an option look-up and one attempt, unless something goes wrong. */
  #request<A, E, R>(
    statement: Statement.Any,
    finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>,
    defer = false
  ): Effect.Effect<A, CassandraError | E, R> {
    return Effect.withFiberRuntime<A, CassandraError | E, R>((fiber) => {
      const problem = problemWithStatement(statement)
      if (problem !== undefined) return Effect.fail(problem)
      const kind = kindOf(statement.query)
      if (kind.use) {
        return Effect.fail(
          invalid(
            "USE would change the keyspace of everyone who shares the connections: open a session in the keyspace"
          )
        )
      }
      let options: Effective
      try {
        options = this.#resolve(fiber, statement.options, kind.read)
      } catch (error) {
        return failWith(error)
      }
      const { host, keyspace } = statement.options
      // Preparing asks the hosts of a plan: a statement for one host, which may be a probe of it, does without where it can.
      const prepare = kind.prepared && host === undefined
      // A conditional write's rows need to be looked at: the column that tells whether it was applied is no part of them.
      const later = defer && kind.read
      if (later || !prepare) options = { ...options, send: { ...options.send, defer: later, prepare } }
      if (options.send.speculation !== undefined && isConditional(statement.query)) options = notSpeculated(options)
      return this.#run(
        fiber,
        keyspace,
        (engine) => new StatementRequest(engine, this.#activity, this.#telemetry, options, statement, finish)
      )
    })
  }

  /** Runs a request by what serves its keyspace. */
  #run<A, E, R>(
    fiber: Fiber.RuntimeFiber<A, E>,
    keyspace: string | undefined,
    make: (engine: Engine) => Request<A, E, R>
  ): Effect.Effect<A, CassandraError | E, R> {
    return keyspace === undefined || this.#isHome(keyspace)
      ? make(this.#home).run(fiber as AnyFiber)
      : Effect.flatMap(this.#engine(keyspace), (engine) =>
          Effect.withFiberRuntime<A, CassandraError | E, R>((current) => make(engine).run(current as AnyFiber))
        )
  }

  /** The options of a request. Throws for what is invalid in the statement or the context. */
  #resolve(fiber: Fiber.RuntimeFiber<unknown, unknown>, options: StatementOptions, read: boolean): Effective {
    const local = Context.get(fiber.currentContext as Context.Context<never>, Defaults)
    return this.#sources.resolve(options, local, read, this.#findHost)
  }

  #optionsOf(options: StatementOptions, read: boolean): Effect.Effect<Effective, CassandraError> {
    return Effect.withFiberRuntime((fiber) => {
      try {
        return Effect.succeed(this.#resolve(fiber, options, read))
      } catch (error) {
        return failWith(error)
      }
    })
  }

  /** Whether the session's own engine serves a keyspace. */
  #isHome(keyspace: string): boolean {
    return keyspace === this.#home.keyspace || this.#home.transport.keyspacePerRequest
  }

  #engine(keyspace: string | undefined): Effect.Effect<Engine, CassandraError> {
    if (keyspace === undefined || this.#isHome(keyspace)) return Effect.succeed(this.#home)
    const known = this.#others.get(keyspace)
    if (known !== undefined) return Effect.succeed(known)
    if (this.#activity.closed) return Effect.fail(closedError("NotApplied"))
    // In a scope of its own: a failure that the session kept hold of would be everyone's answer until it closes.
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(this.#scope, ExecutionStrategy.sequential), (scope) =>
        restore(Scope.extend(this.#cluster.engine(keyspace), scope)).pipe(
          Effect.onError(() => Scope.close(scope, Exit.void)),
          Effect.tap((engine) => Effect.sync(() => this.#others.set(keyspace, engine)))
        )
      )
    )
  }
}

/** Of two executions of a conditional write, one is refused because of the other, and its answer may come first. */
const notSpeculated = (options: Effective): Effective => ({
  ...options,
  send: { ...options.send, speculation: undefined }
})

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** What is thrown on the way to a request is a failure of ours or a bug. */
const failWith = (error: unknown): Effect.Effect<never, CassandraError> =>
  isCassandraError(error) ? Effect.fail(error) : Effect.die(error)

const batchResult = (answer: Answer): ResultSet<Row> => makeResultSet(rowsOf(undefined, answer), answer, undefined)

const resultOf = <A, R, E>(statement: Statement.Any, answer: Answer): Effect.Effect<ResultSet<A>, E, R> => {
  const { query } = statement
  const rows = rowsOf(query, answer)
  const decode = (statement as Statement<A, R, E>).decode
  // Without a schema, `A` is `Row`; with one, `E` has the `ParseError`.
  return decode === undefined
    ? Effect.succeed(makeResultSet(rows as ReadonlyArray<unknown> as ReadonlyArray<A>, answer, query))
    : (Effect.map(decode(rows), (decoded) => makeResultSet(decoded, answer, query)) as Effect.Effect<
        ResultSet<A>,
        E,
        R
      >)
}

/** The first row of a page, and where the next page starts. */
interface First<A> {
  readonly row: Option.Option<A>
  readonly next: PagingState | undefined
}

/** Only that row is decoded: what the others are is nothing that was asked. */
const firstOf = <A, R, E>(statement: Statement.Any, answer: Answer): Effect.Effect<First<A>, E, R> => {
  const row = rowsOf(statement.query, answer).slice(0, 1)
  const next = pagingStateOf(answer)
  const decode = (statement as Statement<A, R, E>).decode
  return decode === undefined || row.length === 0
    ? Effect.succeed({ row: Option.fromIterable(row as ReadonlyArray<unknown> as ReadonlyArray<A>), next })
    : (Effect.map(decode(row), (decoded) => ({ row: Option.fromIterable(decoded), next })) as Effect.Effect<
        First<A>,
        E,
        R
      >)
}

/**
 * Rows at once in the hands of a stream's consumer. A page can be many more: whatever lives while the garbage collector of
 * the young looks at it is copied, and rows that are not made yet cost it nothing.
 */
const rowsAtOnce = 1000

const asItIs = (_statement: Statement.Any, answer: Answer): Effect.Effect<Answer> => Effect.succeed(answer)

/** The rows of a page, made as they are asked for. */
const chunksOf = <A, R, E>(
  { decode, query }: Statement<A, R, E>,
  answer: Answer
): Emission<A, CassandraError | E, R> => {
  const chunk = (rows: ReadonlyArray<Row>): Emission<A, E, R> =>
    decode === undefined
      ? Channel.write(Chunk.unsafeFromArray(rows as ReadonlyArray<unknown> as ReadonlyArray<A>))
      : Channel.flatMap(Channel.fromEffect(decode(rows) as Effect.Effect<ReadonlyArray<A>, E, R>), (decoded) =>
          Channel.write(Chunk.unsafeFromArray(decoded))
        )
  const deferred = answer.response?.deferred
  if (deferred === undefined) {
    const rows = rowsOf(query, answer)
    return rows.length === 0 ? Channel.void : chunk(rows)
  }
  const chunks = (left: number): Emission<A, CassandraError | E, R> =>
    left <= 0
      ? Channel.void
      : Channel.suspend(() => {
          let rows: ReadonlyArray<Row>
          try {
            rows = deferred.take(rowsAtOnce)
          } catch (error) {
            return Channel.fail(fromDriverError(error, { timeout: 0, batch: false, sent: true }))
          }
          return Channel.flatMap(chunk(rows), () => chunks(left - rows.length))
        })
  return chunks(deferred.count)
}
