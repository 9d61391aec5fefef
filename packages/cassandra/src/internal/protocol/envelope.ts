import { WireError } from "./errors.ts"
import type { Lz4 } from "./lz4.ts"
import { headerSize, readHeader, readPayload } from "./segment.ts"
import { UnitReader } from "./unitReader.ts"

/**
 * From socket bytes to envelopes. Before the handshake is over (and on every v4 connection) envelopes follow each other
 * bare; afterwards, under v5, they travel in segments.
 */

/** Version, flags, stream id, opcode and body length. */
export const ENVELOPE_HEADER = 9

/** What an envelope is unless told otherwise: as much as a server can be configured to send. */
export const MAX_FRAME_LENGTH = 256 * 1024 * 1024

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

/** Reads the bytes of one connection. Throws a `WireError` on the first thing that is not right; it is then finished. */
export class EnvelopeReader {
  private readonly envelopes: UnitReader
  private segments: UnitReader | undefined
  private switched = false

  constructor(onEnvelope: OnEnvelope, maxFrameLength: number = MAX_FRAME_LENGTH) {
    this.envelopes = new UnitReader({
      sizeOf: (buf, offset, available) => {
        if (available < ENVELOPE_HEADER) return ENVELOPE_HEADER
        const length = buf.readUInt32BE(offset + 5)
        if (length > maxFrameLength) {
          throw new WireError(
            "FrameTooLarge",
            `the server announces an envelope of ${length} bytes, more than the ${maxFrameLength} this client accepts`
          )
        }
        return ENVELOPE_HEADER + length
      },
      onUnit: (buf, start, end) => {
        // Only responses carry the high bit; anything else means that we have lost our place in the stream.
        if ((buf[start]! & 0x80) === 0)
          throw new WireError("Malformed", "the server sent a request instead of a response")
        onEnvelope(
          buf[start]! & 0x7f,
          buf[start + 1]!,
          buf.readInt16BE(start + 2),
          buf[start + 4]!,
          buf,
          start + ENVELOPE_HEADER,
          end
        )
        if (!this.switched) return false
        this.switched = false
        return true
      }
    })
  }

  /** From the next envelope on, everything comes in segments. */
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
