/**
 * The `cql` template: every value becomes a bind marker, so no value can ever become part of the CQL text.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import { QueryError } from "./CassandraError.ts"
import { withCallerFrames } from "./internal/callerFrames.ts"
import { isStatement, make, type Row, type Statement } from "./Statement.ts"

const IdentifierTypeId: unique symbol = Symbol.for("effect-cassandra/Identifier")

/**
 * A quoted identifier, made by `cql.id`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Identifier {
  readonly [IdentifierTypeId]: true
  /** The identifier as it stands in the text: `"users"`. */
  readonly text: string
}

const isIdentifier = (u: unknown): u is Identifier => Predicate.hasProperty(u, IdentifierTypeId)

const quote = (name: string): string => {
  if (typeof name !== "string" || name === "" || name.includes("\0")) {
    throw withCallerFrames(
      new QueryError({ message: "An identifier is a text that is not empty", writeState: "NotApplied" })
    )
  }
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Quotes identifiers for use in a `cql` template, where they keep their case; several are joined with dots. A quote within
 * a name is doubled, so a name cannot end the identifier. Throws a `QueryError` for what cannot be a name: an empty text, or
 * none at all.
 *
 * @example
 * ```ts
 * import { cql } from "effect-cassandra"
 *
 * const table = "events_2026"
 * const statement = cql`SELECT * FROM ${cql.id("shop", table)} WHERE day = ${"2026-05-01"}`
 * // SELECT * FROM "shop"."events_2026" WHERE day = ?
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
const id = (...names: readonly [string, ...ReadonlyArray<string>]): Identifier => ({
  [IdentifierTypeId]: true,
  text: names.map(quote).join(".")
})

// The text of a template whose values are all bound depends on its literal parts alone, and those are one frozen array
// per place in the source. So each such place gives one string, which the caches further down compare by identity.
const texts = new WeakMap<TemplateStringsArray, string>()

/**
 * A statement from a template. Values become bind markers; a nested statement is put in with its values; `cql.id` puts in a
 * quoted identifier.
 *
 * @example
 * ```ts
 * import { cql } from "effect-cassandra"
 *
 * const recent = cql`AND at > ${new Date("2026-01-01")}`
 * const statement = cql`SELECT * FROM events WHERE sensor = ${42} ${recent} LIMIT ${10}`
 * // SELECT * FROM events WHERE sensor = ? AND at > ? LIMIT ?
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const cql: {
  (strings: TemplateStringsArray, ...values: ReadonlyArray<unknown>): Statement<Row, never, never>
  /** Quotes identifiers: `cql.id("shop", "Users")` is `"shop"."Users"`. */
  readonly id: typeof id
} = Object.assign(
  (strings: TemplateStringsArray, ...values: ReadonlyArray<unknown>): Statement<Row, never, never> => {
    for (const value of values) {
      if (typeof value === "object" && value !== null && (isStatement(value) || isIdentifier(value))) {
        return compose(strings, values)
      }
    }
    let text = texts.get(strings)
    if (text === undefined) {
      checkTemplate(strings)
      text = strings.join("?")
      texts.set(strings, text)
    }
    return make(text, values)
  },
  { id }
)

/** Called as a function, it would take a text that was put together of anything. */
const checkTemplate = (strings: TemplateStringsArray): void => {
  if (Array.isArray(strings) && "raw" in strings) return
  throw withCallerFrames(
    new QueryError({ message: "cql is a template tag: cql`SELECT …`, not a function", writeState: "NotApplied" })
  )
}

const compose = (strings: TemplateStringsArray, parts: ReadonlyArray<unknown>): Statement<Row, never, never> => {
  checkTemplate(strings)
  let text = strings[0] ?? ""
  const values: Array<unknown> = []
  parts.forEach((part, i) => {
    if (isIdentifier(part)) {
      text += part.text
    } else if (isStatement(part)) {
      text += part.query
      // Markers by name and by position do not mix: what was made with named values stays a part of such a statement only.
      values.push(...(Array.isArray(part.values) ? part.values : Object.values(part.values)))
    } else {
      text += "?"
      values.push(part)
    }
    text += strings[i + 1] ?? ""
  })
  return make(text, values)
}
