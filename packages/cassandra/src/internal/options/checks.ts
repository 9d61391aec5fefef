/** What values of options are checked with: each throws a `ConfigurationError` that names the option. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import { ConfigurationError } from "../../CassandraError.ts"
import { withCallerFrames } from "./callerFrames.ts"

export const refuse = (option: string, message: string): never => {
  throw withCallerFrames(new ConfigurationError({ option, message: `${option}: ${message}` }))
}

/** `Duration` takes what is less than nothing for zero. */
const isNegative = (input: unknown): boolean => {
  if (typeof input === "number") return !(input >= 0)
  if (typeof input === "bigint") return input < 0n
  if (typeof input === "string") return input.trimStart().startsWith("-")
  return Array.isArray(input) && input.some(isNegative)
}

export const millis = (option: string, input: Duration.DurationInput, expected = "not a duration"): number => {
  const duration = Duration.decodeUnknown(input)
  return Option.isSome(duration) && !isNegative(input) ? Duration.toMillis(duration.value) : refuse(option, expected)
}

/** The longest that a timer of Node can wait; a longer one would fire at once. */
export const longestTimer = 0x7fffffff

/** A duration that ends: zero would fail everything. */
export const limit = (option: string, input: Duration.DurationInput): number => {
  const value = millis(option, input)
  return value > 0 ? value : refuse(option, "must be longer than zero; Duration.infinity is no limit")
}

export const integer = (option: string, value: number, least: number, most: number): number =>
  Number.isInteger(value) && value >= least && value <= most
    ? value
    : refuse(
        option,
        `must be a whole number from ${least} to ${most}${typeof value === "number" ? `, not ${value}` : ""}`
      )

export const oneOf = <A extends string | number>(option: string, value: A, allowed: ReadonlyArray<A>): A =>
  allowed.includes(value) ? value : refuse(option, `must be one of ${allowed.join(", ")}`)

export const flag = (option: string, value: boolean | undefined, otherwise: boolean): boolean => {
  if (value === undefined) return otherwise
  return typeof value === "boolean" ? value : refuse(option, "must be true or false")
}

export const text = (option: string, value: string | undefined): string | undefined =>
  value === undefined || (typeof value === "string" && value.trim() !== "")
    ? value
    : refuse(option, "must be a text that is not empty")

/** A text whose length goes over the wire in 16 bits. */
export const shortText = (option: string, value: string | undefined): string | undefined => {
  const checked = text(option, value)
  return checked !== undefined && Buffer.byteLength(checked) > 0xffff ? refuse(option, "is too long") : checked
}
