/** The values of a prepared statement: put in the order of its variables, and as the bytes of their types. */
import { QueryError } from "../../CassandraError.ts"
import type { Values } from "../../Statement.ts"
import { keyFor, missing, surplus } from "./namedValues.ts"
import { ByteWriter, type Column, isUnset, unset, writersFor } from "../protocol/index.ts"

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/** The values in the order of the variables. Throws a `QueryError` for a missing or a surplus one. */
export const inOrder = (variables: ReadonlyArray<Column>, given: Values): ReadonlyArray<unknown> => {
  let values: ReadonlyArray<unknown>
  try {
    values = Array.isArray(given) ? given : byName(variables, given as { readonly [name: string]: unknown })
  } catch (error) {
    // What a getter throws may quote the value.
    throw error instanceof QueryError ? error : invalid("A value cannot be read: its getter threw")
  }
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
): ReadonlyArray<unknown> => {
  const ordered = variables.map(({ name }) => {
    const key = keyFor(values, name)
    if (key === undefined) throw missing(name)
    return values[key]
  })
  if (!areUsed(variables, values)) refuseSurplus(variables, values)
  return ordered
}

/** Whether each value has a variable; false where that takes a closer look. */
const areUsed = (variables: ReadonlyArray<Column>, values: { readonly [name: string]: unknown }): boolean => {
  let i = 0
  // Most records are written in the order of the text.
  for (const key in values) if (variables[i++]?.name !== key) return false
  return true
}

const refuseSurplus = (variables: ReadonlyArray<Column>, values: { readonly [name: string]: unknown }): void => {
  const used = new Set(variables.map(({ name }) => keyFor(values, name)))
  for (const key of Object.keys(values)) if (!used.has(key)) throw surplus(key)
}

const writer = new ByteWriter()

/**
 * What encodes values for the variables of a prepared statement: bytes, null or unset, in the order of the variables. Throws a `QueryError` or a `Misfit`.
 */
export const encoderOf = (variables: ReadonlyArray<Column>): ((values: Values) => ReadonlyArray<unknown>) => {
  const writers = writersFor(variables)
  return (given) =>
    inOrder(variables, given).map((value, i) => {
      if (value === null) return null
      if (value === undefined || isUnset(value)) return unset
      writer.pos = writer.start
      writers[i]!(writer, value)
      // Without the length in front.
      return Buffer.from(writer.buf.subarray(writer.start + 4, writer.pos))
    })
}
