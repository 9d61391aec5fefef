/** CQL scripts: where a statement ends, and what of a text counts. */
import * as Either from "effect/Either"

/** A stretch of CQL text. Comments are left out: they mean nothing. */
interface Token {
  /** `space` is one blank, whatever stood there; `quoted` is anything between quotes or dollars, as it stands. */
  readonly kind: "space" | "word" | "quoted" | "symbol"
  readonly text: string
  readonly line: number
}

/** Why a text cannot be run. */
export interface Fault {
  readonly message: string
  /** Counted from 1. */
  readonly line: number
}

const fault = ({ line }: Pick<Token, "line">, message: string) => Either.left({ message, line })

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

const tokens = (text: string): Either.Either<ReadonlyArray<Token>, Fault> => {
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
      if (opening !== undefined) return fault({ line }, `the ${opening[1]} that starts here does not end`)
    }
    if (kind !== "space") result.push({ kind, text: whole, line })
    else if (result.at(-1)?.kind !== "space") result.push({ kind, text: " ", line })
    line += whole.split(/[\n\r]/).length - 1
  }
  return Either.right(result)
}

const textOf = (list: ReadonlyArray<Token>): string =>
  list
    .map((token) => token.text)
    .join("")
    .trim()

const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n")

/** A statement that holds others, each with a semicolon of its own. */
interface Block {
  readonly name: string
  /** The two words that end it. */
  readonly end: readonly [string, string]
  /** What a part of it can start with. */
  readonly parts: ReadonlySet<string>
}

const writes = ["insert", "update", "delete"]

const batch: Block = { name: "BATCH", end: ["apply", "batch"], parts: new Set([...writes, "apply"]) }

const transaction: Block = {
  name: "TRANSACTION",
  end: ["commit", "transaction"],
  parts: new Set([...writes, "let", "select", "if", "end", "commit"])
}

const blocks: ReadonlyMap<string, Block> = new Map([
  ["begin batch", batch],
  ["begin unlogged batch", batch],
  ["begin counter batch", batch],
  ["begin transaction", transaction]
])

/** What a block may have begun with so far. */
const beginnings = new Set(["begin", "begin unlogged", "begin counter"])

/** Commands of cqlsh, which no server knows, or which change nothing. */
const shellCommands = new Set(
  (
    "capture clear cls consistency copy debug desc describe elapsed exit expand help history login paging quit serial " +
    "show source tracing unicode"
  ).split(" ")
)

/** Words that only go on with a statement: one that starts with them is torn off. */
const continuations = new Set(["apply", "commit", "let", "if", "end", "then", "values", "using", "where", "and", "set"])

const useMessage = (keyspace: string) =>
  `USE cannot be run: it would change the keyspace of everyone who shares the connection. Delete it, and open the session in ` +
  `the keyspace (cassandra-migrate: --keyspace ${keyspace}), or write the keyspace before each name, as in ${keyspace}.users`

const notBegun = (what: string) => `BEGIN starts a BATCH or a TRANSACTION, not ${what}`

const closing: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"]
])

/** The first bracket that is left open, or that closes nothing. */
const unmatched = (statement: ReadonlyArray<Token>): Token | undefined => {
  const open: Array<Token> = []
  for (const token of statement) {
    if (closing.has(token.text)) open.push(token)
    else if (token.text === ")" || token.text === "]" || token.text === "}") {
      const last = open.pop()
      if (last === undefined || closing.get(last.text) !== token.text) return last ?? token
    }
  }
  return open[0]
}

/** The text of a whole statement, unless it is known that it cannot be run: by its first words, or by its brackets. */
const check = (statement: ReadonlyArray<Token>, block: Block | undefined): Either.Either<string, Fault> => {
  const [first, second] = statement.filter(({ kind }) => kind !== "space") as [Token, Token | undefined]
  const word = first.text.toLowerCase()
  if (first.kind !== "word") return fault(first, `no statement starts with ${first.text.slice(0, 20)}`)
  if (word === "begin" && block === undefined) return fault(first, notBegun("a semicolon"))
  if (word === "use") return fault(first, useMessage(second?.text ?? "<name>"))
  if (shellCommands.has(word)) {
    return fault(
      first,
      `${first.text.toUpperCase()} is a command of cqlsh, which cannot be run in a migration: delete it`
    )
  }
  if (continuations.has(word)) {
    return fault(first, `no statement starts with ${first.text}: is there a semicolon too many before it?`)
  }
  const bracket = unmatched(statement)
  if (bracket !== undefined) return fault(bracket, `this ${bracket.text} has no counterpart in its statement`)
  return Either.right(textOf(statement))
}

/**
 * The statements of a script, without comments and without the semicolons between them. A semicolon within a string, a
 * quoted name, a `$$` body, a comment, a batch or a transaction ends nothing. Left when it is known without asking a server
 * that one of them cannot be run.
 */
export const split = (script: string): Either.Either<ReadonlyArray<string>, Fault> =>
  Either.gen(function* () {
    const statements: Array<string> = []
    let current: Array<Token> = []
    /** Of the current statement, in lower case. */
    let words: Array<string> = []
    let block: Block | undefined
    /** Whether the block has ended. */
    let ended = false
    const doesNotEnd = (where = "") =>
      fault(
        current.find(({ kind }) => kind === "word") ?? { line: 1 },
        `the ${block?.name} that starts here does not end${where} with ${block?.end.join(" ").toUpperCase()}`
      )
    for (const token of yield* tokens(withoutMark(script))) {
      if (token.text === ";" && (block === undefined || ended)) {
        if (words.length > 0) statements.push(yield* check(current, block))
        ;[current, words, block, ended] = [[], [], undefined, false]
        continue
      }
      current.push(token)
      if (token.kind === "space") continue
      const word = token.text.toLowerCase()
      if (ended)
        return yield* fault(token, `a semicolon is missing between ${block?.end[1].toUpperCase()} and ${token.text}`)
      if (block !== undefined && words.at(-1) === ";" && !block.parts.has(word)) {
        return yield* doesNotEnd(` before ${token.text} in line ${token.line}`)
      }
      words.push(word)
      if (block !== undefined) {
        ended = words.at(-2) === block.end[0] && word === block.end[1]
      } else if (words[0] === "begin") {
        const start = words.join(" ")
        block = blocks.get(start)
        if (block === undefined && !beginnings.has(start)) return yield* fault(token, notBegun(token.text))
      }
    }
    if (block !== undefined && !ended) return yield* doesNotEnd()
    if (words.length > 0) statements.push(yield* check(current, block))
    return statements
  })

/** The one statement that a text is. */
export const single = (query: string): Either.Either<string, Fault> =>
  Either.flatMap(split(query), ([first, second]) =>
    first === undefined
      ? fault({ line: 1 }, "there is no statement in the text")
      : second === undefined
        ? Either.right(first)
        : fault({ line: 1 }, "there are several statements in one: make an array of them")
  )

/** The text that counts: comments and the amount of white space do not. Text that has no end is taken as it is. */
export const canonical = (query: string): string =>
  Either.match(tokens(withoutMark(query)), { onLeft: () => query, onRight: textOf })
