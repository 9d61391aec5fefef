import type { Column } from "./columnType.ts"
import { Cursor, readColumns, readShape, type ResultShape } from "./columns.ts"
import type { Row } from "./decodeRows.ts"
import { readUuid } from "./decodeText.ts"
import { WireError } from "./errors.ts"
import { readSchemaChange, type SchemaChange } from "./events.ts"
import { HeaderFlag, Opcode, type ProtocolVersion, ResultKind } from "./opcode.ts"
import { Page } from "./pageBuffers.ts"
import type { PreparedResponse, PreparedResult } from "./preparedStatement.ts"
import { readServerError, type ServerResponseError } from "./serverError.ts"

/** The answers to requests. */

/** The answer to a QUERY, EXECUTE, BATCH or PREPARE. */
export class Response {
  /** What the server answered in place of a result. */
  error: ServerResponseError | undefined = undefined
  rows: Array<Row> | undefined = undefined
  /** The rows, in place of `rows`, where the request asked for that. */
  deferred: Page | undefined = undefined
  shape: ResultShape | undefined = undefined
  /** Where the next page begins; undefined on the last one. */
  pageState: Buffer | undefined = undefined
  /** The statement's new result metadata, when it is not what the request was sent with. */
  changed: PreparedResult | undefined = undefined
  prepared: PreparedResponse | undefined = undefined
  keyspaceSet: string | undefined = undefined
  schemaChange: SchemaChange | undefined = undefined
  traceId: string | undefined = undefined
  warnings: ReadonlyArray<string> | undefined = undefined
  customPayload: Readonly<Record<string, Buffer | null>> | undefined = undefined

  get columns(): ReadonlyArray<Column> | undefined {
    return this.shape?.columns
  }
}

const MetadataFlag = { global: 0x01, morePages: 0x02, none: 0x04, changed: 0x08 } as const

const readRows = (c: Cursor, out: Response, prepared: PreparedResult | undefined, defer: boolean): void => {
  const flags = c.int()
  const count = c.int()
  if ((flags & MetadataFlag.morePages) !== 0) out.pageState = c.bytes()
  const id = (flags & MetadataFlag.changed) !== 0 ? c.shortBytes() : undefined
  let shape: ResultShape | undefined
  if ((flags & MetadataFlag.none) === 0) {
    shape = readShape(c, count, (flags & MetadataFlag.global) !== 0)
    // The next executions name this id and are answered without metadata again.
    if (id !== undefined) out.changed = { id, shape }
  } else {
    shape = prepared?.shape
  }
  if (shape === undefined) throw new WireError("Malformed", "rows without metadata, and none were remembered")
  if (shape.columns.length !== count) {
    throw new WireError("Malformed", `rows of ${count} columns where ${shape.columns.length} were expected`)
  }
  const rows = c.int()
  out.shape = shape
  if (defer) out.deferred = new Page(c.buf.subarray(c.at, c.end), shape, rows)
  else out.rows = shape.decode(c.buf, c.at, c.end, rows)
}

/** What every variable has; undefined when they differ, or there is none. */
const common = (variables: ReadonlyArray<Column>, of: "ksname" | "tablename"): string | undefined => {
  const first = variables[0]?.[of]
  return variables.every((variable) => variable[of] === first) ? first : undefined
}

const readPrepared = (c: Cursor, version: ProtocolVersion): PreparedResponse => {
  const id = c.shortBytes()
  const resultId = version >= 5 ? c.shortBytes() : undefined
  const flags = c.int()
  const count = c.int()
  const keys = c.int()
  const partitionKey: Array<number> = []
  for (let i = 0; i < keys; i++) partitionKey.push(c.short())
  if (partitionKey.some((index) => index >= count)) {
    throw new WireError("Malformed", `a partition key beyond the ${count} variables of its statement`)
  }
  const variables = readColumns(c, count, (flags & MetadataFlag.global) !== 0)
  const keyspace = common(variables, "ksname")
  const table = keyspace === undefined ? undefined : common(variables, "tablename")
  const result = { id: resultId, shape: readPreparedShape(c) }
  return { id, resultId, variables, keyspace, table, partitionKey, result }
}

