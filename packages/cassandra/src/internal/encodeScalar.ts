/**
 * Scalar values as the bytes of their CQL type, or a `Misfit`.
 *
 * The driver's encoder takes many forms for one type and checks few of them: a string is a valid `int` to it when it looks
 * like a number, anything is a `boolean`, 2^63 becomes a negative `bigint`. Bytes pass through it untouched, so these
 * functions decide alone what is sent.
 */
import driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import { isIP } from "node:net"
import { misfit } from "./misfit.ts"
import { parseDate, parseTime } from "./scalars.ts"

const { dataTypes, Duration, Long } = driver.types

/** Never sees null, undefined or unset. */
export type Encode = (value: unknown) => Buffer

// Not in the library of ES2023, but in Node since 20.
const isWellFormed = (text: string): boolean => (text as unknown as { isWellFormed(): boolean }).isWellFormed()

const text: Encode = (value) => {
  if (typeof value !== "string") return misfit("a string")
  // Half of a surrogate pair would be stored as another character.
  return isWellFormed(value) ? Buffer.from(value, "utf8") : misfit("a string without lone surrogates")
}

// oxlint-disable-next-line no-control-regex -- the characters of ASCII
const asciiOnly = /^[\0-\x7f]*$/

const ascii: Encode = (value) =>
  typeof value === "string" && asciiOnly.test(value)
    ? Buffer.from(value, "latin1")
    : misfit("a string of ASCII characters")

const int: Encode = (value) => {
  if (typeof value !== "number" || (value | 0) !== value) return misfit("an integer from -2147483648 to 2147483647")
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

const smallint: Encode = (value) => {
  if (typeof value !== "number" || (value << 16) >> 16 !== value) return misfit("an integer from -32768 to 32767")
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(value)
  return bytes
}

const tinyint: Encode = (value) => {
  if (typeof value !== "number" || (value << 24) >> 24 !== value) return misfit("an integer from -128 to 127")
  const bytes = Buffer.allocUnsafe(1)
  bytes.writeInt8(value)
  return bytes
}

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigInt64BE(value)
  return bytes
}

const bigint: Encode = (value) => {
  if (typeof value === "bigint") {
    return BigInt.asIntN(64, value) === value ? int64(value) : misfit("a bigint of 64 bits")
  }
  return Number.isSafeInteger(value) ? int64(BigInt(value as number)) : misfit("a bigint")
}

/** Two's complement, big-endian, as short as possible. */
const bytesOf = (value: bigint): Buffer => {
  if (value >= -128n && value <= 127n) return Buffer.from([Number(value)])
  // The digits of n and of -n - 1 take the same room beside the sign.
  const digits = (value < 0n ? ~value : value).toString(2).length
  const length = Math.floor(digits / 8) + 1
  return Buffer.from(
    BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, "0"),
    "hex"
  )
}

const varint: Encode = (value) =>
  typeof value === "bigint"
    ? bytesOf(value)
    : Number.isSafeInteger(value)
      ? bytesOf(BigInt(value as number))
      : misfit("a bigint")

const decimalBytes = (unscaled: bigint, scale: number): Buffer => {
  if ((scale | 0) !== scale) return misfit("a BigDecimal whose scale has 32 bits")
  const digits = bytesOf(unscaled)
  const bytes = Buffer.allocUnsafe(4 + digits.length)
  bytes.writeInt32BE(scale)
  bytes.set(digits, 4)
  return bytes
}

const decimal: Encode = (value) => {
  if (BigDecimal.isBigDecimal(value)) return decimalBytes(value.value, value.scale)
  if (typeof value === "bigint") return decimalBytes(value, 0)
  if (typeof value !== "number" || !Number.isFinite(value)) return misfit("a BigDecimal")
  const exact = BigDecimal.unsafeFromNumber(value)
  return decimalBytes(exact.value, exact.scale)
}

const float: Encode = (value) => {
  if (typeof value !== "number") return misfit("a number")
  // Rounding to 32 bits is what the column is for; becoming infinite is not.
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
    return misfit("a number within the range of a float")
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeFloatBE(value)
  return bytes
}

const double: Encode = (value) => {
  if (typeof value !== "number") return misfit("a number")
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value)
  return bytes
}

const yes = Buffer.from([1])
const no = Buffer.from([0])

const boolean: Encode = (value) => (value === true ? yes : value === false ? no : misfit("a boolean"))

const blob: Encode = (value) =>
  value instanceof Uint8Array
    ? Buffer.isBuffer(value)
      ? value
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : misfit("a Uint8Array")

const dash = 45

const uuidBytes = (value: unknown): Buffer => {
  if (
    typeof value === "string" &&
    value.length === 36 &&
    value.charCodeAt(8) === dash &&
    value.charCodeAt(13) === dash &&
    value.charCodeAt(18) === dash &&
    value.charCodeAt(23) === dash
  ) {
    // Decoding stops at the first character that is no digit, so fewer bytes come out.
    const bytes = Buffer.from(
      value.slice(0, 8) + value.slice(9, 13) + value.slice(14, 18) + value.slice(19, 23) + value.slice(24),
      "hex"
    )
    if (bytes.length === 16) return bytes
  }
  return value instanceof driver.types.Uuid ? value.getBuffer() : misfit("a uuid as a string")
}

const timeuuid: Encode = (value) => {
  const bytes = uuidBytes(value)
  return (bytes[6] as number) >> 4 === 1 ? bytes : misfit("a uuid of version 1 as a string")
}

