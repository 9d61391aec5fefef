/** One set of options for what is made of several statements: a template with statements in it, and a batch. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type { BatchOptions } from "../../Batch.ts"
import { ConfigurationError } from "../../CassandraError.ts"
import type { Statement, StatementOptions } from "../../Statement.ts"
import { flag, notOfBatches, refuseUnknown, statementOptions } from "../options/index.ts"
import { noOptions } from "./statement.ts"

type Name = keyof StatementOptions
type Payload = NonNullable<StatementOptions["customPayload"]>
type Writable = { -readonly [K in Name]?: StatementOptions[K] }

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

const sameBytes = (a: unknown, b: unknown): boolean =>
  a === b || (a instanceof Uint8Array && b instanceof Uint8Array && Buffer.compare(a, b) === 0)

/** Policies and profiles that were made alike are alike. */
const alike = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (!isRecord(a) || !isRecord(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return (
    keys.length > 0 &&
    keys.length === Object.keys(b).length &&
    Object.getPrototypeOf(a) === Object.getPrototypeOf(b) &&
    keys.every((key) => Object.is(a[key], b[key]))
  )
}

const same = (name: Name, a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (name !== "timeout" && name !== "deadline") return alike(a, b)
  const [one, other] = [Duration.decodeUnknown(a), Duration.decodeUnknown(b)]
  return Option.isSome(one) && Option.isSome(other) && Duration.equals(one.value, other.value)
}

/** Throws where two payloads have a key in common whose bytes differ. */
const joined = (a: Payload, b: Payload, disagree: () => never): Payload => {
  if (!isRecord(a) || !isRecord(b)) return disagree()
  for (const key of Object.keys(b)) if (Object.hasOwn(a, key) && !sameBytes(a[key], b[key])) disagree()
  return { ...a, ...b }
}

const refused = (path: string, name: string, message: string): ConfigurationError =>
  new ConfigurationError({ option: `${path}.${name}`, message: `${path}.${name}: ${message}` })

/**
 * The options of the parts of a template, together. Throws a `ConfigurationError` for an option on which two of them
 * disagree.
 */
export const ofTemplate = (parts: ReadonlyArray<Statement.Any>): StatementOptions => {
  let merged: Writable | undefined
  for (const { options } of parts) {
    for (const key in options) {
      const name = key as Name
      const value = options[name]
      if (value === undefined) continue
      const into: Writable = (merged ??= {})
      const before = into[name]
      const disagree = (): never => {
        throw refused("statement", name, "two parts of the template disagree; set it for the statement as a whole")
      }
      if (before === undefined) Object.assign(into, { [name]: value })
      else if (name === "customPayload") into.customPayload = joined(before as Payload, value as Payload, disagree)
      else if (!same(name, before, value)) disagree()
    }
  }
  return merged ?? noOptions
}

/** What a statement may leave to the others of its batch. What is not here, all have to say, or the batch. */
const ofSome: ReadonlySet<Name> = new Set<Name>(["keyspace", "tracing", "customPayload"])

/**
 * The options of a batch: its own, and those on which its statements agree, for they are the whole request's. Throws a
 * `ConfigurationError` that names the option for anything else.
 */
export const ofBatch = (statements: ReadonlyArray<Statement.Any>, options: BatchOptions): BatchOptions => {
  let merged: Writable | undefined
  for (const [i, statement] of statements.entries()) {
    if (statement.decode !== undefined) {
      throw refused("batch", "as", `statement ${i} decodes its rows, which a batch does not: leave out Statement.as`)
    }
    if (statement.options === noOptions) continue
    refuseUnknown("statement", statement.options, statementOptions)
    for (const key in statement.options) {
      const name = key as Name
      const value = statement.options[name]
      if (value === undefined) continue
      if (name === "idempotent" || name === "prepared") {
        // For each statement by itself.
        flag(`statement.${name}`, value as boolean, false)
        continue
      }
      if (Object.hasOwn(notOfBatches, name))
        throw refused("batch", name, `statement ${i} sets it, but ${notOfBatches[name]}`)
      const into: Writable = (merged ??= { ...options })
      const before = into[name]
      const disagree = (): never => {
        throw refused("batch", name, `a batch has one for all its statements, and statement ${i} disagrees with it`)
      }
      if (name === "customPayload") {
        into.customPayload =
          before === undefined ? (value as Payload) : joined(before as Payload, value as Payload, disagree)
      } else if (before !== undefined) {
        if (!same(name, before, value)) disagree()
      } else {
        if (!ofSome.has(name) && !statements.every((other) => other.options[name] !== undefined)) {
          const message = `statement ${i} sets it and others do not, but a batch has one for all its statements: set it on the batch`
          throw refused("batch", name, message)
        }
        Object.assign(into, { [name]: value })
      }
    }
  }
  return merged ?? options
}
