import * as BigDecimal from "effect/BigDecimal"
import type { ByteWriter } from "./byteWriter.ts"
import { TypeCode } from "./columnType.ts"
import { parseDate, parseTime } from "../scalars.ts"
import { type DurationValue } from "./decodeTime.ts"
import { floatBits, splitDouble } from "./scratch.ts"

/** Plain values of the types that contain no others, as bytes. */

/** What a text, a number and so on becomes without length; answers false when the value is not a plain one. */
export type BodyWriter = (w: ByteWriter, value: unknown) => boolean

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

// Not in the library of ES2023, but in Node since 20.
const isWellFormed = (text: string): boolean => (text as unknown as { isWellFormed(): boolean }).isWellFormed()

const textBody: BodyWriter = (w, value) => {
  if (typeof value !== "string" || !isWellFormed(value)) return false
  w.text(value)
  return true
}

// oxlint-disable-next-line no-control-regex -- the characters of ASCII
const asciiOnly = /^[\0-\x7f]*$/

const asciiBody: BodyWriter = (w, value) => {
  if (typeof value !== "string" || !asciiOnly.test(value)) return false
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

/** Where a uuid's text has its version: that of a timeuuid is 1. */
const VERSION = 14

const timeuuidBody: BodyWriter = (w, value) =>
  typeof value === "string" && value.charAt(VERSION) === "1" && uuidBody(w, value)

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
  if (!BigDecimal.isBigDecimal(value) || (value.scale | 0) !== value.scale) return false
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
  const days = typeof value === "string" ? parseDate(value) : undefined
  if (days === undefined) return false
  w.i32(days ^ 0x80000000)
  return true
}

const timeBody: BodyWriter = (w, value) => {
  const nanos = typeof value === "string" ? parseTime(value) : undefined
  if (nanos === undefined) return false
  w.i64(nanos)
  return true
}

/** An unsigned vint, of at most nine bytes. */
export const unsignedVint = (w: ByteWriter, value: bigint): void => {
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

export const durationBody: BodyWriter = (w, value) => {
  if (typeof value !== "object" || value === null) return false
  const { days, months, nanoseconds } = value as Partial<DurationValue>
  if (typeof months !== "number" || typeof days !== "number" || typeof nanoseconds !== "bigint") return false
  if ((months | 0) !== months || (days | 0) !== days || BigInt.asIntN(64, nanoseconds) !== nanoseconds) return false
  if ((months > 0 || days > 0 || nanoseconds > 0n) && (months < 0 || days < 0 || nanoseconds < 0n)) return false
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

export const scalarBodies: Readonly<Record<number, BodyWriter>> = {
  [TypeCode.ascii]: asciiBody,
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
  [TypeCode.float]: (w, value) => {
    // Rounding to 32 bits is what the column is for; becoming infinite is not.
    if (typeof value !== "number" || (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))) return false
    w.i32(floatBits(value))
    return true
  },
  [TypeCode.double]: numberBody((w, v) => {
    const { high, low } = splitDouble(v)
    w.i32(high)
    w.i32(low)
  }),
  [TypeCode.uuid]: uuidBody,
  [TypeCode.timeuuid]: timeuuidBody,
  [TypeCode.varint]: varintBody,
  [TypeCode.decimal]: decimalBody,
  [TypeCode.timestamp]: timestampBody,
  [TypeCode.date]: dateBody,
  [TypeCode.time]: timeBody,
  [TypeCode.duration]: durationBody
}
