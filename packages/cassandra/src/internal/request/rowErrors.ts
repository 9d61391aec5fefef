/** What a schema says of rows that it does not fit: where, and what came instead; never the values. */
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as AST from "effect/SchemaAST"
import { detailsOf, type Located, siteOf } from "./errorSite.ts"
import { typeName } from "../protocol/index.ts"
import type { Answer } from "./request.ts"

/** What did not fit, and where in the row. */
interface Misfit {
  readonly path: ReadonlyArray<PropertyKey>
  readonly message: string
}

/** What is behind these is of no interest any more: unions of many members fail once for each. */
const most = 10
const longest = 200

const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)

const isIssue = (issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>): issues is ParseResult.ParseIssue =>
  "_tag" in issues

/** What a predicate, or a transformation, says of a value quotes it: that it does not fit is all there is to say. */
const messageOf = (
  { actual, ast }: { readonly actual: unknown; readonly ast: AST.Annotated },
  path: ReadonlyArray<PropertyKey>
): string =>
  actual === null && path.length === 2
    ? "the column is null: use CqlType.optional"
    : `expected ${cut(String(ast))}, the value is ${typeName(actual)}`

const misfitsOf = (
  issue: ParseResult.ParseIssue,
  path: ReadonlyArray<PropertyKey>,
  found: Array<Misfit>
): ReadonlyArray<Misfit> => {
  if (found.length >= most) return found
  switch (issue._tag) {
    case "Pointer":
      return misfitsOf(
        issue.issue,
        [
          ...path,
          ...(Array.isArray(issue.path) ? (issue.path as ReadonlyArray<PropertyKey>) : [issue.path as PropertyKey])
        ],
        found
      )
    case "Composite":
      for (const inner of isIssue(issue.issues) ? [issue.issues] : issue.issues) misfitsOf(inner, path, found)
      return found
    case "Refinement":
      if (issue.kind === "From") return misfitsOf(issue.issue, path, found)
      found.push({ path, message: messageOf(issue, path) })
      return found
    case "Transformation":
      return misfitsOf(issue.issue, path, found)
    case "Type":
      found.push({ path, message: messageOf(issue, path) })
      return found
    case "Missing":
      found.push({ path, message: path.length === 2 ? "there is no such column in the result" : "it is missing" })
      return found
    case "Unexpected":
      found.push({ path, message: "the schema has no such field" })
      return found
    case "Forbidden":
      found.push({ path, message: "it cannot be decoded at once: the schema is asynchronous" })
      return found
  }
}

const stepOf = (key: PropertyKey): string => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)

/** A `ParseError` that says which row of which statement it is about. */
class RowsError extends ParseResult.ParseError implements Located {
  readonly query: string | undefined
  readonly keyspace: string | undefined
  readonly table: string | undefined

  constructor(misfits: ReadonlyArray<Misfit>, { keyspace, query, table }: Located) {
    const pointers = misfits.map(
      ({ message, path }) =>
        new ParseResult.Pointer(
          path as [PropertyKey, ...Array<PropertyKey>],
          undefined,
          new ParseResult.Type(AST.neverKeyword, undefined, message)
        )
    )
    const limit = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super({ issue: new ParseResult.Composite(rowsOfAnything, undefined, pointers as never) })
    Error.stackTraceLimit = limit
    this.query = query
    this.keyspace = keyspace
    this.table = table
    const text = `The rows do not fit the schema${misfits
      .map(({ message, path }) => `\n  rows${path.map(stepOf).join("")}: ${message}`)
      .join("")}${detailsOf(this)}`
    // A fiber puts a Proxy before its failure, so that nothing private could be read.
    Object.defineProperty(this, "toString", { value: () => text })
  }
}

const rowsOfAnything = new AST.TupleType([], [new AST.Type(AST.unknownKeyword)], true)

/** Has what a schema says of the rows from `first` on say where those come from. */
export const ofRows = <A, E, R>(
  decoded: Effect.Effect<A, E, R>,
  query: string,
  { response }: Answer,
  first: number
): Effect.Effect<A, E, R> =>
  Effect.mapError(decoded, (error) => {
    if (!ParseResult.isParseError(error)) return error
    const [column] = response?.columns ?? []
    const facts = siteOf({ query, keyspace: column?.ksname })
    const misfits = misfitsOf(error.issue, [], []).map(({ message, path: [row, ...rest] }) => ({
      message,
      path: [typeof row === "number" ? first + row : first, ...rest]
    }))
    return new RowsError(misfits, { ...facts, table: facts.table ?? column?.tablename }) as E
  })
