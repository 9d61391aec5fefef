/** CQL scripts: where a statement ends, and what of a text counts. */
import * as Either from "effect/Either"

/** A stretch of CQL text. Comments are left out: they mean nothing. */
interface Token {
  /** `space` is one blank, whatever stood there; `quoted` is anything between quotes or dollars, as it stands. */
  readonly kind: "space" | "word" | "quoted" | "symbol"
  readonly text: string
  readonly line: number
}

/** What does not end. */
export interface Unterminated {
  readonly what: string
  /** Where it starts, counted from 1. */
  readonly line: number
}

/** Each alternative has a group of its own; what is left is one symbol. */
const pattern =
  /(\s+|--[^\n\r]*|\/\/[^\n\r]*|\/\*[\s\S]*?\*\/)|('[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"|\$\$[\s\S]*?\$\$)|([\p{L}\p{N}_]+)|([\s\S])/uy

/** What starts something that has an end, when its end was not found. */
const openings: ReadonlyArray<readonly [string, string]> = [
  ["'", "string"],
  ['"', "quoted name"],
  ["$$", "$$ body"],
  ["/*", "comment"]
]

const tokens = (text: string): Either.Either<ReadonlyArray<Token>, Unterminated> => {
  const result: Array<Token> = []
  let line = 1
  pattern.lastIndex = 0
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    pattern.lastIndex = at
    const [whole = "", space, quoted, word] = pattern.exec(text) ?? []
    const kind =
      space !== undefined ? "space" : quoted !== undefined ? "quoted" : word !== undefined ? "word" : "symbol"
    if (kind === "symbol") {
      const opening = openings.find(([start]) => text.startsWith(start, at))
      if (opening !== undefined) return Either.left({ what: opening[1], line })
    }
    if (kind !== "space") result.push({ kind, text: whole, line })
    else if (result.at(-1)?.kind !== "space") result.push({ kind, text: " ", line })
    line += whole.split("\n").length - 1
  }
  return Either.right(result)
}

const textOf = (list: ReadonlyArray<Token>): string =>
  list
    .map((token) => token.text)
    .join("")
    .trim()

const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")

/**
 * The statements of a script, without comments and without the semicolons between them. A semicolon within a string, a
 * quoted name, a `$$` body, a comment or a batch ends nothing.
 */
export const split = (script: string): Either.Either<ReadonlyArray<string>, Unterminated> =>
  Either.flatMap(tokens(withoutMark(script)), (all) => {
    const statements: Array<string> = []
    let current: Array<Token> = []
    /** The words of the current statement that matter, in lower case. */
    let words: Array<string> = []
    const inBatch = () => words[0] === "begin" && !(words.at(-2) === "apply" && words.at(-1) === "batch")
    const flush = () => {
      const text = textOf(current)
      if (text !== "") statements.push(text)
      current = []
      words = []
    }
    for (const token of all) {
      if (token.text === ";" && !inBatch()) {
        flush()
      } else {
        current.push(token)
        if (token.kind !== "space")
          words = [...words.slice(0, 1), ...words.slice(1).slice(-1), token.text.toLowerCase()]
      }
    }
    const open = inBatch() ? current.find((token) => token.kind === "word") : undefined
    if (open !== undefined) return Either.left({ what: "batch", line: open.line })
    flush()
    return Either.right(statements)
  })

/** The text that counts: comments and the amount of white space do not. Text that has no end is taken as it is. */
export const canonical = (query: string): string =>
  Either.match(tokens(withoutMark(query)), { onLeft: () => query, onRight: textOf })
