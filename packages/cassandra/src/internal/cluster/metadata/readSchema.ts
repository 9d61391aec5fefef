/** The tables of the schema, read and taken apart. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { CassandraError } from "../../../CassandraError.ts"
import type { Keyspace, MaterializedView, Table, UserAggregate, UserFunction, UserType } from "../../../Keyspace.ts"
import type { Row } from "../../../Statement.ts"
import { aggregateOf, functionOf, tableOf, typeOf, viewOf, virtualTableOf } from "./schemaRows.ts"

/** Reads a table of the schema, where these columns have these values. */
export type Read = (
  table: string,
  where: Readonly<Record<string, string>>
) => Effect.Effect<ReadonlyArray<Row>, CassandraError>

const text = (row: Row, column: string): string => String(row[column])

const groupBy = (rows: ReadonlyArray<Row>, column: string): ReadonlyMap<string, ReadonlyArray<Row>> => {
  const groups = new Map<string, Array<Row>>()
  for (const row of rows) {
    const key = text(row, column)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  return groups
}

const none: ReadonlyArray<Row> = []

/** Values by their names, in the names' order. */
const byName = <A extends { readonly name: string }>(values: ReadonlyArray<A>): ReadonlyMap<string, A> =>
  new Map(values.map((value) => [value.name, value]))

/** Before Cassandra 4.0 there is nothing virtual, and nothing to ask for it. */
const virtual =
  (read: Read): Read =>
  (table, where) =>
    read(`system_virtual_schema.${table}`, where).pipe(Effect.catchTag("InvalidQueryError", () => Effect.succeed(none)))

const stored =
  (read: Read): Read =>
  (table, where) =>
    read(`system_schema.${table}`, where)

/** All keyspaces, or the one of this name if there is one. */
export const keyspaces = (read: Read, name?: string): Effect.Effect<ReadonlyMap<string, Keyspace>, CassandraError> => {
  const where: Readonly<Record<string, string>> = name === undefined ? {} : { keyspace_name: name }
  const all = (from: Read, tables: ReadonlyArray<string>) =>
    Effect.map(
      Effect.forEach(tables, (table) => from(table, where), { concurrency: "unbounded" }),
      (results) => results.map((rows) => groupBy(rows, "keyspace_name"))
    )
  return Effect.map(
    Effect.all(
      [
        stored(read)("keyspaces", where),
        virtual(read)("keyspaces", where),
        all(stored(read), ["tables", "columns", "indexes", "triggers", "views", "types", "functions", "aggregates"]),
        all(virtual(read), ["tables", "columns"])
      ],
      { concurrency: "unbounded" }
    ),
    ([storedRows, virtualRows, storedParts, virtualParts]) => {
      const known = storedRows.map((row): Keyspace => {
        const keyspace = text(row, "keyspace_name")
        const [tables, columns, indexes, triggers, views, types, functions, aggregates] = storedParts.map(
          (rows) => rows.get(keyspace) ?? none
        ) as [Rows, Rows, Rows, Rows, Rows, Rows, Rows, Rows]
        const columnsOf = groupBy(columns, "table_name")
        const indexesOf = groupBy(indexes, "table_name")
        const triggersOf = groupBy(triggers, "table_name")
        return {
          ...facts(row),
          tables: byName(
            tables.map((table) => {
              const of = text(table, "table_name")
              return tableOf(table, columnsOf.get(of) ?? none, indexesOf.get(of) ?? none, triggersOf.get(of) ?? none)
            })
          ),
          views: byName(views.map((view) => viewOf(view, columnsOf.get(text(view, "view_name")) ?? none))),
          userTypes: byName(types.map(typeOf)),
          functions: functions.map(functionOf),
          aggregates: aggregates.map(aggregateOf)
        }
      })
      const virtuals = virtualRows.map((row): Keyspace => {
        const keyspace = text(row, "keyspace_name")
        const [tables, columns] = virtualParts.map((rows) => rows.get(keyspace) ?? none) as [Rows, Rows]
        const columnsOf = groupBy(columns, "table_name")
        return {
          name: keyspace,
          replication: {},
          durableWrites: false,
          virtual: true,
          tables: byName(
            tables.map((table) => virtualTableOf(table, columnsOf.get(text(table, "table_name")) ?? none))
          ),
          views: new Map(),
          userTypes: new Map(),
          functions: [],
          aggregates: []
        }
      })
      return byName([...known, ...virtuals])
    }
  )
}

type Rows = ReadonlyArray<Row>

const facts = (row: Row): Pick<Keyspace, "name" | "replication" | "durableWrites" | "virtual"> => ({
  name: text(row, "keyspace_name"),
  replication: Object.fromEntries((row["replication"] as ReadonlyMap<string, string> | null) ?? []),
  durableWrites: row["durable_writes"] === true,
  virtual: false
})

/** What a keyspace is, without what it contains. */
export const keyspaceFacts = (read: Read, name: string) =>
  Effect.map(stored(read)("keyspaces", { keyspace_name: name }), (rows) =>
    Option.map(Option.fromNullable(rows[0]), facts)
  )

const first = <A>(rows: Rows, make: (row: Row) => A): Option.Option<A> => Option.map(Option.fromNullable(rows[0]), make)

export const table = (
  read: Read,
  keyspace: string,
  name: string
): Effect.Effect<Option.Option<Table>, CassandraError> => {
  const where = { keyspace_name: keyspace, table_name: name }
  const from = stored(read)
  return Effect.map(
    Effect.all([from("tables", where), from("columns", where), from("indexes", where), from("triggers", where)], {
      concurrency: "unbounded"
    }),
    ([tables, columns, indexes, triggers]) => first(tables, (row) => tableOf(row, columns, indexes, triggers))
  )
}

export const view = (
  read: Read,
  keyspace: string,
  name: string
): Effect.Effect<Option.Option<MaterializedView>, CassandraError> => {
  const from = stored(read)
  return Effect.map(
    Effect.all(
      [
        from("views", { keyspace_name: keyspace, view_name: name }),
        from("columns", { keyspace_name: keyspace, table_name: name })
      ],
      { concurrency: "unbounded" }
    ),
    ([views, columns]) => first(views, (row) => viewOf(row, columns))
  )
}

export const userType = (
  read: Read,
  keyspace: string,
  name: string
): Effect.Effect<Option.Option<UserType>, CassandraError> =>
  Effect.map(stored(read)("types", { keyspace_name: keyspace, type_name: name }), (rows) => first(rows, typeOf))

/** All functions of a name. */
export const functions = (
  read: Read,
  keyspace: string,
  name: string
): Effect.Effect<ReadonlyArray<UserFunction>, CassandraError> =>
  Effect.map(stored(read)("functions", { keyspace_name: keyspace, function_name: name }), (rows) =>
    rows.map(functionOf)
  )

/** All aggregates of a name. */
export const aggregates = (
  read: Read,
  keyspace: string,
  name: string
): Effect.Effect<ReadonlyArray<UserAggregate>, CassandraError> =>
  Effect.map(stored(read)("aggregates", { keyspace_name: keyspace, aggregate_name: name }), (rows) =>
    rows.map(aggregateOf)
  )
