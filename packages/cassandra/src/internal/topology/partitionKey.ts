import { ByteWriter, int32, type ValueWriter } from "../protocol/index.ts"

/** The server takes no longer key, and no longer part of one. */
const LONGEST = 0xffff

/** What a `[value]` has before its bytes. */
const LENGTH = 4

/**
 * The bytes of a partition key, as the partitioner takes them: a single value without its length, of several each as
 * `[short length][bytes][0]`. One object serves many requests: what it holds is good until the next key is written.
 */
export class PartitionKey {
  readonly #writer = new ByteWriter()
  /** Where the key is in `buffer`. */
  start = 0
  end = 0

  get buffer(): Buffer {
    return this.#writer.buf
  }

  /**
   * Writes the key made of the values at `indexes`. False when there is none: a part is missing, null, unset or too long, or
   * cannot be encoded; such a request fails when it is sent, with a better message.
   */
  write(indexes: ReadonlyArray<number>, writers: ReadonlyArray<ValueWriter>, values: ReadonlyArray<unknown>): boolean {
    const w = this.#writer
    w.rewind()
    try {
      if (indexes.length === 1) {
        const i = indexes[0]!
        if (values[i] === null || values[i] === undefined) return false
        writers[i]!(w, values[i])
        this.start = LENGTH
      } else {
        for (const i of indexes) {
          if (values[i] === null || values[i] === undefined || !this.#part(writers[i]!, values[i])) return false
        }
        this.start = 0
      }
    } catch {
      return false
    }
    this.end = w.pos
    return this.end > this.start && this.end - this.start <= LONGEST
  }

  /** A copy of the key, for whoever keeps it. */
  copy(): Buffer {
    return Buffer.from(this.#writer.buf.subarray(this.start, this.end))
  }

  #part(writer: ValueWriter, value: unknown): boolean {
    const w = this.#writer
    const from = w.pos
    writer(w, value)
    const n = int32(w.buf, from)
    // Null and unset have a length below zero.
    if (n < 0 || n > LONGEST) return false
    // [int n][bytes] becomes [short n][bytes][0].
    w.buf.copyWithin(from + 2, from + LENGTH, w.pos)
    w.buf[from] = n >> 8
    w.buf[from + 1] = n
    w.buf[from + 2 + n] = 0
    w.pos = from + 3 + n
    return true
  }
}
