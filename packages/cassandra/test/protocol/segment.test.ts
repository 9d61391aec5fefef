import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { ByteWriter } from "../../src/internal/protocol/byteWriter.ts"
import { crc24, crc32, crc32Fallback } from "../../src/internal/protocol/crc.ts"
import { compressEnvelope, EnvelopeReader } from "../../src/internal/protocol/envelope.ts"
import { isWireError } from "../../src/internal/protocol/errors.ts"
import type { Lz4 } from "../../src/internal/protocol/lz4.ts"
import { lz4 } from "../support/lz4.ts"
import { HeaderFlag } from "../../src/internal/protocol/opcode.ts"
import { beginEnvelope, endEnvelope } from "../../src/internal/protocol/requests.ts"
import { encodeSegment, headerSize, MAX_PAYLOAD, readHeader, readPayload } from "../../src/internal/protocol/segment.ts"

const codecs: ReadonlyArray<readonly [string, Lz4 | undefined]> = [
  ["uncompressed", undefined],
  ["LZ4", lz4]
]

/** Bytes of any size up to a segment, compressible or not. */
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 3000 }).map((b) => Buffer.from(b)),
  fc
    .tuple(fc.integer({ min: 0, max: MAX_PAYLOAD }), fc.integer({ min: 0, max: 255 }))
    .map(([size, step]) => Buffer.from(Array.from({ length: size }, (_, i) => (i * step) >> 3)))
)

/** CRC24 as the specification writes it. */
const naive = (bytes: ReadonlyArray<number>): number => {
  let crc = 0x875060
  for (const b of bytes) {
    crc ^= b << 16
    for (let i = 0; i < 8; i++) crc = (crc & 0x800000) !== 0 ? ((crc << 1) ^ 0x1974f0b) & 0xffffff : crc << 1
  }
  return crc
}

describe("checksums", () => {
  it("CRC24 is that of the protocol", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 5, maxLength: 5 }), (b) => {
        const low = (b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24)) >>> 0
        assert.strictEqual(crc24(low & 0xffffff, 0, 3), naive([...b.subarray(0, 3)]))
        assert.strictEqual(crc24(low, b[4]!, 5), naive([...b]))
      })
    )
  })

  it("CRC32 without zlib's is the same", () => {
    assert.strictEqual(crc32Fallback(Buffer.from("123456789")), 0xcbf43926)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (b, seed) => {
        assert.strictEqual(crc32(b, seed), crc32Fallback(b, seed))
      })
    )
  })
})

const envelope = (streamId: number, opcode: number, flags: number, body: Uint8Array): Buffer => {
  const b = Buffer.alloc(9 + body.length)
  b[0] = 0x85
  b[1] = flags
  b.writeInt16BE(streamId, 2)
  b[4] = opcode
  b.writeUInt32BE(body.length, 5)
  b.set(body, 9)
  return b
}

/** Segments around envelopes, which end where `flush` says or where they must. */
const framed = (
  list: ReadonlyArray<{ readonly bytes: Buffer; readonly flush: boolean }>,
  codec: Lz4 | undefined
): Buffer => {
  const out: Array<Buffer> = []
  let open: Array<Buffer> = []
  let size = 0
  const close = () => {
    if (open.length > 0) out.push(encodeSegment(Buffer.concat(open), true, codec))
    open = []
    size = 0
  }
  for (const { bytes, flush } of list) {
    if (size + bytes.length > MAX_PAYLOAD) close()
    if (bytes.length > MAX_PAYLOAD) {
      for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) {
        out.push(encodeSegment(bytes.subarray(at, at + MAX_PAYLOAD), false, codec))
      }
      continue
    }
    open.push(bytes)
    size += bytes.length
    if (flush) close()
  }
  close()
  return Buffer.concat(out)
}

/** Cuts bytes where the numbers say. */
const cut = (bytes: Buffer, cuts: ReadonlyArray<number>): Array<Buffer> => {
  const places = [...new Set(cuts.map((c) => c % (bytes.length + 1)))].toSorted((a, b) => a - b)
  const ends = [...places, bytes.length]
  return ends.map((end, i) => Buffer.from(bytes.subarray(i === 0 ? 0 : ends[i - 1], end)))
}

/** An envelope as v4 has it, compressed where there is a codec. */
const bare = (
  e: {
    readonly streamId: number
    readonly opcode: number
    readonly flags: number
    readonly body: Uint8Array
  },
  codec: Lz4 | undefined
): Buffer => {
  const w = new ByteWriter()
  w.text("something before")
  w.take()
  const at = beginEnvelope(w, 0x84, e.flags & ~HeaderFlag.compression, e.streamId, e.opcode)
  w.bytes(e.body)
  endEnvelope(w, at)
  if (codec !== undefined) compressEnvelope(w, at, codec)
  return Buffer.from(w.take())
}

