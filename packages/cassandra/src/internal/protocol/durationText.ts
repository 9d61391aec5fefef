import type { DurationValue } from "./decodeTime.ts"

/** Durations as CQL writes them: `1y2mo3d4h5m6s7ms8us9ns`, or in the formats of ISO 8601. */

const MAX_32 = 0x7fffffffn
const MAX_64 = 0x7fffffffffffffffn

/** A unit: its place among the others, the part of a duration that it counts in, and how much of that it is. */
type Unit = readonly [place: number, part: keyof DurationValue, size: bigint]

const units: Readonly<Record<string, Unit>> = {
  y: [1, "months", 12n],
  mo: [2, "months", 1n],
  w: [3, "days", 7n],
  d: [4, "days", 1n],
  h: [5, "nanoseconds", 3_600_000_000_000n],
  m: [6, "nanoseconds", 60_000_000_000n],
  s: [7, "nanoseconds", 1_000_000_000n],
  ms: [8, "nanoseconds", 1_000_000n],
  us: [9, "nanoseconds", 1000n],
  // The micro sign, and the Greek letter.
  "\u00b5s": [9, "nanoseconds", 1000n],
  "\u03bcs": [9, "nanoseconds", 1000n],
  ns: [10, "nanoseconds", 1n]
}

const quantity = "\\d+(?:y|mo|w|d|h|ms|m|s|us|\u00b5s|\u03bcs|ns)"
const standard = new RegExp(`^(?:${quantity})+$`, "i")
const quantities = new RegExp(quantity, "gi")
const iso = /^P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/
const isoUnits = ["y", "mo", "d", "h", "m", "s"]
const isoWeeks = /^P(\d+)W$/
const isoAlternative = /^P(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)$/

/** The quantities of a text, each with its unit; undefined where it is no duration. */
const quantitiesOf = (text: string): ReadonlyArray<readonly [amount: string | undefined, unit: string]> | undefined => {
  if (standard.test(text)) {
    return text.match(quantities)!.map((part) => {
      const digits = /^\d+/.exec(part)![0]
      return [digits, part.slice(digits.length).toLowerCase()]
    })
  }
  const weeks = isoWeeks.exec(text)
  if (weeks !== null) return [[weeks[1], "w"]]
  const parts = iso.exec(text) ?? isoAlternative.exec(text)
  return parts?.slice(1).map((amount, i) => [amount, isoUnits[i]!])
}

/**
 * The duration of a text; undefined for anything that is none: the units have to be in order, each there once, and what
 * they come to within the type.
 */
export const parseDuration = (text: string): DurationValue | undefined => {
  const isNegative = text.startsWith("-")
  const given = quantitiesOf(isNegative ? text.slice(1) : text)
  if (given === undefined) return undefined
  const sum = { months: 0n, days: 0n, nanoseconds: 0n }
  let last = 0
  for (const [amount, name] of given) {
    if (amount === undefined) continue
    const [place, part, size] = units[name]!
    if (place <= last) return undefined
    last = place
    sum[part] += BigInt(amount) * size
  }
  const { days, months, nanoseconds } = sum
  if (months > MAX_32 || days > MAX_32 || nanoseconds > MAX_64) return undefined
  return isNegative
    ? { months: Number(-months), days: Number(-days), nanoseconds: -nanoseconds }
    : { months: Number(months), days: Number(days), nanoseconds }
}
