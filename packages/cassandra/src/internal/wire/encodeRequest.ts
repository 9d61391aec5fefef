import type { SendOptions } from "../transport.ts"
import type { ByteWriter } from "../protocol/byteWriter.ts"
import type { WireConnection } from "./connection.ts"
import type { PreparedInfo } from "./driverShape.ts"
import type { ValueWriter } from "../protocol/encodeValue.ts"
import { WireError } from "../protocol/errors.ts"
import { wireVersion } from "./negotiate.ts"
import { HeaderFlag, Opcode } from "../protocol/opcode.ts"
import type { PreparedResult } from "../protocol/preparedStatement.ts"
import { beginEnvelope, endEnvelope, writePayload } from "../protocol/requests.ts"
import { PREPARED_RESULT, type PreparedMetadata } from "./stockResponse.ts"

/** QUERY, EXECUTE and BATCH, written straight into the connection's buffer. */

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

/** A prepared statement with its values, and what writes each. */
export interface BoundStatement {
  readonly info: PreparedInfo
  /** Replaced when the statement is prepared again. */
  writers: ReadonlyArray<ValueWriter>
  /** As many as there are writers. */
  readonly values: ReadonlyArray<unknown>
}

/** What is sent, beside the options. */
export type Payload =
  | (BoundStatement & { readonly _tag: "Execute" })
  | { readonly _tag: "Query"; readonly query: string; readonly keyspace: string | undefined }
  | {
      readonly _tag: "Batch"
      /** The protocol's number for the kind of the batch. */
      readonly type: number
      readonly items: ReadonlyArray<BoundStatement>
      readonly keyspace: string | undefined
    }

const writeBound = (w: ByteWriter, { values, writers }: BoundStatement): void => {
  w.i16(values.length)
  for (let i = 0; i < values.length; i++) writers[i]!(w, values[i])
}

/** The optional parts that follow the values, in the protocol's order; a batch has no paging. */
const writeTail = (
  w: ByteWriter,
  options: SendOptions,
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

const commonFlags = (options: SendOptions, timestamp: bigint | undefined, v5: boolean): number => {
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

const pagingFlags = (options: SendOptions): number =>
  (options.pageSize > 0 ? Flag.pageSize : 0) | (options.pageState === undefined ? 0 : Flag.pageState)

const keyspaceFlag = (keyspace: string | undefined, v5: boolean): number =>
  v5 && keyspace !== undefined && keyspace !== "" ? Flag.keyspace : 0

/** Writes one request. Gives back what the answer to an EXECUTE has to be read with. */
export const encodeRequest = (
  w: ByteWriter,
  connection: WireConnection,
  streamId: number,
  payload: Payload,
  options: SendOptions,
  timestamp: bigint | undefined
): PreparedResult | undefined => {
  const v5 = connection.isV5
  const { consistency, customPayload } = options
  const header = (options.tracing ? HeaderFlag.tracing : 0) | (customPayload === undefined ? 0 : HeaderFlag.payload)
  const opcode = payload._tag === "Execute" ? Opcode.execute : payload._tag === "Query" ? Opcode.query : Opcode.batch
  const at = beginEnvelope(w, wireVersion(connection.protocolVersion), header, streamId, opcode)
  if (customPayload !== undefined) writePayload(w, customPayload)
  let prepared: PreparedResult | undefined
  let flags = commonFlags(options, timestamp, v5)
  switch (payload._tag) {
    case "Execute": {
      const meta = payload.info.meta as PreparedMetadata
      prepared = meta[PREPARED_RESULT]
      const id = payload.info.queryId!
      w.i16(id.length)
      w.bytes(id)
      flags |= pagingFlags(options)
      if (v5) {
        const resultId = prepared?.id ?? meta.resultId
        if (resultId === undefined) {
          throw new WireError("NotSupportedByVersion", "the statement was prepared on a node of an older version")
        }
        w.i16(resultId.length)
        w.bytes(resultId)
        // Only v5 tells when the metadata is not what we remember: v4 would answer rows that we misread.
        if (prepared?.shape !== undefined) flags |= Flag.skipMetadata
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
    case "Batch": {
      w.u8(payload.type)
      w.i16(payload.items.length)
      for (const item of payload.items) {
        const id = item.info.queryId!
        w.u8(1)
        w.i16(id.length)
        w.bytes(id)
        writeBound(w, item)
      }
      flags |= keyspaceFlag(payload.keyspace, v5)
      w.i16(consistency)
      writeFlags(w, flags, v5)
      writeTail(w, options, flags, timestamp, payload.keyspace)
    }
  }
  endEnvelope(w, at)
  return prepared
}
