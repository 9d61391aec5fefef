/**
 * Resolvers for queries: many small reads, written one by one, that are gathered, rid of duplicates, cached where the fiber
 * says so (`Effect.withRequestCaching`), and sent together.
 *
 * What is gathered is not put in a CQL batch, which is for writes, nor in one `IN` over many partitions, which makes one
 * coordinator do the work of many. Each partition gets a statement of its own, and the statements run concurrently, each by
 * the replicas of its partition.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as FiberRef from "effect/FiberRef"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Request from "effect/Request"
import * as RequestResolver from "effect/RequestResolver"
import * as Schema from "effect/Schema"
import type { CassandraError } from "./CassandraError.ts"
import { Argument, refuse, text } from "./internal/options/index.ts"
import {
  byBytes,
  byValue,
  canonicalRequest,
  decimalMark,
  statementFor,
  structuralKey,
  verify
} from "./internal/typed/index.ts"
import type { SchemaMismatchError } from "./SchemaMismatchError.ts"
import { Session } from "./Session.ts"
import type * as Statement from "./Statement.ts"
import { withoutDecoder, withRows } from "./internal/request/index.ts"

/**
 * A resolver's request. Two for the same thing are equal, and so is what the server takes for the same: a uuid in upper case and in
 * lower case, a set in another order.
 *
 * @since 0.1.0
 * @category models
 */
export class QueryRequest<out A, out E> extends Request.Class<
  A,
  CassandraError | ParseError | E,
  {
    readonly tag: string
    /** The input as it would be read from a row. */
    readonly input: unknown
    readonly encoded: unknown
    readonly key: string
    /** The key of its partition; undefined when it is by itself. */
    readonly partition: string | undefined
  }
> {
  [Equal.symbol](that: unknown): boolean {
    return that instanceof QueryRequest && this.tag === that.tag && this.key === that.key
  }
  [Hash.symbol](): number {
    return Hash.cached(this, Hash.combine(Hash.string(this.key))(Hash.string(this.tag)))
  }
}

/**
 * A resolver and what to do with it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Resolver<in Input, in out A, out E, out R> {
  /** Asks for one, together with whatever else is asked for at the time. */
  readonly execute: (input: Input) => Effect.Effect<A, CassandraError | ParseError | E, R>
  /** The resolver itself, for the combinators of `effect/RequestResolver`, and what makes requests for it. */
  readonly resolver: RequestResolver.RequestResolver<QueryRequest<unknown, unknown>>
  readonly request: (input: Input) => Effect.Effect<QueryRequest<A, E>, ParseError, R>
  /** Puts a result in the cache of the fiber. */
  readonly cachePopulate: (input: Input, result: NoInfer<A>) => Effect.Effect<void, ParseError, R>
  /** Takes a result out of the cache of the fiber. */
  readonly cacheInvalidate: (input: Input) => Effect.Effect<void, ParseError, R>
}

interface Common {
  /** Statements in flight at once. Default: 32. */
  readonly concurrency?: number | undefined
}

interface Reading extends Common {
  /** What to make of a field that does not take null and a column that may be null: see `Query.ReadOptions`. */
  readonly nulls?: "trust" | "check" | undefined
}

/**
 * How requests of one partition share a statement.
 *
 * @since 0.1.0
 * @category models
 */
export interface Partitioned<I> extends Reading {
  /**
   * The partition of an encoded request, by its value: requests of one partition go to `execute` together, for an `IN` over
   * the clustering key. Default: each request is by itself.
   */
  readonly partition?: ((request: NoInfer<I>) => unknown) | undefined
  /** The statement for encoded requests of one partition. */
  readonly execute: (requests: NonEmptyReadonlyArray<NoInfer<I>>) => Statement.Statement.Any
}

/** One thing asked for, by how many requests ever. */
interface Wanted<A, E> {
  readonly input: unknown
  readonly encoded: unknown
  readonly requests: Array<QueryRequest<A, E>>
}

interface Spec<A, E> {
  readonly tag: string
  readonly Request: Schema.Schema.Any
  readonly Result: Schema.Schema.Any | undefined
  readonly nulls: "trust" | "check" | undefined
  readonly concurrency: number | undefined
  readonly partition: ((encoded: never) => unknown) | undefined
  readonly execute: (encoded: NonEmptyReadonlyArray<never>) => Statement.Statement.Any
  /** Whether one answer does for equal requests. */
  readonly shared: boolean
  readonly distribute: (
    wanted: ReadonlyArray<Wanted<A, E>>,
    rows: ReadonlyArray<unknown>
  ) => ReadonlyArray<Exit.Exit<A, E>>
}

