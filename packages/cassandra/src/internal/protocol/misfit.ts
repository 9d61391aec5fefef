/** A value that is none of the type it is bound to. */
import { type Column, cqlName } from "./columnType.ts"

/** What a value is bound to. */
export interface Parameter {
  readonly variable: Column
  /** Its place among the variables, from 0. */
  readonly index: number
}

/**
 * What an encoder throws: what was expected, what kind of value came, and where inside the value. None of them ever holds the value
 * itself, nor a part of it such as the key of a map.
 */
export class Misfit extends TypeError {
  /** Where inside the value: `[2].zip`. */
  path = ""
  /** What the value is for, once that is known. */
  parameter: Parameter | undefined = undefined
  /** The statement, where it is one of several. */
  query: string | undefined = undefined
  /** `a string`; undefined where the kind of the value is not what is wrong. */
  readonly got: string | undefined
  /** Whether the type may have changed since its fields were told: then preparing again may help. */
  readonly outdated: boolean

  constructor(expected: string, got?: string, outdated = false) {
    super(expected)
    this.got = got
    this.outdated = outdated
  }

  get variable(): Column | undefined {
    return this.parameter?.variable
  }
}

/** What kind of value came instead, with no trace of the value itself. */
export const typeName = (value: unknown): string => {
  if (value === null) return "null"
  switch (typeof value) {
    case "undefined":
      return "undefined"
    case "number":
      return Number.isInteger(value) ? "a number" : Number.isFinite(value) ? "a number with a fraction" : String(value)
    case "object":
      return objectName(value)
    default:
      return `a ${typeof value}`
  }
}

/** The name of a class of the value's own is the program's, and so is a tag; those of records are not asked for. */
const objectName = (value: object): string => {
  if (Array.isArray(value)) return "an array"
  try {
    const name: unknown = (
      Object.getPrototypeOf(value) as { readonly constructor?: { readonly name?: unknown } } | null
    )?.constructor?.name
    if (typeof name !== "string" || name === "" || name === "Object") return "an object"
    if (value instanceof Date && Number.isNaN(value.getTime())) return "an invalid Date"
    return `${/^[aeiou]/i.test(name) ? "an" : "a"} ${name.slice(0, 64)}`
  } catch {
    return "an object"
  }
}

export const misfit = (expected: string, value: unknown): never => {
  throw new Misfit(expected, typeName(value))
}

/** What was thrown at a part of a value, with the step that leads to the part. */
export const within = (error: unknown, step: string): unknown => {
  if (error instanceof Misfit) error.path = step + error.path
  return error
}

/**
 * What was thrown at the value of a parameter, as a `Misfit` of that. Anything else, thrown by a getter or an iterator of the
 * value's, may quote the value and is left behind.
 */
export const misfitOf = (error: unknown, parameter: Parameter, value: unknown): Misfit => {
  const told = error instanceof Misfit ? error : new Misfit("", typeName(value))
  told.parameter = parameter
  return told
}

/** What there is to say about it: the parameter, its type, what was expected, what came and where. */
export const explain = ({ got, message, parameter, path }: Misfit): string => {
  const came = got === undefined ? "" : `, got ${got}`
  if (parameter === undefined) return `A value does not fit its type: expected ${message}${came}`
  const { index, variable } = parameter
  const { name, type } = variable
  const expected = message === "" ? "" : `: expected ${message}`
  const at = path === "" ? "" : `, at ${name}${path}`
  return `The value for "${name}" does not fit its type ${cqlName(type)}${expected}${at}${came} (parameter ${index + 1})`
}
