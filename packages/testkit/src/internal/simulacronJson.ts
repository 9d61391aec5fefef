/**
 * What Simulacron understands, made of what our users write, and what it tells, read.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type { Common, Result, When } from "../SimulacronPrime.ts"

/** 64-bit integers are numbers in JSON, of which JavaScript's own writer knows nothing. */
const replacer = (_: string, value: unknown): unknown => (typeof value === "bigint" ? String(value) : value)

/** Simulacron calls `text` as the protocol does. */
const typeJson = (type: string): string => type.replace(/\btext\b/gi, "varchar")

const typesJson = (types: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(types).map(([name, type]) => [name, typeJson(type)]))

/** The names of types it knows. */
const known = new Set(
  "ascii bigint blob boolean counter decimal double float int timestamp uuid varchar varint timeuuid inet date time smallint tinyint duration list set map tuple".split(
    " "
  )
)

/** The first type among these, with its name, that Simulacron does not know; it would not say which. */
export const unknownType = (when: When, then: Result): string | undefined => {
  const patterns = typeof when === "string" || "options" in when ? [] : "batch" in when ? when.batch : [when]
  const all = [...patterns.map(({ parameters }) => parameters ?? {}), then._tag === "Rows" ? then.columns : {}]
  for (const [name, type] of all.flatMap((types) => Object.entries(typesJson(types)))) {
    const words = type.toLowerCase().match(/\w+/g) ?? [""]
    if (!words.every((word) => known.has(word))) return `the type ${type} of ${name} is none that it knows`
  }
  return undefined
}

const whenJson = (when: When): unknown => {
  if (typeof when === "string") return { request: "query", query: when }
  if ("options" in when) return { request: "options" }
  const consistency = when.consistency === undefined ? {} : { consistency_level: when.consistency }
  if ("batch" in when) {
    return {
      request: "batch",
      queries: when.batch.map(({ parameters, query, values }) => ({
        query,
        param_types: typesJson(parameters ?? {}),
        params: values ?? {}
      })),
      ...consistency
    }
  }
  return {
    request: "query",
    query: when.query,
    ...(when.parameters === undefined ? {} : { param_types: typesJson(when.parameters) }),
    ...(when.values === undefined ? {} : { params: when.values }),
    ...consistency
  }
}

const commonJson = ({ delay, onPrepare }: Common) => ({
  ...(delay === undefined ? {} : { delay_in_ms: Math.round(Duration.toMillis(delay)) }),
  ...(onPrepare === undefined ? {} : { ignore_on_prepare: !onPrepare })
})

/** Timeouts and failures of replicas. */
const replicas = (result: {
  readonly consistency: string
  readonly received: number
  readonly required: number
  readonly failures?: Readonly<Record<string, string>>
}) => ({
  consistency_level: result.consistency,
  received: result.received,
  block_for: result.required,
  ...(result.failures === undefined ? {} : { failure_reasons: result.failures })
})

/** The results that have nothing but a message, by the names Simulacron gives them. */
const messages = {
  Overloaded: "overloaded",
  TruncateError: "truncate_error",
  ServerError: "server_error",
  ProtocolError: "protocol_error",
  SyntaxError: "syntax_error",
  Invalid: "invalid",
  Unauthorized: "unauthorized",
  AuthenticationError: "authentication_error",
  ConfigError: "config_error"
} as const

/** Simulacron takes the columns' order from the first row, and has no use for a row that lacks some. */
const rowsJson = ({ columns, rows }: Extract<Result, { readonly _tag: "Rows" }>) =>
  rows.map((row) => Object.fromEntries(Object.keys(columns).map((name) => [name, row[name] ?? null])))

const resultJson = (result: Result): Record<string, unknown> => {
  const common = commonJson(result)
  switch (result._tag) {
    case "Rows":
      return { result: "success", rows: rowsJson(result), column_types: typesJson(result.columns), ...common }
    case "Void":
      return { result: "void", ...common }
    case "NoResult":
      return { result: "no_result" }
    case "CloseConnection":
      return { result: "close_connection", scope: result.scope, close_type: result.how ?? "disconnect", ...common }
    case "ReadTimeout":
      return { result: "read_timeout", ...replicas(result), data_present: result.dataPresent, ...common }
    case "WriteTimeout":
      return { result: "write_timeout", ...replicas(result), write_type: result.writeType, ...common }
    case "ReadFailure":
      return { result: "read_failure", ...replicas(result), data_present: result.dataPresent, ...common }
    case "WriteFailure":
      return { result: "write_failure", ...replicas(result), write_type: result.writeType, ...common }
    case "Unavailable": {
      const { alive, consistency, required } = result
      return { result: "unavailable", consistency_level: consistency, required, alive, ...common }
    }
    case "Bootstrapping":
      return { result: "is_bootstrapping", ...common }
    case "AlreadyExists": {
      // The one result whose delay goes by another name.
      const { delay_in_ms: delayInMs, ...rest } = common
      const { keyspace, message = "", table } = result
      return {
        result: "already_exists",
        message,
        keyspace,
        table: table ?? "",
        ...(delayInMs === undefined ? {} : { delayInMs }),
        ...rest
      }
    }
    case "FunctionFailure": {
      const { argumentTypes, functionName, keyspace, message: detail = "" } = result
      return {
        result: "function_failure",
        keyspace,
        function: functionName,
        arg_types: argumentTypes,
        detail,
        ...common
      }
    }
    default:
      return { result: messages[result._tag], message: result.message ?? "primed", ...common }
  }
}

/** The body of a request to prime. */
export const primeJson = (when: When, then: Result): string =>
  // oxlint-disable-next-line unicorn/no-thenable -- Simulacron's name, in an object that is only written out
  JSON.stringify({ when: whenJson(when), then: resultJson(then) }, replacer)

/** A cluster, as it is told when it was made. */
export const Cluster = Schema.Struct({
  data_centers: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      id: Schema.Number,
      nodes: Schema.Array(Schema.Struct({ name: Schema.String, id: Schema.Number, address: Schema.String }))
    })
  )
})

const perNode = <A, I>(fields: Schema.Schema<A, I>) =>
  Schema.Struct({
    data_centers: Schema.optionalWith(
      Schema.Array(
        Schema.Struct({
          id: Schema.Number,
          nodes: Schema.optionalWith(Schema.Array(Schema.extend(Schema.Struct({ id: Schema.Number }), fields)), {
            default: () => []
          })
        })
      ),
      { default: () => [] }
    )
  })

const text = Schema.optionalWith(Schema.String, { as: "Option", nullable: true })

/** What arrived, node by node. */
export const Log = perNode(
  Schema.Struct({
    queries: Schema.optionalWith(
      Schema.Array(
        Schema.Struct({
          type: text,
          query: text,
          consistency_level: text,
          connection: text,
          received_timestamp: Schema.Number,
          primed: Schema.Boolean
        })
      ),
      { default: () => [] }
    )
  })
)

/** The connections that are open, node by node. */
export const Connections = perNode(
  Schema.Struct({ connections: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }) })
)