for (const [name, codec] of codecs) {
  describe(`segments, ${name}`, () => {
    const header = headerSize(codec !== undefined)

    it("come back as they were", () => {
      fc.assert(
        fc.property(payload, fc.boolean(), (bytes, selfContained) => {
          const segment = encodeSegment(bytes, selfContained, codec)
          const head = readHeader(segment, 0, codec !== undefined)
          assert.strictEqual(segment.length, header + head.length + 4)
          assert.strictEqual(head.selfContained, selfContained)
          assert.isTrue(readPayload(segment, header, head, codec).equals(bytes))
        }),
        { numRuns: 60 }
      )
    })

    it("are never taken for right when a bit is wrong", () => {
      fc.assert(
        fc.property(payload, fc.nat(), fc.integer({ min: 0, max: 7 }), (bytes, where, bit) => {
          const segment = encodeSegment(bytes, true, codec)
          segment[where % segment.length]! ^= 1 << bit
          try {
            const head = readHeader(segment, 0, codec !== undefined)
            readPayload(segment, header, head, codec)
          } catch (error) {
            return assert.isTrue(isWireError(error))
          }
          assert.fail("the corruption was not noticed")
        }),
        { numRuns: 200 }
      )
    })
  })

  describe(`envelopes, ${name}`, () => {
    interface Read {
      readonly streamId: number
      readonly opcode: number
      readonly flags: number
      readonly body: string
    }

    const envelopes = fc.array(
      fc.record({
        streamId: fc.integer({ min: -1, max: 32_767 }),
        opcode: fc.integer({ min: 0, max: 16 }),
        flags: fc.integer({ min: 0, max: 15 }),
        body: fc.oneof(
          { weight: 5, arbitrary: fc.uint8Array({ maxLength: 200 }) },
          {
            weight: 1,
            arbitrary: fc.integer({ min: 0, max: 400_000 }).map((n) => Uint8Array.from({ length: n }, (_, i) => i >> 4))
          }
        ),
        // Whether the segment ends behind this envelope.
        flush: fc.boolean()
      }),
      { maxLength: 8 }
    )

    const reader = (segments: boolean, out: Array<Read>): EnvelopeReader => {
      const r = new EnvelopeReader((_version, flags, streamId, opcode, buf, start, end) => {
        out.push({ flags, streamId, opcode, body: buf.toString("latin1", start, end) })
      })
      if (segments) r.useSegments(codec)
      else if (codec !== undefined) r.useCompression(codec)
      return r
    }

    for (const segments of [true, false]) {
      it(`come out of any chunking, ${segments ? "in segments" : "bare"}`, () => {
        fc.assert(
          fc.property(envelopes, fc.array(fc.nat(), { maxLength: 30 }), (list, cuts) => {
            const made = list.map((e) => ({ ...e, bytes: envelope(e.streamId, e.opcode, e.flags, e.body) }))
            const stream = segments ? framed(made, codec) : Buffer.concat(made.map((e) => bare(e, codec)))
            const out: Array<Read> = []
            const r = reader(segments, out)
            for (const chunk of cut(stream, cuts)) {
              r.push(chunk)
              // The chunk's memory is the socket's again.
              chunk.fill(0xee)
            }
            assert.deepStrictEqual(
              out,
              list.map(({ body, flags, opcode, streamId }) => ({
                flags: segments ? flags : flags & ~HeaderFlag.compression,
                streamId,
                opcode,
                body: Buffer.from(body).toString("latin1")
              }))
            )
          }),
          { numRuns: 60 }
        )
      })
    }

    it("cut short while they say that they are compressed are a typed failure", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
          const out: Array<Read> = []
          const run = (): void => reader(false, out).push(envelope(1, 8, HeaderFlag.compression, body))
          try {
            run()
          } catch (error) {
            return assert.isTrue(isWireError(error))
          }
          // Bytes that happen to be a block.
          assert.strictEqual(out[0]!.body.length, Buffer.from(body).readInt32BE(0))
        }),
        { numRuns: 500 }
      )
    })

    it("byte by byte, holding no more than one unit", () => {
      const out: Array<Read> = []
      const r = reader(true, out)
      const list = Array.from({ length: 50 }, (_, i) => ({
        bytes: envelope(i, 8, 0, Buffer.alloc(i, i)),
        flush: i % 3 === 0
      }))
      const stream = framed(list, codec)
      for (let i = 0; i < stream.length; i++) {
        r.push(Buffer.from(stream.subarray(i, i + 1)))
        assert.isBelow(r.heldBytes, 4096)
      }
      assert.strictEqual(out.length, 50)
    })

    it("an announced length is not allocated before it arrives", () => {
      const out: Array<Read> = []
      const r = reader(false, out)
      const huge = envelope(1, 8, 0, Buffer.alloc(0))
      huge.writeUInt32BE(200_000_000, 5)
      r.push(huge)
      assert.isBelow(r.heldBytes, 1 << 20)
    })

    it("noise ends in a typed failure or in waiting for more, never in anything else", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 2000 }), fc.boolean(), (noise, segments) => {
          const r = reader(segments, [])
          try {
            r.push(Buffer.from(noise))
          } catch (error) {
            assert.isTrue(isWireError(error))
          }
          assert.isBelow(r.heldBytes, 1 << 20)
        }),
        { numRuns: 500 }
      )
    })
  })
}
