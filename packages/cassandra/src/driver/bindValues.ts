/**
 * Bound values, in the forms that the driver's encoder takes whatever the client's options are.
 *
 * The driver prepares statements without telling anybody the types of their variables, so that each value becomes what the driver
 * takes for every type that the value may be meant for. Whether it fits is the driver's to say, and it lets more through than the
 * native engine: text for a number, anything for a `boolean`.
 */
import driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import {
  ByteWriter,
  dateOf,
  decimalOf,
  elementsOfTuple,
  elementsOfVector,
  epochMillisOf,
  inetOf,
  integerOf,
  isUnset,
  misfit,
  scalarBodies,
  timeOf,
  TypeCode,
  uuidOf
} from "../internal/protocol/index.ts"
import type { Values } from "../Statement.ts"
import type { Encoding } from "./encoding.ts"

const { types } = driver

const writer = new ByteWriter()

const bytesOf = (code: number, value: unknown): Buffer => {
  writer.rewind()
  scalarBodies[code]!(writer, value)
  return Buffer.from(writer.buf.subarray(writer.start, writer.pos))
}

const bufferOf = ({ buffer, byteLength, byteOffset }: ArrayBufferView): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

/** Signed, of 64 bits. */
export const longOf = (value: bigint): driver.types.Long =>
  types.Long.fromBits(Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)))

/** An object whose prototype has nothing that a field of a user defined type could be mistaken for. */
const recordPrototype: object = Object.create(null, { hasOwnProperty: { value: Object.prototype.hasOwnProperty } })

/**
 * Elements that may be meant for a list, a set, a tuple or a vector: an array, which answers for what it does not have as the driver's
 * `Tuple` and its `Vector` of the same elements do.
 */
const sequence: ProxyHandler<Array<unknown>> = {
  get: (elements, key) => {
    if (key in elements) return elements[key as never]
    const tuple = types.Tuple.fromArray(elements)
    if (key in tuple) return tuple[key as never]
    // Drivers before 4.8 have none.
    return types.Vector === undefined ? undefined : new types.Vector(elements)[key as never]
  }
}

/** A collection without elements. As an array it would be null to the driver. */
const emptySequence = Buffer.alloc(4)

const isDuration = (
  value: object
): value is { readonly months: number; readonly days: number; readonly nanoseconds: unknown } =>
  "months" in value &&
  "days" in value &&
  "nanoseconds" in value &&
  typeof value.months === "number" &&
  typeof value.days === "number" &&
  (typeof value.nanoseconds === "bigint" || integerOf(value.nanoseconds) !== undefined)

/** Makes values ready for a client with this encoding. Throws a `Misfit` for what is a value of no type. */
export const makeBind = (encoding: Encoding): ((values: Values) => Array<unknown> | Record<string, unknown>) => {
  const ofBigint = (value: bigint): unknown => {
    // The driver would cut it off. As bytes, a varint takes it, and the server refuses it for a bigint.
    if (BigInt.asIntN(64, value) !== value) return bytesOf(TypeCode.varint, value)
    if (encoding.bigint && encoding.varint === true) return value
    const number = Number(value)
    return !encoding.bigint && encoding.varint === false && Number.isSafeInteger(number) ? number : String(value)
  }

  const sequenceOf = (elements: Iterable<unknown>): unknown => {
    const parts = Array.from(elements, part)
    return parts.length === 0 ? emptySequence : new Proxy(parts, sequence)
  }

  const mapOf = (entries: Iterable<readonly [unknown, unknown]>): unknown => {
    if (encoding.map === undefined) {
      return recordOf(Array.from(entries, ([key, value]) => [keyText(key), value] as const))
    }
    const map = new encoding.map()
    for (const [key, value] of entries) map.set(part(key), part(value))
    return map
  }

  const recordOf = (entries: Iterable<readonly [string, unknown]>): unknown => {
    const record: Record<string, unknown> = Object.create(recordPrototype)
    for (const [name, value] of entries) record[name] = part(value)
    return record
  }

  /** A part of a value: absent is null there. */
  const part = (value: unknown): unknown => {
    if (value === null || value === undefined) return null
    return isUnset(value) ? misfit("a value or null, not unset", value) : present(value)
  }

  const present = (value: unknown): unknown => {
    switch (typeof value) {
      case "string":
      case "number":
      case "boolean":
        return value
      case "bigint":
        return ofBigint(value)
      case "object":
        return ofObject(value as object)
      default:
        return misfit("a value of a CQL type", value)
    }
  }

  const ofObject = (value: object): unknown => {
    if (value instanceof Date) return value
    if (value instanceof Uint8Array) return bufferOf(value)
    if (Array.isArray(value) || value instanceof Set) return sequenceOf(value)
    if (value instanceof Map) return mapOf(value)
    const integer = integerOf(value)
    if (integer !== undefined) return ofBigint(integer)
    // Something like a decimal may be a record for a user defined type.
    const isDecimal = BigDecimal.isBigDecimal(value) || !("value" in value)
    const decimal = isDecimal ? decimalOf(value) : undefined
    if (decimal !== undefined) return types.BigDecimal.fromBuffer(bytesOf(TypeCode.decimal, decimal))
    const millis = epochMillisOf(value)
    if (millis !== undefined) return new Date(millis)
    const uuid = uuidOf(value)
    if (uuid !== undefined) return new types.Uuid(bufferOf(uuid))
    const inet = inetOf(value)
    if (inet !== undefined) return new types.InetAddress(bufferOf(inet))
    const date = dateOf(value)
    if (date !== undefined) return types.LocalDate.fromBuffer(bufferOf(date))
    const time = timeOf(value)
    if (time !== undefined) return new types.LocalTime(longOf(time))
    const elements = elementsOfTuple(value) ?? elementsOfVector(value)
    if (elements !== undefined) return sequenceOf(elements)
    if (Symbol.iterator in value) return sequenceOf(value as Iterable<unknown>)
    if (isDuration(value)) {
      const { days, months, nanoseconds } = value
      return types.Duration.fromBuffer(bytesOf(TypeCode.duration, { months, days, nanoseconds }))
    }
    return recordOf(Object.entries(value))
  }

  const whole = (value: unknown): unknown =>
    value === undefined || isUnset(value) ? types.unset : value === null ? null : present(value)

  return (values) =>
    Array.isArray(values)
      ? (values as ReadonlyArray<unknown>).map(whole)
      : Object.fromEntries(Object.entries(values).map(([name, value]) => [name, whole(value)]))
}

/** A key of a map as the name of a property, for a client whose maps are objects. */
const keyText = (key: unknown): string => {
  switch (typeof key) {
    case "string":
      return key
    case "number":
    case "bigint":
      return String(key)
    default: {
      if (key instanceof Date && !Number.isNaN(key.getTime())) return key.toISOString()
      if (typeof key === "object" && key !== null) {
        const integer = integerOf(key)
        if (integer !== undefined) return String(integer)
        if (BigDecimal.isBigDecimal(key)) return BigDecimal.format(key)
        if (uuidOf(key) !== undefined || inetOf(key) !== undefined) return String(key)
      }
      return misfit("keys that are text or numbers, as the client has no `encoding: { map: Map }`", key)
    }
  }
}
