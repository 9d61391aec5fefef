import type { Column } from "./columnType.ts"
import { Cursor, readShape, type ResultShape } from "./columns.ts"
import type { Row } from "./decodeRows.ts"
import { readUuid } from "./decodeText.ts"
import { type Driver } from "./driver.ts"
import type { Host } from "./driverShape.ts"
import { WireError } from "./errors.ts"
import { Opcode, type PreparedResult, readError, ResultKind } from "./stockResponse.ts"

/** What a request gave: one page of rows, or nothing, and how it was got. */
export interface WireResult {
  /** The rows of this page as plain values; undefined when the statement gives none. */
  readonly rows: Array<Row> | undefined
  readonly columns: ReadonlyArray<Column> | undefined
  /** Where the next page begins; undefined on the last one. */
  readonly pageState: Buffer | undefined
  /** The coordinator that answered. */
  readonly host: Host
  /** The hosts that were tried, by address, with what was wrong with each; null for one that did not fail. */
  readonly triedHosts: Readonly<Record<string, unknown>>
  readonly attempts: number
  readonly speculativeExecutions: number
  /** The consistency level that the answer was got with. */
  readonly consistency: number
  readonly traceId: string | undefined
  readonly warnings: ReadonlyArray<string> | undefined
  readonly customPayload: Readonly<Record<string, Buffer | null>> | undefined
  /** False when a schema change was answered and the nodes did not agree on it in time. */
  readonly isSchemaInAgreement: boolean
  /** Bytes of the response's body. */
  readonly responseLength: number
}

/** A response, read. */
export interface Response {
  error: Error | undefined
  rows: Array<Row> | undefined
  shape: ResultShape | undefined
  pageState: Buffer | undefined
  /** The statement's new result metadata, when it is not what the request was sent with. */
  changed: PreparedResult | undefined
  keyspaceSet: string | undefined
  schemaChange: unknown
  traceId: string | undefined
  warnings: ReadonlyArray<string> | undefined
  customPayload: Readonly<Record<string, Buffer | null>> | undefined
}

const MetadataFlag = { global: 0x01, morePages: 0x02, none: 0x04, changed: 0x08 } as const
const HeaderFlag = { tracing: 0x02, payload: 0x04, warning: 0x08 } as const

const readRowsResult = (c: Cursor, out: Response, prepared: PreparedResult | undefined): void => {
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
  out.rows = shape.decode(c.buf, c.at, c.end, rows)
}

const readFlags = (c: Cursor, flags: number, out: Response): void => {
  if ((flags & HeaderFlag.tracing) !== 0) out.traceId = readUuid(c.fixed(16), 0)
  if ((flags & HeaderFlag.warning) !== 0) out.warnings = c.list(() => c.string())
  if ((flags & HeaderFlag.payload) !== 0) {
    const entries = c.list(() => [c.string(), c.bytes() ?? null] as const)
    out.customPayload = Object.fromEntries(entries)
  }
}

/** A response that says nothing: what is read is filled in, always in the same shape. */
export const emptyResponse = (): Response => ({
  error: undefined,
  rows: undefined,
  shape: undefined,
  pageState: undefined,
  changed: undefined,
  keyspaceSet: undefined,
  schemaChange: undefined,
  traceId: undefined,
  warnings: undefined,
  customPayload: undefined
})

/** Reads the response to one of our requests. `prepared` is what the request was sent with. */
export const readResponse = (
  driver: Driver,
  version: number,
  flags: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number,
  prepared: PreparedResult | undefined
): Response => {
  const out = emptyResponse()
  const c = new Cursor(buf, start, end)
  if (flags !== 0) readFlags(c, flags, out)
  if (opcode === Opcode.result) {
    const kind = c.int()
    switch (kind) {
      case ResultKind.void:
        return out
      case ResultKind.rows:
        readRowsResult(c, out, prepared)
        return out
      case ResultKind.setKeyspace:
        out.keyspaceSet = c.string()
        return out
      case ResultKind.schemaChange:
        out.schemaChange = stockReader(driver, version, opcode, c).parseSchemaChange()
        return out
    }
    throw new WireError("Malformed", `unknown kind of result ${kind}`)
  }
  if (opcode !== Opcode.error) throw new WireError("Malformed", `opcode ${opcode} is no answer to a request`)
  out.error = readError(stockReader(driver, version, opcode, c))
  return out
}

/** The driver's reader over a copy of what is left, for what is rare. */
const stockReader = (driver: Driver, version: number, opcode: number, c: Cursor) => {
  const body = Buffer.from(c.buf.subarray(c.at, c.end))
  return new driver.FrameReader(new driver.FrameHeader(version, 0, 0, opcode, body.length), body)
}
