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
import { type Batch, isBatch, isIdempotent } from "../../Batch.ts"
import {
  type CassandraError,
  ConfigurationError,
  InvalidQueryError,
  isCassandraError,
  QueryError
} from "../../CassandraError.ts"
import { cql } from "../../cql.ts"
import type { PagingState } from "../../PagingState.ts"
import type { PreparedStatement } from "../../PreparedStatement.ts"
import type { QueryTrace, TraceOptions, TraceUnavailableError } from "../../QueryTrace.ts"
import type { ResultInfo, ResultSet } from "../../ResultSet.ts"
import type { PrepareOptions, Session, SessionOptions } from "../../Session.ts"
import { type Row, type Statement, type StatementOptions, withPagingState } from "../../Statement.ts"
import { Argument, batchOptions, flag, notOfBatches, prepareOptions, refuseUnknown } from "../options/index.ts"
import {
  Activity,
  type Answer,
  type BatchMember,
  BatchRequest,
  batchText,
  checkPrepared,
  checkStatementOptions,
  columnOf,
  concerning,
  Defaults,
  type Effective,
  type Emission,
  type Engine,
  failInTurn,
  fromEngineError,
  hasMarkers,
  inAgreement,
  isEmpty,
  isLiteral,
  locate,
  makeResultSet,
  noOptions,
  ofBatch,
  ofRows,
  OptionSources,
  pages,
  pagingStateOf,
  prepareStatement,
  problemWithBatch,
  problemWithStatement,
  type Request,
  rowsOf,
  schemaAgreement,
  StatementImpl,
  StatementRequest,
  timeoutTo,
  turn,
  whole
} from "../request/index.ts"
import type { ClusterInternals } from "./cluster.ts"
import { isConditional, kindOf } from "../cql/index.ts"
import { SessionTelemetry } from "../telemetry/index.ts"
import type { Node } from "../topology/index.ts"
import { fetchTrace } from "./trace.ts"

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
    const { keyspace } = options
    const home = yield* Scope.extend(open, scope).pipe(
      Effect.mapError((error) => (keyspace === undefined ? error : concerning(error, keyspace))),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    const session = new OpenSession(cluster, options, home, scope, yield* Effect.makeSemaphore(1))
    if (keyspace !== undefined && home.transport.keyspacePerRequest) {
      yield* Effect.onError(keyspaceExists(home, session, keyspace), () => session.close)
    }
    return session
  })

// Connections that are bound to a keyspace fail without it; where it travels with the requests, nobody has asked yet. What
// the engine knows of the schema spares the request, as it does for every session but in a keyspace that was just made.
const keyspaceExists = ({ view }: Engine, session: Session, name: string): Effect.Effect<void, CassandraError> =>
  view.replication(name) !== undefined
    ? Effect.void
    : Effect.flatMap(
        Effect.mapError(
          session.one(cql`SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ${name}`),
          (error) => concerning(error, name)
        ),
        Option.match({
          onNone: () =>
            Effect.fail(new InvalidQueryError({ message: `Keyspace '${name}' does not exist`, keyspace: name })),
          onSome: () => Effect.void
        })
      )

