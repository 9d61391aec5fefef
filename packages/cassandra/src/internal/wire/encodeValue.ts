import * as BigDecimal from "effect/BigDecimal"
import { ByteWriter } from "./byteWriter.ts"
import { asVector, type ColumnType, fixedSize, isCustomDuration, TypeCode, type UdtInfo } from "./columnType.ts"
import { dateDays, type DurationValue, timeNanos } from "./decodeTime.ts"
import { floatBits, splitDouble } from "./scratch.ts"

/**
 * From values to bytes, one writer a type, straight into the request. The plain values that rows are made of are written
 * here; anything else (the driver's own classes, hints, texts for numbers) goes to the driver's encoder.
 */
export type ValueWriter = (w: ByteWriter, value: unknown) => void

/** What a text, a number and so on becomes without length; answers false when the value is not a plain one. */
type BodyWriter = (w: ByteWriter, value: unknown) => boolean

const int64Body: BodyWriter = (w, value) => {
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit 64 bits`)
    w.i64(value)
    return true
  }
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    w.i64Number(value)
    return true
  }
  return false
}

const boundedInt =
  (min: number, max: number, write: (w: ByteWriter, value: number) => void): BodyWriter =>
  (w, value) => {
    if (typeof value !== "number") return false
    if (!(value >= min && value <= max) || !Number.isInteger(value)) {
      throw new RangeError(`${value} is not a whole number between ${min} and ${max}`)
    }
    write(w, value)
    return true
  }

const textBody: BodyWriter = (w, value) => {
  if (typeof value !== "string") return false
  w.text(value)
  return true
}

/** What a hexadecimal digit stands for, by its char code; negative for every other character. */
const HEX = new Int8Array(128).fill(-1)
for (let i = 0; i < 16; i++) {
  const c = i.toString(16)
  HEX[c.charCodeAt(0)] = i
  HEX[c.toUpperCase().charCodeAt(0)] = i
}

/** Where the bytes of a uuid are in its text. */
const UUID_POSITIONS = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34)
const DASH = 45

const uuidBody: BodyWriter = (w, value) => {
  if (typeof value !== "string") return false
  const dashed =
    value.length === 36 &&
    value.charCodeAt(8) === DASH &&
    value.charCodeAt(13) === DASH &&
    value.charCodeAt(18) === DASH &&
    value.charCodeAt(23) === DASH
  if (!dashed) throw new TypeError("not a uuid: five groups joined by dashes are expected")
  w.ensure(16)
  const { buf, pos } = w
  // Becomes negative with the first character that is no digit, or not even in the table.
  let valid = 0
  for (let i = 0; i < 16; i++) {
    const at = UUID_POSITIONS[i]!
    const a = value.charCodeAt(at)
    const b = value.charCodeAt(at + 1)
    const high = HEX[a & 127]!
    const low = HEX[b & 127]!
    valid |= high | low | -((a | b) >> 7)
    buf[pos + i] = (high << 4) | low
  }
  if (valid < 0) throw new TypeError("not a uuid: hexadecimal digits are expected")
  w.pos = pos + 16
  return true
}

/** The fewest bytes of two's complement. */
const varintBytes = (value: bigint): Buffer => {
  const magnitude = value < 0n ? -value - 1n : value
  const hex = magnitude.toString(16)
  // One bit more than the magnitude has, for the sign.
  const bits = (hex.length - 1) * 4 + (32 - Math.clz32(Number.parseInt(hex[0]!, 16))) + 1
  const size = Math.max(1, Math.ceil(bits / 8))
  const out = Buffer.alloc(size)
  const text = BigInt.asUintN(size * 8, value)
    .toString(16)
    .padStart(size * 2, "0")
  out.write(text, "hex")
  return out
}

const varintBody: BodyWriter = (w, value) => {
  const whole = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value
  if (typeof whole !== "bigint") return false
  w.bytes(varintBytes(whole))
  return true
}

const decimalBody: BodyWriter = (w, value) => {
  if (!BigDecimal.isBigDecimal(value)) return false
  w.i32(value.scale)
  w.bytes(varintBytes(value.value))
  return true
}

const timestampBody: BodyWriter = (w, value) => {
  const ms = value instanceof Date ? value.getTime() : value
  if (typeof ms !== "number") return false
  if (!Number.isSafeInteger(ms)) throw new TypeError("not a valid date")
  w.i64Number(ms)
  return true
}

const dateBody: BodyWriter = (w, value) => {
  const days = typeof value === "string" ? dateDays(value) : undefined
  if (days === undefined) return false
  w.i32(days ^ 0x80000000)
  return true
}

const timeBody: BodyWriter = (w, value) => {
  const nanos = typeof value === "string" ? timeNanos(value) : undefined
  if (nanos === undefined) return false
  w.i64(nanos)
  return true
}

const unsignedVint = (w: ByteWriter, value: bigint): void => {
  let size = 1
  while (size < 9 && value >= 1n << BigInt(7 * size)) size++
  if (size === 9) {
    w.u8(0xff)
    w.i64(BigInt.asIntN(64, value))
    return
  }
  const first = size === 1 ? 0 : (0xff << (9 - size)) & 0xff
  for (let i = size - 1; i >= 0; i--) {
    const byte = Number((value >> BigInt(i * 8)) & 0xffn)
    w.u8(i === size - 1 ? byte | first : byte)
  }
}

const signedVint = (w: ByteWriter, value: bigint): void =>
  unsignedVint(w, BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))

const durationBody: BodyWriter = (w, value) => {
  if (typeof value !== "object" || value === null) return false
  const { days, months, nanoseconds } = value as Partial<DurationValue>
  if (typeof months !== "number" || typeof days !== "number" || typeof nanoseconds !== "bigint") return false
  signedVint(w, BigInt(months))
  signedVint(w, BigInt(days))
  signedVint(w, nanoseconds)
  return true
}

const numberBody =
  (write: (w: ByteWriter, value: number) => void): BodyWriter =>
  (w, value) => {
    if (typeof value !== "number") return false
    write(w, value)
    return true
  }

const bodies: Readonly<Record<number, BodyWriter>> = {
  [TypeCode.ascii]: textBody,
  [TypeCode.text]: textBody,
  [TypeCode.varchar]: textBody,
  [TypeCode.boolean]: (w, value) => {
    if (typeof value !== "boolean") return false
    w.u8(value ? 1 : 0)
    return true
  },
  [TypeCode.tinyint]: boundedInt(-128, 127, (w, v) => w.u8(v)),
  [TypeCode.smallint]: boundedInt(-32_768, 32_767, (w, v) => w.i16(v)),
  [TypeCode.int]: boundedInt(-2_147_483_648, 2_147_483_647, (w, v) => w.i32(v)),
  [TypeCode.bigint]: int64Body,
  [TypeCode.counter]: int64Body,
  [TypeCode.float]: numberBody((w, v) => w.i32(floatBits(v))),
  [TypeCode.double]: numberBody((w, v) => {
    const { high, low } = splitDouble(v)
    w.i32(high)
    w.i32(low)
  }),
  [TypeCode.uuid]: uuidBody,
  [TypeCode.timeuuid]: uuidBody,
  [TypeCode.varint]: varintBody,
  [TypeCode.decimal]: decimalBody,
  [TypeCode.timestamp]: timestampBody,
  [TypeCode.date]: dateBody,
  [TypeCode.time]: timeBody,
  [TypeCode.duration]: durationBody
}

const listBody =
  (element: ValueWriter): BodyWriter =>
  (w, value) => {
    if (!Array.isArray(value) && !(value instanceof Set)) return false
    w.i32(Array.isArray(value) ? value.length : value.size)
    for (const item of value) element(w, notNull(item))
    return true
  }

const notNull = (item: unknown): unknown => {
  if (item === null || item === undefined) throw new TypeError("a collection cannot contain null")
  return item
}

const mapBody =
  (key: ValueWriter, value: ValueWriter): BodyWriter =>
  (w, map) => {
    if (!(map instanceof Map)) return false
    w.i32(map.size)
    for (const [k, v] of map) {
      key(w, notNull(k))
      value(w, notNull(v))
    }
    return true
  }

const tupleBody =
  (elements: ReadonlyArray<ValueWriter>): BodyWriter =>
  (w, value) => {
    if (!Array.isArray(value)) return false
    if (value.length > elements.length)
      throw new TypeError(`a tuple of ${elements.length} has ${value.length} elements`)
    for (let i = 0; i < value.length; i++) elements[i]!(w, value[i] ?? null)
    return true
  }

const udtBody =
  (fields: ReadonlyArray<{ readonly name: string; readonly write: ValueWriter }>): BodyWriter =>
  (w, value) => {
    if (typeof value !== "object" || value === null) return false
    const record = value as Record<string, unknown>
    for (const field of fields) {
      field.write(w, Object.hasOwn(record, field.name) ? (record[field.name] ?? null) : null)
    }
    return true
  }

/** The side buffer for parts whose length has to be known before they are written. */
let side: ByteWriter | undefined

/** The bytes of one value without its length. Uses the side buffer like a stack, as vectors may nest. */
const collect = (element: ValueWriter, item: unknown): Buffer => {
  const w = (side ??= new ByteWriter())
  const mark = w.length
  try {
    element(w, item)
    return Buffer.from(w.buf.subarray(w.start + mark + 4, w.pos))
  } finally {
    w.pos = w.start + mark
  }
}

const vectorBody =
  (element: ValueWriter, body: BodyWriter | undefined, size: number, width: number | undefined): BodyWriter =>
  (w, value) => {
    if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return false
    const items = value as unknown as ArrayLike<unknown>
    if (items.length !== size) throw new TypeError(`a vector of ${size} dimensions was given ${items.length} elements`)
    for (let i = 0; i < size; i++) {
      const item = notNull(items[i])
      if (width !== undefined && body !== undefined && body(w, item)) continue
      const part = collect(element, item)
      if (width === undefined) unsignedVint(w, BigInt(part.length))
      else if (part.length !== width) throw new TypeError("a vector's element has not the vector's type")
      w.bytes(part)
    }
    return true
  }

/** What the writers need to know of the driver. */
export interface EncodeContext {
  /** The encoder of all other values, which also refuses those that do not fit. */
  readonly fallback: {
    readonly encode: (value: unknown, type: ColumnType | undefined) => Uint8Array | null | object
  }
  /** The driver's mark for "leave this column as it is". */
  readonly unset: unknown
  /** Does `undefined` mean "leave as it is"? Otherwise it is null. */
  readonly undefinedAsUnset: boolean
}

const makeBody = (type: ColumnType, context: EncodeContext): BodyWriter | undefined => {
  const { code, info } = type
  switch (code) {
    case TypeCode.list:
    case TypeCode.set:
      return listBody(makeWriter(info as ColumnType, context))
    case TypeCode.map: {
      const [key, value] = info as readonly [ColumnType, ColumnType]
      return mapBody(makeWriter(key, context), makeWriter(value, context))
    }
    case TypeCode.tuple:
      return tupleBody((info as ReadonlyArray<ColumnType>).map((t) => makeWriter(t, context)))
    case TypeCode.udt:
      return udtBody((info as UdtInfo).fields.map((f) => ({ name: f.name, write: makeWriter(f.type, context) })))
    case TypeCode.custom: {
      if (isCustomDuration(type)) return durationBody
      const vector = asVector(type)
      if (vector === undefined) return undefined
      const { element, size } = vector
      return vectorBody(makeWriter(element, context), makeBody(element, context), size, fixedSize(element))
    }
    default:
      return bodies[code]
  }
}

const NULL = -1
const UNSET = -2

/** The writer of `[value]`s of a type: a length and the bytes. Without a type the driver guesses one from the value. */
export const makeWriter = (type: ColumnType | undefined, context: EncodeContext): ValueWriter => {
  const body = type === undefined ? undefined : makeBody(type, context)
  const isBytes =
    type === undefined || type.code === TypeCode.blob || (type.code === TypeCode.custom && body === undefined)
  return (w, value) => {
    if (value === null) return w.i32(NULL)
    if (value === undefined) return w.i32(context.undefinedAsUnset ? UNSET : NULL)
    if (value instanceof Uint8Array && isBytes) {
      w.i32(value.length)
      return w.bytes(value)
    }
    if (value === context.unset) return w.i32(UNSET)
    if (body !== undefined) {
      // Counted from the batch's start: growing moves what was written.
      const at = w.length
      w.i32(0)
      if (body(w, value)) return w.patch32(w.start + at, w.length - at - 4)
      w.pos = w.start + at
    }
    const encoded = context.fallback.encode(value, type)
    if (encoded instanceof Uint8Array) {
      w.i32(encoded.length)
      w.bytes(encoded)
    } else {
      w.i32(encoded === context.unset ? UNSET : NULL)
    }
  }
}
