import { ByteWriter } from "./byteWriter.ts"
import { asVector, type ColumnType, fixedSize, isCustomDuration, TypeCode, type UdtInfo } from "./columnType.ts"
import { type BodyWriter, durationBody, scalarBodies, unsignedVint } from "./encodeScalar.ts"

/**
 * From values to bytes, one writer a type, straight into the request. The plain values that rows are made of are written
 * here; anything else (the driver's own classes, hints, texts for numbers) goes to the driver's encoder.
 */
export type ValueWriter = (w: ByteWriter, value: unknown) => void

const listBody =
  (element: ValueWriter, unset: unknown): BodyWriter =>
  (w, value) => {
    if (!Array.isArray(value) && !(value instanceof Set)) return false
    w.i32(Array.isArray(value) ? value.length : value.size)
    for (const item of value) element(w, notNull(item, unset))
    return true
  }

const notNull = (item: unknown, unset: unknown): unknown => {
  if (item === null || item === undefined) throw new TypeError("a collection cannot contain null")
  if (item === unset) throw new TypeError("a collection cannot contain unset")
  return item
}

/** A part of a tuple or a UDT: it may be null, and absent is null, but there is nothing that unset would leave as it is. */
const nullable = (item: unknown, unset: unknown): unknown => {
  if (item === unset) throw new TypeError("a part of a value cannot be unset")
  return item ?? null
}

const mapBody =
  (key: ValueWriter, value: ValueWriter, unset: unknown): BodyWriter =>
  (w, map) => {
    if (!(map instanceof Map)) return false
    w.i32(map.size)
    for (const [k, v] of map) {
      key(w, notNull(k, unset))
      value(w, notNull(v, unset))
    }
    return true
  }

const tupleBody =
  (elements: ReadonlyArray<ValueWriter>, unset: unknown): BodyWriter =>
  (w, value) => {
    if (!Array.isArray(value) || value.length !== elements.length) return false
    for (let i = 0; i < value.length; i++) elements[i]!(w, nullable(value[i], unset))
    return true
  }

const udtBody = (
  fields: ReadonlyArray<{ readonly name: string; readonly write: ValueWriter }>,
  unset: unknown
): BodyWriter => {
  const names = new Set(fields.map((field) => field.name))
  return (w, value) => {
    if (typeof value !== "object" || value === null || Symbol.iterator in value) return false
    const record = value as Record<string, unknown>
    // A field that the type does not have would be lost without a word.
    for (const name in record) {
      if (!names.has(name) && Object.hasOwn(record, name)) return false
    }
    for (const field of fields) {
      field.write(w, Object.hasOwn(record, field.name) ? nullable(record[field.name], unset) : null)
    }
    return true
  }
}

/** The side buffer for parts whose length has to be known before they are written. */
let side: ByteWriter | undefined

/** The bytes of one value without its length. Uses the side buffer like a stack, as vectors may nest. */
const collect = (element: ValueWriter, item: unknown): Buffer => {
  const w = (side ??= new ByteWriter())
  const mark = w.length
  try {
    element(w, item)
    return Buffer.from(w.buf.subarray(w.start + mark + 4, w.pos))
  } finally {
    w.pos = w.start + mark
  }
}

const vectorBody =
  (
    element: ValueWriter,
    body: BodyWriter | undefined,
    size: number,
    width: number | undefined,
    unset: unknown
  ): BodyWriter =>
  (w, value) => {
    if (!Array.isArray(value) && !ArrayBuffer.isView(value)) return false
    const items = value as unknown as ArrayLike<unknown>
    if (items.length !== size) throw new TypeError(`a vector of ${size} dimensions was given ${items.length} elements`)
    for (let i = 0; i < size; i++) {
      const item = notNull(items[i], unset)
      if (width !== undefined && body !== undefined && body(w, item)) continue
      const part = collect(element, item)
      if (width === undefined) unsignedVint(w, BigInt(part.length))
      else if (part.length !== width) throw new TypeError("a vector's element has not the vector's type")
      w.bytes(part)
    }
    return true
  }

/** What the writers need to know of the driver. */
export interface EncodeContext {
  /** The encoder of all other values, which also refuses those that do not fit. */
  readonly fallback: {
    readonly encode: (value: unknown, type: ColumnType | undefined) => Uint8Array | null | object
  }
  /** The driver's mark for "leave this column as it is". */
  readonly unset: unknown
  /** Does `undefined` mean "leave as it is"? Otherwise it is null. */
  readonly undefinedAsUnset: boolean
}

const makeBody = (type: ColumnType, context: EncodeContext): BodyWriter | undefined => {
  const { code, info } = type
  switch (code) {
    case TypeCode.list:
    case TypeCode.set:
      return listBody(makeWriter(info as ColumnType, context), context.unset)
    case TypeCode.map: {
      const [key, value] = info as readonly [ColumnType, ColumnType]
      return mapBody(makeWriter(key, context), makeWriter(value, context), context.unset)
    }
    case TypeCode.tuple:
      return tupleBody(
        (info as ReadonlyArray<ColumnType>).map((t) => makeWriter(t, context)),
        context.unset
      )
    case TypeCode.udt:
      return udtBody(
        (info as UdtInfo).fields.map((f) => ({ name: f.name, write: makeWriter(f.type, context) })),
        context.unset
      )
    case TypeCode.custom: {
      if (isCustomDuration(type)) return durationBody
      const vector = asVector(type)
      if (vector === undefined) return undefined
      const { element, size } = vector
      return vectorBody(
        makeWriter(element, context),
        makeBody(element, context),
        size,
        fixedSize(element),
        context.unset
      )
    }
    default:
      return scalarBodies[code]
  }
}

const NULL = -1
const UNSET = -2

/** The writer of `[value]`s of a type: a length and the bytes. Without a type the driver guesses one from the value. */
export const makeWriter = (type: ColumnType | undefined, context: EncodeContext): ValueWriter => {
  const body = type === undefined ? undefined : makeBody(type, context)
  const isBytes =
    type === undefined || type.code === TypeCode.blob || (type.code === TypeCode.custom && body === undefined)
  return (w, value) => {
    if (value === null) return w.i32(NULL)
    if (value === undefined) return w.i32(context.undefinedAsUnset ? UNSET : NULL)
    if (value instanceof Uint8Array && isBytes) {
      w.i32(value.length)
      return w.bytes(value)
    }
    if (value === context.unset) return w.i32(UNSET)
    if (body !== undefined) {
      // Counted from the batch's start: growing moves what was written.
      const at = w.length
      w.i32(0)
      if (body(w, value)) return w.patch32(w.start + at, w.length - at - 4)
      w.pos = w.start + at
    }
    const encoded = context.fallback.encode(value, type)
    if (encoded instanceof Uint8Array) {
      w.i32(encoded.length)
      w.bytes(encoded)
    } else {
      w.i32(encoded === context.unset ? UNSET : NULL)
    }
  }
}
