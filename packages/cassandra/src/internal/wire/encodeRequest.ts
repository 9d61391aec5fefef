import type { ByteWriter } from "./byteWriter.ts"
import type { WireConnection } from "./connection.ts"
import type { ExecutionOptions, PreparedInfo } from "./driverShape.ts"
import type { ValueWriter } from "./encodeValue.ts"
import { WireError } from "./errors.ts"
import { DIALECT, wireVersion } from "./negotiate.ts"
import { split64 } from "./scratch.ts"
import { Opcode, PREPARED_RESULT, type PreparedMetadata, type PreparedResult } from "./stockResponse.ts"
import { beginEnvelope, endEnvelope } from "./writeQueue.ts"

/** QUERY, EXECUTE and BATCH, written straight into the connection's buffer. */

const Flag = {
  values: 0x01,
  skipMetadata: 0x02,
  pageSize: 0x04,
  pageState: 0x08,
  serialConsistency: 0x10,
  timestamp: 0x20,
  names: 0x40,
  keyspace: 0x80,
  nowInSeconds: 0x0100
} as const

const HEADER_TRACING = 0x02
export const HEADER_PAYLOAD = 0x04

/** A value to bind: what writes it, the value, and its name where values are bound by name. */
export interface Bound {
  /** Replaced when the statement is prepared again. */
  writers: ReadonlyArray<ValueWriter>
  readonly values: ReadonlyArray<unknown>
  readonly names: ReadonlyArray<string> | undefined
  /** The bytes of the value at `keyIndex`, when it had to be encoded already to find the replicas. */
  key: Buffer | undefined
  keyIndex: number
}

/** A statement of a batch. */
export interface BatchItem {
  readonly query: string
  readonly info: PreparedInfo | undefined
  readonly bound: Bound
}

/** What is sent, beside the options. */
export type Payload =
  | { readonly _tag: "Execute"; readonly info: PreparedInfo; readonly bound: Bound }
  | { readonly _tag: "Query"; readonly query: string; readonly bound: Bound }
  | { readonly _tag: "Batch"; readonly items: ReadonlyArray<BatchItem> }

/** What every kind of request carries. */
export interface Settings {
  readonly consistency: number
  readonly serialConsistency: number | undefined
  readonly pageSize: number
  readonly pageState: Buffer | undefined
  readonly timestamp: { readonly high: number; readonly low: number } | bigint | null
  readonly nowInSeconds: number | undefined
  readonly keyspace: string | undefined
  readonly tracing: boolean
  readonly customPayload: Readonly<Record<string, Buffer>> | undefined
  readonly batchType: number
}

/** Reads the settings off the options; ANY, whose code is 0, is a consistency like the others. */
export const settingsOf = (options: ExecutionOptions, keyspace: string | undefined): Settings => {
  const raw = options.getRawQueryOptions() as {
    readonly nowInSeconds?: number | undefined
    readonly timestamp?: unknown
    readonly nextTimestamp?: (() => bigint | undefined) | undefined
  }
  const { nextTimestamp } = raw
  return {
    consistency: options.getConsistency() ?? 1,
    serialConsistency: options.getSerialConsistency(),
    pageSize: options.getFetchSize(),
    pageState: options.getPageState(),
    timestamp:
      nextTimestamp === undefined || raw.timestamp !== undefined
        ? options.getOrGenerateTimestamp()
        : (nextTimestamp() ?? null),
    nowInSeconds: raw.nowInSeconds,
    keyspace,
    tracing: options.isQueryTracing() === true,
    customPayload: options.getCustomPayload(),
    batchType: options.isBatchCounter() ? 2 : options.isBatchLogged() ? 0 : 1
  }
}

const writeBound = (w: ByteWriter, bound: Bound): void => {
  const { key, keyIndex, names, values, writers } = bound
  w.i16(values.length)
  for (let i = 0; i < values.length; i++) {
    if (names !== undefined) w.string(names[i]!)
    if (i === keyIndex && key !== undefined) {
      w.i32(key.length)
      w.bytes(key)
      continue
    }
    const writer = writers[i]
    if (writer === undefined) throw new TypeError(`${values.length} values for ${writers.length} variables`)
    writer(w, values[i])
  }
}

/** The optional parts that follow the values, in the protocol's order; a batch has no paging. */
const writeTail = (w: ByteWriter, settings: Settings, flags: number): void => {
  if ((flags & Flag.pageSize) !== 0) w.i32(settings.pageSize)
  if ((flags & Flag.pageState) !== 0) {
    w.i32(settings.pageState!.length)
    w.bytes(settings.pageState!)
  }
  if ((flags & Flag.serialConsistency) !== 0) w.i16(settings.serialConsistency!)
  if ((flags & Flag.timestamp) !== 0) {
    const timestamp = settings.timestamp!
    const { high, low } = typeof timestamp === "bigint" ? split64(timestamp) : timestamp
    w.i32(high)
    w.i32(low)
  }
  if ((flags & Flag.keyspace) !== 0) w.string(settings.keyspace!)
  if ((flags & Flag.nowInSeconds) !== 0) w.i32(settings.nowInSeconds!)
}

