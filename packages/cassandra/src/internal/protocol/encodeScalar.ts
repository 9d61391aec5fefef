/**
 * Values of the types that contain no others, as bytes written straight into the request, or a `Misfit`.
 *
 * They take the plain values that rows are made of, and after those the classes of `cassandra-driver` and of Effect, so that code
 * which has them need not convert. Nothing else: text is no `int`, and 2^63 no `bigint`.
 */
import { isIP } from "node:net"
import type { DurationValue } from "./decodeTime.ts"
import { decimalOfNumber } from "./decimals.ts"
import { parseDuration } from "./durationText.ts"
import { misfit } from "./misfit.ts"
import { parseDate, parseTime } from "./scalars.ts"
import type { ByteWriter } from "./byteWriter.ts"
import { TypeCode } from "./columnType.ts"
import { floatBits, splitDouble } from "./scratch.ts"
import { dateOf, decimalOf, epochMillisOf, inetOf, integerOf, timeOf, uuidOf } from "./valueClasses.ts"

/** Writes a value without its length; never sees null, undefined or unset. */
export type BodyWriter = (w: ByteWriter, value: unknown) => void

// Not in the library of ES2023, but in Node since 20.
const isWellFormed = (text: string): boolean => (text as unknown as { isWellFormed(): boolean }).isWellFormed()

const text: BodyWriter = (w, value) => {
  if (typeof value !== "string") return misfit("a string", value)
  // Half of a surrogate pair would be stored as another character.
  if (!isWellFormed(value)) return misfit("a string without lone surrogates", value)
  w.text(value)
}

// oxlint-disable-next-line no-control-regex -- the characters of ASCII
const asciiOnly = /^[\0-\x7f]*$/

const ascii: BodyWriter = (w, value) => {
  if (typeof value !== "string" || !asciiOnly.test(value)) return misfit("a string of ASCII characters", value)
  w.text(value)
}

const int: BodyWriter = (w, value) => {
  if (typeof value !== "number" || (value | 0) !== value)
    return misfit("an integer from -2147483648 to 2147483647", value)
  w.i32(value)
}

const smallint: BodyWriter = (w, value) => {
  if (typeof value !== "number" || (value << 16) >> 16 !== value)
    return misfit("an integer from -32768 to 32767", value)
  w.i16(value)
}

const tinyint: BodyWriter = (w, value) => {
  if (typeof value !== "number" || (value << 24) >> 24 !== value) return misfit("an integer from -128 to 127", value)
  w.u8(value)
}

const bigint: BodyWriter = (w, value) => {
  if (typeof value === "bigint") {
    if (BigInt.asIntN(64, value) !== value) return misfit("a bigint of 64 bits", value)
    return w.i64(value)
  }
  if (typeof value === "number" && Number.isSafeInteger(value)) return w.i64Number(value)
  const integer = integerOf(value)
  return integer === undefined ? misfit("a bigint", value) : bigint(w, integer)
}

/** Two's complement in as few bytes as possible. */
const twosComplement = (w: ByteWriter, value: bigint): void => {
  if (value >= -128n && value <= 127n) return w.u8(Number(value))
  // The digits of n and of -n - 1 take the same room beside the sign. Hexadecimal ones, as making them is linear.
  const digits = (value < 0n ? ~value : value).toString(16)
  const bits = digits.length * 4 - Math.clz32(Number.parseInt(digits.charAt(0), 16)) + 28
  const size = (bits >> 3) + 1
  const hex = BigInt.asUintN(size * 8, value).toString(16)
  w.bytes(Buffer.from(hex.padStart(size * 2, "0"), "hex"))
}

const varint: BodyWriter = (w, value) => {
  if (typeof value === "bigint") return twosComplement(w, value)
  if (Number.isSafeInteger(value)) return twosComplement(w, BigInt(value as number))
  const integer = integerOf(value)
  return integer === undefined ? misfit("a bigint", value) : twosComplement(w, integer)
}

