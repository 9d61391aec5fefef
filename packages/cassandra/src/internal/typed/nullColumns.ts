/** Which columns of a SELECT's result may be null, by its text and its table. The server has accepted the text by then. */
import type { TableColumn, TableSchema } from "./tableSchema.ts"

/** Why a column may be null. */
export type WhyNull =
  /** It is no part of the primary key. */
  | "value"
  /** A clustering key, in a partition that has static columns only. */
  | "static"
  /** Without a GROUP BY there is one row, also where there is nothing to aggregate. */
  | "aggregate"
  /** A function or an expression, of nothing for example. */
  | "expression"

/** Comments and strings, which say nothing here; names, words, numbers, and what stands for itself. */
const pieces =
  /(?:(?:--|\/\/)[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)|\s+)|'[^']*(?:'|$)|\$\$[\s\S]*?(?:\$\$|$)|"(?:[^"]|"")*(?:"|$)|:?\w+|[\s\S]/g

interface Piece {
  /** A name as the server has it, or the piece itself. */
  readonly text: string
  readonly isName: boolean
}

const piecesOf = (query: string): ReadonlyArray<Piece> =>
  [...query.matchAll(pieces)]
    .map(([text]) => text)
    .filter((text) => !/^(?:--|\/\/|\/\*|\s)/.test(text))
    .map((text) =>
      text.startsWith('"')
        ? { text: text.slice(1, -1).replaceAll('""', '"'), isName: true }
        : { text: text.toLowerCase(), isName: /^[a-z]/i.test(text) }
    )

const aggregates = new Set(["count", "min", "max", "sum", "avg"])

/** Functions that give something of something. Those of users may give null, and so may what looks into a value. */
const total =
  /^(?:cast|to_?date|to_?timestamp|to_?unix_?timestamp|min_?timeuuid|max_?timeuuid|dateof|unixtimestampof|\w+_?as_?blob|blob_?as_?\w+|abs|exp|log|log10|round|token|now|uuid|current_?\w+|sum|avg|count)$/

const ends = new Set(["order", "group", "limit", "per", "allow"])

/** The select list, each selector by its pieces, and what restricts the rows. */
interface Parts {
  readonly selectors: ReadonlyArray<ReadonlyArray<Piece>>
  readonly where: ReadonlyArray<Piece>
  readonly isGrouped: boolean
}

const partsOf = (query: string): Parts => {
  const all = piecesOf(query)
  const selectors: Array<Array<Piece>> = [[]]
  let depth = 0
  let at = 1
  for (; at < all.length; at++) {
    const piece = all[at] as Piece
    if ("([{".includes(piece.text)) depth++
    else if (")]}".includes(piece.text)) depth--
    else if (depth === 0 && piece.text === "from") break
    if (depth === 0 && piece.text === ",") selectors.push([])
    else (selectors.at(-1) as Array<Piece>).push(piece)
  }
  const rest = all.slice(at)
  const from = rest.findIndex(({ text }) => text === "where")
  const to = rest.findIndex(({ text }, i) => i > from && ends.has(text))
  return {
    selectors,
    where: from === -1 ? [] : rest.slice(from + 1, to === -1 ? rest.length : to),
    isGrouped: rest.some(({ text }, i) => text === "group" && rest[i + 1]?.text === "by")
  }
}

const isCall = (parts: ReadonlyArray<Piece>, i: number): boolean =>
  parts[i]?.isName === true && parts[i + 1]?.text === "("

/** Why the result's column at an index may be null; undefined where it never is, or where that cannot be told. */
export const nullColumns = (
  query: string,
  { columns }: TableSchema
): ((index: number, source: TableColumn | undefined) => WhyNull | undefined) => {
  const { isGrouped, selectors, where } = partsOf(query)
  const columnOf = ({ isName, text }: Piece): TableColumn | undefined =>
    isName ? columns.find(({ name }) => name === text) : undefined
  const isAggregated =
    !isGrouped && selectors.some((parts) => parts.some(({ text }, i) => aggregates.has(text) && isCall(parts, i)))
  const restricted = where.map(columnOf)
  // A partition without rows is given only to a query that is about none of them.
  const hasStaticRows =
    columns.some(({ kind }) => kind === "static") &&
    !restricted.some((column) => column?.kind === "clustering" || column?.kind === "regular")

  const ofColumn = ({ kind }: TableColumn): WhyNull | undefined => {
    if (isAggregated) return "aggregate"
    if (kind === "partition_key") return undefined
    if (kind === "clustering") return hasStaticRows ? "static" : undefined
    return "value"
  }

  const ofExpression = (parts: ReadonlyArray<Piece>): WhyNull | undefined => {
    const end = parts.at(-2)?.text === "as" ? parts.length - 2 : parts.length
    const expression = parts.slice(0, end)
    // An aggregate of nothing: 0 for these, whatever is in it.
    if (/^(?:count|sum|avg)$/.test(expression[0]?.text ?? "") && isCall(expression, 0)) return undefined
    if (expression.some((piece) => piece.text === "[" || piece.text === ".")) return "expression"
    for (const [i, piece] of expression.entries()) {
      if (!piece.isName) continue
      if (isCall(expression, i)) {
        if (/^(?:min|max)$/.test(piece.text) ? !isGrouped : !total.test(piece.text)) return "expression"
        continue
      }
      const column = columnOf(piece)
      if (column !== undefined && ofColumn(column) !== undefined) return "expression"
    }
    return undefined
  }

  return (index, source) => {
    if (source !== undefined) return ofColumn(source)
    const parts = selectors[index]
    return columns.length === 0 || parts === undefined ? undefined : ofExpression(parts)
  }
}
