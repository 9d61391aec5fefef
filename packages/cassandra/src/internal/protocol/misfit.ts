/** A value that is none of the type it is bound to. */
import { type Column, cqlName } from "./columnType.ts"

/**
 * What an encoder throws: what was expected, and where inside the value. Neither ever holds the value itself, nor a part of
 * it such as the key of a map.
 */
export class Misfit extends TypeError {
  /** Where inside the value: `[2].zip`. */
  path = ""
  /** The variable that the value is for, once that is known. */
  variable: Column | undefined = undefined
  /** Whether the type may have changed since its fields were told: then preparing again may help. */
  readonly outdated: boolean

  constructor(expected: string, outdated = false) {
    super(expected)
    this.outdated = outdated
  }
}

export const misfit = (expected: string): never => {
  throw new Misfit(expected)
}

/** What was thrown at a part of a value, with the step that leads to the part. */
export const within = (error: unknown, step: string): unknown => {
  if (error instanceof Misfit) error.path = step + error.path
  return error
}

/**
 * What was thrown at the value for a variable, as a `Misfit` of that variable. Anything else, thrown by a getter or an
 * iterator of the value's, may quote the value and is left behind.
 */
export const misfitOf = (error: unknown, variable: Column): Misfit => {
  const told = error instanceof Misfit ? error : new Misfit("")
  told.variable = variable
  return told
}

/** What there is to say about it: the variable, its type, what was expected and where. */
export const explain = ({ message, path, variable }: Misfit): string => {
  if (variable === undefined) return `A value does not fit its type: expected ${message}`
  const { name, type } = variable
  const expected = message === "" ? "" : `: expected ${message}`
  return `The value for "${name}" does not fit its type ${cqlName(type)}${expected}${path === "" ? "" : `, at ${name}${path}`}`
}
