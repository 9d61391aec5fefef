/** CQL types as the server writes them, taken apart. */

export interface CqlTypeTree {
  /** In lower case unless it is a quoted name. */
  readonly name: string
  readonly parameters: ReadonlyArray<CqlTypeTree>
  readonly dimension?: number | undefined
}

/** Frozen or not makes no difference to a value. */
export const parseCqlType = (text: string): CqlTypeTree => {
  const open = text.indexOf("<")
  if (open === -1 || text.startsWith("'")) return { name: nameOf(text), parameters: [] }
  const name = nameOf(text.slice(0, open))
  const parts = splitTop(text.slice(open + 1, text.lastIndexOf(">")))
  if (name === "frozen") return parseCqlType(parts[0] ?? "")
  if (name === "vector") return { name, parameters: [parseCqlType(parts[0] ?? "")], dimension: Number(parts[1]) }
  return { name, parameters: parts.map(parseCqlType) }
}

const nameOf = (text: string): string => {
  const trimmed = text.trim()
  if (trimmed.startsWith('"')) return trimmed.slice(1, -1).replaceAll('""', '"')
  return trimmed === "varchar" ? "text" : trimmed
}

/** Splits at the commas outside of angle brackets, parentheses and quotes. */
export const splitTop = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let quote = ""
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i)
    if (quote !== "") {
      if (c === quote) quote = ""
    } else if (c === '"' || c === "'") {
      quote = c
    } else if (c === "<" || c === "(" || c === "[" || c === "{") {
      depth++
    } else if (c === ">" || c === ")" || c === "]" || c === "}") {
      depth--
    } else if (c === "," && depth === 0) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  const last = text.slice(start).trim()
  return last === "" ? parts : [...parts, last]
}
