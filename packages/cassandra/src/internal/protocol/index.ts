/**
 * The native protocol, v4 and v5: bytes in, plain data out. No socket, no timer, nothing of Effect and nothing of
 * `cassandra-driver`.
 *
 * - From bytes to messages: {@link EnvelopeReader} cuts what a socket gives into envelopes; {@link readAnswer},
 *   {@link readResponse} and {@link readEvent} read their bodies. Bytes that make no sense are a {@link WireError}.
 * - From messages to bytes: {@link writeRequest} and its like write into a {@link ByteWriter}; {@link encodeSegment} and
 *   {@link compressEnvelope} are for what goes around that. A value that does not fit its type is a {@link Misfit}.
 * - A {@link PreparedStatement} remembers what both sides need of a PREPARE.
 */
export { ByteWriter } from "./byteWriter.ts"
export { type Column, type ColumnType, cqlName, resolve, TypeCode, type UdtInfo } from "./columnType.ts"
export { Cursor, type ResultShape } from "./columns.ts"
export { payloadCrc } from "./crc.ts"
export { decimals } from "./decimals.ts"
export { type Row } from "./decodeRows.ts"
export { type DurationValue } from "./decodeTime.ts"
export { makeReader, type Reader } from "./decodeValue.ts"
export { makeWriter, type ValueWriter, writersFor } from "./encodeValue.ts"
export { compressEnvelope, ENVELOPE_HEADER, EnvelopeReader, MAX_FRAME_LENGTH, type OnEnvelope } from "./envelope.ts"
export { isWireError, WireError, type WireErrorReason } from "./errors.ts"
export { readEvent, type SchemaChange, type ServerEvent } from "./events.ts"
export { type Lz4, lz4 } from "./lz4.ts"
export { explain, Misfit } from "./misfit.ts"
export { murmur3, type Token } from "./murmur3.ts"
export { ErrorCode, HeaderFlag, Opcode, type ProtocolVersion } from "./opcode.ts"
export { type Page } from "./pageBuffers.ts"
export { type PreparedResponse, type PreparedResult, PreparedStatement } from "./preparedStatement.ts"
export {
  type BoundStatement,
  type Payload,
  type PlainStatement,
  type RequestOptions,
  writeAuthResponse,
  writeOptions,
  writePrepare,
  writeRegister,
  writeRequest,
  writeStartup
} from "./requests.ts"
export { type Answer, readAnswer, readResponse, Response } from "./responses.ts"
export { encodeSegment, headerSize, MAX_PAYLOAD, writeHeader } from "./segment.ts"
export { ServerResponseError, tellsOfCorruption } from "./serverError.ts"
export { isUnset, unset } from "./valueClasses.ts"
