/** What is wrong with a request before anything is sent: for callers without types, and for types that were cast away. */
import { isBatch } from "../Batch.ts"
import { QueryError } from "../CassandraError.ts"
import { isPagingState } from "../PagingState.ts"
import { isStatement, type StatementOptions } from "../Statement.ts"
import { flag, integer, refuse, text } from "./clusterOptions/checks.ts"

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/** Undefined for a statement that can be sent. */
export const problemWithStatement = (statement: unknown): QueryError | undefined => {
  if (!isStatement(statement)) return invalid("Not a statement: make one with the cql template or Statement.make")
  if (typeof statement.query !== "string") return invalid("The CQL text of the statement is no text")
  const { options, values } = statement
  if (typeof options !== "object" || options === null) return invalid("The options of a statement are a record")
  return typeof values === "object" && values !== null
    ? undefined
    : invalid("The values of a statement are an array or a record")
}

const batchTypes: ReadonlyArray<unknown> = ["LOGGED", "UNLOGGED", "COUNTER"]

/** Undefined for a batch that can be sent. */
export const problemWithBatch = (batch: unknown): QueryError | undefined => {
  if (!isBatch(batch)) return invalid("Not a batch: make one with Batch.make")
  if (!batchTypes.includes(batch.type)) return invalid("The type of a batch is LOGGED, UNLOGGED or COUNTER")
  if (batch.statements.length === 0) return invalid("The batch is empty")
  for (const statement of batch.statements) {
    const problem = problemWithStatement(statement)
    if (problem !== undefined) return problem
  }
  return undefined
}

const leastTimestamp = -(2n ** 63n)

/** The length of a text goes over the wire in 16 bits. */
const shortText = (option: string, value: string | undefined): void => {
  if (text(option, value) !== undefined && Buffer.byteLength(value as string) > 0xffff) refuse(option, "is too long")
}

/** Throws a `ConfigurationError` for what only statements and batches can be told. */
export const checkStatementOptions = (options: StatementOptions): void => {
  const { customPayload, nowInSeconds, pagingState, profile, timestamp } = options
  flag("statement.idempotent", options.idempotent, false)
  flag("statement.tracing", options.tracing, false)
  shortText("statement.keyspace", options.keyspace)
  shortText("statement.executeAs", options.executeAs)
  text("statement.host", options.host)
  if (profile !== undefined && typeof profile !== "string" && (typeof profile !== "object" || profile === null)) {
    refuse("statement.profile", "must be the name of a profile, or a profile")
  }
  if (timestamp !== undefined) {
    if (typeof timestamp !== "bigint" || timestamp <= leastTimestamp || timestamp >= -leastTimestamp) {
      refuse("statement.timestamp", "must be a bigint of 64 bits: microseconds since the epoch")
    }
  }
  if (nowInSeconds !== undefined) integer("statement.nowInSeconds", nowInSeconds, 0, 0x7fffffff)
  if (pagingState !== undefined && !isPagingState(pagingState)) {
    refuse("statement.pagingState", "must be a PagingState: PagingState.fromText reads what toText wrote")
  }
  if (customPayload !== undefined) {
    if (typeof customPayload !== "object" || customPayload === null) {
      refuse("statement.customPayload", "must be a record of bytes")
    }
    for (const [key, bytes] of Object.entries(customPayload)) {
      shortText("statement.customPayload", key)
      if (!(bytes instanceof Uint8Array)) refuse("statement.customPayload", "each value must be a Uint8Array")
    }
  }
}
