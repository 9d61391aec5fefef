import type { ByteWriter } from "./byteWriter.ts"
import type { ValueWriter } from "./encodeValue.ts"
import { ENVELOPE_HEADER } from "./envelope.ts"
import { WireError } from "./errors.ts"
import { HeaderFlag, Opcode, type ProtocolVersion } from "./opcode.ts"
import type { PreparedResult, PreparedStatement } from "./preparedStatement.ts"

/** The requests, written straight into a connection's buffer. */

/** The header of a request's envelope; the body's length is filled in by {@link endEnvelope}. Answers where it began. */
export const beginEnvelope = (
  w: ByteWriter,
  version: number,
  flags: number,
  streamId: number,
  opcode: number
): number => {
  const at = w.length
  w.ensure(ENVELOPE_HEADER)
  const { buf, pos } = w
  buf[pos] = version
  buf[pos + 1] = flags
  buf[pos + 2] = streamId >> 8
  buf[pos + 3] = streamId
  buf[pos + 4] = opcode
  w.pos = pos + ENVELOPE_HEADER
  return at
}

/** Fills in the length of the envelope that began at `at`; answers the length of its body. */
export const endEnvelope = (w: ByteWriter, at: number): number => {
  const length = w.length - at - ENVELOPE_HEADER
  w.patch32(w.start + at + 5, length)
  return length
}

/** Writes a custom payload. */
export const writePayload = (w: ByteWriter, payload: Readonly<Record<string, Uint8Array>>): void => {
  const entries = Object.entries(payload)
  w.i16(entries.length)
  for (const [key, value] of entries) {
    w.string(key)
    w.i32(value.length)
    w.bytes(value)
  }
}

/** STARTUP: what is asked of the connection, and who asks. */
export const writeStartup = (
  w: ByteWriter,
  version: ProtocolVersion,
  streamId: number,
  options: Readonly<Record<string, string>>
): void => {
  const at = beginEnvelope(w, version, 0, streamId, Opcode.startup)
  const entries = Object.entries(options)
  w.i16(entries.length)
  for (const [key, value] of entries) {
    w.string(key)
    w.string(value)
  }
  endEnvelope(w, at)
}

/** OPTIONS: asks what the server supports; also a heartbeat. */
export const writeOptions = (w: ByteWriter, version: ProtocolVersion, streamId: number): void => {
  endEnvelope(w, beginEnvelope(w, version, 0, streamId, Opcode.options))
}

/** REGISTER: asks for the events of these types. */
export const writeRegister = (
  w: ByteWriter,
  version: ProtocolVersion,
  streamId: number,
  types: ReadonlyArray<string>
): void => {
  const at = beginEnvelope(w, version, 0, streamId, Opcode.register)
  w.i16(types.length)
  for (const type of types) w.string(type)
  endEnvelope(w, at)
}

/** AUTH_RESPONSE: the authenticator's answer. */
export const writeAuthResponse = (
  w: ByteWriter,
  version: ProtocolVersion,
  streamId: number,
  token: Uint8Array
): void => {
  const at = beginEnvelope(w, version, 0, streamId, Opcode.authResponse)
  w.i32(token.length)
  w.bytes(token)
  endEnvelope(w, at)
}

/** PREPARE. Under v4 the statement is prepared in the keyspace of the connection. */
export const writePrepare = (
  w: ByteWriter,
  version: ProtocolVersion,
  streamId: number,
  query: string,
  keyspace: string | undefined,
  payload: Readonly<Record<string, Uint8Array>> | undefined
): void => {
  const at = beginEnvelope(w, version, payload === undefined ? 0 : HeaderFlag.payload, streamId, Opcode.prepare)
  if (payload !== undefined) writePayload(w, payload)
  w.longString(query)
  if (version >= 5) {
    const named = keyspace !== undefined && keyspace !== ""
    w.i32(named ? 0x01 : 0)
    if (named) w.string(keyspace)
  }
  endEnvelope(w, at)
}

/** The options of a QUERY, EXECUTE or BATCH that are sent. */
export interface RequestOptions {
  /** The protocol's code of the level, as is the serial one. */
  readonly consistency: number
  readonly serialConsistency: number | undefined
  /** 0 for no paging. */
  readonly pageSize: number
  readonly pageState: Uint8Array | undefined
  readonly tracing: boolean
  readonly customPayload: Readonly<Record<string, Uint8Array>> | undefined
  /** v5 only. */
  readonly nowInSeconds: number | undefined
}

/** A prepared statement with its values, and what writes each. */
export interface BoundStatement {
  readonly prepared: PreparedStatement
  /** Replaced when the statement is prepared again. */
  writers: ReadonlyArray<ValueWriter>
  /** As many as there are writers. */
  readonly values: ReadonlyArray<unknown>
}

/** A text without values, as a member of a batch. */
export interface PlainStatement {
  readonly prepared?: undefined
  readonly query: string
}

/** What is sent, beside the options. The keyspace is sent under v5, and under v4 it is that of the connection. */
export type Payload =
  | (BoundStatement & { readonly _tag: "Execute" })
  | { readonly _tag: "Query"; readonly query: string; readonly keyspace: string | undefined }
  | {
      readonly _tag: "Batch"
      /** The protocol's number for the kind of the batch. */
      readonly type: number
      readonly items: ReadonlyArray<BoundStatement | PlainStatement>
      readonly keyspace: string | undefined
    }