const partitioned = ["concurrency", "nulls", "partition"] as const

/** Throws a `ConfigurationError` for what is no tag or no options of a resolver. */
const check = <A extends object>(
  name: string,
  tag: string,
  options: A,
  schemas: ReadonlyArray<keyof A & string>,
  functions: ReadonlyArray<keyof A & string>,
  optional: ReadonlyArray<keyof A & string>
): void => {
  if (text(name, tag) === undefined) refuse(name, "takes a tag")
  Argument.options(name, options, new Set([...schemas, ...functions, ...optional]))
  for (const key of schemas) Argument.schema(`${name}.${key}`, options[key] as Schema.Schema.Any)
  for (const key of functions) Argument.aFunction(`${name}.${key}`, options[key])
}

const makeResolver = <Input, RequestR, A, E, ResultR>(
  spec: Spec<A, E>
): Effect.Effect<Resolver<Input, A, E, RequestR>, CassandraError | SchemaMismatchError, Session | ResultR> =>
  Effect.gen(function* () {
    const session = yield* Session
    const context = yield* Effect.context<ResultR>()
    const bound = yield* verify(session, {
      request: spec.Request.ast,
      result: spec.Result?.ast,
      execute: (request) => spec.execute([request]),
      sample: Option.none(),
      strict: spec.nulls === "check"
    })

    const run = (wanted: ReadonlyArray<Wanted<A, E>>): Effect.Effect<void> => {
      const encoded = wanted.map((one) => one.encoded) as unknown as NonEmptyReadonlyArray<never>
      return Effect.suspend(() => statementFor(spec.execute, encoded)).pipe(
        Effect.flatMap((statement) =>
          session.rows<unknown, ResultR, ParseError>(
            spec.Result === undefined ? withoutDecoder(statement) : withRows(statement, typed<ResultR>(spec.Result))
          )
        ),
        Effect.map((rows) => spec.distribute(wanted, rows)),
        Effect.provide(context),
        Effect.matchCauseEffect({
          onFailure: (cause) =>
            Effect.forEach(wanted, ({ requests }) => complete(requests, Exit.failCause(cause)), { discard: true }),
          onSuccess: (exits) =>
            Effect.forEach(
              wanted,
              ({ requests }, i) => complete(requests, exits[i] as Exit.Exit<A, CassandraError | ParseError | E>),
              { discard: true }
            )
        })
      )
    }

    const resolver = RequestResolver.makeBatched((requests: ReadonlyArray<QueryRequest<A, E>>) => {
      const wanted = new Map<unknown, Wanted<A, E>>()
      for (const request of requests) {
        const key = spec.shared ? request.key : request
        const known = wanted.get(key)
        if (known === undefined)
          wanted.set(key, { input: request.input, encoded: request.encoded, requests: [request] })
        else known.requests.push(request)
      }
      const partitions = new Map<unknown, Array<Wanted<A, E>>>()
      for (const one of wanted.values()) {
        const partition = one.requests[0]?.partition ?? one
        const known = partitions.get(partition)
        if (known === undefined) partitions.set(partition, [one])
        else known.push(one)
      }
      return Effect.forEach(partitions.values(), run, { concurrency: spec.concurrency ?? 32, discard: true })
    }).identified("effect-cassandra/Resolver", spec.tag)

    const codec = spec.Request as Schema.Schema<Input, unknown, RequestR>
    const encode = Schema.encode(codec)
    const decode = Schema.decodeUnknown(codec)
    const canonical = canonicalRequest(spec.Request.ast, bound)
    const made = (input: Input, encoded: unknown, asRead: unknown) =>
      new QueryRequest<A, E>({
        tag: spec.tag,
        input,
        encoded,
        key: spec.shared ? structuralKey(asRead, byBytes) : `#${unshared++}`,
        partition: spec.partition === undefined ? undefined : structuralKey(spec.partition(asRead as never), byBytes)
      })
    const request = (input: Input) =>
      Effect.flatMap(encode(input), (encoded) => {
        if (!spec.shared) return Effect.succeed(made(input, encoded, encoded))
        const asRead = canonical(encoded)
        return Effect.map(
          Effect.orElseSucceed(decode(asRead), () => input),
          (read) => made(read, encoded, asRead)
        )
      })
    return {
      resolver: resolver as unknown as RequestResolver.RequestResolver<QueryRequest<unknown, unknown>>,
      request,
      execute: (input) => Effect.flatMap(request(input), (one) => Effect.request(one, resolver)),
      cachePopulate: (input, result) =>
        Effect.flatMap(request(input), (one) => Effect.cacheRequestResult(one, Exit.succeed(result))),
      cacheInvalidate: (input) =>
        Effect.flatMap(request(input), (one) =>
          Effect.flatMap(FiberRef.get(FiberRef.currentRequestCache), (cache) => cache.invalidate(one))
        )
    }
  })

