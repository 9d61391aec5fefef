/**
 * From values to bytes: one writer a type, straight into the request. Every form of a value that a type does not have is
 * refused with a `Misfit`, which tells where inside the value; the request it was for is then not sent.
 */
import { Misfit, misfit, misfitOf, type Parameter, within } from "./misfit.ts"
import type { ByteWriter } from "./byteWriter.ts"
import {
  type Column,
  type ColumnType,
  elementOf,
  elementsOf,
  entryOf,
  fixedSize,
  isVector,
  resolve,
  TypeCode,
  type UdtInfo,
  udtOf,
  vectorOf
} from "./columnType.ts"
import { type BodyWriter, scalarBodies, unknownType, unsignedVint, vintSize } from "./encodeScalar.ts"
import { elementsOfTuple, elementsOfVector, isUnset } from "./valueClasses.ts"

/** Writes a `[value]`: a length and the bytes, or a mark for null or unset. */
export type ValueWriter = (w: ByteWriter, value: unknown) => void

const NULL = -1
const UNSET = -2

const isNull = (value: unknown): value is null | undefined => value === null || value === undefined

/** A part of a collection. */
const present = (item: unknown): unknown => {
  if (isNull(item)) return misfit("no null within a collection", item)
  return isUnset(item) ? misfit("no unset within a collection", item) : item
}

/** A part of a tuple or a UDT: it may be null, and absent is null, but there is nothing that unset would leave as it is. */
const presentOrNull = (item: unknown): unknown =>
  isUnset(item) ? misfit("a value or null, not unset", item) : (item ?? null)

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === "object" && Symbol.iterator in (value as object) && !(value instanceof Map)

const isRecord = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === "object" &&
  !isIterable(value) &&
  !(value instanceof Map) &&
  !(value instanceof Date) &&
  !ArrayBuffer.isView(value)

/** Lists and sets are the same bytes, and an array or a `Set` is taken for either. */
const sequence =
  (element: ValueWriter): BodyWriter =>
  (w, value) => {
    if (!isIterable(value)) return misfit("an array or a Set", value)
    const at = w.length
    w.i32(0)
    let count = 0
    try {
      for (const item of value) {
        element(w, present(item))
        count++
      }
    } catch (error) {
      throw within(error, `[${count}]`)
    }
    w.patch32(w.start + at, count)
  }

const map =
  (key: ValueWriter, item: ValueWriter): BodyWriter =>
  (w, value) => {
    const entries =
      value instanceof Map
        ? (value as Map<unknown, unknown>)
        : isRecord(value)
          ? Object.entries(value)
          : misfit("a Map or a record", value)
    const at = w.length
    w.i32(0)
    let count = 0
    let step = ""
    try {
      for (const [k, v] of entries) {
        step = " (a key)"
        key(w, present(k))
        step = " (a value)"
        item(w, present(v))
        count++
      }
    } catch (error) {
      throw within(error, step)
    }
    w.patch32(w.start + at, count)
  }

const tuple = (elements: ReadonlyArray<ValueWriter>): BodyWriter => {
  const shape = `an array of ${elements.length} elements`
  return (w, value) => {
    const given = elementsOfTuple(value) ?? value
    if (!Array.isArray(given) || given.length !== elements.length) return misfit(shape, value)
    let i = 0
    try {
      for (; i < elements.length; i++) elements[i]!(w, presentOrNull(given[i]))
    } catch (error) {
      throw within(error, `[${i}]`)
    }
  }
}

/** The name of a field as the caller wrote it; one that is no name may be anything. */
const shownName = (field: string): string => (/^\w{1,64}$/.test(field) ? `"${field}"` : "of another name")

const udt = ({ fields, name }: UdtInfo): BodyWriter => {
  const writers = fields.map((field) => ({ name: field.name, write: makeWriter(field.type) }))
  const names = new Set(fields.map((field) => field.name))
  return (w, value) => {
    if (!isRecord(value)) return misfit("a record", value)
    // A field that the type does not have would be lost without a word.
    for (const field in value) {
      if (!names.has(field) && Object.hasOwn(value, field) && !isNull(value[field])) {
        const all = `a record whose fields all are in the type ${name} (${[...names].join(", ")})`
        throw new Misfit(all, `the field ${shownName(field)}`, true)
      }
    }
    let at = ""
    try {
      for (const field of writers) {
        at = field.name
        field.write(w, Object.hasOwn(value, at) ? presentOrNull(value[at]) : null)
      }
    } catch (error) {
      throw within(error, `.${at}`)
    }
  }
}