class OpenSession implements Session {
  readonly "~effect-cassandra/Session" = "~effect-cassandra/Session"
  readonly keyspace: Option.Option<string>
  readonly #cluster: ClusterInternals
  readonly #home: Engine
  readonly #scope: Scope.CloseableScope
  readonly #closing: Effect.Semaphore
  readonly #sources: OptionSources
  readonly #activity: Activity
  readonly #telemetry: SessionTelemetry
  /** The engines of other keyspaces that statements asked for. */
  readonly #others = new Map<string, Engine>()
  readonly #findHost: (address: string) => Node | undefined

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
    this.#activity = new Activity(cluster.isClosed)
    this.#telemetry = new SessionTelemetry(cluster.telemetry, options.keyspace)
    this.#sources = new OptionSources(
      cluster.options,
      options,
      home.transport.keyspacePerRequest,
      cluster.profiles,
      cluster.timestamps(options.timestampGenerator)
    )
    this.#findHost = (address) => home.view.node(address) ?? noSuchHost(address, home.view.nodes)
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
    this.#pages<Answer, A, R, E>(
      statement,
      asItIs,
      (answer) => chunksOf(statement, answer, this.#keyspaceOf(statement)),
      true
    )

  #pages<A, B, R, E>(
    statement: Statement.Any,
    finish: (statement: Statement.Any, answer: Answer) => Effect.Effect<A, E, R>,
    emit: (value: A) => Emission<B, CassandraError | E, R>,
    defer: boolean
  ): Stream.Stream<B, CassandraError | E, R> {
    const problem = problemWithStatement(statement)
    if (problem !== undefined) return Stream.fromEffect(failInTurn(problem))
    const { cluster } = this.#telemetry
    const page = (of: Statement.Any, answer: Answer) => {
      cluster.pages++
      const rows = answer.response?.deferred?.count ?? answer.response?.rows?.length ?? 0
      cluster.rows += rows
      return Effect.map(finish(of, answer), (value) => ({ value, next: pagingStateOf(answer), isEmpty: rows === 0 }))
    }
    return pages<A, B, CassandraError | E, R>(
      (state) => this.#request(state === undefined ? statement : withPagingState(statement, state), page, defer),
      undefined,
      Effect.map(this.#optionsOf(statement.options, true), ({ prefetch }) => prefetch),
      emit
    )
  }

  get [schemaAgreement](): Effect.Effect<boolean> {
    return inAgreement(this.#home.view)
  }

  readonly trace = (
    traced: string | { readonly info: Pick<ResultInfo, "traceId"> },
    options: TraceOptions = {}
  ): Effect.Effect<QueryTrace, CassandraError | TraceUnavailableError> => fetchTrace(this, traced, options)

  readonly prepare = (
    query: string,
    options: PrepareOptions = {}
  ): Effect.Effect<PreparedStatement, CassandraError> => {
    const { refresh, ...sent } = { ...options }
    return Effect.flatMap(
      Effect.suspend(() => {
        if (typeof query !== "string") return failInTurn(invalid("The CQL text to prepare is no text"))
        try {
          Argument.options("prepare", options, prepareOptions)
          checkStatementOptions(sent)
          flag("prepare.refresh", options.refresh, false)
        } catch (error) {
          return failWith(error)
        }
        return this.#activity.closed ? failInTurn(this.#activity.error("NotApplied")) : this.#engine(options.keyspace)
      }),
      ({ transport }) =>
        Effect.flatMap(this.#optionsOf(sent, true), (effective) => {
          const preparing = {
            transport,
            query,
            keyspace: sent.keyspace ?? this.#telemetry.namespace,
            again: refresh ?? false,
            telemetry: this.#telemetry
          }
          return prepareStatement(preparing, effective, sent.timeout !== undefined)
        })
    ).pipe(
      Effect.let("bound", () => this.#bound(options)),
      Effect.map(({ bound, columns, keyspace, table, variables }) => ({
        query,
        variables: variables.map((column) => columnOf(column, keyspace, table)),
        columns: Option.map(Option.fromNullable(columns), (known) =>
          known.map((column) => columnOf(column, keyspace, table))
        ),
        bind: (values) => new StatementImpl<Row, never, never>(query, values, bound, undefined, true, undefined)
      }))
    )
  }

  readonly batch = (batch: Batch): Effect.Effect<ResultSet<Row>, CassandraError> =>
    Effect.withFiberRuntime<ResultSet<Row>, CassandraError>((fiber) => {
      const problem = problemWithBatch(batch)
      if (problem !== undefined) return failInTurn(problem)
      const idempotent = isIdempotent(batch)
      const { statements, type } = batch
      let options: Effective
      let keyspace: string | undefined
      let members: ReadonlyArray<BatchMember>
      try {
        refuseUnknown("batch", batch.options, batchOptions, notOfBatches)
        const merged = ofBatch(statements, batch.options)
        keyspace = merged.keyspace
        members = statements.map(memberOf)
        options = this.#resolve(fiber, idempotent ? { ...merged, idempotent } : merged, false)
        if (options.send.speculation !== undefined && statements.some(({ query }) => isConditional(query))) {
          options = notSpeculated(options)
        }
      } catch (error) {
        return this.#refuse(error, batch)
      }
      return this.#run(
        fiber,
        batch,
        keyspace,
        (engine) =>
          new BatchRequest(engine, this.#activity, this.#telemetry, hostIn(engine, options), type, members, batchResult)
      )
    })

  /** What its statements inherit from preparing: the keyspace that the text was prepared in, and the payload. */
  #bound({ customPayload, keyspace = Option.getOrUndefined(this.keyspace) }: PrepareOptions): StatementOptions {
    if (keyspace === undefined && customPayload === undefined) return noOptions
    return {
      ...(keyspace === undefined ? {} : { keyspace }),
      ...(customPayload === undefined ? {} : { customPayload })
    }
  }

  readonly isClosed: Effect.Effect<boolean> = Effect.sync(() => this.#activity.closed)

  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#activity.closed = true
    const interrupt = Effect.sync(() => this.#activity.interruptAll())
    return timeoutTo(
      Effect.interruptible(this.#activity.idle),
      this.#cluster.options.shutdownTimeout,
      () => interrupt
    ).pipe(
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
      if (problem !== undefined) return failInTurn(problem)
      const kind = kindOf(statement.query)
      if (kind.use) {
        return this.#refuse(
          invalid(
            "USE would change the keyspace of everyone who shares the connections: open a session in the keyspace"
          ),
          statement
        )
      }
      let options: Effective
      try {
        checkPrepared(statement)
        options = this.#resolve(fiber, statement.options, kind.read)
      } catch (error) {
        return this.#refuse(error, statement)
      }
      const prepare = isPrepared(statement, kind.prepared)
      // A conditional write's rows need to be looked at: the column that tells whether it was applied is no part of them.
      const later = defer && kind.read
      if (later || !prepare) options = { ...options, send: { ...options.send, defer: later, prepare } }
      if (options.send.speculation !== undefined && isConditional(statement.query)) options = notSpeculated(options)
      return this.#run(
        fiber,
        statement,
        statement.options.keyspace,
        (engine) =>
          new StatementRequest(engine, this.#activity, this.#telemetry, hostIn(engine, options), statement, finish)
      )
    })
  }

  /** Runs a request by what serves its keyspace. */
  #run<A, E, R>(
    fiber: Fiber.RuntimeFiber<A, E>,
    request: Statement.Any | Batch,
    keyspace: string | undefined,
    make: (engine: Engine) => Request<A, E, R>
  ): Effect.Effect<A, CassandraError | E, R> {
    return keyspace === undefined || this.#isHome(keyspace)
      ? make(this.#home).run(fiber as AnyFiber)
      : Effect.flatMap(
          Effect.catchAll(this.#engine(keyspace), (error) => this.#refuse(error, request)),
          (engine) =>
            Effect.withFiberRuntime<A, CassandraError | E, R>((current) => {
              try {
                return make(engine).run(current as AnyFiber)
              } catch (error) {
                return failWith(error)
              }
            })
        )
  }

  /** What is thrown on the way to a request is a failure of ours, which tells of the statement, or a bug. */
  #refuse(error: unknown, request: Statement.Any | Batch): Effect.Effect<never, CassandraError> {
    if (!isCassandraError(error)) return Effect.die(error)
    const members = isBatch(request) ? request.statements : undefined
    const query = isBatch(request) ? batchText(request.type, request.statements) : request.query
    return failInTurn(locate(error, { query, keyspace: this.#keyspaceOf(request), members }))
  }

  #keyspaceOf({ options }: Statement.Any | Batch): string | undefined {
    return options.keyspace ?? this.#telemetry.namespace
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
    if (this.#activity.closed) return failInTurn(this.#activity.error("NotApplied"))
    // In a scope of its own: a failure that the session kept hold of would be everyone's answer until it closes.
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Scope.fork(this.#scope, ExecutionStrategy.sequential), (scope) =>
        restore(Scope.extend(this.#cluster.engine(keyspace), scope)).pipe(
          Effect.onError(() => Scope.close(scope, Exit.void)),
          Effect.tapError(() => turn),
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

/**
 * Whether a text is prepared that has no values: as its statement says, or else where it is a literal of the program, and where
 * it has markers, so that what is missing is told by name. Preparing asks the hosts of a plan: a statement for one host, which
 * may be a probe of it, does without.
 */
const isPrepared = (statement: Statement.Any, worthIt: boolean): boolean => {
  if (!isEmpty(statement.values)) return true
  const { host, prepared } = statement.options
  return prepared ?? (worthIt && host === undefined && (isLiteral(statement) || hasMarkers(statement.query)))
}

const memberOf = (statement: Statement.Any): BatchMember => {
  checkPrepared(statement)
  const { query, values } = statement
  return { query, values, prepare: isPrepared(statement, kindOf(query).prepared) }
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

/** What is thrown on the way to a request is a failure of ours or a bug. */
const failWith = (error: unknown): Effect.Effect<never, CassandraError> =>
  isCassandraError(error) ? failInTurn(error) : Effect.die(error)

/** More of them would hide the rest of the message. */
const mostHosts = 20

const noSuchHost = (address: string, known: ReadonlyArray<Node>): never => {
  const hosts = known
    .slice(0, mostHosts)
    .map((node) => node.address)
    .join(", ")
  const more = known.length > mostHosts ? ` and ${known.length - mostHosts} more` : ""
  throw new ConfigurationError({
    option: "host",
    message: `The cluster has no host ${address}. It has ${hosts}${more}.`
  })
}

/** The options with the host as the engine knows it: another one has hosts of its own, with connections of their own. */
const hostIn = ({ view }: Engine, options: Effective): Effective => {
  const { host } = options.send
  if (host === undefined) return options
  const own = view.node(host.address)
  if (own === host) return options
  if (own === undefined) return noSuchHost(host.address, view.nodes)
  return { ...options, send: { ...options.send, host: own } }
}

const batchResult = (answer: Answer): ResultSet<Row> => makeResultSet(rowsOf(undefined, answer), answer, undefined)

const resultOf = <A, R, E>(statement: Statement.Any, answer: Answer): Effect.Effect<ResultSet<A>, E, R> => {
  const { query } = statement
  const rows = rowsOf(query, answer)
  const decode = (statement as Statement<A, R, E>).decode
  // Without a schema, `A` is `Row`; with one, `E` has the `ParseError`.
  return decode === undefined
    ? Effect.succeed(makeResultSet(rows as ReadonlyArray<unknown> as ReadonlyArray<A>, answer, query))
    : (Effect.map(ofRows(decode(rows), query, answer, 0), (decoded) =>
        makeResultSet(decoded, answer, query)
      ) as Effect.Effect<ResultSet<A>, E, R>)
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
    : (Effect.map(ofRows(decode(row), statement.query, answer, 0), (decoded) => ({
        row: Option.fromIterable(decoded),
        next
      })) as Effect.Effect<First<A>, E, R>)
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
  answer: Answer,
  keyspace: string | undefined
): Emission<A, CassandraError | E, R> => {
  const chunk = (rows: ReadonlyArray<Row>, first: number): Emission<A, E, R> =>
    decode === undefined
      ? Channel.write(Chunk.unsafeFromArray(rows as ReadonlyArray<unknown> as ReadonlyArray<A>))
      : Channel.flatMap(
          Channel.fromEffect(ofRows(decode(rows), query, answer, first) as Effect.Effect<ReadonlyArray<A>, E, R>),
          (decoded) => Channel.write(Chunk.unsafeFromArray(decoded))
        )
  const deferred = answer.response?.deferred
  if (deferred === undefined) {
    const rows = rowsOf(query, answer)
    return rows.length === 0 ? Channel.void : chunk(rows, 0)
  }
  const chunks = (left: number): Emission<A, CassandraError | E, R> =>
    left <= 0
      ? Channel.void
      : Channel.suspend(() => {
          let rows: ReadonlyArray<Row>
          try {
            rows = deferred.take(rowsAtOnce)
          } catch (error) {
            const failed = fromEngineError(error, { timeout: 0, batch: false, sent: true })
            return Channel.fail(locate(failed, { query, keyspace }))
          }
          return Channel.flatMap(chunk(rows, deferred.count - left), () => chunks(left - rows.length))
        })
  return chunks(deferred.count)
}
