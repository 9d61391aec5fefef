import { split64 } from "./scratch.ts"

/**
 * A growing buffer that requests are written into, one after the other. What was written is taken out as a slice, never
 * copied; the next requests go on behind it, so that a slab serves many writes.
 */

const SLAB = 256 * 1024
/** A slab with less room than this is not worth beginning a batch in. */
const MIN_ROOM = 16 * 1024

export class ByteWriter {
  buf: Buffer = Buffer.allocUnsafeSlow(SLAB)
  pos = 0
  private base = 0

  /** Where the current batch begins. */
  get start(): number {
    return this.base
  }

  /** How many bytes the current batch has. */
  get length(): number {
    return this.pos - this.base
  }

  /** The bytes of the batch; the next one begins behind them. */
  take(): Buffer {
    const out = this.buf.subarray(this.base, this.pos)
    if (this.buf.length - this.pos < MIN_ROOM) {
      this.buf = Buffer.allocUnsafeSlow(SLAB)
      this.pos = 0
    }
    this.base = this.pos
    return out
  }

  /** The next batch begins at the front again: what was taken has been read by whoever took it. */
  rewind(): void {
    // One that had to grow for a large request is not kept.
    if (this.buf.length > SLAB) this.buf = Buffer.allocUnsafeSlow(SLAB)
    this.base = 0
    this.pos = 0
  }

  /** Makes room for `n` more bytes. A full slab is left to those who still read it. */
  ensure(n: number): void {
    if (this.pos + n <= this.buf.length) return
    const length = this.pos - this.base
    const next = Buffer.allocUnsafeSlow(Math.max(SLAB, 2 * (length + n)))
    this.buf.copy(next, 0, this.base, this.pos)
    this.buf = next
    this.base = 0
    this.pos = length
  }

  u8(value: number): void {
    this.ensure(1)
    this.buf[this.pos++] = value
  }

  i16(value: number): void {
    this.ensure(2)
    const { buf, pos } = this
    buf[pos] = value >> 8
    buf[pos + 1] = value
    this.pos = pos + 2
  }

  i32(value: number): void {
    this.ensure(4)
    const { buf, pos } = this
    buf[pos] = value >> 24
    buf[pos + 1] = value >> 16
    buf[pos + 2] = value >> 8
    buf[pos + 3] = value
    this.pos = pos + 4
  }

  /** An integer of 64 bits given as a double, exact up to 2^53. */
  i64Number(value: number): void {
    const high = Math.floor(value / 4_294_967_296)
    this.i32(high)
    this.i32(value - high * 4_294_967_296)
  }

  i64(value: bigint): void {
    const { high, low } = split64(value)
    this.i32(high)
    this.i32(low)
  }

  bytes(value: Uint8Array): void {
    const n = value.length
    this.ensure(n)
    this.buf.set(value, this.pos)
    this.pos += n
  }

  /** Text in UTF-8, without a length. */
  text(value: string): void {
    const n = value.length
    // Three bytes a UTF-16 unit is the most there can be.
    this.ensure(n * 3)
    if (n <= 24) {
      const { buf } = this
      let { pos } = this
      let i = 0
      for (; i < n; i++) {
        const c = value.charCodeAt(i)
        if (c > 127) break
        buf[pos++] = c
      }
      if (i === n) {
        this.pos = pos
        return
      }
    }
    this.pos += this.buf.write(value, this.pos)
  }

  /** `[string]`: a length of two bytes and the text. */
  string(value: string): void {
    // Room first: growing moves what was written, and the length is filled in afterwards.
    this.ensure(2 + value.length * 3)
    this.pos += 2
    const at = this.pos
    this.text(value)
    const n = this.pos - at
    if (n > 0xffff) throw new RangeError(`a text of ${n} bytes where the protocol allows 65535`)
    this.buf[at - 2] = n >> 8
    this.buf[at - 1] = n
  }

  /** `[long string]`: a length of four bytes and the text. */
  longString(value: string): void {
    this.ensure(4 + value.length * 3)
    this.pos += 4
    const at = this.pos
    this.text(value)
    this.patch32(at - 4, this.pos - at)
  }

  /** Overwrites four bytes written before. Growing moves positions: count from `start` across calls that may grow. */
  patch32(at: number, value: number): void {
    const { buf } = this
    buf[at] = value >> 24
    buf[at + 1] = value >> 16
    buf[at + 2] = value >> 8
    buf[at + 3] = value
  }
}