const decimal: BodyWriter = (w, value) => {
  if (typeof value === "bigint") return decimal(w, { value, scale: 0 })
  if (typeof value === "number" && Number.isFinite(value)) return decimal(w, decimalOfNumber(value))
  const given = decimalOf(value)
  if (given === undefined) return misfit("a BigDecimal", value)
  const { scale } = given
  if ((scale | 0) !== scale) return misfit("a BigDecimal whose scale has 32 bits", value)
  w.i32(scale)
  twosComplement(w, given.value)
}

const float: BodyWriter = (w, value) => {
  if (typeof value !== "number") return misfit("a number", value)
  // Rounding to 32 bits is what the column is for; becoming infinite is not.
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
    return misfit("a number within the range of a float", value)
  }
  w.i32(floatBits(value))
}

const double: BodyWriter = (w, value) => {
  if (typeof value !== "number") return misfit("a number", value)
  const { high, low } = splitDouble(value)
  w.i32(high)
  w.i32(low)
}

const boolean: BodyWriter = (w, value) => {
  if (typeof value !== "boolean") return misfit("a boolean", value)
  w.u8(value ? 1 : 0)
}

const blob: BodyWriter = (w, value) => {
  if (!(value instanceof Uint8Array)) return misfit("a Uint8Array", value)
  w.bytes(value)
}

/** What is written of a custom type that nobody knows. */
export const unknownType: BodyWriter = (w, value) => {
  if (!(value instanceof Uint8Array)) return misfit("a Uint8Array, since the type is not known", value)
  w.bytes(value)
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

const uuid: BodyWriter = (w, value) => {
  if (
    typeof value !== "string" ||
    value.length !== 36 ||
    value.charCodeAt(8) !== DASH ||
    value.charCodeAt(13) !== DASH ||
    value.charCodeAt(18) !== DASH ||
    value.charCodeAt(23) !== DASH
  ) {
    return driverUuid(w, value)
  }
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
  if (valid < 0) return misfit(uuidShape, value)
  w.pos = pos + 16
}

const uuidShape = "a uuid as a string"

const driverUuid: BodyWriter = (w, value) => w.bytes(uuidOf(value) ?? misfit(uuidShape, value))

const timeuuid: BodyWriter = (w, value) => {
  uuid(w, value)
  // The first four bits of the seventh of sixteen bytes.
  if (w.buf[w.pos - 10]! >> 4 !== 1) return misfit("a uuid of version 1 as a string", value)
}

/** The groups of 16 bits in a part of an IPv6 address, whose last two may be written as an IPv4 address. */
const groupsOf = (part: string): ReadonlyArray<number> =>
  part === ""
    ? []
    : part.split(":").flatMap((group) => {
        if (!group.includes(".")) return [Number.parseInt(group, 16)]
        const [a, b, c, d] = group.split(".").map(Number) as [number, number, number, number]
        return [a * 256 + b, c * 256 + d]
      })

const ipv6 = (w: ByteWriter, value: string): void => {
  const [head = "", tail] = value.split("::")
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  for (const group of before) w.i16(group)
  for (let i = before.length + after.length; i < 8; i++) w.i16(0)
  for (const group of after) w.i16(group)
}

const inet: BodyWriter = (w, value) => {
  if (typeof value === "string") {
    const version = isIP(value)
    if (version === 4) return value.split(".").forEach((byte) => w.u8(Number(byte)))
    // A zone (`fe80::1%eth0`) has meaning on one machine only, and no place in an `inet`.
    if (version === 6 && !value.includes("%")) return ipv6(w, value)
  }
  w.bytes(inetOf(value) ?? misfit("an IPv4 or IPv6 address as a string", value))
}

const timestamp: BodyWriter = (w, value) => {
  if (value instanceof Date) {
    const millis = value.getTime()
    return Number.isNaN(millis) ? misfit("a valid Date", value) : w.i64Number(millis)
  }
  if (typeof value === "bigint" || typeof value === "number") return bigint(w, value)
  bigint(w, epochMillisOf(value) ?? misfit("a Date", value))
}

const date: BodyWriter = (w, value) => {
  const days = typeof value === "string" ? parseDate(value) : undefined
  // Days are counted from the middle of the unsigned range.
  if (days !== undefined) return w.i32(days ^ 0x80000000)
  w.bytes(dateOf(value) ?? misfit("a date like 2026-05-01, as a string", value))
}

const lastNanosecond = 86_399_999_999_999n

const time: BodyWriter = (w, value) => {
  const nanoseconds = typeof value === "bigint" ? value : typeof value === "string" ? parseTime(value) : timeOf(value)
  if (nanoseconds !== undefined && nanoseconds >= 0n && nanoseconds <= lastNanosecond) return w.i64(nanoseconds)
  misfit("a time like 13:30:54.000000001, as a string", value)
}

/** An unsigned integer whose first byte tells, by its leading ones, how many bytes follow: up to eight. */
export const unsignedVint = (w: ByteWriter, value: bigint): void => {
  const size = vintSize(value)
  if (size === 9) {
    w.u8(0xff)
    w.i64(BigInt.asIntN(64, value))
    return
  }
  const first = (0xff00 >> (size - 1)) & 0xff
  for (let i = size - 1; i >= 0; i--) {
    const byte = Number((value >> BigInt(i * 8)) & 0xffn)
    w.u8(i === size - 1 ? byte | first : byte)
  }
}

/** How many bytes {@link unsignedVint} writes. */
export const vintSize = (value: bigint): number => {
  let size = 1
  while (size < 9 && value >= 1n << BigInt(7 * size)) size++
  return size
}

/** A signed integer, zigzag encoded: small ones of either sign take few bytes. */
const vint = (w: ByteWriter, value: bigint): void => unsignedVint(w, BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))

