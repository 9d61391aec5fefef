import { WireError } from "./errors.ts"

/** Times and durations as text or plain objects, for every value the server can store, not only JavaScript's. */

const pad = (n: number, width: number): string => {
  let text = String(n)
  while (text.length < width) text = `0${text}`
  return text
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