/** A value behind its length, which is known only once it is written: then it makes room. */
const withLength = (w: ByteWriter, body: BodyWriter, value: unknown): void => {
  const at = w.length
  body(w, value)
  const length = w.length - at
  const size = vintSize(BigInt(length))
  w.ensure(size)
  const from = w.start + at
  w.buf.copyWithin(from + size, from, w.pos)
  w.pos = from
  unsignedVint(w, BigInt(length))
  w.pos += length
}

const vector = (elementType: ColumnType, dimension: number): BodyWriter => {
  const body = makeBody(elementType)
  const isFixed = fixedSize(elementType) !== undefined
  const shape = `an array of ${dimension} elements`
  return (w, value) => {
    const given =
      ArrayBuffer.isView(value) && isIterable(value) ? Array.from(value) : (elementsOfVector(value) ?? value)
    if (!Array.isArray(given) || given.length !== dimension) return misfit(shape, value)
    let i = 0
    try {
      for (; i < dimension; i++) {
        const item = present(given[i])
        if (isFixed) body(w, item)
        else withLength(w, body, item)
      }
    } catch (error) {
      throw within(error, `[${i}]`)
    }
  }
}

const makeBody = (unresolved: ColumnType): BodyWriter => {
  const type = resolve(unresolved)
  if (isVector(type)) return vector(...vectorOf(type))
  switch (type.code) {
    case TypeCode.list:
    case TypeCode.set:
      return sequence(makeWriter(elementOf(type)))
    case TypeCode.map: {
      const [key, item] = entryOf(type)
      return map(makeWriter(key), makeWriter(item))
    }
    case TypeCode.tuple:
      return tuple(elementsOf(type).map((element) => makeWriter(element)))
    case TypeCode.udt:
      return udt(udtOf(type))
    default:
      return scalarBodies[type.code] ?? unknownType
  }
}

/** Of a value whose length is known once it is written. */
const sized =
  (body: BodyWriter, target: Parameter | undefined): ValueWriter =>
  (w, value) => {
    if (value === null) return w.i32(NULL)
    if (value === undefined) return w.i32(UNSET)
    try {
      if (isUnset(value)) return w.i32(UNSET)
      // Counted from the batch's start: growing moves what was written.
      const at = w.length
      w.i32(0)
      body(w, value)
      w.patch32(w.start + at, w.length - at - 4)
    } catch (error) {
      throw target === undefined ? error : misfitOf(error, target, value)
    }
  }

const fixed =
  (size: number, body: BodyWriter, target: Parameter | undefined): ValueWriter =>
  (w, value) => {
    if (value === null) return w.i32(NULL)
    if (value === undefined) return w.i32(UNSET)
    try {
      if (isUnset(value)) return w.i32(UNSET)
      w.i32(size)
      body(w, value)
    } catch (error) {
      throw target === undefined ? error : misfitOf(error, target, value)
    }
  }

/** Bytes tell their length themselves. */
const bytes = (body: BodyWriter, target: Parameter | undefined): ValueWriter => {
  const other = sized(body, target)
  return (w, value) => {
    if (!(value instanceof Uint8Array)) return other(w, value)
    w.i32(value.length)
    w.bytes(value)
  }
}

/**
 * The writer of a type's values: `undefined` is unset, which leaves a column as it is. With a variable, what does not fit is
 * told with its name.
 */
export const makeWriter = (type: ColumnType, variable?: Column, index = 0): ValueWriter => {
  const body = makeBody(type)
  const target = variable && { variable, index }
  if (type.code === TypeCode.blob) return bytes(body, target)
  const size = fixedSize(type)
  return size === undefined ? sized(body, target) : fixed(size, body, target)
}

const writersOf = new WeakMap<object, ReadonlyArray<ValueWriter>>()

/** The writers for a statement's variables, made once for its metadata. */
export const writersFor = (variables: ReadonlyArray<Column>): ReadonlyArray<ValueWriter> => {
  let writers = writersOf.get(variables)
  if (writers === undefined) {
    writers = variables.map((variable, index) => makeWriter(variable.type, variable, index))
    writersOf.set(variables, writers)
  }
  return writers
}