const durationShape = "{ months, days, nanoseconds }, all of the same sign"

const duration: BodyWriter = (w, value) => {
  if (typeof value === "string") return duration(w, parseDuration(value) ?? misfit(durationShape, value))
  if (
    typeof value !== "object" ||
    value === null ||
    !("months" in value || "days" in value || "nanoseconds" in value)
  ) {
    return misfit(durationShape, value)
  }
  const { months = 0, days = 0, nanoseconds: given = 0n } = value as { [part in keyof DurationValue]?: unknown }
  // The driver's has a Long.
  const nanoseconds = typeof given === "bigint" ? given : integerOf(given)
  if (
    typeof months !== "number" ||
    typeof days !== "number" ||
    typeof nanoseconds !== "bigint" ||
    (months | 0) !== months ||
    (days | 0) !== days ||
    BigInt.asIntN(64, nanoseconds) !== nanoseconds ||
    ((months > 0 || days > 0 || nanoseconds > 0n) && (months < 0 || days < 0 || nanoseconds < 0n))
  ) {
    return misfit(durationShape, value)
  }
  vint(w, BigInt(months))
  vint(w, BigInt(days))
  vint(w, nanoseconds)
}

/** What writes the values of a type, by its code. */
export const scalarBodies: Readonly<Record<number, BodyWriter>> = {
  [TypeCode.ascii]: ascii,
  [TypeCode.bigint]: bigint,
  [TypeCode.blob]: blob,
  [TypeCode.boolean]: boolean,
  [TypeCode.counter]: bigint,
  [TypeCode.date]: date,
  [TypeCode.decimal]: decimal,
  [TypeCode.double]: double,
  [TypeCode.duration]: duration,
  [TypeCode.float]: float,
  [TypeCode.inet]: inet,
  [TypeCode.int]: int,
  [TypeCode.smallint]: smallint,
  [TypeCode.text]: text,
  [TypeCode.time]: time,
  [TypeCode.timestamp]: timestamp,
  [TypeCode.timeuuid]: timeuuid,
  [TypeCode.tinyint]: tinyint,
  [TypeCode.uuid]: uuid,
  [TypeCode.varchar]: text,
  [TypeCode.varint]: varint
}
