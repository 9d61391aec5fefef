/** A page of the driver's as a `ResultSet`. What few ask for is worked out when it is asked for. */
import type driver from "cassandra-driver"
import * as Option from "effect/Option"
import { fromCode } from "../Consistency.ts"
import { fromBytes, type PagingState } from "../PagingState.ts"
import type { Column, ResultInfo, ResultSet } from "../ResultSet.ts"
import type { Row } from "../Statement.ts"
import { cqlName, type DriverColumn } from "./cqlTypes.ts"
import { appliedColumn, toRows } from "./fromDriver.ts"
import type { Answer } from "./request.ts"

/** The driver keeps the raw paging state beside its hexadecimal form. */
type DriverResult = driver.types.ResultSet & { readonly rawPageState?: Buffer }

export const columnOf = (column: DriverColumn, keyspace: string, table: string): Column => ({
  keyspace: column.ksname ?? keyspace,
  table: column.tablename ?? table,
  name: column.name,
  type: cqlName(column.type)
})

const columnsOf = (result: DriverResult | undefined): ReadonlyArray<DriverColumn> =>
  (result?.columns ?? []) as unknown as ReadonlyArray<DriverColumn>

/** The rows of an answer as plain objects. */
export const rowsOf = (answer: Answer): ReadonlyArray<Row> => {
  const { result } = answer
  const rows = result?.rows as ReadonlyArray<Record<string, unknown>> | undefined
  return rows === undefined || rows.length === 0 ? [] : toRows(rows, columnsOf(result))
}

export const pagingStateOf = (answer: Answer): PagingState | undefined => {
  const raw = (answer.result as DriverResult | undefined)?.rawPageState
  return raw === undefined ? undefined : fromBytes(raw)
}

class DriverResultSet<A> implements ResultSet<A> {
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
    const { result } = this.#answer
    const { keyspace = "", table = "" } = (result as unknown as { keyspace?: string; table?: string }) ?? {}
    return columnsOf(result).map((column) => columnOf(column, keyspace, table))
  }
  get wasApplied(): Option.Option<boolean> {
    const { result } = this.#answer
    return columnsOf(result)[0]?.name === appliedColumn
      ? Option.some((result?.rows?.[0] as { [appliedColumn]?: unknown } | undefined)?.[appliedColumn] === true)
      : Option.none()
  }
  get info(): ResultInfo {
    const { attempts, failedHosts, result } = this.#answer
    const info = result?.info
    const failedWithin = Object.entries(info?.triedHosts ?? {})
      .filter(([, error]) => error !== null && error !== undefined)
      .map(([host]) => host)
    const customPayload = info?.customPayload as Record<string, Uint8Array> | null | undefined
    return {
      coordinator: info?.queriedHost ?? "",
      triedHosts: [...new Set([...failedHosts, ...failedWithin])],
      attempts,
      speculativeExecutions: info?.speculativeExecutions ?? 0,
      achievedConsistency: fromCode(info?.achievedConsistency ?? -1),
      traceId: Option.map(Option.fromNullable(info?.traceId), String),
      warnings: info?.warnings ?? [],
      customPayload: Option.fromNullable(customPayload),
      schemaInAgreement: (info as { readonly isSchemaInAgreement?: boolean } | undefined)?.isSchemaInAgreement ?? true
    }
  }
}

export const makeResultSet = <A>(rows: ReadonlyArray<A>, answer: Answer): ResultSet<A> =>
  new DriverResultSet(rows, answer)
