/** Compares the schemas of a query with what the server says about its variables and columns. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as AST from "effect/SchemaAST"
import { type CassandraError, type ConfigurationError, QueryError } from "../../CassandraError.ts"
import type { PreparedStatement } from "../../PreparedStatement.ts"
import { type Mismatch, SchemaMismatchError } from "../../SchemaMismatchError.ts"
import type { Session } from "../../Session.ts"
import type { Statement } from "../../Statement.ts"
import { Argument } from "../options/index.ts"
import { type CqlTypeTree, kindOf, parseCqlType, readSelect, type SelectText } from "../cql/index.ts"
import { fieldOf, type Sample, sampleOf } from "./sample.ts"
import { fieldsOf, formOf, takesNull, typeText, type Unfit, unfitOf, type UserTypes } from "./schemaFit.ts"
import { nullColumns, type WhyNull } from "./nullColumns.ts"
import { keepsNull } from "../request/index.ts"
import { noTable, readTable, type TableColumn, type TableSchema } from "./tableSchema.ts"

export interface Verifiable {
  readonly request: AST.AST
  readonly result: AST.AST | undefined
  readonly execute: (request: never) => Statement.Any
  /** An encoded request of the user's; without one, a sample is made up. */
  readonly sample: Option.Option<unknown>
  /** Whether a column that may be null has to be read into a field that takes null. */
  readonly strict: boolean
  /** What is wrong with the options of the query; using it fails with this. */
  readonly problem?: ConfigurationError | undefined
}

/** A column of the result, as far as it is known. */
interface ResultColumn {
  readonly name: string
  readonly type: string | undefined
  /** The table's column of that name. */
  readonly source: TableColumn | undefined
  /** Where it is in the select list. */
  readonly index: number
}

/** What the server says of the request's fields. */
export interface Bound {
  /** The types of the variables that a field is bound to, by its name; the name is empty for a request that is no record. */
  readonly fields: ReadonlyMap<string, CqlTypeTree>
  readonly types: UserTypes
}

const nothingBound: Bound = { fields: new Map(), types: noTable.types }

export const verify = (
  session: Session,
  query: Verifiable
): Effect.Effect<Bound, CassandraError | SchemaMismatchError> =>
  Effect.gen(function* () {
    if (query.problem !== undefined) return yield* query.problem
    const sample = sampleFor(query)
    const statement = yield* Effect.try({
      try: () => query.execute(sample.value as never),
      catch: (cause) =>
        new QueryError({
          message:
            "The query cannot be prepared: its `execute` threw when it was called with a made-up request. Give the query a `sample`.",
          cause,
          writeState: "NotApplied"
        })
    })
    const text = statement.query
    if (!kindOf(text).prepared) return nothingBound
    const prepared = yield* session.prepare(text, { keyspace: statement.options.keyspace, refresh: true })
    const select = readSelect(text)
    const [variable] = prepared.variables
    const keyspace =
      variable?.keyspace ?? select?.keyspace ?? statement.options.keyspace ?? Option.getOrUndefined(session.keyspace)
    const table = variable?.table ?? select?.table
    const schema = keyspace === undefined || table === undefined ? noTable : yield* readTable(session, keyspace, table)
    const mismatches = [
      ...requestMismatches(sample, statement, prepared, schema),
      ...(query.result === undefined || select === undefined
        ? []
        : resultMismatches(
            query.result,
            query.strict,
            resultColumns(prepared, select, schema),
            schema,
            nullColumns(text, schema)
          ))
    ]
    if (mismatches.length > 0) {
      const list = mismatches.map(({ message }) => `- ${message}`).join("\n")
      return yield* new SchemaMismatchError({
        message: `The schemas of a query do not match the table ${keyspace ?? ""}.${table ?? ""}:\n${list}\nThe query: ${text.trim()}`,
        query: text,
        keyspace: keyspace ?? "",
        table: table ?? "",
        mismatches
      })
    }
    return { fields: boundFields(sample, statement, prepared, schema), types: schema.types }
  })

