import {
  type ColumnType,
  elementOf,
  elementsOf,
  entryOf,
  fixedSize,
  isVector,
  resolve,
  TypeCode,
  udtOf,
  vectorOf
} from "./columnType.ts"
import { decimals } from "./decimals.ts"
import { readInet, readText, readUuid } from "./decodeText.ts"
import { formatDate } from "./scalars.ts"
import { readDuration, readUnsignedVint, timeText, vintSize } from "./decodeTime.ts"
import { WireError } from "./errors.ts"
import { float32, float64, int32, int64 } from "./scratch.ts"

/**
 * From bytes to plain values, one reader a type. A reader takes `len` bytes at `o`, which its caller has found to be
 * there. A value of no bytes is null for every type but text and blobs.
 */
export type Reader = (b: Buffer, o: number, len: number) => unknown

/** A value longer than what contains it: the bytes are not what the metadata says. */
export const overrun = (): WireError => new WireError("Malformed", "a value reaches beyond the end of what contains it")

const badLength = (len: number): null => {
  if (len === 0) return null
  throw new WireError("Malformed", `a value of ${len} bytes where its type has another size`)
}

/** A buffer takes more than a hundred bytes beside what is in it. */
const noBytes = Buffer.alloc(0)

const readBytes = (b: Buffer, o: number, len: number): Uint8Array => {
  if (len === 0) return noBytes
  // A copy: a slice would keep the whole page alive, and the page's buffer is used again.
  const out = Buffer.allocUnsafeSlow(len)
  b.copy(out, 0, o, o + len)
  return out
}

/** A two's complement integer of any width. */
export const readVarint = (b: Buffer, o: number, len: number): bigint => {
  if (len === 8) return int64(b, o)
  if (len <= 6) {
    let value = (b[o]! << 24) >> 24
    for (let i = 1; i < len; i++) value = value * 256 + b[o + i]!
    return BigInt(value)
  }
  return BigInt.asIntN(len * 8, BigInt(`0x${b.toString("hex", o, o + len)}`))
}

/** Milliseconds since 1970 as a `Date`, or as they are where they are too many for one. */
const readTimestamp = (b: Buffer, o: number): Date | bigint => {
  const date = new Date(int32(b, o) * 4_294_967_296 + (int32(b, o + 4) >>> 0))
  return Number.isNaN(date.getTime()) ? int64(b, o) : date
}

const leaf: Readonly<Record<number, Reader>> = {
  [TypeCode.ascii]: readText,
  [TypeCode.text]: readText,
  [TypeCode.varchar]: readText,
  [TypeCode.blob]: readBytes,
  [TypeCode.custom]: readBytes,
  [TypeCode.boolean]: (b, o, len) => (len === 1 ? b[o] !== 0 : badLength(len)),
  [TypeCode.tinyint]: (b, o, len) => (len === 1 ? (b[o]! << 24) >> 24 : badLength(len)),
  [TypeCode.smallint]: (b, o, len) => (len === 2 ? (((b[o]! << 8) | b[o + 1]!) << 16) >> 16 : badLength(len)),
  [TypeCode.int]: (b, o, len) => (len === 4 ? int32(b, o) : badLength(len)),
  [TypeCode.bigint]: (b, o, len) => (len === 8 ? int64(b, o) : badLength(len)),
  [TypeCode.counter]: (b, o, len) => (len === 8 ? int64(b, o) : badLength(len)),
  [TypeCode.float]: (b, o, len) => (len === 4 ? float32(b, o) : badLength(len)),
  [TypeCode.double]: (b, o, len) => (len === 8 ? float64(b, o) : badLength(len)),
  [TypeCode.varint]: (b, o, len) => (len === 0 ? null : readVarint(b, o, len)),
  [TypeCode.decimal]: (b, o, len) =>
    len > 4 ? decimals.make(readVarint(b, o + 4, len - 4), int32(b, o)) : badLength(len),
  [TypeCode.timestamp]: (b, o, len) => (len === 8 ? readTimestamp(b, o) : badLength(len)),
  [TypeCode.uuid]: (b, o, len) => (len === 16 ? readUuid(b, o) : badLength(len)),
  [TypeCode.timeuuid]: (b, o, len) => (len === 16 ? readUuid(b, o) : badLength(len)),
  [TypeCode.inet]: (b, o, len) => (len === 0 ? null : readInet(b, o, len)),
  // Days are counted from the middle of the unsigned range.
  [TypeCode.date]: (b, o, len) => (len === 4 ? formatDate(int32(b, o) ^ 0x80000000) : badLength(len)),
  [TypeCode.time]: (b, o, len) => (len === 8 ? timeText(int32(b, o), int32(b, o + 4)) : badLength(len)),
  [TypeCode.duration]: (b, o, len) => (len === 0 ? null : readDuration(b, o, len))
}

/** Reads `[int length][bytes]` cells in a row, up to `end`. */
class Cells {
  private at: number
  private readonly end: number
  private readonly b: Buffer

  constructor(b: Buffer, at: number, end: number) {
    this.b = b
    this.at = at
    this.end = end
  }

  get done(): boolean {
    return this.at >= this.end
  }

