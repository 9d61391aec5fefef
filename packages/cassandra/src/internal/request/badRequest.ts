/** What is wrong with a request before anything is sent: for callers without types, and for types that were cast away. */
import { isBatch } from "../../Batch.ts"
import { type CassandraError, QueryError } from "../../CassandraError.ts"
import { isPagingState } from "../../PagingState.ts"
import { isStatement, type Statement, type StatementOptions } from "../../Statement.ts"
import { isEmpty } from "./boundValues.ts"
import { flag, integer, refuse, refuseUnknown, shortText, statementOptions, text } from "../options/index.ts"
import { isTimestamp } from "./timestamps.ts"
import { problemOf } from "./statement.ts"

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/** How many statements, values or entries there can be: the protocol counts them in 16 bits. */
const mostCounted = 0xffff

/** Undefined for a statement that can be sent. */
export const problemWithStatement = (statement: unknown): CassandraError | undefined => {
  if (!isStatement(statement)) return invalid("Not a statement: make one with the cql template or Statement.make")
  if (typeof statement.query !== "string") return invalid("The CQL text of the statement is no text")
  const problem = problemOf(statement)
  if (problem !== undefined) return problem
  const { options, values } = statement
  if (typeof options !== "object" || options === null) return invalid("The options of a statement are a record")
  if (typeof values !== "object" || values === null)
    return invalid("The values of a statement are an array or a record")
  if (Array.isArray(values) && values.length > mostCounted) {
    return invalid(`A statement takes at most 65,535 values, not ${values.length}`)
  }
  return undefined
}

const batchTypes: ReadonlyArray<unknown> = ["LOGGED", "UNLOGGED", "COUNTER"]

/** Undefined for a batch that can be sent. */
export const problemWithBatch = (batch: unknown): CassandraError | undefined => {
  if (!isBatch(batch)) return invalid("Not a batch: make one with Batch.make")
  if (!batchTypes.includes(batch.type)) return invalid("The type of a batch is LOGGED, UNLOGGED or COUNTER")
  const { length } = batch.statements
  if (length === 0) return invalid("The batch is empty")
  if (length > mostCounted) return invalid(`A batch holds at most 65,535 statements, not ${length}`)
  for (const statement of batch.statements) {
    const problem = problemWithStatement(statement)
    if (problem !== undefined) return problem
  }
  return undefined
}

/** Throws a `ConfigurationError` for an option of a statement that is not known. */
export const checkStatementNames = (options: StatementOptions): void =>
  refuseUnknown("statement", options, statementOptions)

/** Throws a `ConfigurationError` for `prepared: false` where there are values. */
export const checkPrepared = (statement: Statement.Any): void => {
  if (statement.options.prepared === false && !isEmpty(statement.values)) {
    refuse("statement.prepared", "a statement with values is always prepared")
  }
}

/** Throws a `ConfigurationError` for what only statements and batches can be told. */
export const checkStatementOptions = (options: StatementOptions): void => {
  const { customPayload, nowInSeconds, pagingState, profile, timestamp } = options
  flag("statement.idempotent", options.idempotent, false)
  flag("statement.prepared", options.prepared, false)
  flag("statement.tracing", options.tracing, false)
  shortText("statement.keyspace", options.keyspace)
  shortText("statement.executeAs", options.executeAs)
  text("statement.host", options.host)
  if (profile !== undefined && typeof profile !== "string" && (typeof profile !== "object" || profile === null)) {
    refuse("statement.profile", "must be the name of a profile, or a profile")
  }
  if (timestamp !== undefined && !isTimestamp(timestamp)) {
    refuse("statement.timestamp", "must be a bigint of 64 bits: microseconds since the epoch")
  }
  if (nowInSeconds !== undefined) integer("statement.nowInSeconds", nowInSeconds, 0, 0x7fffffff)
  if (pagingState !== undefined && !isPagingState(pagingState)) {
    refuse("statement.pagingState", "must be a PagingState: PagingState.fromText reads what toText wrote")
  }
  if (customPayload !== undefined) {
    if (typeof customPayload !== "object" || customPayload === null) {
      refuse("statement.customPayload", "must be a record of bytes")
    }
    const entries = Object.entries(customPayload)
    // The name of who to run as travels in it as well.
    if (entries.length + (options.executeAs === undefined ? 0 : 1) > mostCounted) {
      refuse("statement.customPayload", "has more than 65,535 entries")
    }
    for (const [key, bytes] of entries) {
      shortText("statement.customPayload", key)
      if (!(bytes instanceof Uint8Array)) refuse("statement.customPayload", "each value must be a Uint8Array")
    }
  }
}