/** Fields that are bound to variables of one type; those that are bound to several, as it may be, are not among them. */
const boundFields = (
  sample: Sample,
  { values }: Statement.Any,
  prepared: PreparedStatement,
  { columns }: TableSchema
): Bound["fields"] => {
  const found = new Map<string, { readonly text: string; readonly type: CqlTypeTree } | undefined>()
  prepared.variables.forEach(({ name, type }, i) => {
    const value = valueOf(values, name, i)
    const whole = parseCqlType(type)
    const field = fieldOf(sample, value, name)
    if (field !== undefined) return add(field.name, whole)
    // In an IN, one of several: the variable of `id IN ?` is called `in(id)`.
    if (!Array.isArray(value) || value.length !== 1 || whole.parameters.length !== 1) return
    const element = fieldOf(sample, value[0], /^in\((.*)\)$/i.exec(name)?.[1] ?? name)
    if (element !== undefined) add(element.name, whole.parameters[0] as CqlTypeTree)
  })
  function add(name: string, type: CqlTypeTree): void {
    const text = typeText(type)
    const known = found.get(name)
    found.set(name, !found.has(name) || known?.text === text ? { text, type } : undefined)
  }
  // What is not bound may be compared with a column of its name.
  const read = Option.getOrElse(prepared.columns, () => columns)
  for (const { name } of sample.fields) {
    const column = found.has(name) ? undefined : read.find((candidate) => candidate.name === name)
    if (column !== undefined) add(name, parseCqlType(column.type))
  }
  return new Map([...found].flatMap(([name, known]) => (known === undefined ? [] : [[name, known.type] as const])))
}

const valueOf = (values: Statement.Any["values"], name: string, i: number): unknown =>
  Array.isArray(values) ? values[i] : Argument.field(values, name)

const sampleFor = ({ request, sample }: Verifiable): Sample => {
  const fields = fieldsOf(request)
  if (Option.isNone(sample)) return sampleOf(request, fields)
  const { value } = sample
  if (fields === undefined) return { value, fields: [{ name: "", ast: request, optional: false, value }] }
  return {
    value,
    fields: fields.map(({ name, optional, type }) => ({
      name,
      ast: type,
      optional,
      value: Argument.field(value as object, name)
    }))
  }
}

const requestMismatches = (
  sample: Sample,
  { values }: Statement.Any,
  { variables }: PreparedStatement,
  { columns, types }: TableSchema
): ReadonlyArray<Mismatch> =>
  variables.flatMap(({ name, type }, i): ReadonlyArray<Mismatch> => {
    const value = valueOf(values, name, i)
    const field = fieldOf(sample, value, name)
    if (field === undefined) return []
    const unfit = unfitOf(field.ast, parseCqlType(type), { direction: "write", types })
    const subject = field.name === "" ? "The request" : `Request field "${field.name}"`
    const common = { side: "Request", field: field.name } as const
    if (unfit !== undefined) {
      return [
        {
          ...common,
          problem: "WrongType",
          schema: unfit.declared,
          database: unfit.actual,
          message: `${subject} gives ${declaredText(unfit)}, but ${placeOf(unfit, `"${name}", which it is bound to,`, name, type)}. ${advice(unfit)}`
        }
      ]
    }
    const key = columns.find((column) => column.name === name)?.key === true
    // A collection that reads null as empty is never written as null.
    if (!key || !(field.optional || keepsNull(field.ast))) return []
    return [
      {
        ...common,
        problem: "Nullable",
        schema: "may be null or absent",
        database: `"${name}" is part of the primary key`,
        message: `${subject} may be null or absent, but it is bound to "${name}", which is part of the primary key and cannot be null. Make it required.`
      }
    ]
  })

/** The columns that the query gives, from the server if it told, or else from the text and the table. */
const resultColumns = (
  { columns }: PreparedStatement,
  { selectors }: SelectText,
  table: TableSchema
): { readonly columns: ReadonlyArray<ResultColumn>; readonly complete: boolean } => {
  const sourceOf = (name: string | undefined) => table.columns.find((column) => column.name === name)
  if (Option.isSome(columns)) {
    // The order is that of the selectors; an alias hides which column of the table it is.
    return {
      complete: true,
      columns: columns.value.map(({ name, type }, i) => ({
        name,
        type,
        source: sourceOf(selectors === "*" ? name : selectors[i]?.column),
        index: i
      }))
    }
  }
  if (selectors === "*") {
    return {
      complete: table.columns.length > 0,
      columns: table.columns.map((source, index) => ({ name: source.name, type: source.type, source, index }))
    }
  }
  return {
    complete: true,
    columns: selectors.flatMap(({ column, name, type }, index) => {
      const source = sourceOf(column)
      return name === undefined ? [] : [{ name, type: type ?? source?.type, source, index }]
    })
  }
}

