/**
 * Rows: from the driver's values to plain ones.
 *
 * The driver gives classes of its own for some types (`Uuid`, `BigDecimal`, `LocalDate`, ...). Ours are plain, so that a
 * row can be read with any schema, compared and printed. One converter is made per column and page, and only for the
 * columns that need it.
 */
import driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import type { Row } from "../Statement.ts"
import { bigintFromBytes, formatDate, formatTime } from "./protocol/scalars.ts"
import {
  type Column,
  type ColumnType,
  elementOf,
  elementsOf,
  entryOf,
  isVector,
  resolve,
  udtOf,
  vectorOf
} from "./protocol/columnType.ts"

const { dataTypes } = driver.types

/** Never sees null. */
type Convert = (value: unknown) => unknown

const asText: Convert = String

const scalar = (code: number): Convert | undefined => {
  switch (code) {
    case dataTypes.uuid:
    case dataTypes.timeuuid:
    case dataTypes.inet:
      return asText
    case dataTypes.decimal:
      return (value) => {
        const bytes = driver.types.BigDecimal.toBuffer(value as driver.types.BigDecimal)
        return BigDecimal.make(bigintFromBytes(bytes.subarray(4)), bytes.readInt32BE(0))
      }
    case dataTypes.date:
      return (value) => formatDate((value as { toBuffer(): Buffer }).toBuffer().readUInt32BE(0) - 0x80000000)
    case dataTypes.time:
      return (value) => formatTime((value as { toBuffer(): Buffer }).toBuffer().readBigInt64BE(0))
    case dataTypes.duration:
      return (value) => {
        const { months, days, nanoseconds } = value as {
          readonly months: number
          readonly days: number
          readonly nanoseconds: { toString(): string }
        }
        return { months, days, nanoseconds: BigInt(nanoseconds.toString()) }
      }
    default:
      return undefined
  }
}

const nullable =
  (convert: Convert | undefined): Convert =>
  (value) =>
    value === null || value === undefined ? null : convert === undefined ? value : convert(value)

/** What makes a value of the type plain; undefined when the driver's value is plain already. */
const converterOf = (unresolved: ColumnType): Convert | undefined => {
  const type = resolve(unresolved)
  if (isVector(type)) {
    const element = converterOf(vectorOf(type)[0])
    return (value) => {
      const elements = Array.from(value as Iterable<unknown>)
      return element === undefined ? elements : elements.map(element)
    }
  }
  switch (type.code) {
    case dataTypes.list: {
      const element = converterOf(elementOf(type))
      return element && ((value) => (value as ReadonlyArray<unknown>).map(element))
    }
    case dataTypes.set: {
      const element = converterOf(elementOf(type))
      return element && ((value) => new Set(Array.from(value as Iterable<unknown>, element)))
    }
    case dataTypes.map: {
      const [key, item] = entryOf(type).map(converterOf)
      if (key === undefined && item === undefined) return undefined
      return (value) =>
        new Map(
          Array.from(value as Map<unknown, unknown>, ([k, v]) => [
            key === undefined ? k : key(k),
            item === undefined || v === null ? v : item(v)
          ])
        )
    }
    case dataTypes.tuple: {
      const elements = elementsOf(type).map((element) => nullable(converterOf(element)))
      return (value) => {
        const values = (value as driver.types.Tuple).values()
        return elements.map((convert, i) => convert(values[i]))
      }
    }
    case dataTypes.udt: {
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

/** A page of the driver's rows as plain objects. */
export const toRows = (
  rows: ReadonlyArray<Record<string, unknown>>,
  columns: ReadonlyArray<Column>
): ReadonlyArray<Row> => {
  const names = columns.map((column) => column.name)
  const converters = columns.map((column) => converterOf(column.type))
  const result: Array<Row> = []
  for (let r = 0; r < rows.length; r++) {
    const source = rows[r] as Record<string, unknown>
    const row: Record<string, unknown> = {}
    for (let c = 0; c < names.length; c++) {
      const name = names[c] as string
      const value = source[name]
      const convert = converters[c]
      const plain = value === null || value === undefined ? null : convert === undefined ? value : convert(value)
      if (name === "__proto__") set(row, name, plain)
      else row[name] = plain
    }
    result[r] = row
  }
  return result
}
