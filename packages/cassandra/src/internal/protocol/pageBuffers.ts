import { unreadable } from "./errors.ts"
import type { ResultShape } from "./columns.ts"
import { decodedTo, type Row } from "./decodeRows.ts"

/**
 * Buffers that the pages of streams wait in, used again and again. What a page takes outside of V8's heap counts against that
 * heap all the same: a new buffer each had V8 mark the whole heap about once a second, a fifth of the CPU time of a scan.
 */

/** The smallest size, as a power of two: Node cuts what is smaller out of a pool of its own. */
const SMALLEST = 12
/** The largest size that is used again. */
const LARGEST = 20
/** How many bytes of each size may wait to be used again. */
const KEEP = 2 * 1024 * 1024

/** The buffers nobody has, by their size. */
const free: ReadonlyArray<Array<Buffer>> = Array.from({ length: LARGEST + 1 }, () => [])

/** The power of two that `length` bytes fit into. */
const sizeFor = (length: number): number => 32 - Math.clz32(length - 1)

/** A buffer that begins with these bytes, and may be longer. */
export const borrowCopy = (bytes: Buffer): Buffer => {
  const size = sizeFor(bytes.length)
  if (size < SMALLEST || size > LARGEST) return Buffer.from(bytes)
  const buffer = free[size]!.pop() ?? Buffer.allocUnsafeSlow(2 ** size)
  bytes.copy(buffer)
  return buffer
}

/** Takes back a buffer of {@link borrowCopy}, which nobody may look at any more. */
export const giveBack = (buffer: Buffer): void => {
  const size = sizeFor(buffer.length)
  if (size < SMALLEST || size > LARGEST) return
  const others = free[size]!
  if (others.length * buffer.length < KEEP) others.push(buffer)
}

/** Rows that are decoded as they are taken: bytes of a page cost the garbage collector nothing, and ten thousand values do. */
export class Page {
  /** How many rows there are. */
  readonly count: number
  /** Borrowed until the last row is taken; the page ends at `end`, not with the buffer. */
  private readonly bytes: Buffer
  private readonly end: number
  private readonly shape: ResultShape
  private left: number
  private at = 0

  /** `bytes` are the connection's, and gone with the next read. */
  constructor(bytes: Buffer, shape: ResultShape, count: number) {
    this.bytes = borrowCopy(bytes)
    this.end = bytes.length
    this.shape = shape
    this.count = count
    this.left = count
  }

  /** The next rows, `most` of them or what is left. Throws where the bytes are no rows. */
  take(most: number): Array<Row> {
    const n = Math.min(most, this.left)
    if (n === 0) return []
    let rows: Array<Row>
    try {
      rows = this.shape.decode(this.bytes, this.at, this.end, n)
    } catch (error) {
      throw unreadable("RESULT", error)
    }
    this.at = decodedTo.offset
    this.left -= n
    if (this.left === 0) giveBack(this.bytes)
    return rows
  }
}
