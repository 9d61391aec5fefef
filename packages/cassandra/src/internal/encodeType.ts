/** Values of any CQL type, nested ones included, as bytes, or a `Misfit` that tells where it does not fit. */
import driver from "cassandra-driver"
import {
  type DriverType,
  elementOf,
  entryOf,
  isVector,
  resolve,
  tupleOf,
  type UdtInfo,
  udtOf,
  vectorOf
} from "./cqlTypes.ts"
import { type Encode, scalarEncoder, unsignedVint } from "./encodeScalar.ts"
import { Misfit, misfit } from "./misfit.ts"

const { dataTypes, unset } = driver.types

const isNull = (value: unknown): boolean => value === null || value === undefined

const int32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

const nullLength = int32(-1)

/** Runs an encoder on a part of a value: what it complains about is told with the place. */
const part = (encode: Encode, value: unknown, step: () => string): Buffer => {
  try {
    if (isNull(value)) return misfit("no null within a collection")
    if (value === unset) return misfit("no unset within a collection")
    return encode(value)
  } catch (error) {
    throw error instanceof Misfit ? error.within(step()) : error
  }
}

/** The parts of a tuple or a UDT: each may be null. */
const nullablePart = (encode: Encode, value: unknown, step: () => string, parts: Array<Buffer>): void => {
  if (isNull(value)) {
    parts.push(nullLength)
  } else {
    try {
      const bytes = value === unset ? misfit("a value or null, not unset") : encode(value)
      parts.push(int32(bytes.length), bytes)
    } catch (error) {
      throw error instanceof Misfit ? error.within(step()) : error
    }
  }
}

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && Symbol.iterator in (value as object) && !(value instanceof Map)

/** Lists and sets are the same bytes, and an array or a `Set` is taken for either. */
const sequence =
  (element: Encode): Encode =>
  (value) => {
    if (!isIterable(value)) return misfit("an array or a Set")
    const parts: Array<Buffer> = [nullLength]
    let count = 0
    for (const item of value) {
      const at = count
      const bytes = part(element, item, () => `[${at}]`)
      parts.push(int32(bytes.length), bytes)
      count++
    }
    parts[0] = int32(count)
    return Buffer.concat(parts)
  }

const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" && !isIterable(value) && !(value instanceof Map) && !ArrayBuffer.isView(value)

const map =
  (key: Encode, item: Encode): Encode =>
  (value) => {
    const entries =
      value instanceof Map
        ? (value as Map<unknown, unknown>)
        : isRecord(value) && !(value instanceof Date)
          ? Object.entries(value)
          : misfit("a Map or a record")
    const parts: Array<Buffer> = [nullLength]
    let count = 0
    for (const [k, v] of entries) {
      const keyBytes = part(key, k, () => " (a key)")
      const itemBytes = part(item, v, () => " (a value)")
      parts.push(int32(keyBytes.length), keyBytes, int32(itemBytes.length), itemBytes)
      count++
    }
    parts[0] = int32(count)
    return Buffer.concat(parts)
  }

const tuple = (elements: ReadonlyArray<Encode>): Encode => {
  const shape = `an array of ${elements.length} elements`
  return (value) => {
    const given = value instanceof driver.types.Tuple ? value.values() : value
    if (!Array.isArray(given) || given.length !== elements.length) return misfit(shape)
    const parts: Array<Buffer> = []
    elements.forEach((encode, i) => nullablePart(encode, given[i], () => `[${i}]`, parts))
    return Buffer.concat(parts)
  }
}

const udt = ({ fields, name }: UdtInfo): Encode => {
  const encoders = fields.map((field) => [field.name, encoderFor(field.type)] as const)
  const names = new Set(fields.map((field) => field.name))
  return (value) => {
    if (!isRecord(value)) return misfit("a record")
    const parts: Array<Buffer> = []
    for (const [field, encode] of encoders) nullablePart(encode, value[field], () => `.${field}`, parts)
    // A field that the type does not have would be lost without a word.
    for (const field of Object.keys(value)) {
      if (!names.has(field) && !isNull(value[field])) return misfit(`a record whose fields all are in the type ${name}`)
    }
    return Buffer.concat(parts)
  }
}

// The bytes an element takes in a vector when the server counts its type as fixed; other elements have their length
// written before them. That a `smallint` or a `date` is none of them is the server's choice.
const fixed = new Map<number, number>([
  [dataTypes.bigint, 8],
  [dataTypes.boolean, 1],
  [dataTypes.double, 8],
  [dataTypes.float, 4],
  [dataTypes.int, 4],
  [dataTypes.timestamp, 8],
  [dataTypes.timeuuid, 16],
  [dataTypes.uuid, 16]
])

const fixedLength = (type: DriverType): number | undefined => {
  if (!isVector(type)) return fixed.get(type.code)
  const element = fixedLength(resolve(vectorOf(type)[0]))
  return element === undefined ? undefined : element * vectorOf(type)[1]
}

const vector = (elementType: DriverType, dimension: number): Encode => {
  const element = encoderFor(elementType)
  const type = resolve(elementType)
  const prefixed = fixedLength(type) === undefined
  const shape = `an array of ${dimension} elements`
  const floats = type.code === dataTypes.float
  return (value) => {
    const given =
      value instanceof driver.types.Vector || (ArrayBuffer.isView(value) && isIterable(value))
        ? Array.from(value as Iterable<unknown>)
        : value
    if (!Array.isArray(given) || given.length !== dimension) return misfit(shape)
    if (floats) return floatVector(given)
    const parts: Array<Buffer> = []
    given.forEach((item, i) => {
      const bytes = part(element, item, () => `[${i}]`)
      if (prefixed) parts.push(unsignedVint(BigInt(bytes.length)))
      parts.push(bytes)
    })
    return Buffer.concat(parts)
  }
}

/** By far the most common vector, and a long one. */
const floatVector = (value: ReadonlyArray<unknown>): Buffer => {
  const bytes = Buffer.allocUnsafe(value.length * 4)
  for (let i = 0; i < value.length; i++) {
    const item = value[i]
    if (typeof item !== "number" || (Number.isFinite(item) && !Number.isFinite(Math.fround(item)))) {
      throw new Misfit("a number within the range of a float").within(`[${i}]`)
    }
    bytes.writeFloatBE(item, i * 4)
  }
  return bytes
}

const unknownType: Encode = (value) =>
  value instanceof Uint8Array ? Buffer.from(value) : misfit("a Uint8Array, since the type is not known")

/** What makes bytes of the values of a type. */
export const encoderFor = (unresolved: DriverType): Encode => {
  const type = resolve(unresolved)
  if (isVector(type)) return vector(...vectorOf(type))
  switch (type.code) {
    case dataTypes.list:
    case dataTypes.set:
      return sequence(encoderFor(elementOf(type)))
    case dataTypes.map: {
      const [key, item] = entryOf(type)
      return map(encoderFor(key), encoderFor(item))
    }
    case dataTypes.tuple:
      return tuple(tupleOf(type).map(encoderFor))
    case dataTypes.udt:
      return udt(udtOf(type))
    default:
      return scalarEncoder(type.code) ?? unknownType
  }
}