const Flag = {
  values: 0x01,
  skipMetadata: 0x02,
  pageSize: 0x04,
  pageState: 0x08,
  serialConsistency: 0x10,
  timestamp: 0x20,
  keyspace: 0x80,
  nowInSeconds: 0x0100
} as const

const writeBound = (w: ByteWriter, { values, writers }: BoundStatement): void => {
  w.i16(values.length)
  for (let i = 0; i < values.length; i++) writers[i]!(w, values[i])
}

const writeId = (w: ByteWriter, id: Uint8Array): void => {
  w.i16(id.length)
  w.bytes(id)
}

/** The optional parts that follow the values, in the protocol's order; a batch has no paging. */
const writeTail = (
  w: ByteWriter,
  options: RequestOptions,
  flags: number,
  timestamp: bigint | undefined,
  keyspace: string | undefined
): void => {
  if ((flags & Flag.pageSize) !== 0) w.i32(options.pageSize)
  if ((flags & Flag.pageState) !== 0) {
    w.i32(options.pageState!.length)
    w.bytes(options.pageState!)
  }
  if ((flags & Flag.serialConsistency) !== 0) w.i16(options.serialConsistency!)
  if ((flags & Flag.timestamp) !== 0) w.i64(timestamp!)
  if ((flags & Flag.keyspace) !== 0) w.string(keyspace!)
  if ((flags & Flag.nowInSeconds) !== 0) w.i32(options.nowInSeconds!)
}

const commonFlags = (options: RequestOptions, timestamp: bigint | undefined, v5: boolean): number => {
  let flags = 0
  if (options.serialConsistency !== undefined) flags |= Flag.serialConsistency
  if (timestamp !== undefined) flags |= Flag.timestamp
  if (options.nowInSeconds !== undefined) {
    if (!v5) throw new WireError("NotSupportedByVersion", "nowInSeconds needs native protocol v5")
    flags |= Flag.nowInSeconds
  }
  return flags
}

const writeFlags = (w: ByteWriter, flags: number, v5: boolean): void => {
  if (v5) w.i32(flags)
  else w.u8(flags)
}

const pagingFlags = (options: RequestOptions): number =>
  (options.pageSize > 0 ? Flag.pageSize : 0) | (options.pageState === undefined ? 0 : Flag.pageState)

const keyspaceFlag = (keyspace: string | undefined, v5: boolean): number =>
  v5 && keyspace !== undefined && keyspace !== "" ? Flag.keyspace : 0

/**
 * QUERY, EXECUTE and BATCH. `timestamp` is in microseconds. Gives back what the answer to an EXECUTE has to be read with.
 * Throws a `Misfit` for a value that does not fit, and a `WireError` for what the version does not have; what was written
 * until then is left to the caller to take back.
 */
export const writeRequest = (
  w: ByteWriter,
  version: ProtocolVersion,
  streamId: number,
  payload: Payload,
  options: RequestOptions,
  timestamp: bigint | undefined
): PreparedResult | undefined => {
  const v5 = version >= 5
  const { consistency, customPayload } = options
  const header = (options.tracing ? HeaderFlag.tracing : 0) | (customPayload === undefined ? 0 : HeaderFlag.payload)
  const opcode = payload._tag === "Execute" ? Opcode.execute : payload._tag === "Query" ? Opcode.query : Opcode.batch
  const at = beginEnvelope(w, version, header, streamId, opcode)
  if (customPayload !== undefined) writePayload(w, customPayload)
  let result: PreparedResult | undefined
  let flags = commonFlags(options, timestamp, v5)
  switch (payload._tag) {
    case "Execute": {
      const { prepared } = payload
      result = prepared.result
      writeId(w, prepared.id)
      flags |= pagingFlags(options)
      if (v5) {
        if (result.id === undefined) {
          throw new WireError("NotSupportedByVersion", "the statement was prepared on a node of an older version")
        }
        writeId(w, result.id)
        // Only v5 tells when the metadata is not what we remember: v4 would answer rows that we misread.
        if (result.shape !== undefined) flags |= Flag.skipMetadata
      }
      if (payload.values.length > 0) flags |= Flag.values
      w.i16(consistency)
      writeFlags(w, flags, v5)
      if (payload.values.length > 0) writeBound(w, payload)
      writeTail(w, options, flags, timestamp, undefined)
      break
    }
    case "Query":
      w.longString(payload.query)
      flags |= pagingFlags(options) | keyspaceFlag(payload.keyspace, v5)
      w.i16(consistency)
      writeFlags(w, flags, v5)
      writeTail(w, options, flags, timestamp, payload.keyspace)
      break
    case "Batch":
      w.u8(payload.type)
      w.i16(payload.items.length)
      for (const item of payload.items) {
        if (item.prepared === undefined) {
          w.u8(0)
          w.longString(item.query)
          w.i16(0)
        } else {
          w.u8(1)
          writeId(w, item.prepared.id)
          writeBound(w, item)
        }
      }
      flags |= keyspaceFlag(payload.keyspace, v5)
      w.i16(consistency)
      writeFlags(w, flags, v5)
      writeTail(w, options, flags, timestamp, payload.keyspace)
  }
  endEnvelope(w, at)
  return result
}
