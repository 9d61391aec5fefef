/**
 * Cuts a byte stream that arrives in arbitrary chunks into units of known size. A unit that lies within one chunk is
 * handed over in place; only a unit cut by the chunking is copied, once, into a buffer that never holds more than that
 * one unit.
 */
export interface UnitFormat {
  /**
   * How many bytes the unit at `offset` needs in total, given `available` of them; the size of its header when the header
   * is not complete. Throws when the unit cannot be accepted.
   */
  readonly sizeOf: (buf: Buffer, offset: number, available: number) => number
  /** Takes a whole unit. The bytes are only valid during the call. Answers true to stop after this unit. */
  readonly onUnit: (buf: Buffer, start: number, end: number) => boolean
}

/** An assembled unit larger than this is not kept as the buffer for the next one. */
const KEEP_LIMIT = 1 << 20

export class UnitReader {
  private partial: Buffer | undefined
  private length = 0
  private need = 0
  private readonly format: UnitFormat

  constructor(format: UnitFormat) {
    this.format = format
  }

  /** Is a unit begun and not finished? */
  get isPartial(): boolean {
    return this.length > 0
  }

  /** How many bytes are held for the unit that is not complete yet. */
  get heldBytes(): number {
    return this.partial === undefined ? 0 : this.partial.length
  }

  /** Reads `buf` from `start` to `end` and answers where it stopped: `end`, unless `onUnit` said to stop. */
  push(buf: Buffer, start: number, end: number): number {
    let offset = start
    while (offset < end || (this.length > 0 && this.length >= this.need)) {
      if (this.length > 0) {
        offset = this.fill(buf, offset, end)
        if (this.length < this.need) return offset
        const unit = this.partial!
        const size = this.format.sizeOf(unit, 0, this.length)
        if (size > this.length) {
          this.need = size
          continue
        }
        this.length = 0
        if (unit.length > KEEP_LIMIT) this.partial = undefined
        if (this.format.onUnit(unit, 0, size)) return offset
        continue
      }
      const size = this.format.sizeOf(buf, offset, end - offset)
      if (size > end - offset) {
        this.need = size
        return this.fill(buf, offset, end)
      }
      offset += size
      if (this.format.onUnit(buf, offset - size, offset)) return offset
    }
    return offset
  }

  /** Copies what the unit still needs; the buffer grows with what has really arrived, not with what was announced. */
  private fill(buf: Buffer, offset: number, end: number): number {
    const take = Math.min(this.need - this.length, end - offset)
    const wanted = this.length + take
    if (this.partial === undefined || this.partial.length < wanted) {
      const size = Math.min(this.need, Math.max(wanted, 2 * (this.partial?.length ?? 0), 1024))
      const grown = Buffer.allocUnsafeSlow(Math.max(size, wanted))
      if (this.length > 0) this.partial!.copy(grown, 0, 0, this.length)
      this.partial = grown
    }
    buf.copy(this.partial, this.length, offset, offset + take)
    this.length = wanted
    return offset + take
  }
}
