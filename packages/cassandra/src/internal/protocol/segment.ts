import { crc24, payloadCrc } from "./crc.ts"
import { WireError } from "./errors.ts"
import type { Lz4 } from "./lz4.ts"

/**
 * Segments: the outer framing of protocol v5. A segment carries whole envelopes ("self-contained") or a piece of one that
 * is too large for it. Its header is protected by a CRC24, its payload by a CRC32.
 */

/** The most bytes a segment can carry. */
export const MAX_PAYLOAD = 131_071

/** Below this size compressing costs more than it saves: the header says "stored as it is" instead. */
export const COMPRESSION_THRESHOLD = 512

const UNCOMPRESSED_HEADER = 3
const COMPRESSED_HEADER = 5
const CRC24_SIZE = 3
const CRC32_SIZE = 4

/** How many bytes a segment has beside its payload. */
export const overhead = (compressed: boolean): number =>
  (compressed ? COMPRESSED_HEADER : UNCOMPRESSED_HEADER) + CRC24_SIZE + CRC32_SIZE

/** How many bytes come before the payload. */
export const headerSize = (compressed: boolean): number =>
  (compressed ? COMPRESSED_HEADER : UNCOMPRESSED_HEADER) + CRC24_SIZE

/** Writes an uncompressed header for `length` bytes of payload at `offset`. */
export const writeHeader = (out: Buffer, offset: number, length: number, selfContained: boolean): void => {
  const header = length | (selfContained ? 1 << 17 : 0)
  out.writeUIntLE(header, offset, 3)
  out.writeUIntLE(crc24(header, 0, 3), offset + 3, 3)
}

const writeCompressedHeader = (
  out: Buffer,
  offset: number,
  compressed: number,
  uncompressed: number,
  selfContained: boolean
): void => {
  // 17 bits, 17 bits, one flag: 35 bits, kept as 32 and 3.
  const low = (compressed | (uncompressed << 17)) >>> 0
  const high = (uncompressed >>> 15) | (selfContained ? 4 : 0)
  out.writeUInt32LE(low, offset)
  out[offset + 4] = high
  out.writeUIntLE(crc24(low, high, 5), offset + 5, 3)
}

/** One segment around `payload`, which is copied. With `lz4` the compressed layout is used. */
export const encodeSegment = (payload: Buffer, selfContained: boolean, lz4: Lz4 | undefined): Buffer => {
  if (lz4 === undefined) {
    const out = Buffer.allocUnsafe(payload.length + overhead(false))
    writeHeader(out, 0, payload.length, selfContained)
    payload.copy(out, 6)
    out.writeUInt32LE(payloadCrc(payload), 6 + payload.length)
    return out
  }
  let body = payload
  let uncompressed = 0
  if (payload.length >= COMPRESSION_THRESHOLD) {
    const block = lz4.compress(payload)
    if (block.length < payload.length) {
      body = block
      uncompressed = payload.length
    }
  }
  const out = Buffer.allocUnsafe(body.length + overhead(true))
  writeCompressedHeader(out, 0, body.length, uncompressed, selfContained)
  body.copy(out, 8)
  out.writeUInt32LE(payloadCrc(body), 8 + body.length)
  return out
}

/** A decoded segment header. */
export interface SegmentHeader {
  /** Bytes of payload on the wire. */
  readonly length: number
  /** Bytes after decompression; 0 when the payload is stored as it is. */
  readonly uncompressedLength: number
  readonly selfContained: boolean
}

/** Reads and checks the header at `offset`; there must be `headerSize(compressed)` bytes. */
export const readHeader = (buf: Buffer, offset: number, compressed: boolean): SegmentHeader => {
  if (compressed) {
    const low = buf.readUInt32LE(offset)
    const high = buf[offset + 4]!
    if (crc24(low, high, 5) !== buf.readUIntLE(offset + 5, 3)) throw corruptHeader()
    return {
      length: low & 0x1ffff,
      uncompressedLength: (low >>> 17) | ((high & 3) << 15),
      selfContained: (high & 4) !== 0
    }
  }
  const header = buf.readUIntLE(offset, 3)
  if (crc24(header, 0, 3) !== buf.readUIntLE(offset + 3, 3)) throw corruptHeader()
  return { length: header & 0x1ffff, uncompressedLength: 0, selfContained: (header & 0x20000) !== 0 }
}

const corruptHeader = (): WireError =>
  new WireError("CorruptHeader", "the checksum of a segment's header does not match: the connection is corrupt")

/** The payload of the segment whose payload starts at `start`, checked and decompressed; a slice when it was stored. */
export const readPayload = (buf: Buffer, start: number, header: SegmentHeader, lz4: Lz4 | undefined): Buffer => {
  const end = start + header.length
  const payload = buf.subarray(start, end)
  if (payloadCrc(payload) !== buf.readUInt32LE(end)) {
    throw new WireError(
      "CorruptPayload",
      "the checksum of a segment's payload does not match: the connection is corrupt"
    )
  }
  if (header.uncompressedLength === 0) return payload
  if (lz4 === undefined) throw new WireError("Malformed", "a compressed segment on a connection without compression")
  return lz4.decompress(payload, header.uncompressedLength)
}
