import type { DeferredRows, Response } from "../transport.ts"
import type { Column } from "../protocol/columnType.ts"
import { Cursor, readShape, type ResultShape } from "../protocol/columns.ts"
import type { Row } from "../protocol/decodeRows.ts"
import { readUuid } from "../protocol/decodeText.ts"
import { type Driver } from "./driver.ts"
import type { Host } from "./driverShape.ts"
import { WireError } from "../protocol/errors.ts"
import { HeaderFlag, Opcode, ResultKind } from "../protocol/opcode.ts"
import { Page } from "../protocol/pageBuffers.ts"
import type { PreparedResult } from "../protocol/preparedStatement.ts"
import { readError } from "./stockResponse.ts"

/** A response: what was read of it, and what the request adds. */
export class WireResponse implements Response {
  /** What the server answered in place of a result. */
  error: Error | undefined = undefined
  rows: Array<Row> | undefined = undefined
  deferred: DeferredRows | undefined = undefined
  shape: ResultShape | undefined = undefined
  /** Where the next page begins; undefined on the last one. */
  pageState: Buffer | undefined = undefined
  /** The statement's new result metadata, when it is not what the request was sent with. */
  changed: PreparedResult | undefined = undefined
  keyspaceSet: string | undefined = undefined
  schemaChange: unknown = undefined
  traceId: string | undefined = undefined
  warnings: ReadonlyArray<string> | undefined = undefined
  customPayload: Readonly<Record<string, Buffer | null>> | undefined = undefined
  isSchemaInAgreement = true
  host: Host = nowhere
  failures: Readonly<Record<string, unknown>> | undefined = undefined
  consistency = 0
  speculativeExecutions = 0

  get columns(): ReadonlyArray<Column> | undefined {
    return this.shape?.columns
  }
}

/** Until the request says where its answer came from. */
const nowhere = { address: "" } as Host

const MetadataFlag = { global: 0x01, morePages: 0x02, none: 0x04, changed: 0x08 } as const

const readRowsResult = (c: Cursor, out: WireResponse, prepared: PreparedResult | undefined, defer: boolean): void => {
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

const readFlags = (c: Cursor, flags: number, out: WireResponse): void => {
  if ((flags & HeaderFlag.tracing) !== 0) out.traceId = readUuid(c.fixed(16), 0)
  if ((flags & HeaderFlag.warning) !== 0) out.warnings = c.list(() => c.string())
  if ((flags & HeaderFlag.payload) !== 0) {
    const entries = c.list(() => [c.string(), c.bytes() ?? null] as const)
    out.customPayload = Object.fromEntries(entries)
  }
}

/** Reads the response to one of our requests. `prepared` is what the request was sent with. */
export const readResponse = (
  driver: Driver,
  version: number,
  flags: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number,
  prepared: PreparedResult | undefined,
  defer: boolean
): WireResponse => {
  const out = new WireResponse()
  const c = new Cursor(buf, start, end)
  if (flags !== 0) readFlags(c, flags, out)
  if (opcode === Opcode.result) {
    const kind = c.int()
    switch (kind) {
      case ResultKind.void:
        return out
      case ResultKind.rows:
        readRowsResult(c, out, prepared, defer)
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
