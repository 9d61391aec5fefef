/** Texts that are the same for values that are the same, whatever they are made of: what requests and rows are told apart by. */
import * as BigDecimal from "effect/BigDecimal"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Redacted from "effect/Redacted"

/** How decimals are told apart: 1.5 and 1.50 have one value, and are two partitions. */
type DecimalKey = (value: BigDecimal.BigDecimal) => string

/** One key for decimals of the same value. */
export const byValue: DecimalKey = (decimal) => {
  const { scale, value } = BigDecimal.normalize(decimal)
  return `${value}e${-scale}`
}

/** One key for decimals of the same value and scale, which have the same bytes. */
export const byBytes: DecimalKey = ({ scale, value }) => `${value}e${-scale}`

/** What the key of a value with a decimal in it contains. */
export const decimalMark = "Decimal("

export const structuralKey = (value: unknown, decimals: DecimalKey = byValue): string => {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value)
    case "bigint":
      return `${value}n`
    case "number":
      return Object.is(value, -0) ? "-0" : String(value)
    case "object":
      return value === null ? "null" : objectKey(value, (part) => structuralKey(part, decimals), decimals)
    default:
      return String(value)
  }
}

type KeyOf = (part: unknown) => string

const objectKey = (value: object, keyOf: KeyOf, decimals: DecimalKey): string => {
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (ArrayBuffer.isView(value)) {
    return `Bytes(${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")})`
  }
  if (Array.isArray(value)) return `[${value.map(keyOf).join(",")}]`
  if (value instanceof Set || HashSet.isHashSet(value)) return `Set(${sorted(Array.from(value, keyOf))})`
  if (value instanceof Map || HashMap.isHashMap(value)) {
    return `Map(${sorted(Array.from(value as Iterable<[unknown, unknown]>, ([k, v]) => `${keyOf(k)}:${keyOf(v)}`))})`
  }
  return effectKey(value, keyOf, decimals) ?? recordKey(value, keyOf)
}

/** Values of Effect that keep something beside what they are, or keep what they are elsewhere; undefined for all others. */
const effectKey = (value: object, keyOf: KeyOf, decimals: DecimalKey): string | undefined => {
  if (BigDecimal.isBigDecimal(value)) return `${decimalMark}${decimals(value)})`
  if (DateTime.isDateTime(value)) return `DateTime(${value.epochMillis})`
  if (Duration.isDuration(value)) return `Duration(${String(Duration.toNanos(value))})`
  if (Chunk.isChunk(value)) return `[${Chunk.toReadonlyArray(value).map(keyOf).join(",")}]`
  if (Redacted.isRedacted(value)) return `Redacted(${keyOf(Redacted.value(value))})`
  return undefined
}

const sorted = (keys: ReadonlyArray<string>): string => keys.toSorted().join(",")

let strangers = 0
const knownStrangers = new WeakMap<object, string>()

/** What cannot be looked into is like itself only. */
const strangerKey = (value: object): string => {
  let key = knownStrangers.get(value)
  if (key === undefined) {
    key = `#${strangers++}`
    knownStrangers.set(value, key)
  }
  return key
}

const recordKey = (value: object, keyOf: KeyOf): string => {
  const record = value as { readonly [name: string]: unknown }
  const names = Object.keys(record)
  if (names.length === 0 && !isPlain(value)) {
    const { toJSON } = value as { readonly toJSON?: unknown }
    const json: unknown = typeof toJSON === "function" ? toJSON.call(value) : value
    // A `URL`, for example, has no properties of its own.
    return json === value ? strangerKey(value) : `JSON(${keyOf(json)})`
  }
  const fields = names
    .filter((name) => record[name] !== undefined)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${keyOf(record[name])}`)
  return `{${fields.join(",")}}`
}

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