const commonFlags = (settings: Settings, v5: boolean): number => {
  let flags = 0
  if (settings.serialConsistency) flags |= Flag.serialConsistency
  if (settings.timestamp !== null && settings.timestamp !== undefined) flags |= Flag.timestamp
  if (settings.nowInSeconds !== undefined) {
    if (!v5) throw new WireError("NotSupportedByVersion", "nowInSeconds needs native protocol v5")
    flags |= Flag.nowInSeconds
  }
  return flags
}

const writeFlags = (w: ByteWriter, flags: number, v5: boolean): void => {
  if (v5) w.i32(flags)
  else w.u8(flags)
}

const writeQueryParameters = (
  w: ByteWriter,
  settings: Settings,
  consistency: number,
  bound: Bound,
  v5: boolean,
  extra: number
): void => {
  let flags = commonFlags(settings, v5) | extra
  if (bound.values.length > 0) flags |= bound.names === undefined ? Flag.values : Flag.values | Flag.names
  if (settings.pageSize > 0) flags |= Flag.pageSize
  if (settings.pageState) flags |= Flag.pageState
  w.i16(consistency)
  writeFlags(w, flags, v5)
  if (bound.values.length > 0) writeBound(w, bound)
  writeTail(w, settings, flags)
}

/** What an EXECUTE was sent with, which its response has to be read with; `length` is the size of the request's body. */
export interface Sent {
  readonly prepared: PreparedResult | undefined
  readonly length: number
}

/** Writes one request. */
export const encodeRequest = (
  w: ByteWriter,
  connection: WireConnection,
  streamId: number,
  payload: Payload,
  settings: Settings,
  consistency: number
): Sent => {
  const v5 = connection.protocolVersion === DIALECT
  const { customPayload } = settings
  const flags = (settings.tracing ? HEADER_TRACING : 0) | (customPayload ? HEADER_PAYLOAD : 0)
  const opcode = payload._tag === "Execute" ? Opcode.execute : payload._tag === "Query" ? Opcode.query : Opcode.batch
  const at = beginEnvelope(w, wireVersion(connection.protocolVersion), flags, streamId, opcode)
  if (customPayload) writePayload(w, customPayload)
  let prepared: PreparedResult | undefined
  switch (payload._tag) {
    case "Execute": {
      const meta = payload.info.meta as PreparedMetadata
      prepared = meta[PREPARED_RESULT]
      const id = payload.info.queryId!
      w.i16(id.length)
      w.bytes(id)
      let skip = 0
      if (v5) {
        const resultId = prepared?.id ?? meta.resultId
        if (resultId === undefined) {
          throw new WireError("NotSupportedByVersion", "the statement was prepared on a node of an older version")
        }
        w.i16(resultId.length)
        w.bytes(resultId)
        // Only v5 tells when the metadata is not what we remember: v4 would answer rows that we misread.
        if (prepared?.shape !== undefined) skip = Flag.skipMetadata
      }
      writeQueryParameters(w, settings, consistency, payload.bound, v5, skip)
      break
    }
    case "Query":
      w.longString(payload.query)
      writeQueryParameters(w, settings, consistency, payload.bound, v5, keyspaceFlag(settings, v5))
      break
    case "Batch": {
      w.u8(settings.batchType)
      w.i16(payload.items.length)
      for (const { bound, info, query } of payload.items) {
        if (info === undefined) {
          w.u8(0)
          w.longString(query)
        } else {
          w.u8(1)
          w.i16(info.queryId!.length)
          w.bytes(info.queryId!)
        }
        writeBound(w, bound)
      }
      w.i16(consistency)
      const batchFlags = commonFlags(settings, v5) | keyspaceFlag(settings, v5)
      writeFlags(w, batchFlags, v5)
      writeTail(w, settings, batchFlags)
    }
  }
  return { prepared, length: endEnvelope(w, at) }
}

const keyspaceFlag = (settings: Settings, v5: boolean): number =>
  v5 && settings.keyspace !== undefined && settings.keyspace !== "" ? Flag.keyspace : 0

export const writePayload = (w: ByteWriter, payload: Readonly<Record<string, Uint8Array>>): void => {
  const entries = Object.entries(payload)
  w.i16(entries.length)
  for (const [key, value] of entries) {
    w.string(key)
    w.i32(value.length)
    w.bytes(value)
  }
}
