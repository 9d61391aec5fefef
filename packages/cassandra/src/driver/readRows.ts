/**
 * Rows: from the driver's values to plain ones, the same as the native engine gives, whatever the client's option `encoding` is.
 * One converter is made for a column and page, and only for the columns that need it.
 */
import driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import { ConfigurationError, QueryError } from "../CassandraError.ts"
import {
  bigintFromBytes,
  type Column,
  type ColumnType,
  cqlName,
  elementOf,
  elementsOf,
  entryOf,
  formatDate,
  formatTime,
  integerOf,
  isVector,
  readInet,
  resolve,
  TypeCode,
  udtOf,
  vectorOf
} from "../internal/protocol/index.ts"
import type { Row } from "../Statement.ts"

/** Never sees null. */
type Convert = (value: unknown) => unknown

const asText: Convert = String

const toBigint: Convert = (value) => (typeof value === "bigint" ? value : (integerOf(value) ?? null))

const unreadable = (message: string): never => {
  throw new QueryError({ message, writeState: "Unknown" })
}

const scalar = (code: number): Convert | undefined => {
  switch (code) {
    case TypeCode.bigint:
    case TypeCode.counter:
    case TypeCode.varint:
      return toBigint
    case TypeCode.uuid:
    case TypeCode.timeuuid:
      return asText
    case TypeCode.inet:
      return (value) => {
        const bytes = (value as driver.types.InetAddress).getBuffer()
        return readInet(bytes, 0, bytes.length)
      }
    case TypeCode.decimal:
      return (value) => {
        const bytes = driver.types.BigDecimal.toBuffer(value as driver.types.BigDecimal)
        return BigDecimal.make(bigintFromBytes(bytes.subarray(4)), bytes.readInt32BE(0))
      }
    case TypeCode.timestamp:
      return (value) =>
        Number.isNaN((value as Date).getTime())
          ? unreadable("cassandra-driver cannot read a timestamp that no Date can hold")
          : value
    case TypeCode.date:
      return (value) => formatDate((value as driver.types.LocalDate).toBuffer().readUInt32BE(0) - 0x80000000)
    case TypeCode.time:
      return (value) => formatTime((value as driver.types.LocalTime).toBuffer().readBigInt64BE(0))
    case TypeCode.duration:
      return (value) => {
        const { days, months, nanoseconds } = value as Readonly<Record<"days" | "months" | "nanoseconds", unknown>>
        return { months, days, nanoseconds: integerOf(nanoseconds) }
      }
    default:
      return undefined
  }
}

/** What reads a key from the name of a property: of those types whose values the name tells in full. */
const keyFromText = (type: ColumnType): ((text: string) => unknown) | undefined => {
  switch (resolve(type).code) {
    case TypeCode.text:
    case TypeCode.varchar:
    case TypeCode.ascii:
    case TypeCode.uuid:
    case TypeCode.timeuuid:
    case TypeCode.inet:
      return (text) => text
    case TypeCode.tinyint:
    case TypeCode.smallint:
    case TypeCode.int:
    case TypeCode.float:
    case TypeCode.double:
      return Number
    case TypeCode.bigint:
    case TypeCode.varint:
      return BigInt
    case TypeCode.boolean:
      return (text) => text === "true"
    default:
      return undefined
  }
}

const nullable =
  (convert: Convert | undefined): Convert =>
  (value) =>
    value === null || value === undefined ? null : convert === undefined ? value : convert(value)

/** An array, a `Set`, or what else the client's option `encoding.set` names. */
const itemsOf = (value: unknown): ReadonlyArray<unknown> => {
  if (Symbol.iterator in (value as object)) return Array.from(value as Iterable<unknown>)
  const items: Array<unknown> = []
  ;(value as { forEach(each: (item: unknown) => void): void }).forEach((item) => items.push(item))
  return items
}

const mapConverter = (type: ColumnType): Convert => {
  const [keyType, itemType] = entryOf(type)
  const key = nullable(converterOf(keyType))
  const item = nullable(converterOf(itemType))
  const fromText = keyFromText(keyType)
  return (value) => {
    const map = new Map<unknown, unknown>()
    const { forEach } = value as { readonly forEach?: unknown }
    if (typeof forEach === "function" && Object.getPrototypeOf(value) !== Object.prototype) {
      ;(value as Map<unknown, unknown>).forEach((v, k) => map.set(key(k), item(v)))
      return map
    }
    if (fromText === undefined) {
      throw new ConfigurationError({
        option: "encoding.map",
        message: `A ${cqlName(type)} can only be read by a client with the option encoding: { map: Map }`
      })
    }
    for (const [k, v] of Object.entries(value as object)) map.set(fromText(k), item(v))
    return map
  }
}

/** What makes a value of the type plain; undefined when the driver's value is plain already. */
const converterOf = (unresolved: ColumnType): Convert | undefined => {
  const type = resolve(unresolved)
  if (isVector(type)) {
    const element = nullable(converterOf(vectorOf(type)[0]))
    return (value) =>
      value instanceof Uint8Array
        ? unreadable("Vectors need cassandra-driver 4.8 or later")
        : Array.from(value as Iterable<unknown>, element)
  }
  switch (type.code) {
    case TypeCode.list: {
      const element = converterOf(elementOf(type))
      return element && ((value) => (value as ReadonlyArray<unknown>).map(element))
    }
    case TypeCode.set: {
      const element = nullable(converterOf(elementOf(type)))
      return (value) => new Set(itemsOf(value).map(element))
    }
    case TypeCode.map:
      return mapConverter(type)
    case TypeCode.tuple: {
      const elements = elementsOf(type).map((element) => nullable(converterOf(element)))
      return (value) => {
        const values = (value as driver.types.Tuple).values()
        return elements.map((convert, i) => convert(values[i]))
      }
    }
    case TypeCode.udt: {
      const fields = udtOf(type).fields.map((field) => [field.name, nullable(converterOf(field.type))] as const)
      return (value) => {
        const record: Record<string, unknown> = {}
        for (const [name, convert] of fields) set(record, name, convert((value as Record<string, unknown>)[name]))
        return record
      }
    }
    default:
      return scalar(type.code)
  }
}

// A column or field called `__proto__` must become a property like any other.
const set = (record: Record<string, unknown>, name: string, value: unknown): void => {
  if (name === "__proto__") {
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
  } else {
    record[name] = value
  }
}

/** What makes the driver's rows plain objects. It throws an error of ours for what the driver cannot read. */
export const rowReader = (columns: ReadonlyArray<Column>): ((row: driver.types.Row) => Row) => {
  const converters = columns.map((column) => nullable(converterOf(column.type)))
  return (source) => {
    const row: Record<string, unknown> = {}
    for (let c = 0; c < columns.length; c++) {
      const { name } = columns[c]!
      set(row, name, converters[c]!(source[name]))
    }
    return row
  }
}