/** Makes requests that are not shared unlike each other. */
let unshared = 0

const typed = <R>(schema: Schema.Schema.Any) => schema as Schema.Schema<unknown, unknown, R>

const complete = <A, E>(
  requests: ReadonlyArray<QueryRequest<A, E>>,
  exit: Exit.Exit<A, CassandraError | ParseError | E>
): Effect.Effect<void> => Effect.forEach(requests, (request) => Request.complete(request, exit), { discard: true })

/**
 * Rows by a key of theirs. Decimals of the same value and another scale are one clustering key, but two partitions: the same scale
 * goes before the same value.
 */
const groupRows = <A>(
  rows: ReadonlyArray<unknown>,
  keyOf: (row: A) => unknown
): ((key: unknown) => ReadonlyArray<A> | undefined) => {
  const grouped = (decimals: typeof byBytes): ReadonlyMap<string, Array<A>> => {
    const groups = new Map<string, Array<A>>()
    for (const row of rows as ReadonlyArray<A>) {
      const key = structuralKey(keyOf(row), decimals)
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [row])
      else group.push(row)
    }
    return groups
  }
  const exact = grouped(byBytes)
  let alike: ReadonlyMap<string, Array<A>> | undefined
  return (key) => {
    const wanted = structuralKey(key, byBytes)
    const found = exact.get(wanted)
    if (found !== undefined || !wanted.includes(decimalMark)) return found
    alike ??= grouped(byValue)
    return alike.get(structuralKey(key, byValue))
  }
}

