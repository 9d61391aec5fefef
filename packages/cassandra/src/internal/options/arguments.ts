/**
 * What the arguments of public functions are checked with, for callers without types: each throws a `ConfigurationError` that
 * names the function.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schedule_ from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Credentials } from "../../ClusterOptions.ts"
import { refuse } from "./checks.ts"
import { credentials as names } from "./names.ts"
import { type OptionNames, refuseUnknown } from "./optionNames.ts"

const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

/** Options, or other values by name. */
export const record = <A>(name: string, value: A): A => (isRecord(value) ? value : refuse(name, "takes a record"))

/** Options whose names are known. */
export const options = <A extends object>(name: string, value: A, known: OptionNames): A => {
  refuseUnknown(name, record(name, value), known)
  return value
}

/** A `Config` of options, or options that are `Config`s: those are told apart by their values, without end where one is neither. */
export const config = <A>(name: string, value: Config.Config.Wrap<A>): Config.Config<A> => {
  try {
    return Config.unwrap(record(name, value))
  } catch {
    return refuse(name, "takes a Config, or a record of Configs")
  }
}

export const array = <A>(name: string, value: ReadonlyArray<A>): ReadonlyArray<A> =>
  Array.isArray(value) ? value : refuse(name, "takes an array")

export const schema = <A extends Schema.Schema.All>(name: string, value: A): A =>
  Schema.isSchema(value) ? value : refuse(name, "takes a schema")

export const aFunction = <A>(name: string, value: A): A =>
  typeof value === "function" ? value : refuse(name, "takes a function")

export const effect = <A>(name: string, value: A): A =>
  Effect.isEffect(value) ? value : refuse(name, "takes an effect")

export const schedule = <A>(name: string, value: A): A =>
  Schedule_.isSchedule(value) ? value : refuse(name, "takes a Schedule")

export const date = (name: string, value: Date): Date =>
  value instanceof Date && !Number.isNaN(value.getTime()) ? value : refuse(name, "takes a valid Date")

export const credentials = (path: string, value: Credentials): Credentials => {
  refuseUnknown(path, record(path, value), names)
  if (typeof value.username !== "string") refuse(`${path}.username`, "must be a text")
  return Redacted.isRedacted(value.password)
    ? value
    : refuse(`${path}.password`, "must be Redacted, so that it is never printed: Redacted.make(password)")
}

/** A field of a record, of any name: one that is called `constructor` is not what every object inherits. */
export const field = (values: object, name: string): unknown =>
  Object.hasOwn(values, name) || !(name in Object.prototype)
    ? (values as { readonly [name: string]: unknown })[name]
    : undefined
