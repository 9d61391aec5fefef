/**
 * The `cql` template: every value becomes a bind marker, so no value can ever become part of the CQL text.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import { type CassandraError, isCassandraError, QueryError } from "./CassandraError.ts"
import { ofTemplate } from "./internal/request/mergeOptions.ts"
import { byPosition } from "./internal/request/namedValues.ts"
import { noOptions, problemOf, StatementImpl } from "./internal/request/statement.ts"
import type { BoundValues } from "./internal/request/typeErrors.ts"
import { isStatement, type Row, type Statement, type StatementOptions } from "./Statement.ts"
import { withCallerFrames } from "./internal/options/callerFrames.ts"

const IdentifierTypeId = "~effect-cassandra/Identifier"

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
 * A statement from a template. Values become bind markers; a nested statement is put in with its values, by position or by
 * name, and with its options; `cql.id` puts in a quoted identifier. Two nested statements that disagree on an option are a
 * `ConfigurationError` when the statement is sent.
 *
 * A template without values is prepared, as it is a place in the program. One that has a nested statement or an identifier in it,
 * and no values, is sent as it is unless `Statement.prepared` asks for more.
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
  <V extends ReadonlyArray<unknown>>(
    strings: TemplateStringsArray,
    ...values: V & BoundValues<V>
  ): Statement<Row, never, never>
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
    return new StatementImpl<Row, never, never>(text, values, noOptions, undefined, true, undefined)
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
  const statements: Array<Statement.Any> = []
  let problem: CassandraError | undefined
  parts.forEach((part, i) => {
    if (isIdentifier(part)) {
      text += part.text
    } else if (isStatement(part)) {
      statements.push(part)
      try {
        const positional = partOf(part)
        text += positional.query
        for (const value of positional.values) values.push(value)
      } catch (error) {
        problem ??= misuse(error)
      }
    } else {
      text += "?"
      values.push(part)
    }
    text += strings[i + 1] ?? ""
  })
  let options: StatementOptions = noOptions
  try {
    options = ofTemplate(statements)
  } catch (error) {
    problem ??= misuse(error)
  }
  return new StatementImpl<Row, never, never>(text, values, options, undefined, false, problem)
}

/** A statement as a part of another one. Throws for what cannot be one. */
const partOf = (part: Statement.Any): { readonly query: string; readonly values: ReadonlyArray<unknown> } => {
  const problem = problemOf(part)
  if (problem !== undefined) throw problem
  const { query, values } = part
  if (typeof query !== "string" || typeof values !== "object" || values === null) {
    throw invalid("A statement in a template has no text, or values that are neither an array nor a record")
  }
  if (part.decode !== undefined) {
    throw invalid("A statement in a template decodes rows: use Statement.as on the whole statement instead")
  }
  // The markers of the whole are by position.
  return Array.isArray(values) ? { query, values } : byPosition(query, values as { readonly [name: string]: unknown })
}

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/** Nothing is thrown where a statement is composed: sending it fails. */
const misuse = (error: unknown): CassandraError => {
  if (isCassandraError(error)) return error
  throw error
}
