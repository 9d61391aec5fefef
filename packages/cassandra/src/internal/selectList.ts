/** What a SELECT selects and where from, read from its text. The server has accepted it by then, so it is well formed. */
import { splitTop } from "./cqlTypeText.ts"

/** One selector. */
export interface Selector {
  /** The name of the result's column; undefined when the server makes one up for an expression. */
  readonly name: string | undefined
  /** The table's column, when it is that and nothing else. */
  readonly column?: string | undefined
  /** The CQL type, when the expression tells it. */
  readonly type?: string | undefined
}

export interface SelectText {
  readonly keyspace: string | undefined
  readonly table: string
  /** `"*"` for every column of the table. */
  readonly selectors: ReadonlyArray<Selector> | "*"
}

const comments = /--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\//g
const identifier = `(?:"(?:[^"]|"")+"|[A-Za-z][A-Za-z0-9_]*)`
const only = new RegExp(`^${identifier}$`)
const aliased = new RegExp(`^([\\s\\S]+?)\\s+AS\\s+(${identifier})$`, "i")
const head = /^\s*SELECT\s+(?:(JSON)\s+)?(?:DISTINCT\s+)?/i
const from = new RegExp(`^\\s*FROM\\s+(?:(${identifier})\\s*\\.\\s*)?(${identifier})`, "i")

/** CQL folds names that are not quoted to lower case. */
const unquote = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()

/** Undefined for anything but a SELECT whose columns can be told: a `SELECT JSON` has one column of text. */
export const readSelect = (query: string): SelectText | undefined => {
  // Comments could hold anything; in a string or a quoted name they are none, but those rarely stand in a select list.
  const text = query.replace(comments, " ")
  const start = head.exec(text)
  if (start === null || start[1] !== undefined) return undefined
  const end = fromAt(text, start[0].length)
  if (end === undefined) return undefined
  const source = from.exec(text.slice(end))
  if (source === null) return undefined
  const list = text.slice(start[0].length, end).trim()
  return {
    keyspace: source[1] === undefined ? undefined : unquote(source[1]),
    table: unquote(source[2] as string),
    selectors: list === "*" ? "*" : splitTop(list).map(selectorOf)
  }
}

/** Where the FROM of the statement is: outside of parentheses and quotes. */
const fromAt = (text: string, start: number): number | undefined => {
  let depth = 0
  let quote = ""
  for (let i = start; i < text.length; i++) {
    const c = text.charAt(i)
    if (quote !== "") {
      if (c === quote) quote = ""
    } else if (c === '"' || c === "'") quote = c
    else if (c === "(" || c === "[") depth++
    else if (c === ")" || c === "]") depth--
    else if (depth === 0 && /\s|[)"]/.test(text.charAt(i - 1)) && from.test(text.slice(i, i + 200))) return i
  }
  return undefined
}

const cast = /^CAST\s*\([\s\S]+\s+AS\s+([A-Za-z]+)\s*\)$/i
const known: ReadonlyArray<readonly [RegExp, string]> = [
  [/^COUNT\s*\(/i, "bigint"],
  [/^(?:TO_?UNIX_?TIMESTAMP)\s*\(/i, "bigint"],
  [/^(?:TO_?DATE)\s*\(/i, "date"],
  [/^(?:TO_?TIMESTAMP|MIN_?TIMESTAMP|MAX_?TIMESTAMP)\s*\(/i, "timestamp"]
]

const selectorOf = (text: string): Selector => {
  const alias = aliased.exec(text)
  const expression = (alias?.[1] ?? text).trim()
  const name = alias?.[2] === undefined ? undefined : unquote(alias[2])
  if (only.test(expression)) return { name: name ?? unquote(expression), column: unquote(expression) }
  const type = cast.exec(expression)?.[1]?.toLowerCase() ?? known.find(([pattern]) => pattern.test(expression))?.[1]
  return { name: name ?? (/^COUNT\s*\(\s*[*1]\s*\)$/i.test(expression) ? "count" : undefined), type }
}
