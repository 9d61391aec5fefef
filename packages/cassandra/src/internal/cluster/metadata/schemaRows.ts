/** From the rows of the server's schema tables to what they are about. */
import * as Option from "effect/Option"
import type {
  Index,
  MaterializedView,
  Table,
  TableColumn,
  TableOption,
  Trigger,
  UserAggregate,
  UserFunction,
  UserType
} from "../../../Keyspace.ts"
import type { Row } from "../../../Statement.ts"

const text = (row: Row, column: string): string => String(row[column])

const texts = (row: Row, column: string): ReadonlyArray<string> => [...((row[column] as Iterable<string> | null) ?? [])]

const record = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...((value as Iterable<readonly [string, unknown]> | null) ?? [])].map(([key, item]) => [
      key,
      item instanceof Uint8Array ? `0x${Buffer.from(item).toString("hex")}` : String(item)
    ])
  )

const kinds: ReadonlyArray<TableColumn["kind"]> = ["partition_key", "clustering", "static", "regular"]

const columnsOf = (rows: ReadonlyArray<Row>): Pick<Table, "columns" | "partitionKey" | "clusteringKey"> => {
  const columns = rows
    .map((row) => ({
      position: Number(row["position"]),
      column: {
        name: text(row, "column_name"),
        type: text(row, "type"),
        kind: text(row, "kind") as TableColumn["kind"],
        clusteringOrder: orderOf(text(row, "clustering_order"))
      } satisfies TableColumn
    }))
    .toSorted(
      (a, b) =>
        kinds.indexOf(a.column.kind) - kinds.indexOf(b.column.kind) ||
        a.position - b.position ||
        (a.column.name < b.column.name ? -1 : 1)
    )
    .map(({ column }) => column)
  return {
    columns,
    partitionKey: columns.filter(({ kind }) => kind === "partition_key"),
    clusteringKey: columns.filter(({ kind }) => kind === "clustering")
  }
}

const orderOf = (order: string): TableColumn["clusteringOrder"] => {
  const upper = order.toUpperCase()
  return upper === "ASC" || upper === "DESC" ? Option.some(upper) : Option.none()
}

/** Columns of `tables` and `views` that are no options. */
const notOptions = new Set([
  "keyspace_name",
  "table_name",
  "view_name",
  "id",
  "flags",
  "base_table_id",
  "base_table_name",
  "include_all_columns",
  "where_clause"
])

const optionsOf = (row: Row): Readonly<Record<string, TableOption>> => {
  const options: Record<string, TableOption> = {}
  for (const [name, value] of Object.entries(row)) {
    if (notOptions.has(name) || value === null || value === undefined) continue
    if (value instanceof Map) options[name] = record(value)
    else if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") options[name] = value
  }
  return options
}

const indexOf = (row: Row): Index => {
  const { class_name: className, target = "", ...options } = record(row["options"])
  return {
    name: text(row, "index_name"),
    kind: text(row, "kind"),
    target,
    className: Option.fromNullable(className),
    options
  }
}

const triggerOf = (row: Row): Trigger => ({ name: text(row, "trigger_name"), options: record(row["options"]) })

export const tableOf = (
  row: Row,
  columns: ReadonlyArray<Row>,
  indexes: ReadonlyArray<Row>,
  triggers: ReadonlyArray<Row>
): Table => ({
  keyspace: text(row, "keyspace_name"),
  name: text(row, "table_name"),
  id: Option.some(text(row, "id")),
  virtual: false,
  ...columnsOf(columns),
  flags: texts(row, "flags"),
  options: optionsOf(row),
  indexes: indexes.map(indexOf),
  triggers: triggers.map(triggerOf)
})

export const virtualTableOf = (row: Row, columns: ReadonlyArray<Row>): Table => ({
  keyspace: text(row, "keyspace_name"),
  name: text(row, "table_name"),
  id: Option.none(),
  virtual: true,
  ...columnsOf(columns),
  flags: [],
  options: optionsOf(row),
  indexes: [],
  triggers: []
})

export const viewOf = (row: Row, columns: ReadonlyArray<Row>): MaterializedView => ({
  keyspace: text(row, "keyspace_name"),
  name: text(row, "view_name"),
  id: Option.some(text(row, "id")),
  ...columnsOf(columns),
  options: optionsOf(row),
  baseTable: text(row, "base_table_name"),
  includesAllColumns: row["include_all_columns"] === true,
  whereClause: text(row, "where_clause")
})

/** Two lists that belong together, item by item. */
const named = (names: ReadonlyArray<string>, types: ReadonlyArray<string>) =>
  types.map((type, i) => ({ name: names[i] ?? "", type }))

export const typeOf = (row: Row): UserType => ({
  keyspace: text(row, "keyspace_name"),
  name: text(row, "type_name"),
  fields: named(texts(row, "field_names"), texts(row, "field_types"))
})

export const functionOf = (row: Row): UserFunction => ({
  keyspace: text(row, "keyspace_name"),
  name: text(row, "function_name"),
  arguments: named(texts(row, "argument_names"), texts(row, "argument_types")),
  returnType: text(row, "return_type"),
  language: text(row, "language"),
  body: text(row, "body"),
  calledOnNullInput: row["called_on_null_input"] === true
})

export const aggregateOf = (row: Row): UserAggregate => ({
  keyspace: text(row, "keyspace_name"),
  name: text(row, "aggregate_name"),
  argumentTypes: texts(row, "argument_types"),
  returnType: text(row, "return_type"),
  stateFunction: text(row, "state_func"),
  stateType: text(row, "state_type"),
  finalFunction: Option.map(Option.fromNullable(row["final_func"]), String),
  initialCondition: Option.map(Option.fromNullable(row["initcond"]), String)
})
