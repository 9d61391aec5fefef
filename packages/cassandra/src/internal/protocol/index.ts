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
export {
  type Column,
  type ColumnType,
  cqlName,
  elementOf,
  elementsOf,
  entryOf,
  isVector,
  resolve,
  TypeCode,
  udtOf,
  vectorOf
} from "./columnType.ts"
export { Cursor } from "./columns.ts"
export { consistencyCodes, consistencyName } from "./consistency.ts"
export { payloadCrc } from "./crc.ts"
export { decimals } from "./decimals.ts"
export { readInet } from "./decodeText.ts"
export { makeReader } from "./decodeValue.ts"
export { scalarBodies } from "./encodeScalar.ts"
export { makeWriter, type ValueWriter, writersFor } from "./encodeValue.ts"
export { compressEnvelope, EnvelopeReader, MAX_FRAME_LENGTH } from "./envelope.ts"
export { isMisplaced, isOfStatement, isWireError, ofStatement, WireError } from "./errors.ts"
export { readEvent, type SchemaChange, type ServerEvent } from "./events.ts"
export { type Lz4, type Lz4Napi, lz4Of } from "./lz4.ts"
export { explain, misfit, Misfit, typeName } from "./misfit.ts"
export { murmur3, type Token } from "./murmur3.ts"
export { ErrorCode, Opcode, type ProtocolVersion } from "./opcode.ts"
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
export { type Answer, type Asked, MAX_UNPAGED_ROWS, readAnswer, readResponse, Response } from "./responses.ts"
export { bigintFromBytes, formatDate, formatTime } from "./scalars.ts"
export { int32 } from "./scratch.ts"
export { encodeSegment, headerSize, MAX_PAYLOAD, writeHeader } from "./segment.ts"
export { ServerResponseError, tellsOfCorruption } from "./serverError.ts"
export * as values from "./valueClasses.ts"
export {
  dateOf,
  decimalOf,
  elementsOfTuple,
  elementsOfVector,
  epochMillisOf,
  inetOf,
  integerOf,
  isUnset,
  timeOf,
  unset,
  uuidOf
} from "./valueClasses.ts"
