/** The plain forms of scalar values that JavaScript has no good one for. */

/** A two's complement, big-endian integer of any length. */
export const bigintFromBytes = (bytes: Uint8Array): bigint => {
  if (bytes.length === 0) return 0n
  const value = BigInt(`0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`)
  return BigInt.asIntN(bytes.length * 8, value)
}

const pad = (value: number | bigint, length: number): string => String(value).padStart(length, "0")

/**
 * A `date` from its days since 1970-01-01, as ISO 8601 writes it: `2026-05-01`, and `+12026-05-01` or `-0044-03-15` outside
 * the years 0 to 9999. A `date` reaches far beyond what `Date` can hold, hence the arithmetic (days to civil date in the
 * proleptic Gregorian calendar, by eras of 400 years).
 */
export const formatDate = (daysSinceEpoch: number): string => {
  const days = daysSinceEpoch + 719468
  const era = Math.floor(days / 146097)
  const dayOfEra = days - era * 146097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const sign = year > 9999 ? "+" : year < 0 ? "-" : ""
  return `${sign}${pad(Math.abs(year), 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

const isoDate = /^([+-]?\d{4,7})-(\d{2})-(\d{2})$/

/** The days since 1970-01-01 of what `formatDate` writes; undefined for anything else. */
export const parseDate = (text: string): number | undefined => {
  const match = isoDate.exec(text)
  if (match === null) return undefined
  const year = Number(match[1])
  const month = Number(match[2])
  const day = Number(match[3])
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const days =
    era * 146097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719468
  // A day that its month does not have comes back as another date.
  return days >= -0x80000000 && days <= 0x7fffffff && formatDate(days) === formatDateParts(year, match[2], match[3])
    ? days
    : undefined
}

const formatDateParts = (year: number, month: string | undefined, day: string | undefined): string =>
  `${year > 9999 ? "+" : year < 0 ? "-" : ""}${pad(Math.abs(year), 4)}-${month}-${day}`

/** A `time` from its nanoseconds since midnight: `13:30:54.000000001`, always with nine digits of fraction. */
export const formatTime = (nanoseconds: bigint): string => {
  const seconds = Number(nanoseconds / 1_000_000_000n)
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((n) => pad(n, 2)).join(":")
  return `${time}.${pad(nanoseconds % 1_000_000_000n, 9)}`
}

const isoTime = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?$/

/** The nanoseconds since midnight of what `formatTime` writes, or of a shorter fraction; undefined for anything else. */
export const parseTime = (text: string): bigint | undefined => {
  const match = isoTime.exec(text)
  if (match === null) return undefined
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3])] as const
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined
  return BigInt((hours * 60 + minutes) * 60 + seconds) * 1_000_000_000n + BigInt((match[4] ?? "").padEnd(9, "0"))
}
