/** What a SELECT selects and where from, read from its text. The server has accepted it by then, so it is well formed. */
import { type Token, tokensOf } from "./lexer.ts"

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

/** CQL folds names that are not quoted to lower case. */
const unquote = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase()

/** The word in lower case; empty for anything else. */
const wordOf = (token: Token | undefined): string => (token?.kind === "word" ? token.text.toLowerCase() : "")

const isName = (token: Token | undefined): token is Token => token?.kind === "word" || token?.kind === "name"

/** Undefined for anything but a SELECT whose columns can be told: a `SELECT JSON` has one column of text. */
export const readSelect = (query: string): SelectText | undefined => {
  const tokens = [...tokensOf(query)].filter(({ kind }) => kind !== "blank")
  if (wordOf(tokens[0]) !== "select") return undefined
  if (isModifier(tokens, 1, "json")) return undefined
  const start = isModifier(tokens, 1, "distinct") ? 2 : 1
  const end = fromAt(tokens, start)
  const table = tokens[end + 1]
  if (!isName(table)) return undefined
  const list = tokens.slice(start, end)
  const qualified = tokens[end + 2]?.text === "." ? tokens[end + 3] : undefined
  return {
    keyspace: qualified === undefined ? undefined : unquote(table.text),
    table: unquote((qualified ?? table).text),
    selectors: list.length === 1 && list[0]!.text === "*" ? "*" : atCommas(list).map(selectorOf)
  }
}

/** Whether the word is what it is before a list of selectors, and not a column of that name. */
const isModifier = (tokens: ReadonlyArray<Token>, at: number, word: string): boolean => {
  const next = tokens[at + 1]
  return wordOf(tokens[at]) === word && ((isName(next) && !["from", "as"].includes(wordOf(next))) || next?.text === "*")
}

const depthOf = ({ kind, text }: Token): number =>
  kind !== "symbol" ? 0 : "([{".includes(text) ? 1 : ")]}".includes(text) ? -1 : 0

/** Where the FROM of the statement is, outside of parentheses; where the tokens end if there is none. */
const fromAt = (tokens: ReadonlyArray<Token>, start: number): number => {
  let depth = 0
  for (let i = start; i < tokens.length; i++) {
    depth += depthOf(tokens[i]!)
    if (depth === 0 && wordOf(tokens[i]) === "from") return i
  }
  return tokens.length
}

const atCommas = (tokens: ReadonlyArray<Token>): ReadonlyArray<ReadonlyArray<Token>> => {
  const parts: Array<Array<Token>> = [[]]
  let depth = 0
  for (const token of tokens) {
    depth += depthOf(token)
    if (depth === 0 && token.kind === "symbol" && token.text === ",") parts.push([])
    else parts.at(-1)!.push(token)
  }
  return parts
}

/** The types of functions, by their names without underscores. */
const known: Readonly<Record<string, string>> = {
  count: "bigint",
  tounixtimestamp: "bigint",
  todate: "date",
  totimestamp: "timestamp",
  mintimestamp: "timestamp",
  maxtimestamp: "timestamp"
}

const selectorOf = (tokens: ReadonlyArray<Token>): Selector => {
  const last = tokens.at(-1)
  const isAliased = tokens.length > 2 && wordOf(tokens.at(-2)) === "as" && isName(last)
  const expression = isAliased ? tokens.slice(0, -2) : tokens
  const name = isAliased ? unquote(last.text) : undefined
  const [first, second] = expression
  if (expression.length === 1 && isName(first)) {
    const column = unquote(first.text)
    return { name: name ?? column, column }
  }
  if (second?.text !== "(") return { name }
  const called = wordOf(first)
  const isCount = called === "count" && expression.length === 4 && ["*", "1"].includes(expression[2]!.text)
  return { name: name ?? (isCount ? "count" : undefined), type: castOf(called, expression) ?? typeOfCall(called) }
}

const typeOfCall = (called: string): string | undefined => {
  const plain = called.replaceAll("_", "")
  return Object.hasOwn(known, plain) ? known[plain] : undefined
}

/** The type of `CAST(… AS type)`. */
const castOf = (called: string, expression: ReadonlyArray<Token>): string | undefined => {
  const isCast = called === "cast" && expression.at(-1)?.text === ")" && wordOf(expression.at(-3)) === "as"
  return isCast ? wordOf(expression.at(-2)) || undefined : undefined
}
