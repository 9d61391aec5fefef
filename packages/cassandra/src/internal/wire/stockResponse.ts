import { Cursor, readShape } from "../protocol/columns.ts"
import { type Driver } from "./driver.ts"
import type { Encoder, FrameReader, Metadata, Operation, ResponseError } from "./driverShape.ts"
import { WireError } from "../protocol/errors.ts"
import { ErrorCode, Opcode, ResultKind } from "../protocol/opcode.ts"
import type { PreparedResult } from "../protocol/preparedStatement.ts"

/**
 * Responses to the driver's own requests (its control connection, `client.execute` on one of our clients), made into what
 * the driver's parser would have made of them. The bodies are copies, as the driver slices and keeps what it reads.
 */

/** What a prepared statement's results look like; remembered with the driver's metadata of it, under this key. */
export const PREPARED_RESULT: unique symbol = Symbol("effect-cassandra/wire/PreparedResult")

/** The driver's metadata of a prepared statement, with what we remember. */
export interface PreparedMetadata extends Metadata {
  [PREPARED_RESULT]?: PreparedResult
}

/** Reads an error, the fields that the driver does not know included. */
export const readError = (reader: FrameReader): ResponseError => {
  const error = reader.readError()
  switch (error.code) {
    case ErrorCode.casWriteUnknown:
      error.consistencies = reader.readShort()
      error.received = reader.readInt()
      error.blockFor = reader.readInt()
      break
    case ErrorCode.writeTimeout:
      if (error.writeType === "CAS" && reader.remainingLength() >= 2) error.contentions = reader.readShort()
      break
  }
  return error
}

/** Reads the metadata of the results, which follows that of the variables in a PREPARED response. */
const readPreparedResult = (body: Buffer, offset: number, id: Buffer | undefined): PreparedResult => {
  const c = new Cursor(body, offset, body.length)
  const flags = c.int()
  const count = c.int()
  if ((flags & 0x02) !== 0) c.bytes()
  // Without columns: not a SELECT, or a conditional statement, whose columns depend on what happens.
  const none = (flags & 0x04) !== 0 || count === 0
  return { id, shape: none ? undefined : readShape(c, count, (flags & 0x01) !== 0) }
}

const readRows = (driver: Driver, reader: FrameReader, meta: Metadata, encoder: Encoder): Array<unknown> => {
  const count = reader.readInt()
  const rows: Array<unknown> = []
  for (let i = 0; i < count; i++) {
    const row = new driver.Row(meta.columns)
    for (const column of meta.columns) row[column.name] = encoder.decode(reader.readBytes(), column.type)
    rows.push(row)
  }
  return rows
}

/** Reads a response and hands it to the operation of the driver's that waits for it. */
export const deliverStock = (
  driver: Driver,
  operation: Operation,
  encoder: Encoder,
  frame: { readonly version: number; readonly flags: number; readonly streamId: number; readonly opcode: number },
  body: Buffer
): void => {
  const header = new driver.FrameHeader(frame.version, frame.flags, frame.streamId, frame.opcode, body.length)
  let response: unknown
  try {
    const reader = new driver.FrameReader(header, body)
    const flags = reader.readFlagsInfo()
    switch (frame.opcode) {
      case Opcode.error:
        return operation.setResult(readError(reader), undefined, body.length)
      case Opcode.ready:
      case Opcode.authSuccess:
        response = { header, ready: true }
        break
      case Opcode.authenticate:
        response = { header, mustAuthenticate: true, authenticatorName: reader.readString() }
        break
      case Opcode.authChallenge:
        response = { header, authChallenge: true, token: reader.readBytes() }
        break
      case Opcode.supported:
        response = { header, supported: reader.readStringMultiMap() }
        break
      case Opcode.result: {
        const kind = reader.readInt()
        switch (kind) {
          case ResultKind.void:
            response = { header, flags }
            break
          case ResultKind.setKeyspace:
            response = { header, keyspaceSet: reader.readString(), flags }
            break
          case ResultKind.schemaChange:
            response = { header, schemaChange: reader.parseSchemaChange(), flags }
            break
          case ResultKind.prepared: {
            const id = Buffer.from(reader.readShortBytes())
            const meta: PreparedMetadata = reader.readMetadata(kind)
            meta[PREPARED_RESULT] = readPreparedResult(body, reader.offset, meta.resultId)
            response = { header, id, meta, flags }
            break
          }
          case ResultKind.rows: {
            const meta = reader.readMetadata(kind)
            const rows = readRows(driver, reader, meta, encoder)
            if (rows.length > 0 && operation.isByRow()) {
              for (const row of rows) operation.setResultRow(row, meta, rows.length, flags, header)
              return
            }
            response = { rows, meta, flags }
            break
          }
          default:
            throw new WireError("Malformed", `unknown kind of result ${kind}`)
        }
        break
      }
      default:
        throw new WireError("Malformed", `unknown opcode ${frame.opcode}`)
    }
  } catch (error) {
    return operation.setResult(error, undefined, body.length)
  }
  operation.setResult(null, response, body.length)
}
