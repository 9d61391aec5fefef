/** An answer as a `ResultSet`. What few ask for is worked out when it is asked for. */
import * as Option from "effect/Option"
import { fromCode } from "../Consistency.ts"
import { fromBytes, type PagingState } from "../PagingState.ts"
import type { Column, ResultInfo, ResultSet } from "../ResultSet.ts"
import type { Row } from "../Statement.ts"
import type { Answer } from "./request.ts"
import { type Column as WireColumn, cqlName } from "./protocol/columnType.ts"

/** The name of the column that tells whether a conditional write was applied. */
const appliedColumn = "[applied]"

export const columnOf = (column: WireColumn, keyspace: string, table: string): Column => ({
  keyspace: column.ksname ?? keyspace,
  table: column.tablename ?? table,
  name: column.name,
  type: cqlName(column.type)
})

/** The rows of an answer; the `[applied]` column of a conditional write is no part of them. */
export const rowsOf = ({ response }: Answer): ReadonlyArray<Row> => {
  const { columns, rows = noRows } = response ?? {}
  if (columns?.[0]?.name !== appliedColumn) return rows
  return columns.length === 1 ? noRows : rows.map(withoutApplied)
}

const withoutApplied = (row: Row): Row => {
  const rest: Record<string, unknown> = { ...row }
  delete rest[appliedColumn]
  return rest
}

const noRows: ReadonlyArray<Row> = []

export const pagingStateOf = ({ response }: Answer): PagingState | undefined =>
  response?.pageState === undefined ? undefined : fromBytes(response.pageState)

class AnsweredResultSet<A> implements ResultSet<A> {
  readonly rows: ReadonlyArray<A>
  readonly #answer: Answer
  constructor(rows: ReadonlyArray<A>, answer: Answer) {
    this.rows = rows
    this.#answer = answer
  }
  get one(): Option.Option<A> {
    return this.rows.length > 0 ? Option.some(this.rows[0] as A) : Option.none()
  }
  get pagingState(): Option.Option<PagingState> {
    return Option.fromNullable(pagingStateOf(this.#answer))
  }
  get columns(): ReadonlyArray<Column> {
    return (this.#answer.response?.columns ?? []).map((column) => columnOf(column, "", ""))
  }
  get wasApplied(): Option.Option<boolean> {
    const { columns, rows } = this.#answer.response ?? {}
    return columns?.[0]?.name === appliedColumn ? Option.some(rows?.[0]?.[appliedColumn] === true) : Option.none()
  }
  get info(): ResultInfo {
    const { attempts, failedHosts, response } = this.#answer
    const failedWithin = Object.keys(response?.failures ?? {})
    return {
      coordinator: response?.host.address ?? "",
      triedHosts: [...new Set([...failedHosts, ...failedWithin])],
      attempts,
      speculativeExecutions: response?.speculativeExecutions ?? 0,
      achievedConsistency: fromCode(response?.consistency ?? -1),
      traceId: Option.fromNullable(response?.traceId),
      warnings: response?.warnings ?? [],
      customPayload: Option.fromNullable(response?.customPayload),
      schemaInAgreement: response?.isSchemaInAgreement ?? true
    }
  }
}

export const makeResultSet = <A>(rows: ReadonlyArray<A>, answer: Answer): ResultSet<A> =>
  new AnsweredResultSet(rows, answer)