/**
 * At most one row for each id.
 *
 * Preparing it compares the schemas with the table, as `Query.prepare` does.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Columns, cql, CqlType, Resolver } from "effect-cassandra"
 *
 * class User extends Schema.Class<User>("User")({ id: CqlType.uuid, name: CqlType.text }) {}
 *
 * const program = Effect.gen(function* () {
 *   const users = yield* Resolver.findById("User", {
 *     Id: CqlType.uuid,
 *     Result: User,
 *     ResultId: (user) => user.id,
 *     execute: ([id]) => cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
 *   })
 *   const authors: ReadonlyArray<string> = []
 *   // One statement for each author, however often it is in the list; all of them at the same time.
 *   return yield* Effect.forEach(authors, users.execute, { batching: true })
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const findById = <Id, I, IdR, A, AI, AR>(
  tag: string,
  options: {
    readonly Id: Schema.Schema<Id, I, IdR>
    readonly Result: Schema.Schema<A, AI, AR>
    readonly ResultId: (result: NoInfer<A>) => NoInfer<Id>
  } & Partitioned<I>
): Effect.Effect<Resolver<Id, Option.Option<A>, never, IdR>, CassandraError | SchemaMismatchError, Session | AR> => {
  check("Resolver.findById", tag, options, ["Id", "Result"], ["ResultId", "execute"], partitioned)
  return makeResolver({
    tag,
    Request: options.Id,
    Result: options.Result,
    nulls: options.nulls,
    concurrency: options.concurrency,
    partition: options.partition,
    execute: options.execute,
    shared: true,
    distribute: (wanted, rows) => {
      const groups = groupRows(rows, options.ResultId)
      return wanted.map(({ input }) => Exit.succeed(Option.fromNullable(groups(input)?.[0])))
    }
  })
}

/**
 * Any number of rows for each request, told apart by a key.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { cql, CqlType, Resolver } from "effect-cassandra"
 *
 * const Line = Schema.Struct({ tenant: CqlType.text, invoice: CqlType.int, text: CqlType.text })
 *
 * // The lines of many invoices: one statement for each tenant.
 * const make = Resolver.grouped("Lines", {
 *   Request: Schema.Struct({ tenant: CqlType.text, invoice: CqlType.int }),
 *   RequestGroupKey: ({ invoice, tenant }) => [tenant, invoice],
 *   Result: Line,
 *   ResultGroupKey: ({ invoice, tenant }) => [tenant, invoice],
 *   partition: ({ tenant }) => tenant,
 *   execute: (requests) => cql`
 *     SELECT tenant, invoice, text FROM lines
 *     WHERE tenant = ${requests[0].tenant} AND invoice IN ${requests.map(({ invoice }) => invoice)}`
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const grouped = <Input, I, InputR, K, A, AI, AR>(
  tag: string,
  options: {
    readonly Request: Schema.Schema<Input, I, InputR>
    readonly RequestGroupKey: (request: NoInfer<Input>) => K
    readonly Result: Schema.Schema<A, AI, AR>
    readonly ResultGroupKey: (result: NoInfer<A>) => NoInfer<K>
  } & Partitioned<I>
): Effect.Effect<
  Resolver<Input, ReadonlyArray<A>, never, InputR>,
  CassandraError | SchemaMismatchError,
  Session | AR
> => {
  check(
    "Resolver.grouped",
    tag,
    options,
    ["Request", "Result"],
    ["RequestGroupKey", "ResultGroupKey", "execute"],
    partitioned
  )
  return makeResolver({
    tag,
    Request: options.Request,
    Result: options.Result,
    nulls: options.nulls,
    concurrency: options.concurrency,
    partition: options.partition,
    execute: options.execute,
    shared: true,
    distribute: (wanted, rows) => {
      const groups = groupRows(rows, options.ResultGroupKey)
      return wanted.map(({ input }) => Exit.succeed(groups(options.RequestGroupKey(input as Input)) ?? []))
    }
  })
}

/**
 * Exactly one row for each request, by a statement of its own, such as an aggregate. Fails with a `NoSuchElementException`
 * when there is none.
 *
 * @since 0.1.0
 * @category constructors
 */
export const ordered = <Input, I, InputR, A, AI, AR>(
  tag: string,
  options: {
    readonly Request: Schema.Schema<Input, I, InputR>
    readonly Result: Schema.Schema<A, AI, AR>
    readonly execute: (request: NoInfer<I>) => Statement.Statement.Any
  } & Reading
): Effect.Effect<
  Resolver<Input, A, Cause.NoSuchElementException, InputR>,
  CassandraError | SchemaMismatchError,
  Session | AR
> => {
  check("Resolver.ordered", tag, options, ["Request", "Result"], ["execute"], ["concurrency", "nulls"])
  return makeResolver<Input, InputR, A, Cause.NoSuchElementException, AR>({
    tag,
    Request: options.Request,
    Result: options.Result,
    nulls: options.nulls,
    concurrency: options.concurrency,
    partition: undefined,
    execute: ([request]) => options.execute(request),
    shared: true,
    distribute: (_, rows) => [
      rows.length > 0
        ? Exit.succeed(rows[0] as A)
        : Exit.fail(new Cause.NoSuchElementException("The query gives no row"))
    ]
  })
}

const write = <Input, I, InputR>(
  tag: string,
  options: {
    readonly Request: Schema.Schema<Input, I, InputR>
    readonly execute: (request: NoInfer<I>) => Statement.Statement.Any
  } & Common
): Effect.Effect<Resolver<Input, void, never, InputR>, CassandraError | SchemaMismatchError, Session> => {
  check("Resolver.void", tag, options, ["Request"], ["execute"], ["concurrency"])
  return makeResolver<Input, InputR, void, never, never>({
    tag,
    Request: options.Request,
    Result: undefined,
    nulls: undefined,
    concurrency: options.concurrency,
    partition: undefined,
    execute: ([request]) => options.execute(request),
    shared: false,
    distribute: (wanted) => wanted.map(() => Exit.void)
  })
}

export {
  /**
   * Writes, gathered and sent concurrently. Each is sent, even when two are equal: adding to a counter twice is not the same
   * as once.
   *
   * @since 0.1.0
   * @category constructors
   */
  write as void
}
