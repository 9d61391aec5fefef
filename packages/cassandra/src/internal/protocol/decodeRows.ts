import { canGenerate } from "./canGenerate.ts"
import { type Column, TypeCode, typeKey } from "./columnType.ts"
import { readText, readUuid } from "./decodeText.ts"
import { allowAbsent, makeReader, overrun, type Reader, setField } from "./decodeValue.ts"
import { int32, int64 } from "./scratch.ts"

/**
 * Decoders of whole pages. For every shape of a result (its names and its full types) a function is generated that reads
 * cells straight from the page into object literals; where the runtime forbids generated code an interpreter does the
 * same, with the same results.
 */

/** A row: the columns' values by name. */
export type Row = Record<string, unknown>

/** Where the rows that were decoded last ended: the next ones of the same page begin there. */
export const decodedTo = { offset: 0 }

/** Decodes `count` rows lying between `start` and `end` of `buf`; {@link decodedTo} says how far they went. */
export type RowsDecoder = (buf: Buffer, start: number, end: number, count: number) => Array<Row>

/** The interpreter: the same results without generated code. */
export const interpretRows = (columns: ReadonlyArray<Column>): RowsDecoder => {
  const readers = columns.map((c) => makeReader(c.type))
  const names = columns.map((c) => c.name)
  return (b, start, end, count) => {
    checkCount(start, end, count, readers.length)
    const rows: Array<Row> = []
    let o = start
    for (let i = 0; i < count; i++) {
      const row: Row = {}
      for (let j = 0; j < readers.length; j++) {
        if (o + 4 > end) throw overrun()
        const len = int32(b, o)
        o += 4
        if (len < 0) {
          setField(row, names[j]!, null)
          continue
        }
        if (len > end - o) throw overrun()
        setField(row, names[j]!, readers[j]!(b, o, len))
        o += len
      }
      rows.push(row)
    }
    decodedTo.offset = o
    return rows
  }
}

/** A count of rows that could not be there must not become an allocation. */
const checkCount = (start: number, end: number, count: number, columns: number): void => {
  if (count < 0 || count * Math.max(columns, 1) * 4 > end - start) throw overrun()
  allowAbsent(count)
}

/** What the generated code does in place for a type; everything else is a call of the type's reader. */
const inline = (code: number, value: string, call: string): string => {
  const int = "b[o]<<24|b[o+1]<<16|b[o+2]<<8|b[o+3]"
  switch (code) {
    case TypeCode.int:
      return `${value}=l===4?${int}:${call}`
    case TypeCode.boolean:
      return `${value}=l===1?b[o]!==0:${call}`
    case TypeCode.bigint:
    case TypeCode.counter:
      return `${value}=l===8?h.int64(b,o):${call}`
    case TypeCode.ascii:
    case TypeCode.text:
    case TypeCode.varchar:
      return `${value}=h.text(b,o,l)`
    case TypeCode.uuid:
    case TypeCode.timeuuid:
      return `${value}=l===16?h.uuid(b,o):${call}`
    case TypeCode.timestamp:
      // Near the limits of a Date, and beyond them, the reader decides.
      return `{const t=${int};${value}=l===8&&t>-2011656&&t<2011656?new Date(t*4294967296+((b[o+4]<<24|b[o+5]<<16|b[o+6]<<8|b[o+7])>>>0)):${call}}`
    default:
      return `${value}=${call}`
  }
}

/** The generated decoder. Throws where {@link canGenerate} is false. */
export const generateRows = (columns: ReadonlyArray<Column>): RowsDecoder => {
  const readers: Array<Reader> = columns.map((c) => makeReader(c.type))
  const cells = columns.map(
    (column, i) => `
    if(o+4>e)throw h.overrun();
    l=b[o]<<24|b[o+1]<<16|b[o+2]<<8|b[o+3];o+=4;
    let v${i}=null;
    if(l>=0){if(l>e-o)throw h.overrun();${inline(column.type.code, `v${i}`, `r${i}(b,o,l)`)};o+=l}`
  )
  // A computed key: the literal `"__proto__": v` would set the prototype.
  const properties = columns.map((c, i) => `${c.name === "__proto__" ? '["__proto__"]' : JSON.stringify(c.name)}:v${i}`)
  const source = `"use strict";
const {${readers.map((_, i) => `${i}:r${i}`).join(",")}}=r;
return function decodeRows(b,o,e,n){
  h.check(o,e,n,${columns.length});
  const rows=new Array(n);
  let l=0;
  for(let i=0;i<n;i++){${cells.join("")}
    rows[i]={${properties.join(",")}};
  }
  h.to.offset=o;
  return rows
}`
  const helpers = { int64, text: readText, uuid: readUuid, overrun, check: checkCount, to: decodedTo }
  // oxlint-disable-next-line no-new-func -- the text is made of indexes and JSON strings: nothing of a server's gets into it raw
  const make = new Function("h", "r", source) as (h: typeof helpers, r: ReadonlyArray<Reader>) => RowsDecoder
  return make(helpers, readers)
}

/** Decoders are few in a well-behaved program; one that makes ever new shapes must not fill the memory. */
const CACHE_LIMIT = 2000
/** Nor must one that makes huge ones. */
const KEY_LIMIT = 1 << 16
/** Compiling a function for more columns than this would take longer than it saves. */
const GENERATED = 1000
const cache = new Map<string, RowsDecoder>()

/** A key equal only for results of the same names and the same types, nested ones included. */
export const shapeKey = (columns: ReadonlyArray<Column>): string =>
  columns.map((c) => `${JSON.stringify(c.name)}:${typeKey(c.type)}`).join(";")

/** The decoder for results with these columns. */
export const rowsDecoder = (columns: ReadonlyArray<Column>): RowsDecoder => {
  const key = shapeKey(columns)
  let decoder = cache.get(key)
  if (decoder === undefined) {
    if (cache.size >= CACHE_LIMIT) cache.delete(cache.keys().next().value!)
    decoder = canGenerate && columns.length <= GENERATED ? generateRows(columns) : interpretRows(columns)
    if (key.length <= KEY_LIMIT) cache.set(key, decoder)
  }
  return decoder
}

/** The rows in `body`, the part of a result that follows its metadata: a count and the cells. */
export const decodeRows = (columns: ReadonlyArray<Column>, body: Buffer): Array<Row> => {
  if (body.length < 4) throw overrun()
  return rowsDecoder(columns)(body, 4, body.length, int32(body, 0))
}
