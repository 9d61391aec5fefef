import { type Column, type ColumnType, MAX_DEPTH, TypeCode } from "./columnType.ts"
import { type Row, rowsDecoder } from "./decodeRows.ts"
import { readText } from "./decodeText.ts"
import { overrun } from "./decodeValue.ts"
import { WireError } from "./errors.ts"
import { int32 } from "./scratch.ts"

/** The columns of a result together with what decodes its rows. */
export interface ResultShape {
  readonly columns: ReadonlyArray<Column>
  readonly decode: (buf: Buffer, start: number, end: number, count: number) => Array<Row>
}

/** Reads the protocol's primitive types one after the other, never beyond `end`. */
export class Cursor {
  at: number
  readonly buf: Buffer
  readonly end: number

  constructor(buf: Buffer, at: number, end: number) {
    this.buf = buf
    this.at = at
    this.end = end
  }

  private advance(n: number): number {
    if (n > this.end - this.at) throw overrun()
    this.at += n
    return this.at - n
  }

  int(): number {
    return int32(this.buf, this.advance(4))
  }

  byte(): number {
    return this.buf[this.advance(1)]!
  }

  short(): number {
    const o = this.advance(2)
    return (this.buf[o]! << 8) | this.buf[o + 1]!
  }

  string(): string {
    const n = this.short()
    return readText(this.buf, this.advance(n), n)
  }

  skipString(): void {
    this.advance(this.short())
  }

  skip(n: number): void {
    this.advance(n)
  }

  /** Over `[bytes]`. */
  skipBytes(): void {
    const n = this.int()
    if (n > 0) this.advance(n)
  }

  get left(): number {
    return this.end - this.at
  }

  /** A copy of `[bytes]`; undefined for a negative length. */
  bytes(): Buffer | undefined {
    const n = this.int()
    if (n < 0) return undefined
    const o = this.advance(n)
    return Buffer.from(this.buf.subarray(o, o + n))
  }

  /** A copy of `[short bytes]`. */
  shortBytes(): Buffer {
    const n = this.short()
    const o = this.advance(n)
    return Buffer.from(this.buf.subarray(o, o + n))
  }

  fixed(n: number): Buffer {
    const o = this.advance(n)
    return Buffer.from(this.buf.subarray(o, o + n))
  }

  list<A>(read: () => A): Array<A> {
    const n = this.short()
    const out: Array<A> = []
    for (let i = 0; i < n; i++) out.push(read())
    return out
  }
}

const tooDeep = (): WireError => new WireError("Malformed", `types are nested more than ${MAX_DEPTH} deep`)

/** `(` and `)` in a class name. */
const OPEN = 0x28
const CLOSE = 0x29

/** Over the class name of a custom type, whose parameters are types as well. */
const skipClassName = (c: Cursor, depth: number): void => {
  const start = c.at + 2
  c.skipString()
  let level = depth
  for (let i = start; i < c.at; i++) {
    const byte = c.buf[i]
    if (byte === OPEN && ++level > MAX_DEPTH) throw tooDeep()
    if (byte === CLOSE) level--
  }
}

const skipType = (c: Cursor, depth: number): void => {
  if (depth > MAX_DEPTH) throw tooDeep()
  switch (c.short()) {
    case TypeCode.custom:
      return skipClassName(c, depth)
    case TypeCode.list:
    case TypeCode.set:
      return skipType(c, depth + 1)
    case TypeCode.map:
      skipType(c, depth + 1)
      return skipType(c, depth + 1)
    case TypeCode.udt: {
      c.skipString()
      c.skipString()
      const n = c.short()
      for (let i = 0; i < n; i++) {
        c.skipString()
        skipType(c, depth + 1)
      }
      return
    }
    case TypeCode.tuple: {
      const n = c.short()
      for (let i = 0; i < n; i++) skipType(c, depth + 1)
      return
    }
  }
}

/** Reads a type that {@link skipType} has gone over. */
const readType = (c: Cursor): ColumnType => {
  const code = c.short()
  switch (code) {
    case TypeCode.custom:
      return { code, type: null, info: c.string() }
    case TypeCode.list:
    case TypeCode.set:
      return { code, type: null, info: readType(c) }
    case TypeCode.map: {
      const key = readType(c)
      return { code, type: null, info: [key, readType(c)] }
    }
    case TypeCode.udt: {
      const keyspace = c.string()
      const name = c.string()
      const fields = c.list(() => {
        const field = c.string()
        return { name: field, type: readType(c) }
      })
      return { code, type: null, info: { keyspace, name, fields } }
    }
    case TypeCode.tuple:
      return { code, type: null, info: c.list(() => readType(c)) }
    default:
      return { code, type: null }
  }
}

/** Reads the specifications of `count` columns; `global` ones are all of one table. */
export const readColumns = (c: Cursor, count: number, global: boolean): Array<Column> => {
  // What cannot be read is found before anything is made of it.
  skipColumns(new Cursor(c.buf, c.at, c.end), count, global)
  const columns: Array<Column> = []
  let ksname = global ? c.string() : ""
  let tablename = global ? c.string() : ""
  for (let i = 0; i < count; i++) {
    if (!global) {
      ksname = c.string()
      tablename = c.string()
    }
    const name = c.string()
    columns.push({ ksname, tablename, name, type: readType(c) })
  }
  return columns
}

/** Over the specifications of `count` columns: whether they can be read, and where they end. */
export const skipColumns = (c: Cursor, count: number, global: boolean): void => {
  // A column takes at least a name and a type.
  if (count < 0 || count > MAX_COLUMNS || count * 4 > c.left) {
    throw new WireError("Malformed", `${count} columns in ${c.left} bytes`)
  }
  if (global) {
    c.skipString()
    c.skipString()
  }
  for (let i = 0; i < count; i++) {
    if (!global) {
      c.skipString()
      c.skipString()
    }
    c.skipString()
    skipType(c, 0)
  }
}

/** More columns than a table can have, or a statement variables. */
const MAX_COLUMNS = 0xffff

const CACHE_LIMIT = 1000
/** Metadata longer than this is read again each time: a cache of such keys would fill the memory. */
const KEY_LIMIT = 1 << 16
const shapes = new Map<string, ResultShape>()

/**
 * Reads the specifications of `count` columns. The same bytes have the same meaning, so they are only skipped over and
 * serve as the key of what was made of them the first time: no strings, no types, no decoder are made twice.
 */
export const readShape = (c: Cursor, count: number, global: boolean): ResultShape => {
  const start = c.at
  skipColumns(c, count, global)
  const key = `${global ? "g" : "c"}${count}:${c.buf.toString("latin1", start, c.at)}`
  const known = shapes.get(key)
  if (known !== undefined) return known
  const columns = readColumns(new Cursor(c.buf, start, c.end), count, global)
  const shape: ResultShape = { columns, decode: rowsDecoder(columns) }
  if (key.length > KEY_LIMIT) return shape
  if (shapes.size >= CACHE_LIMIT) shapes.delete(shapes.keys().next().value!)
  shapes.set(key, shape)
  return shape
}