const resultMismatches = (
  result: AST.AST,
  strict: boolean,
  { columns, complete }: ReturnType<typeof resultColumns>,
  { types }: TableSchema,
  whyNull: ReturnType<typeof nullColumns>
): ReadonlyArray<Mismatch> =>
  (fieldsOf(result) ?? []).flatMap(({ name, optional, type: ast }): ReadonlyArray<Mismatch> => {
    const subject = `Result field "${name}"`
    const common = { side: "Result", field: name } as const
    const column = columns.find((candidate) => candidate.name === name)
    if (column === undefined) {
      // An expression without an alias gets a name that only the server knows, such as `system.max(x)`.
      if (optional || !complete || name.includes("(")) return []
      const names = columns.map((candidate) => candidate.name)
      const near = names.find((candidate) => plain(candidate) === plain(name))
      const remedy =
        near === undefined
          ? "Select it, or take it out of the schema."
          : `Did you mean "${near}"? Keep the field's name with Schema.fromKey("${near}").`
      return [
        {
          ...common,
          problem: "MissingColumn",
          schema: `a field "${name}"`,
          database: names.join(", "),
          message: `${subject} has no column: the query gives ${names.join(", ")}. ${remedy}`
        }
      ]
    }
    if (column.type === undefined) return []
    const unfit = unfitOf(ast, parseCqlType(column.type), { direction: "read", types })
    if (unfit !== undefined) {
      const reads = unfit.declared.startsWith("CqlType") ? "" : `, which is read as ${readAs(unfit)}`
      const place = placeOf(unfit, `column "${name}"`, name, typeText(parseCqlType(column.type)))
      return [
        {
          ...common,
          problem: "WrongType",
          schema: unfit.declared,
          database: unfit.actual,
          message: `${subject} expects ${declaredText(unfit)}, but ${place}${reads}. ${advice(unfit)}`
        }
      ]
    }
    const why = takesNull(ast) ? undefined : whyNull(column.index, column.source)
    if (why === undefined) return []
    if (optional && why === "value") {
      return [
        {
          ...common,
          problem: "Nullable",
          schema: "may be absent, but does not take null",
          database: "null when there is no value",
          message: `${subject} may be absent but does not take null, and a row without a value for column "${name}" has null there. Use CqlType.optional, or Schema.optionalWith(..., { nullable: true }).`
        }
      ]
    }
    const collection = why === "value" ? /^(list|set|map)</.exec(column.source?.type ?? "")?.[1] : undefined
    if (collection === undefined && !strict) return []
    return [
      {
        ...common,
        problem: "Nullable",
        schema: "does not take null",
        database: collection === undefined ? "may be null" : `an empty ${column.source?.type} is null`,
        message:
          collection === undefined
            ? `${subject} does not take null, but column "${name}" ${reasons[why]}. Use CqlType.nullable, CqlType.option or CqlType.optional.`
            : `${subject} does not take null, but column "${name}" has the type ${column.source?.type}, and Cassandra gives null for an empty one. Use CqlType.${collection}, which reads null as empty.`
      }
    ]
  })

const reasons: Readonly<Record<WhyNull, string>> = {
  value: "is no part of the primary key and may be null",
  static: "is a clustering key, which is null in a partition that has static columns only",
  aggregate: "is null where there is nothing to aggregate",
  expression: "is an expression that may be null"
}

const plain = (name: string): string => name.toLowerCase().replaceAll("_", "")

const declaredText = ({ declared }: Unfit): string =>
  declared.startsWith("CqlType") || declared.startsWith("a ") ? declared : `a JavaScript ${declared}`

const placeOf = ({ actual, path }: Unfit, subject: string, name: string, type: string): string =>
  path === "" ? `${subject} has the type ${type}` : `${subject} has the type ${actual} at "${name}${path}"`

const readAs = ({ actual }: Unfit): string => `a JavaScript ${formOf(parseCqlType(actual))}`

const advice = ({ actual, declared }: Unfit): string => {
  if (declared.startsWith("a field")) return `There is no such field in ${actual}.`
  const { name } = parseCqlType(actual)
  return knownTypes.has(name) ? `Use CqlType.${name}.` : `Use CqlType.udt("${name}", ...).`
}

const knownTypes = new Set(
  "ascii bigint blob boolean counter date decimal double duration float inet int list map set smallint text time timestamp timeuuid tinyint tuple uuid varint vector".split(
    " "
  )
)
