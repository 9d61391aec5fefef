import { WireError } from "./errors.ts"

/** Dates, times and durations as text or plain objects, for every value the server can store, not only JavaScript's. */

const pad = (n: number, width: number): string => {
  let text = String(n)
  while (text.length < width) text = `0${text}`
  return text
}

const yearText = (year: number): string => {
  if (year > 9999) return `+${year}`
  return year < 0 ? `-${pad(-year, 4)}` : pad(year, 4)
}

/**
 * The date that lies `days` after 1970-01-01 in the proleptic Gregorian calendar, as Java's `LocalDate` prints it. Computed
 * by eras of 400 years, so the whole range of 32 bits works, far beyond `Date`.
 */
export const dateText = (days: number): string => {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  return `${yearText(year)}-${pad(month, 2)}-${pad(day, 2)}`
}

/** The day number of a date text, the inverse of {@link dateText}; `undefined` when the text is no such date. */
export const dateDays = (text: string): number | undefined => {
  const match = /^([+-]?\d{4,8})-(\d{2})-(\d{2})$/.exec(text)
  if (match === null) return undefined
  const month = Number(match[2])
  const day = Number(match[3])
  const y = Number(match[1]) - (month <= 2 ? 1 : 0)
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  const days = era * 146_097 + dayOfEra - 719_468
  // A day that does not exist (February 30th) comes back as another one.
  return dateText(days) === (text.startsWith("+") && match[1]!.length === 5 ? text.slice(1) : text) ? days : undefined
}

/** Nanoseconds of the day, as high and low words, to `HH:MM:SS.nnnnnnnnn`. */
export const timeText = (high: number, low: number): string => {
  // Below 2^47, so a double holds it exactly.
  const nanos = high * 4_294_967_296 + (low >>> 0)
  const seconds = Math.floor(nanos / 1e9)
  return `${pad(Math.floor(seconds / 3600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}.${pad(
    nanos - seconds * 1e9,
    9
  )}`
}

/** Nanoseconds of the day of `HH:MM:SS[.n…]`; `undefined` when the text is no such time. */
export const timeNanos = (text: string): bigint | undefined => {
  const match = /^(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?$/.exec(text)
  if (match === null) return undefined
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  return BigInt(hours * 3600 + minutes * 60 + seconds) * 1_000_000_000n + BigInt((match[4] ?? "").padEnd(9, "0"))
}

/** A CQL duration: its three parts are kept apart, as months have no fixed length. */
export interface DurationValue {
  readonly months: number
  readonly days: number
  readonly nanoseconds: bigint
}

/** How many bytes an unsigned vint at `offset` occupies. */
export const vintSize = (first: number): number => (first < 0x80 ? 1 : Math.clz32(~(first << 24)) + 1)

/** The unsigned vint at `offset` as a bigint. */
export const readUnsignedVint = (buf: Buffer, offset: number): bigint => {
  const first = buf[offset]!
  const size = vintSize(first)
  if (size === 1) return BigInt(first)
  let value = size > 8 ? 0n : BigInt(first & (0xff >> size))
  for (let i = 1; i < size; i++) value = (value << 8n) | BigInt(buf[offset + i]!)
  return value
}

const zigzag = (n: bigint): bigint => (n >> 1n) ^ -(n & 1n)

/** Where the vint at `offset` ends, which must not be beyond `end`. */
const vintEnd = (buf: Buffer, offset: number, end: number): number => {
  const next = offset < end ? offset + vintSize(buf[offset]!) : end + 1
  if (next > end) throw new WireError("Malformed", "a duration is cut short")
  return next
}

/** The duration in the `length` bytes at `offset`: three signed vints. */
export const readDuration = (buf: Buffer, offset: number, length: number): DurationValue => {
  const end = offset + length
  const days = vintEnd(buf, offset, end)
  const nanoseconds = vintEnd(buf, days, end)
  vintEnd(buf, nanoseconds, end)
  return {
    months: Number(zigzag(readUnsignedVint(buf, offset))),
    days: Number(zigzag(readUnsignedVint(buf, days))),
    nanoseconds: zigzag(readUnsignedVint(buf, nanoseconds))
  }
}