const inet: Encode = (value) => {
  if (typeof value === "string") {
    const version = isIP(value)
    if (version === 4) return Buffer.from(value.split(".").map(Number))
    // A zone (`fe80::1%eth0`) has meaning on one machine only, and no place in an `inet`.
    if (version === 6 && !value.includes("%")) return ipv6(value)
  } else if (value instanceof driver.types.InetAddress) {
    return value.getBuffer()
  }
  return misfit("an IPv4 or IPv6 address as a string")
}

const groupsOf = (part: string): ReadonlyArray<number> =>
  part === ""
    ? []
    : part.split(":").flatMap((group) => {
        if (!group.includes(".")) return [Number.parseInt(group, 16)]
        const [a, b, c, d] = group.split(".").map(Number) as [number, number, number, number]
        return [a * 256 + b, c * 256 + d]
      })

const ipv6 = (value: string): Buffer => {
  const [head = "", tail] = value.split("::")
  const before = groupsOf(head)
  const after = tail === undefined ? [] : groupsOf(tail)
  const bytes = Buffer.alloc(16)
  before.forEach((group, i) => bytes.writeUInt16BE(group, i * 2))
  after.forEach((group, i) => bytes.writeUInt16BE(group, (8 - after.length + i) * 2))
  return bytes
}

const timestamp: Encode = (value) => {
  if (value instanceof Date) {
    const millis = value.getTime()
    return Number.isNaN(millis) ? misfit("a valid Date") : int64(BigInt(millis))
  }
  if (DateTime.isDateTime(value)) return int64(BigInt(value.epochMillis))
  return typeof value === "bigint" || typeof value === "number" ? bigint(value) : misfit("a Date")
}

const date: Encode = (value) => {
  const days = typeof value === "string" ? parseDate(value) : undefined
  if (days === undefined) {
    return value instanceof driver.types.LocalDate ? value.toBuffer() : misfit("a date like 2026-05-01, as a string")
  }
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(days + 0x80000000)
  return bytes
}

const lastNanosecond = 86_399_999_999_999n

const time: Encode = (value) => {
  if (typeof value === "bigint" && value >= 0n && value <= lastNanosecond) return int64(value)
  const nanoseconds = typeof value === "string" ? parseTime(value) : undefined
  if (nanoseconds !== undefined) return int64(nanoseconds)
  return value instanceof driver.types.LocalTime
    ? value.toBuffer()
    : misfit("a time like 13:30:54.000000001, as a string")
}

const durationShape = "{ months, days, nanoseconds }, all of the same sign"

const duration: Encode = (value) => {
  if (value instanceof Duration) return value.toBuffer()
  if (typeof value === "string") {
    try {
      return Duration.fromString(value).toBuffer()
    } catch {
      return misfit(durationShape)
    }
  }
  if (typeof value !== "object") return misfit(durationShape)
  const {
    months = 0,
    days = 0,
    nanoseconds = 0n
  } = value as { months?: unknown; days?: unknown; nanoseconds?: unknown }
  if (
    typeof months !== "number" ||
    typeof days !== "number" ||
    typeof nanoseconds !== "bigint" ||
    (months | 0) !== months ||
    (days | 0) !== days ||
    BigInt.asIntN(64, nanoseconds) !== nanoseconds ||
    ((months > 0 || days > 0 || nanoseconds > 0n) && (months < 0 || days < 0 || nanoseconds < 0n))
  ) {
    return misfit(durationShape)
  }
  return Buffer.concat([vint(BigInt(months)), vint(BigInt(days)), vint(nanoseconds)])
}

/** An unsigned integer whose first byte tells, by its leading ones, how many bytes follow. */
export const unsignedVint = (value: bigint): Buffer => {
  const bits = value.toString(2).length
  const extra = Math.min(8, Math.floor((Math.max(bits, 1) - 1) / 7))
  const bytes = Buffer.alloc(extra + 1)
  let rest = value
  for (let i = extra; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  bytes[0] = (bytes[0] as number) | ((0xff00 >> extra) & 0xff)
  return bytes
}

/** A signed integer, zigzag encoded: small ones of either sign take few bytes. */
const vint = (value: bigint): Buffer => unsignedVint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))

// The driver's own classes are taken too, so that code which has them need not convert: numbers here, the rest above.
const orDriverNumber =
  (encode: Encode): Encode =>
  (value) =>
    value instanceof Long || value instanceof driver.types.Integer ? encode(BigInt(value.toString())) : encode(value)

const orDriverDecimal: Encode = (value) =>
  value instanceof driver.types.BigDecimal ? driver.types.BigDecimal.toBuffer(value) : decimal(value)

const encoders = new Map<number, Encode>([
  [dataTypes.ascii, ascii],
  [dataTypes.bigint, orDriverNumber(bigint)],
  [dataTypes.blob, blob],
  [dataTypes.boolean, boolean],
  [dataTypes.counter, orDriverNumber(bigint)],
  [dataTypes.custom, blob],
  [dataTypes.date, date],
  [dataTypes.decimal, orDriverDecimal],
  [dataTypes.double, double],
  [dataTypes.duration, duration],
  [dataTypes.float, float],
  [dataTypes.inet, inet],
  [dataTypes.int, int],
  [dataTypes.smallint, smallint],
  [dataTypes.text, text],
  [dataTypes.time, time],
  [dataTypes.timestamp, timestamp],
  [dataTypes.timeuuid, timeuuid],
  [dataTypes.tinyint, tinyint],
  [dataTypes.uuid, uuidBytes],
  [dataTypes.varchar, text],
  [dataTypes.varint, orDriverNumber(varint)]
])

/** The encoder of a scalar type; undefined for a type that this version does not know. */
export const scalarEncoder = (code: number): Encode | undefined => encoders.get(code)
