import type { Column } from "./columnType.ts"
import { Cursor, readColumns, readShape, type ResultShape } from "./columns.ts"
import type { Row } from "./decodeRows.ts"
import { readUuid } from "./decodeText.ts"
import { unreadable, WireError } from "./errors.ts"
import { readSchemaChange, type SchemaChange } from "./events.ts"
import { answersTo, HeaderFlag, nameOf, Opcode, type ProtocolVersion, ResultKind } from "./opcode.ts"
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

/** What a request has to do with how its answer is read. */
export interface Asked {
  /** The opcode of the request. */
  readonly opcode: number
  /** The result metadata that it was sent with. */
  readonly prepared: PreparedResult | undefined
  /** Whether the rows are decoded as they are taken. */
  readonly defer: boolean
  /** More rows than this are no answer to it: a few bytes of compressed nulls can announce millions. */
  readonly mostRows: number
  /** Whether the keyspace of the connection is to change. */
  readonly use: boolean
}

/** More rows than any table about the cluster itself has: those are not asked for in pages. */
export const MAX_UNPAGED_ROWS = 1_000_000

/** So many rows are fine without asking. */
const FEW = 1000

/** The failure of a request that was answered with what is no answer to it. */
export const misplaced = (answer: string, request: number): WireError =>
  new WireError("Misplaced", `The server answered ${nameOf(request)} with ${answer}`)

/** Rows cost at least four bytes a column: what is announced and cannot be there must not be allocated. */
const checkRowCount = (rows: number, columns: number, left: number): void => {
  if (rows < 0) throw new WireError("Malformed", `${rows} rows`)
  if (rows > 0 && (columns === 0 || rows * columns * 4 > left)) {
    throw new WireError("Malformed", `${rows} rows of ${columns} columns in ${left} bytes`)
  }
}

const readRows = (c: Cursor, out: Response, asked: Asked): void => {
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
    shape = asked.prepared?.shape
  }
  if (shape === undefined) throw new WireError("Malformed", "rows without metadata, and none were remembered")
  if (shape.columns.length !== count) {
    throw new WireError("Malformed", `rows of ${count} columns where ${shape.columns.length} were expected`)
  }
  const rows = c.int()
  checkRowCount(rows, count, c.left)
  if (rows > FEW && rows > asked.mostRows) {
    throw new WireError("Malformed", `${rows} rows where ${asked.mostRows} are the most there can be`)
  }
  out.shape = shape
  if (asked.defer) out.deferred = new Page(c.buf.subarray(c.at, c.end), shape, rows)
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
  if (keys < 0 || keys * 2 > c.left) {
    throw new WireError("Malformed", `a partition key of ${keys} variables in ${c.left} bytes`)
  }
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

const readResult = (c: Cursor, version: ProtocolVersion, out: Response, asked: Asked): void => {
  const kind = c.int()
  if ((kind === ResultKind.prepared) !== (asked.opcode === Opcode.prepare)) {
    throw misplaced(`a RESULT of kind ${kind}`, asked.opcode)
  }
  switch (kind) {
    case ResultKind.void:
      return
    case ResultKind.rows:
      return readRows(c, out, asked)
    case ResultKind.setKeyspace:
      if (!asked.use) throw misplaced("SET_KEYSPACE", asked.opcode)
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
 * Reads the answer to a QUERY, EXECUTE, BATCH or PREPARE into `out`. Throws a `WireError` for bytes that make no sense, and for an
 * answer that is none to what was asked.
 */
export const readResponse = (
  version: ProtocolVersion,
  flags: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number,
  asked: Asked,
  out: Response = new Response()
): Response => {
  try {
    const c = new Cursor(buf, start, end)
    if (flags !== 0) readHeaderParts(c, flags, out)
    if (opcode === Opcode.result) readResult(c, version, out, asked)
    else if (opcode === Opcode.error) out.error = readServerError(c, version)
    else throw misplaced(nameOf(opcode), asked.opcode)
    return out
  } catch (error) {
    throw unreadable(nameOf(opcode), error)
  }
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

/**
 * Reads the answer to a request of the opcode `request`; `use` where it is to change the keyspace. Throws a `WireError` for bytes
 * that make no sense, and for an answer that is none to the request.
 */
export const readAnswer = (
  version: ProtocolVersion,
  flags: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number,
  request: number,
  use = false
): Answer => {
  try {
    return read(version, flags, opcode, new Cursor(buf, start, end), request, use)
  } catch (error) {
    throw unreadable(nameOf(opcode), error)
  }
}

const read = (
  version: ProtocolVersion,
  flags: number,
  opcode: number,
  c: Cursor,
  request: number,
  use: boolean
): Answer => {
  const response = new Response()
  if (flags !== 0) readHeaderParts(c, flags, response)
  if (opcode !== Opcode.error && answersTo[request]?.includes(opcode) !== true) {
    throw misplaced(nameOf(opcode), request)
  }
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
    default: {
      const mostRows = MAX_UNPAGED_ROWS
      readResult(c, version, response, { opcode: request, prepared: undefined, defer: false, mostRows, use })
      return { _tag: "Result", response }
    }
  }
}
