/** An answer as a `ResultSet`. What few ask for is worked out when it is asked for. */
import * as Option from "effect/Option"
import { fromCode } from "../../Consistency.ts"
import { fromBytes, type PagingState } from "../../PagingState.ts"
import type { Column, ResultInfo, ResultSet } from "../../ResultSet.ts"
import type { Row } from "../../Statement.ts"
import { kindOf } from "../cql/index.ts"
import type { Answer } from "./request.ts"
import { type Column as WireColumn, cqlName } from "../protocol/index.ts"
import type { Response } from "./transport.ts"

/** The name of the column that tells whether a conditional write was applied. */
const appliedColumn = "[applied]"

export const columnOf = (column: WireColumn, keyspace: string, table: string): Column => ({
  keyspace: column.ksname ?? keyspace,
  table: column.tablename ?? table,
  name: column.name,
  type: cqlName(column.type)
})

/**
 * Whether a conditional write was applied; undefined for the answer to anything else. A SELECT may call a column of its own
 * `[applied]`. The text is undefined for a batch.
 */
export const appliedOf = (query: string | undefined, response: Response | undefined): boolean | undefined =>
  response?.columns?.[0]?.name !== appliedColumn || (query !== undefined && kindOf(query).read)
    ? undefined
    : response.rows?.[0]?.[appliedColumn] === true

/** The rows of an answer; the `[applied]` column of a conditional write is no part of them. */
export const rowsOf = (query: string | undefined, { response }: Answer): ReadonlyArray<Row> => {
  const { columns, rows = noRows } = response ?? {}
  if (appliedOf(query, response) === undefined) return rows
  return columns?.length === 1 ? noRows : rows.map(withoutApplied)
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
  readonly #query: string | undefined
  constructor(rows: ReadonlyArray<A>, answer: Answer, query: string | undefined) {
    this.rows = rows
    this.#answer = answer
    this.#query = query
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
    return Option.fromNullable(appliedOf(this.#query, this.#answer.response))
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

/** The text is undefined for a batch. */
export const makeResultSet = <A>(rows: ReadonlyArray<A>, answer: Answer, query: string | undefined): ResultSet<A> =>
  new AnsweredResultSet(rows, answer, query)
