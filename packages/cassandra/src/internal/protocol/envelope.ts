import type { ByteWriter } from "./byteWriter.ts"
import { WireError } from "./errors.ts"
import type { Lz4 } from "./lz4.ts"
import { HeaderFlag, Opcode } from "./opcode.ts"
import { int32 } from "./scratch.ts"
import { COMPRESSION_THRESHOLD, headerSize, readHeader, readPayload } from "./segment.ts"
import { UnitReader } from "./unitReader.ts"

/**
 * From socket bytes to envelopes. Before the handshake is over (and on every v4 connection) envelopes follow each other
 * bare; afterwards, under v5, they travel in segments.
 */

/** Version, flags, stream id, opcode and body length. */
export const ENVELOPE_HEADER = 9

/** What an envelope is unless told otherwise: as much as a server can be configured to send. */
export const MAX_FRAME_LENGTH = 256 * 1024 * 1024

/** How many bytes one byte of an LZ4 block can stand for, at most. */
const LZ4_RATIO = 255

/**
 * Compresses the envelope that was written at `at` (counted as `beginEnvelope` does), the last one in `w`: v4 only, as v5
 * compresses its segments. A small body, or one that compressing does not make smaller, stays as it is.
 */
export const compressEnvelope = (w: ByteWriter, at: number, lz4: Lz4): void => {
  const header = w.start + at
  const start = header + ENVELOPE_HEADER
  const length = w.pos - start
  if (length < COMPRESSION_THRESHOLD) return
  const block = lz4.compress(w.buf.subarray(start, w.pos))
  if (4 + block.length >= length) return
  w.buf[header + 1]! |= HeaderFlag.compression
  w.patch32(header + 5, 4 + block.length)
  w.pos = start
  w.i32(length)
  w.bytes(block)
}

/** The body of a compressed envelope: the length that it has uncompressed, and a block. */
const decompressBody = (buf: Buffer, start: number, end: number, lz4: Lz4, maxFrameLength: number): Buffer => {
  if (end - start < 4) throw new WireError("Malformed", "a compressed envelope without the length of its body")
  const length = int32(buf, start)
  const block = buf.subarray(start + 4, end)
  if (length < 0 || length > block.length * LZ4_RATIO) {
    throw new WireError("Malformed", `a compressed body of ${block.length} bytes cannot be one of ${length} bytes`)
  }
  if (length > maxFrameLength) throw frameTooLarge(length, maxFrameLength)
  return length === 0 ? Buffer.alloc(0) : lz4.decompress(block, length)
}

const frameTooLarge = (length: number, maxFrameLength: number): WireError =>
  new WireError(
    "FrameTooLarge",
    `the server announces an envelope of ${length} bytes, more than the ${maxFrameLength} this client accepts`
  )

/** Takes one envelope; `buf` from `start` to `end` is its body and only valid during the call. */
export type OnEnvelope = (
  version: number,
  flags: number,
  streamId: number,
  opcode: number,
  buf: Buffer,
  start: number,
  end: number
) => void

/** What an alert of TLS begins with; no answer does. */
const TLS_ALERT = 0x15
const TLS_MAJOR = 0x03

/** The version byte of DSE v2, the largest there is. */
const NEWEST = 0x80 | 0x42

/** Reads the bytes of one connection. Throws a `WireError` on the first thing that is not right; it is then finished. */
export class EnvelopeReader {
  private readonly envelopes: UnitReader
  private segments: UnitReader | undefined
  private switched = false
  private lz4: Lz4 | undefined
  /** Whether the server has agreed to the version, which it does with anything but an ERROR. */
  private agreed = false

  /** `version` is what the connection speaks; undefined for any. */
  constructor(onEnvelope: OnEnvelope, maxFrameLength: number = MAX_FRAME_LENGTH, version?: number) {
    this.envelopes = new UnitReader({
      sizeOf: (buf, offset, available) => {
        // Shorter than a header: it would be waited for in vain.
        if (available > 1 && buf[offset] === TLS_ALERT && buf[offset + 1] === TLS_MAJOR) {
          throw new WireError("TlsAlert", "the server answered with an alert of TLS")
        }
        if (available < ENVELOPE_HEADER) return ENVELOPE_HEADER
        this.checkVersion(buf[offset]!, buf[offset + 4]!, version)
        const length = buf.readUInt32BE(offset + 5)
        if (length > maxFrameLength) throw frameTooLarge(length, maxFrameLength)
        return ENVELOPE_HEADER + length
      },
      onUnit: (buf, start, end) => {
        const spoken = buf[start]! & 0x7f
        const flags = buf[start + 1]!
        const streamId = buf.readInt16BE(start + 2)
        const opcode = buf[start + 4]!
        const body = start + ENVELOPE_HEADER
        // In segments the flag has no meaning any more: they are compressed themselves.
        if ((flags & HeaderFlag.compression) === 0 || this.segments !== undefined) {
          onEnvelope(spoken, flags, streamId, opcode, buf, body, end)
        } else {
          if (this.lz4 === undefined) {
            throw new WireError("Malformed", "a compressed envelope on a connection without compression")
          }
          const plain = decompressBody(buf, body, end, this.lz4, maxFrameLength)
          onEnvelope(spoken, flags & ~HeaderFlag.compression, streamId, opcode, plain, 0, plain.length)
        }
        if (!this.switched) return false
        this.switched = false
        return true
      }
    })
  }

  /** Anything but a response of the connection's version means that we have lost our place in the stream. */
  private checkVersion(byte: number, opcode: number, version: number | undefined): void {
    if ((byte & 0x80) === 0) throw new WireError("Malformed", "the server sent a request instead of a response")
    if (version === undefined || byte === (0x80 | version)) {
      this.agreed ||= opcode !== Opcode.error
      return
    }
    // A server that does not speak the version complains in one that it does.
    if (!this.agreed && opcode === Opcode.error && byte <= NEWEST) return
    throw new WireError("Malformed", `the server sent a response of version ${byte & 0x7f} where ${version} is spoken`)
  }

  /** From the next envelope on, bodies may be compressed: v4 only. */
  useCompression(lz4: Lz4): void {
    this.lz4 = lz4
  }

  /** From the next envelope on, everything comes in segments: v5 only. */
  useSegments(lz4: Lz4 | undefined): void {
    const compressed = lz4 !== undefined
    const header = headerSize(compressed)
    this.switched = true
    this.segments = new UnitReader({
      sizeOf: (buf, offset, available) =>
        available < header ? header : header + readHeader(buf, offset, compressed).length + 4,
      onUnit: (buf, start) => {
        const head = readHeader(buf, start, compressed)
        const payload = readPayload(buf, start + header, head, lz4)
        if (head.selfContained && this.envelopes.isPartial) {
          throw new WireError("Malformed", "a self-contained segment in the middle of an envelope")
        }
        this.switched = false
        this.envelopes.push(payload, 0, payload.length)
        if (head.selfContained && this.envelopes.isPartial) {
          throw new WireError("Malformed", "a self-contained segment ends in the middle of an envelope")
        }
        return false
      }
    })
  }

  /** How many bytes are held for segments and envelopes that are not complete. */
  get heldBytes(): number {
    return this.envelopes.heldBytes + (this.segments?.heldBytes ?? 0)
  }

  push(chunk: Buffer): void {
    let offset = 0
    if (this.segments === undefined) offset = this.envelopes.push(chunk, 0, chunk.length)
    if (this.segments !== undefined && offset < chunk.length) this.segments.push(chunk, offset, chunk.length)
  }
}
