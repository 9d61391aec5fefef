/**
 * Bound values: from plain ones to what the driver's encoder takes.
 *
 * The types come from the prepared statement, so a value that cannot fit is refused here, with the name and the type of its
 * variable and never with the value itself, before anything is sent.
 */
import driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import { QueryError } from "../CassandraError.ts"
import type { Values } from "../Statement.ts"
import {
  cqlName,
  type DriverColumn,
  type DriverType,
  elementOf,
  entryOf,
  isVector,
  resolve,
  tupleOf,
  udtOf,
  vectorOf
} from "./cqlTypes.ts"
import { parseDate } from "./scalars.ts"

const { dataTypes, Long } = driver.types

/** Never sees null, undefined or unset. Throws when the value cannot be one of the type. */
type Convert = (value: unknown) => unknown

class Misfit extends Error {}

const misfit = (expected: string): never => {
  throw new Misfit(expected)
}

const absent = (value: unknown): boolean => value === null || value === undefined || value === driver.types.unset

const optional =
  (convert: Convert | undefined): Convert =>
  (value) =>
    absent(value) || convert === undefined ? value : convert(value)

const toBigInt: Convert = (value) =>
  typeof value === "number" ? (Number.isSafeInteger(value) ? BigInt(value) : misfit("a bigint")) : value

const toBuffer: Convert = (value) =>
  value instanceof Uint8Array
    ? Buffer.isBuffer(value)
      ? value
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : misfit("a Uint8Array")

// The class takes an `Integer`; its declaration says number.
const driverDecimal = (unscaled: bigint, scale: number): driver.types.BigDecimal =>
  new (
    driver.types.BigDecimal as unknown as new (unscaled: driver.types.Integer, scale: number) => driver.types.BigDecimal
  )(driver.types.Integer.fromString(unscaled.toString()), scale)

const toDecimal: Convert = (value) => {
  if (BigDecimal.isBigDecimal(value)) {
    return driverDecimal(value.value, value.scale)
  }
  return typeof value === "bigint" ? driverDecimal(value, 0) : value
}

const toDate: Convert = (value) => {
  if (typeof value !== "string") return value
  const days = parseDate(value) ?? misfit("a date like 2026-05-01")
  // The class takes days since the epoch as its only argument; its declaration knows only year, month and day.
  return new (driver.types.LocalDate as unknown as new (days: number) => driver.types.LocalDate)(days as number)
}

const toDuration: Convert = (value) => {
  if (value instanceof driver.types.Duration || typeof value === "string") return value
  const { months = 0, days = 0, nanoseconds = 0n } = value as { months?: number; days?: number; nanoseconds?: bigint }
  return new driver.types.Duration(months, days, Long.fromString(String(nanoseconds)))
}

const converterOf = (unresolved: DriverType): Convert | undefined => {
  const type = resolve(unresolved)
  if (isVector(type)) {
    const [elementType, dimension] = vectorOf(type)
    const element = optional(converterOf(elementType))
    return (value) => {
      const elements = Array.isArray(value) || ArrayBuffer.isView(value) ? Array.from(value as Iterable<unknown>) : []
      return elements.length === dimension
        ? new driver.types.Vector(elements.map(element))
        : misfit(`an array of ${dimension} elements`)
    }
  }
  switch (type.code) {
    case dataTypes.bigint:
    case dataTypes.counter:
    case dataTypes.varint:
      return toBigInt
    case dataTypes.blob:
    case dataTypes.custom:
      return toBuffer
    case dataTypes.decimal:
      return toDecimal
    case dataTypes.date:
      return toDate
    case dataTypes.duration:
      return toDuration
    case dataTypes.list:
    case dataTypes.set: {
      const element = optional(converterOf(elementOf(type)))
      // Sets and arrays are both taken for both: what arrives at the driver is an array.
      return (value) =>
        typeof value === "object" && Symbol.iterator in (value as object)
          ? Array.from(value as Iterable<unknown>, element)
          : misfit("an array or a Set")
    }
    case dataTypes.map: {
      const [key, item] = entryOf(type).map((inner) => optional(converterOf(inner))) as [Convert, Convert]
      return (value) =>
        typeof value !== "object"
          ? misfit("a Map or a record")
          : new Map(
              Array.from(
                value instanceof Map ? (value as Map<unknown, unknown>) : Object.entries(value as object),
                ([k, v]) => [key(k), item(v)]
              )
            )
    }
    case dataTypes.tuple: {
      const types = tupleOf(type)
      const elements = types.map((element) => optional(converterOf(element)))
      return (value) =>
        value instanceof driver.types.Tuple
          ? value
          : Array.isArray(value) && value.length === types.length
            ? driver.types.Tuple.fromArray(elements.map((convert, i) => convert(value[i])))
            : misfit(`an array of ${types.length} elements`)
    }
    case dataTypes.udt: {
      const fields = udtOf(type).fields.map(({ name, type }) => [name, optional(converterOf(type))] as const)
      return (value) => {
        if (typeof value !== "object") return misfit("a record")
        const given = value as Record<string, unknown>
        return Object.fromEntries(fields.map(([name, convert]) => [name, convert(given[name])]))
      }
    }
    default:
      return undefined
  }
}

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/**
 * What makes the values of a prepared statement ready for the driver: an array in the order of its variables. Throws a
 * `QueryError` for a missing, a surplus or an unfit value.
 */
export const encoderOf = (variables: ReadonlyArray<DriverColumn>): ((values: Values) => ReadonlyArray<unknown>) => {
  const converters = variables.map((variable) => converterOf(variable.type))
  const plain = converters.every((convert) => convert === undefined)

  const byName = (values: { readonly [name: string]: unknown }): ReadonlyArray<unknown> =>
    variables.map(({ name }) => {
      if (Object.hasOwn(values, name)) return values[name]
      // CQL folds names that are not quoted to lower case; the record may be written as the text is.
      const key = Object.keys(values).find((key) => key.toLowerCase() === name)
      if (key === undefined) throw invalid(`No value is given for the variable "${name}"`)
      return values[key]
    })

  return (given) => {
    const values = Array.isArray(given) ? given : byName(given as { readonly [name: string]: unknown })
    if (values.length !== variables.length) {
      const expected = variables.length === 1 ? "1 value" : `${variables.length} values`
      throw invalid(`The statement takes ${expected}, not ${values.length}`)
    }
    if (plain) return values
    return values.map((value, i) => {
      const convert = converters[i]
      if (convert === undefined || absent(value)) return value
      try {
        return convert(value)
      } catch (error) {
        const { name, type } = variables[i] as DriverColumn
        const expected = error instanceof Misfit ? `: expected ${error.message}` : ""
        throw invalid(`The value for "${name}" does not fit its type ${cqlName(type)}${expected}`)
      }
    })
  }
}
