/** The values of a prepared statement: put in the order of its variables, and as the bytes of their types. */
import driver from "cassandra-driver"
import { QueryError } from "../CassandraError.ts"
import type { Values } from "../Statement.ts"
import { ByteWriter } from "./protocol/byteWriter.ts"
import type { Column } from "./protocol/columnType.ts"
import { writersFor } from "./protocol/encodeValue.ts"
import { isUnset } from "./protocol/valueClasses.ts"

const { unset } = driver.types

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/** The values in the order of the variables. Throws a `QueryError` for a missing or a surplus one. */
export const inOrder = (variables: ReadonlyArray<Column>, given: Values): ReadonlyArray<unknown> => {
  const values = Array.isArray(given)
    ? (given as ReadonlyArray<unknown>)
    : byName(variables, given as { readonly [name: string]: unknown })
  if (values.length === variables.length) return values
  const expected = variables.length === 1 ? "1 value" : `${variables.length} values`
  throw invalid(`The statement takes ${expected}, not ${values.length}`)
}

export const isEmpty = (values: Values): boolean => {
  if (Array.isArray(values)) return values.length === 0
  for (const _ in values) return false
  return true
}

const byName = (
  variables: ReadonlyArray<Column>,
  values: { readonly [name: string]: unknown }
): ReadonlyArray<unknown> =>
  variables.map(({ name }) => {
    if (Object.hasOwn(values, name)) return values[name]
    // CQL folds names that are not quoted to lower case; the record may be written as the text is.
    const key = Object.keys(values).find((candidate) => candidate.toLowerCase() === name)
    if (key === undefined) throw invalid(`No value is given for the variable "${name}"`)
    return values[key]
  })

const writer = new ByteWriter()

/**
 * What makes the values of a prepared statement ready for the driver's own request code, which sends bytes as they are:
 * bytes, null or unset, in the order of the variables. Throws a `QueryError` or a `Misfit`.
 */
export const encoderOf = (variables: ReadonlyArray<Column>): ((values: Values) => ReadonlyArray<unknown>) => {
  const writers = writersFor(variables)
  return (given) =>
    inOrder(variables, given).map((value, i) => {
      if (value === null) return null
      if (value === undefined || isUnset(value)) return unset
      writer.pos = writer.start
      writers[i]!(writer, value)
      // Behind the length, which the driver writes itself.
      return Buffer.from(writer.buf.subarray(writer.start + 4, writer.pos))
    })
}
