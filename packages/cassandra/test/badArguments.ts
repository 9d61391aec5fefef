/**
 * Every public function, with arguments that it takes. `badArguments.it.ts` calls each with something else in the place of each
 * argument, which has to end with a typed error, here or where the result is used.
 */
import * as Api from "effect-cassandra"
import { cql, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { planted } from "./badInput.ts"

/** What is put in the place of an argument. */
export const junk = {
  null: null,
  undefined: undefined,
  "a number": 5,
  NaN: NaN,
  "a text": planted,
  "an object": { planted },
  "an array": [planted],
  "a symbol": Symbol("planted"),
  "a function": () => planted
} as const

export type Kind = keyof typeof junk

type Use = (result: never, session: Api.Session.Session) => unknown

export interface Call {
  /** As it is exported: `Statement.make`. */
  readonly name: string
  readonly run: (...values: ReadonlyArray<unknown>) => unknown
  readonly values: ReadonlyArray<unknown>
  /** The kinds of junk that it takes as well, for each argument. */
  readonly takes: ReadonlyArray<ReadonlyArray<Kind>>
  /** What is done with the result; an effect, a stream or a layer is run. Default: nothing. */
  readonly use: Use
}

const every = Object.keys(junk) as ReadonlyArray<Kind>
const anything: ReadonlyArray<Kind> = every
const absent: ReadonlyArray<Kind> = ["undefined"]
/** Of an options record, in which what is not known is refused. */
const record: ReadonlyArray<Kind> = absent

const execute: Use = (statement, session) => session.execute(statement)
const select = cql`SELECT * FROM t WHERE id = ${1}`
const insert = cql`INSERT INTO t (id, c, v) VALUES (${1}, ${1}, ${"x"})`
const batch = Api.Batch.make("LOGGED", [insert])
const sent: Use = (made, session) => session.batch(made)
const asOption =
  (name: string): Use =>
  (value, session) =>
    session.execute(Statement.make(select.query, select.values, { [name]: value }))
const run: Use = (effect) => effect

const table = Schema.Struct({ id: Schema.Int, c: Schema.Int, v: Schema.String })
const row = { id: 1, c: 1, v: "x" }
const read = {
  Request: Schema.Struct({ id: Schema.Int }),
  Result: table,
  execute: ({ id }: { readonly id: number }) => cql`SELECT * FROM t WHERE id = ${id}`
}
const write = {
  Request: table,
  execute: (value: typeof row) => cql`INSERT INTO t ${Api.Columns.insert(table, value)}`
}
const selectAll = (requests: ReadonlyArray<{ readonly id: number }>) =>
  cql`SELECT * FROM t WHERE id IN ${requests.map(({ id }) => id)}`
const byId = { Id: read.Request, Result: table, ResultId: ({ id }: typeof row) => ({ id }), execute: selectAll }
const grouped = {
  Request: read.Request,
  RequestGroupKey: ({ id }: { readonly id: number }) => id,
  Result: table,
  ResultGroupKey: ({ id }: typeof row) => id,
  execute: selectAll
}
/** What a tag is given for its texts. */
const template = Object.assign(["SELECT * FROM t WHERE id = ", ""], { raw: [] })
const called =
  (request: unknown): Use =>
  (query) =>
    (query as (request: unknown) => unknown)(request)
const resolved =
  (request: unknown): Use =>
  (resolver) =>
    Effect.flatMap(
      resolver as Effect.Effect<{ readonly execute: (request: unknown) => Effect.Effect<unknown, unknown> }>,
      ({ execute: ask }) => ask(request)
    )
const migrations = { loader: Api.Migrator.fromRecord({}) }
const loaded: Use = (loader) => loader

const call = (
  name: string,
  values: ReadonlyArray<unknown>,
  takes: ReadonlyArray<ReadonlyArray<Kind>> = [],
  use: Use = () => Effect.void
): Call => {
  const found = name
    .split(".")
    .reduce<unknown>((from, key) => (from as Readonly<Record<string, unknown>>)[key], Api) as Call["run"]
  return { name, run: found, values, takes, use }
}

const statementOptions: ReadonlyArray<readonly [name: string, value: unknown, takes: ReadonlyArray<Kind>]> = [
  ["Consistency", "ONE", absent],
  ["SerialConsistency", "SERIAL", absent],
  ["PageSize", 10, ["undefined", "a number"]],
  ["Prefetch", 1, ["undefined", "a number"]],
  ["Timeout", "5 seconds", ["undefined", "a number"]],
  ["Deadline", "5 seconds", ["undefined", "a number"]],
  ["Profile", {}, ["undefined", "an object", "an array"]],
  ["LoadBalancing", Api.LoadBalancing.standard, absent],
  ["SpeculativeExecution", Api.SpeculativeExecution.none, absent],
  ["RetryPolicy", Api.RetryPolicy.never, absent],
  ["Timestamp", 1n, absent],
  ["NowInSeconds", 1, ["undefined", "a number"]],
  ["PagingState", Api.PagingState.fromBytes(new Uint8Array([1])), absent],
  ["Tracing", false, absent],
  ["CustomPayload", {}, absent],
  ["Host", "127.0.0.1:1", absent],
  ["Keyspace", "system", absent],
  ["ExecuteAs", "cassandra", ["undefined", "a text"]],
  ["Idempotent", true, absent]
]

export const calls: ReadonlyArray<Call> = [
  call("AuthProvider.make", [() => ({})], [["a function"]]),
  call("AuthProvider.plainText", [{ username: "u", password: Redacted.make("p") }]),
  call("AuthProvider.plainTextWith", [Effect.succeed({ username: "u", password: Redacted.make("p") })]),

  call("Batch.make", ["LOGGED", [insert], {}], [[], [], record], sent),
  call("Batch.add", [batch, insert], [], sent),
  call("Batch.withOptions", [batch, {}], [[], record], sent),
  call("Batch.idempotent", [batch], [], sent),
  call("Batch.isIdempotent", [batch]),
  call("Batch.isBatch", [batch], [anything]),

  call("CassandraError.isCassandraError", [0], [anything]),

  call("CassandraMetrics.memorySink", [10], [["undefined", "a number"]]),
  call("CassandraMetrics.topStatements", [{}], [record], run),

  call("Columns.names", [table, {}], [[], record]),
  call("Columns.select", [table, {}], [[], record]),
  call("Columns.insert", [table, row, {}], [[], ["an object"], record]),
  call("Columns.set", [table, row, {}], [[], ["an object"], record]),
  call("Columns.where", [table, row, ["id"]], [[], ["an object"], ["an array"]]),

  call("Consistency.fromCode", [1], [anything]),
  call("Consistency.isConsistency", ["ONE"], [anything]),
  call("Consistency.isSerialConsistency", ["SERIAL"], [anything]),

  call("CqlType.list", [Schema.Int]),
  call("CqlType.set", [Schema.Int]),
  call("CqlType.map", [Schema.String, Schema.Int]),
  call("CqlType.vector", [Schema.Number, 3], [[], ["a number"]]),
  call("CqlType.tuple", [Schema.Int, Schema.String]),
  call("CqlType.udt", ["pair", table], [["a text"]]),
  call("CqlType.nullable", [Schema.Int]),
  call("CqlType.option", [Schema.Int]),
  call("CqlType.optional", [Schema.Int]),
  call("CqlType.orUnset", [Schema.Int]),
  call("CqlType.nameOf", [Schema.Int]),
  call("CqlType.isUnset", [0], [anything]),

  call("ExecutionProfile.make", [{}], [["an object"]], asOption("profile")),
  call("ExecutionProfile.derive", [{}, {}], [["an object"], ["an object"]], asOption("profile")),

  call("Health.check", [{}], [record], run),
  call("Health.make", [{}], [record], run),
  call("Health.layer", [{}], [record], run),
  call("Health.stream", [Schedule.once, {}], [[], record], run),

  call("LoadBalancing.dcAware", [{}], [record], asOption("loadBalancing")),
  call("LoadBalancing.standardWith", [{}], [record], asOption("loadBalancing")),
  call("LoadBalancing.tokenAware", [Api.LoadBalancing.dcAware()], [], asOption("loadBalancing")),
  call(
    "LoadBalancing.allowList",
    [Api.LoadBalancing.standard, ["127.0.0.1"]],
    [[], ["a function", "an array"]],
    asOption("loadBalancing")
  ),
  call("LoadBalancing.custom", [{ distance: () => "local", plan: () => [] }], [], asOption("loadBalancing")),

  call("Migrator.fromRecord", [{}], [], loaded),
  call("Migrator.fromDirectory", ["/"], [], loaded),
  call("Migrator.run", [migrations], [], run),
  call("Migrator.list", [migrations], [], run),
  call("Migrator.verify", [migrations], [], run),
  call("Migrator.layer", [migrations], [], run),
  call("Migrator.isMigrationError", [0], [anything]),

  call("PagingState.fromBytes", [new Uint8Array([1])], [], asOption("pagingState")),
  call("PagingState.fromText", ["AA"], [], run),
  call("PagingState.toBytes", [Api.PagingState.fromBytes(new Uint8Array([1]))]),
  call("PagingState.toText", [Api.PagingState.fromBytes(new Uint8Array([1]))]),
  call("PagingState.isPagingState", [0], [anything]),

  ...["findAll", "findOne", "single", "stream"].map((name) => call(`Query.${name}`, [read], [], called({ id: 1 }))),
  call("Query.page", [read], [], called({ request: { id: 1 } })),
  ...["void", "applied"].map((name) => call(`Query.${name}`, [write], [], called(row))),
  call("Query.prepare", [Api.Query.findAll(read)], [], run),
  call("Query.prepareAll", [{ all: Api.Query.findAll(read) }], [], run),
  call("Query.isQuery", [0], [anything]),

  call("Resolver.findById", ["byId", byId], [["a text"]], resolved({ id: 1 })),
  call("Resolver.grouped", ["grouped", grouped], [["a text"]], resolved({ id: 1 })),
  call("Resolver.ordered", ["ordered", read], [["a text"]], resolved({ id: 1 })),
  call("Resolver.void", ["write", write], [["a text"]], resolved(row)),

  call("RetryPolicy.make", [{ decide: () => Api.RetryPolicy.rethrow }], [], asOption("retryPolicy")),
  call("RetryPolicy.standardWith", [{}], [["an object"]], asOption("retryPolicy")),

  ...["make", "layer"].flatMap((name) => [
    call(`Session.${name}`, [{}], [record], run),
    call(`Cluster.${name}`, [{ contactPoints: ["127.0.0.1"], port: 1, connectAttempts: 1 }], [], run)
  ]),
  ...["layerConfig", "layerEnv"].flatMap((name) => [
    call(`Session.${name}`, [{}], [record], run),
    call(`Cluster.${name}`, [{ connectAttempts: 1 }], [record], run)
  ]),
  // Requests look at them, and there is none.
  call("Session.withDefaults", [Effect.void, {}], [[], ["undefined", "an object"]], run),

  call("SpeculativeExecution.constant", [{ delay: 1 }], [], asOption("speculativeExecution")),
  call("SpeculativeExecution.custom", [() => undefined], [["a function"]], asOption("speculativeExecution")),

  call("Statement.make", [select.query, [1], {}], [[], [], [...record, "an array"]], execute),
  call("Statement.as", [select, table], [], execute),
  call("Statement.withValues", [select, [1]], [], execute),
  call("Statement.idempotent", [select], [], execute),
  call("Statement.prepared", [select], [], execute),
  call("Statement.isStatement", [0], [anything]),
  ...statementOptions.map(([name, value, takes]) =>
    call(`Statement.with${name}`, [select, value], [[], takes], execute)
  ),

  call("TimestampGenerator.make", [() => 1n], [["a function"]]),
  call("TimestampGenerator.monotonic", [{}], [record]),

  call("TimeUuid.min", [new Date(0)]),
  call("TimeUuid.max", [new Date(0)]),
  call("TimeUuid.timestamp", ["00000000-0000-1000-8000-000000000000"], [anything]),

  call("cql", [template, 1], [[], ["a number"]], execute),
  call("cql.id", ["t"], [["a text"]])
]

/** Exports that take nothing but an error's fields, or nothing from outside at all. */
const isError = (name: string) => name.endsWith("Error")
/** A request that only resolvers make, and a metric. */
const noFunctions: ReadonlySet<string> = new Set(["Resolver.QueryRequest", "CassandraMetrics.operationDuration"])

const exported: ReadonlyArray<readonly [name: string, value: unknown]> = Object.entries(Api).flatMap(
  ([module, value]): ReadonlyArray<readonly [string, unknown]> =>
    typeof value === "function"
      ? [[module, value]]
      : Object.entries(value).map(([name, member]) => [`${module}.${name}`, member])
)

/** Public functions that no call is made of. */
export const uncalled: ReadonlyArray<string> = exported.flatMap(([name, value]) => {
  const covered = isError(name) || noFunctions.has(name) || calls.some((one) => one.name === name)
  return typeof value === "function" && !Schema.isSchema(value) && !covered ? [name] : []
})

/** Runs what came of it, whatever it is. */
export const settle = (result: unknown): Effect.Effect<unknown, unknown, never> => {
  if (Effect.isEffect(result)) return result as Effect.Effect<unknown, unknown>
  if (Layer.isLayer(result)) return Effect.scoped(Layer.build(result as Layer.Layer<unknown, unknown>))
  if (typeof result === "object" && result !== null && Stream.StreamTypeId in result) {
    return Stream.runDrain(result as Stream.Stream<unknown, unknown>)
  }
  return Effect.void
}
