/** What the server's schema tables say about a table and the user defined types of its keyspace. */
import * as Effect from "effect/Effect"
import type { CassandraError } from "../../CassandraError.ts"
import { cql } from "../../cql.ts"
import type { Session } from "../../Session.ts"
import { type Row, type Statement, withConsistency } from "../../Statement.ts"
import { type CqlTypeTree, parseCqlType } from "../cql/index.ts"
import type { UserTypes } from "./schemaFit.ts"

export interface TableColumn {
  readonly name: string
  /** As CQL writes it, with `frozen` where it is. */
  readonly type: string
  /** Part of the primary key. */
  readonly key: boolean
  readonly kind: "partition_key" | "clustering" | "static" | "regular"
}

export interface TableSchema {
  /** Empty when the schema tables do not know the table. */
  readonly columns: ReadonlyArray<TableColumn>
  readonly types: UserTypes
}

export const noTable: TableSchema = { columns: [], types: () => undefined }

// One node knows the whole schema.
const rowsOf = (session: Session) => (statement: Statement<Row, never, never>) =>
  session.rows(withConsistency(statement, "ONE"))

export const readTable = (
  session: Session,
  keyspace: string,
  table: string
): Effect.Effect<TableSchema, CassandraError> =>
  Effect.gen(function* () {
    const rows = rowsOf(session)
    let found = yield* rows(cql`
      SELECT column_name, kind, type FROM system_schema.columns WHERE keyspace_name = ${keyspace} AND table_name = ${table}`)
    if (found.length === 0 && keyspace.startsWith("system_v")) {
      found = yield* rows(cql`
        SELECT column_name, kind, type FROM system_virtual_schema.columns
        WHERE keyspace_name = ${keyspace} AND table_name = ${table}`)
    }
    const types = yield* rows(
      cql`SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ${keyspace}`
    )
    const byName = new Map(types.map((row) => [String(row["type_name"]), fieldsOf(row)] as const))
    return {
      columns: found.map((row) => ({
        name: String(row["column_name"]),
        type: String(row["type"]),
        key: row["kind"] === "partition_key" || row["kind"] === "clustering",
        kind: row["kind"] as TableColumn["kind"]
      })),
      types: (name) => byName.get(name)
    }
  })

const fieldsOf = (row: Row): ReadonlyArray<{ readonly name: string; readonly type: CqlTypeTree }> => {
  const names = (row["field_names"] ?? []) as ReadonlyArray<string>
  const types = (row["field_types"] ?? []) as ReadonlyArray<string>
  return names.map((name, i) => ({ name, type: parseCqlType(types[i] as string) }))
}
