/**
 * Bound values: from plain ones to the bytes of their types, which the driver sends as they are.
 *
 * The types come from the prepared statement, so a value that cannot fit is refused here, with the name and the type of its
 * variable and never with the value itself, before anything is sent.
 */
import driver from "cassandra-driver"
import { QueryError } from "../CassandraError.ts"
import type { Values } from "../Statement.ts"
import { cqlName, type DriverColumn } from "./cqlTypes.ts"
import { encoderFor } from "./encodeType.ts"
import { Misfit } from "./misfit.ts"

const { unset } = driver.types

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

const refusal = ({ name, type }: DriverColumn, error: unknown): QueryError => {
  const subject = `The value for "${name}" does not fit its type ${cqlName(type)}`
  if (!(error instanceof Misfit)) return invalid(subject)
  return invalid(`${subject}: expected ${error.message}${error.path === "" ? "" : `, at ${name}${error.path}`}`)
}

/**
 * What makes the values of a prepared statement ready for the driver: bytes, null or unset, in the order of its variables.
 * Throws a `QueryError` for a missing, a surplus or an unfit value.
 */
export const encoderOf = (variables: ReadonlyArray<DriverColumn>): ((values: Values) => ReadonlyArray<unknown>) => {
  const encoders = variables.map((variable) => encoderFor(variable.type))

  const byName = (values: { readonly [name: string]: unknown }): ReadonlyArray<unknown> =>
    variables.map(({ name }) => {
      if (Object.hasOwn(values, name)) return values[name]
      // CQL folds names that are not quoted to lower case; the record may be written as the text is.
      const key = Object.keys(values).find((candidate) => candidate.toLowerCase() === name)
      if (key === undefined) throw invalid(`No value is given for the variable "${name}"`)
      return values[key]
    })

  return (given) => {
    const values = Array.isArray(given)
      ? (given as ReadonlyArray<unknown>)
      : byName(given as { readonly [name: string]: unknown })
    if (values.length !== variables.length) {
      const expected = variables.length === 1 ? "1 value" : `${variables.length} values`
      throw invalid(`The statement takes ${expected}, not ${values.length}`)
    }
    const encoded: Array<unknown> = []
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (value === null) {
        encoded[i] = null
      } else if (value === undefined || value === unset) {
        encoded[i] = unset
      } else {
        try {
          encoded[i] = (encoders[i] as (value: unknown) => Buffer)(value)
        } catch (error) {
          throw refusal(variables[i] as DriverColumn, error)
        }
      }
    }
    return encoded
  }
}