/** The metadata of the results, which follows that of the variables. */
const readPreparedShape = (c: Cursor): ResultShape | undefined => {
  const flags = c.int()
  const count = c.int()
  if ((flags & MetadataFlag.morePages) !== 0) c.bytes()
  // Without columns: not a SELECT, or a conditional statement, whose columns depend on what happens.
  return (flags & MetadataFlag.none) !== 0 || count === 0
    ? undefined
    : readShape(c, count, (flags & MetadataFlag.global) !== 0)
}

/** What the flags of the header say that comes before the body. */
const readHeaderParts = (c: Cursor, flags: number, out: Response): void => {
  if ((flags & HeaderFlag.tracing) !== 0) out.traceId = readUuid(c.fixed(16), 0)
  if ((flags & HeaderFlag.warning) !== 0) out.warnings = c.list(() => c.string())
  if ((flags & HeaderFlag.payload) !== 0) {
    const entries = c.list(() => [c.string(), c.bytes() ?? null] as const)
    out.customPayload = Object.fromEntries(entries)
  }
}

const readResult = (
  c: Cursor,
  version: ProtocolVersion,
  out: Response,
  prepared: PreparedResult | undefined,
  defer: boolean
): void => {
  const kind = c.int()
  switch (kind) {
    case ResultKind.void:
      return
    case ResultKind.rows:
      return readRows(c, out, prepared, defer)
    case ResultKind.setKeyspace:
      out.keyspaceSet = c.string()
      return
    case ResultKind.prepared:
      out.prepared = readPrepared(c, version)
      return
    case ResultKind.schemaChange:
      out.schemaChange = readSchemaChange(c)
      return
  }
  throw new WireError("Malformed", `unknown kind of result ${kind}`)
}

/**
 * Reads the answer to a QUERY, EXECUTE, BATCH or PREPARE. `prepared` is what the request was sent with; with `defer` the rows
 * are decoded as they are taken. The answer is read into `out`. Throws a `WireError` for bytes that make no sense.
 */
export const readResponse = (
  version: ProtocolVersion,
  flags: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number,
  prepared: PreparedResult | undefined,
  defer: boolean,
  out: Response = new Response()
): Response => {
  const c = new Cursor(buf, start, end)
  if (flags !== 0) readHeaderParts(c, flags, out)
  if (opcode === Opcode.result) readResult(c, version, out, prepared, defer)
  else if (opcode === Opcode.error) out.error = readServerError(c, version)
  else throw new WireError("Malformed", `opcode ${opcode} is no answer to a request`)
  return out
}

/** The answer to a request of a connection's own: STARTUP, AUTH_RESPONSE, OPTIONS, REGISTER, or a QUERY. */
export type Answer =
  | { readonly _tag: "Ready" }
  /** The class of the server's authenticator. */
  | { readonly _tag: "Authenticate"; readonly authenticator: string }
  | { readonly _tag: "AuthChallenge"; readonly token: Buffer | undefined }
  | { readonly _tag: "AuthSuccess"; readonly token: Buffer | undefined }
  | { readonly _tag: "Supported"; readonly options: ReadonlyMap<string, ReadonlyArray<string>> }
  | { readonly _tag: "Error"; readonly error: ServerResponseError }
  | { readonly _tag: "Result"; readonly response: Response }

/** What the server supports: `[string multimap]`. */
export const readSupported = (c: Cursor): ReadonlyMap<string, ReadonlyArray<string>> =>
  new Map(c.list(() => [c.string(), c.list(() => c.string())]))

/** Reads any answer. Throws a `WireError` for bytes that make no sense. */
export const readAnswer = (
  version: ProtocolVersion,
  flags: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number
): Answer => {
  const c = new Cursor(buf, start, end)
  const response = new Response()
  if (flags !== 0) readHeaderParts(c, flags, response)
  switch (opcode) {
    case Opcode.ready:
      return { _tag: "Ready" }
    case Opcode.authenticate:
      return { _tag: "Authenticate", authenticator: c.string() }
    case Opcode.authChallenge:
      return { _tag: "AuthChallenge", token: c.bytes() }
    case Opcode.authSuccess:
      return { _tag: "AuthSuccess", token: c.bytes() }
    case Opcode.supported:
      return { _tag: "Supported", options: readSupported(c) }
    case Opcode.error:
      return { _tag: "Error", error: readServerError(c, version) }
    case Opcode.result:
      readResult(c, version, response, undefined, false)
      return { _tag: "Result", response }
  }
  throw new WireError("Malformed", `opcode ${opcode} is no answer`)
}
