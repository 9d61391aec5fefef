/**
 * Values of classes that are not ours, known by their shape: those of `cassandra-driver`, and Effect's `BigDecimal` and
 * `DateTime`. A process may have several copies of either package, or none, and a bundler may have renamed the classes.
 */

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** A 64-bit integer of the package `long`, which the driver has as well. */
const isLong = (value: unknown): value is { toString(): string } =>
  isObject(value) && value["__isLong__"] === true && typeof value["high"] === "number"

/** The driver's integer of any size. */
const isInteger = (value: unknown): value is { toString(): string } =>
  isObject(value) && Array.isArray(value["bits_"]) && typeof value["sign_"] === "number"

/** The number that the driver's `Long` or `Integer` stands for. */
export const integerOf = (value: unknown): bigint | undefined =>
  isLong(value) || isInteger(value) ? BigInt(value.toString()) : undefined

/** The unscaled value and the scale of Effect's `BigDecimal`, of the driver's, or of a plain object like the former. */
export const decimalOf = (value: unknown): { readonly value: bigint; readonly scale: number } | undefined => {
  if (!isObject(value)) return undefined
  if (typeof value["value"] === "bigint" && typeof value["scale"] === "number") return value as never
  const { _intVal: integer, _scale: driverScale } = value
  const driverUnscaled = integerOf(integer)
  return driverUnscaled !== undefined && typeof driverScale === "number"
    ? { value: driverUnscaled, scale: driverScale }
    : undefined
}

/** The milliseconds of Effect's `DateTime`, whose property has another name in each version. */
export const epochMillisOf = (value: unknown): number | undefined => {
  if (!isObject(value) || (value["_tag"] !== "Utc" && value["_tag"] !== "Zoned")) return undefined
  const millis = value["epochMilliseconds"] ?? value["epochMillis"]
  return typeof millis === "number" ? millis : undefined
}

const bufferOf = (value: unknown): Uint8Array | undefined =>
  isObject(value) && typeof value["getBuffer"] === "function" && value["buffer"] instanceof Uint8Array
    ? value["buffer"]
    : undefined

/** The 16 bytes of the driver's `Uuid` or `TimeUuid`. */
export const uuidOf = (value: unknown): Uint8Array | undefined => {
  const buffer = bufferOf(value)
  // An address has a version.
  return buffer?.length === 16 && !("version" in (value as object)) ? buffer : undefined
}

/** The 4 or 16 bytes of the driver's `InetAddress`. */
export const inetOf = (value: unknown): Uint8Array | undefined => {
  const buffer = bufferOf(value)
  if (buffer === undefined) return undefined
  const { version } = value as { readonly version?: unknown }
  return (version === 4 && buffer.length === 4) || (version === 6 && buffer.length === 16) ? buffer : undefined
}

/** The four bytes that the driver's `LocalDate` makes of itself. */
export const dateOf = (value: unknown): Uint8Array | undefined => {
  if (!isObject(value) || !(value["date"] instanceof Date) || typeof value["toBuffer"] !== "function") return undefined
  const bytes: unknown = (value as unknown as { toBuffer(): unknown }).toBuffer()
  return bytes instanceof Uint8Array && bytes.length === 4 ? bytes : undefined
}

/** The nanoseconds of the driver's `LocalTime`. */
export const timeOf = (value: unknown): bigint | undefined =>
  isObject(value) && typeof value["hour"] === "number" && isLong(value["value"]) ? integerOf(value["value"]) : undefined

/** The elements of the driver's `Tuple`. */
export const elementsOfTuple = (value: unknown): ReadonlyArray<unknown> | undefined =>
  isObject(value) && Array.isArray(value["elements"]) && typeof value["values"] === "function"
    ? value["elements"]
    : undefined

/** The elements of the driver's `Vector`. */
export const elementsOfVector = (value: unknown): ReadonlyArray<unknown> | undefined =>
  isObject(value) && Array.isArray(value["elements"]) && Symbol.iterator in value ? value["elements"] : undefined

/**
 * The mark that leaves a column as it is: bound in place of a value. Every such mark is one, the driver's or that of another
 * copy of this package.
 */
export const unset: { readonly unset: true } = Object.freeze({ unset: true })

/** Is this a mark like {@link unset}: frozen, with nothing but that? A record with a field of that name is a value. */
export const isUnset = (value: unknown): value is typeof unset =>
  isObject(value) && value["unset"] === true && Object.isFrozen(value) && Object.keys(value).length === 1
