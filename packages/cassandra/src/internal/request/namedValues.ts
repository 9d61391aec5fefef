/** Values by name: found for a variable, and put in the order of the markers of a text. */
import { QueryError } from "../../CassandraError.ts"

type Named = { readonly [name: string]: unknown }

const invalid = (message: string): QueryError => new QueryError({ message, writeState: "NotApplied" })

/**
 * The key of a variable's value. CQL folds names that are not quoted to lower case; the record may be written as the text is.
 */
export const keyFor = (values: Named, name: string): string | undefined =>
  Object.hasOwn(values, name) ? name : Object.keys(values).find((candidate) => candidate.toLowerCase() === name)

export const missing = (name: string): QueryError => invalid(`No value is given for the variable "${name}"`)

export const surplus = (name: string): QueryError =>
  invalid(`A value is given for "${name}", but the statement has no such variable`)

/** What a text consists of, as far as markers are concerned; all else is passed over, a character at a time. */
const token =
  /'[^']*'|\$\$[\s\S]*?\$\$|"[^"]*(?:""[^"]*)*"|--[^\r\n]*|\/\/[^\r\n]*|\/\*[\s\S]*?\*\/|[A-Za-z_][A-Za-z0-9_]*|\d[\w.+-]*|\s+|[\s\S]/gy

const blank = /^(?:\s|--|\/\/|\/\*)/
const word = /^[A-Za-z_]/
/** The end of a term: a colon behind it, within braces, is the one between a key and its value. */
const termEnd = /^(?:[\w'"?)\]}]|\$\$)/

/** A place for a value; without a name it is a `?`. */
interface Marker {
  readonly name: string | undefined
}

/** A text in pieces: what is between its markers, and those. */
const piecesOf = (query: string): ReadonlyArray<string | Marker> => {
  const pieces: Array<string | Marker> = []
  const tokens = query.match(token) ?? []
  // In a map or the literal of a UDT, a colon behind a key is no marker.
  const brackets: Array<string> = []
  let before = ""
  for (let i = 0; i < tokens.length; i++) {
    const current = tokens[i]!
    if (blank.test(current)) {
      pieces.push(current)
      continue
    }
    if (current === ":" && !(brackets.at(-1) === "{" && termEnd.test(before))) {
      let next = i + 1
      while (next < tokens.length && blank.test(tokens[next]!)) next++
      const written = tokens[next] ?? ""
      const quoted = written.startsWith('"') && written.length > 1
      if (quoted || word.test(written)) {
        // CQL folds names that are not quoted to lower case.
        pieces.push({ name: quoted ? written.slice(1, -1).replaceAll('""', '"') : written.toLowerCase() })
        before = "?"
        i = next
        continue
      }
    }
    if (current === "{" || current === "(" || current === "[") brackets.push(current)
    else if (current === "}" || current === ")" || current === "]") brackets.pop()
    before = current
    pieces.push(current === "?" ? { name: undefined } : current)
  }
  return pieces
}

/** Whether a text has places for values. */
export const hasMarkers = (query: string): boolean =>
  (query.includes("?") || query.includes(":")) && piecesOf(query).some((piece) => typeof piece !== "string")

/** The text with each `:name` made a `?`, and the values in their order. */
export interface ByPosition {
  readonly query: string
  readonly values: ReadonlyArray<unknown>
}

/**
 * Makes markers by position of markers by name. Throws a `QueryError` for a name without a value, a value without a name, and a
 * `?` among the names.
 */
export const byPosition = (query: string, named: Named): ByPosition => {
  const values: Array<unknown> = []
  const used = new Set<string>()
  let text = ""
  for (const piece of piecesOf(query)) {
    if (typeof piece === "string") {
      text += piece
      continue
    }
    if (piece.name === undefined) {
      throw invalid(`A statement with values by name has a "?" as well: markers are by name or by position`)
    }
    const key = keyFor(named, piece.name)
    if (key === undefined) throw missing(piece.name)
    used.add(key)
    values.push(named[key])
    text += "?"
  }
  for (const key of Object.keys(named)) if (!used.has(key)) throw surplus(key)
  return { query: text, values }
}