  int(): number {
    if (this.at + 4 > this.end) throw overrun()
    this.at += 4
    return int32(this.b, this.at - 4)
  }

  cell(reader: Reader): unknown {
    const len = this.int()
    if (len < 0) return null
    if (len > this.end - this.at) throw overrun()
    this.at += len
    return reader(this.b, this.at - len, len)
  }

  /** How many elements follow; never more than could be there. */
  count(minimum: number): number {
    const n = this.int()
    if (n < 0 || n * minimum > this.end - this.at) throw overrun()
    return n
  }
}

const listReader =
  (element: Reader): Reader =>
  (b, o, len) => {
    if (len === 0) return null
    const cells = new Cells(b, o, o + len)
    const n = cells.count(4)
    const out: Array<unknown> = []
    for (let i = 0; i < n; i++) out.push(cells.cell(element))
    return out
  }

const setReader =
  (element: Reader): Reader =>
  (b, o, len) => {
    if (len === 0) return null
    const cells = new Cells(b, o, o + len)
    const n = cells.count(4)
    const out = new Set<unknown>()
    for (let i = 0; i < n; i++) out.add(cells.cell(element))
    return out
  }

const mapReader =
  (key: Reader, value: Reader): Reader =>
  (b, o, len) => {
    if (len === 0) return null
    const cells = new Cells(b, o, o + len)
    const n = cells.count(8)
    const out = new Map<unknown, unknown>()
    for (let i = 0; i < n; i++) {
      const k = cells.cell(key)
      out.set(k, cells.cell(value))
    }
    return out
  }

/**
 * How many more parts of values may be absent from the rows that are being decoded. A value that was written before its type got
 * more fields ends early, and each is a null that takes no byte: one of many fields, in a list, would fill the memory.
 */
let absentLeft = 0

/** Begins with so many rows. Each may lack a thousand fields, and a few rows a lot more. */
export const allowAbsent = (rows: number): void => {
  absentLeft = 8_000_000 + rows * 1000
}

const absentPart = (): null => {
  if (--absentLeft < 0) throw new WireError("Malformed", "more fields are absent from values than there can be")
  return null
}

const tupleReader =
  (elements: ReadonlyArray<Reader>): Reader =>
  (b, o, len) => {
    if (len === 0) return null
    const cells = new Cells(b, o, o + len)
    return elements.map((reader) => (cells.done ? absentPart() : cells.cell(reader)))
  }

/** Sets an own property, whatever its name: a plain assignment to `__proto__` would change the object's prototype. */
export const setField = (target: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === "__proto__") {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  } else {
    target[name] = value
  }
}

const udtReader =
  (fields: ReadonlyArray<{ readonly name: string; readonly reader: Reader }>): Reader =>
  (b, o, len) => {
    if (len === 0) return null
    const cells = new Cells(b, o, o + len)
    const out: Record<string, unknown> = {}
    // A value written before a field was added ends early.
    for (const field of fields) setField(out, field.name, cells.done ? absentPart() : cells.cell(field.reader))
    return out
  }

const fixedVectorReader =
  (element: Reader, width: number, size: number): Reader =>
  (b, o, len) => {
    if (len !== width * size) return badLength(len)
    const out: Array<unknown> = []
    for (let i = 0; i < size; i++) out.push(element(b, o + i * width, width))
    return out
  }

const variableVectorReader =
  (element: Reader, size: number): Reader =>
  (b, o, len) => {
    if (len === 0) return null
    const end = o + len
    const out: Array<unknown> = []
    let at = o
    for (let i = 0; i < size; i++) {
      if (at >= end) throw overrun()
      const header = vintSize(b[at]!)
      if (at + header > end) throw overrun()
      const width = Number(readUnsignedVint(b, at))
      at += header
      if (width > end - at) throw overrun()
      out.push(element(b, at, width))
      at += width
    }
    if (at !== end) throw overrun()
    return out
  }

/** The reader of a type, nested types included. */
export const makeReader = (unresolved: ColumnType): Reader => {
  const type = resolve(unresolved)
  if (isVector(type)) {
    const [elementType, size] = vectorOf(type)
    // One of no elements would have no bytes, and as many of those fit into another as it says.
    if (!(Number.isSafeInteger(size) && size > 0)) throw new WireError("Malformed", `a vector of ${size} elements`)
    const width = fixedSize(elementType)
    const element = makeReader(elementType)
    return width === undefined ? variableVectorReader(element, size) : fixedVectorReader(element, width, size)
  }
  switch (type.code) {
    case TypeCode.list:
      return listReader(makeReader(elementOf(type)))
    case TypeCode.set:
      return setReader(makeReader(elementOf(type)))
    case TypeCode.map: {
      const [key, value] = entryOf(type)
      return mapReader(makeReader(key), makeReader(value))
    }
    case TypeCode.tuple:
      return tupleReader(elementsOf(type).map(makeReader))
    case TypeCode.udt:
      return udtReader(udtOf(type).fields.map((f) => ({ name: f.name, reader: makeReader(f.type) })))
    default: {
      const reader = leaf[type.code]
      if (reader === undefined) throw new WireError("Malformed", `unknown type code ${type.code}`)
      return reader
    }
  }
}
