/** CQL types as the server writes them, taken apart. */

export interface CqlTypeTree {
  /** In lower case unless it is a quoted name. */
  readonly name: string
  readonly parameters: ReadonlyArray<CqlTypeTree>
  readonly dimension?: number | undefined
}

/** Types of a table have a few levels: one that is deeper than this is cut. */
const deepest = 128

/** Frozen or not makes no difference to a value. The text is gone over once, whatever is in it. */
export const parseCqlType = (text: string): CqlTypeTree => new Reader(text).type(0)

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  type(depth: number): CqlTypeTree {
    const name = nameOf(this.#name())
    if (this.#text[this.#at] !== "<") return { name, parameters: [] }
    if (depth > deepest) {
      this.#at = this.#text.length
      return { name, parameters: [] }
    }
    const parameters: Array<CqlTypeTree> = []
    do {
      this.#at++
      parameters.push(this.type(depth + 1))
    } while (this.#text[this.#at] === ",")
    // Behind the bracket that closes, up to what comes next.
    this.#at++
    this.#name()
    const [first = none, second] = parameters
    if (name === "frozen") return first
    return name === "vector" ? { name, parameters: [first], dimension: Number(second?.name) } : { name, parameters }
  }

  /** Up to a bracket or a comma outside of quotes, which may be a Java class and its parameters. */
  #name(): string {
    const start = this.#at
    for (let quote = ""; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at]!
      if (quote !== "") {
        if (c === quote) quote = ""
      } else if (c === '"' || c === "'") quote = c
      else if (c === "<" || c === "," || c === ">") break
    }
    return this.#text.slice(start, this.#at)
  }
}

const none: CqlTypeTree = { name: "", parameters: [] }

const nameOf = (text: string): string => {
  const trimmed = text.trim()
  if (trimmed.startsWith('"')) return trimmed.slice(1, -1).replaceAll('""', '"')
  return trimmed === "varchar" ? "text" : trimmed
}
