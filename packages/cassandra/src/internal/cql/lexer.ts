/**
 * CQL text as Cassandra's lexer (`Lexer.g`) takes it apart. A comment of one line ends at a line feed or at a carriage return; one of
 * several lines does not nest; two quotes inside of quotes are one. Any white space is blank, where Cassandra knows four characters and
 * refuses a text with others. Each character is looked at once, whatever the text.
 */

export type TokenKind =
  /** White space and comments. */
  | "blank"
  /** A keyword, a name that is not quoted, a number. */
  | "word"
  /** Between `"`, which are part of it. */
  | "name"
  /** Between `'` or `$$`, which are part of it. */
  | "string"
  /** One character of another kind. */
  | "symbol"

export interface Token {
  readonly kind: TokenKind
  readonly text: string
}

const CR = 0x0d
const LF = 0x0a
const QUOTE = 0x27
const DOUBLE_QUOTE = 0x22
const DASH = 0x2d
const SLASH = 0x2f
const STAR = 0x2a
const DOLLAR = 0x24

const isSpace = (c: number): boolean =>
  c === 0x20 || (c >= 0x09 && c <= 0x0d) || (c > 0x7f && /\s/.test(String.fromCharCode(c)))

const isWord = (c: number): boolean =>
  (c >= 0x61 && c <= 0x7a) ||
  (c >= 0x41 && c <= 0x5a) ||
  (c >= 0x30 && c <= 0x39) ||
  c === 0x5f ||
  (c > 0x7f && !isSpace(c))

/** Behind the `stop` that comes next; the end of the text where there is none. */
const past = (text: string, stop: string, from: number): number => {
  const at = text.indexOf(stop, from)
  return at < 0 ? text.length : at + stop.length
}

/** Behind the quote that ends what begins at `at`: two of them are one that is meant. */
const pastQuoted = (text: string, quote: string, at: number): number => {
  let end = past(text, quote, at + 1)
  while (end < text.length && text[end] === quote) end = past(text, quote, end + 1)
  return end
}

/** Where the blanks and comments that begin at `at` end. */
export const skipBlanks = (text: string, at = 0): number => {
  let i = at
  while (i < text.length) {
    const c = text.charCodeAt(i)
    const next = text.charCodeAt(i + 1)
    if (isSpace(c)) i++
    else if ((c === DASH && next === DASH) || (c === SLASH && next === SLASH)) {
      i += 2
      while (i < text.length && text.charCodeAt(i) !== LF && text.charCodeAt(i) !== CR) i++
    } else if (c === SLASH && next === STAR) i = past(text, "*/", i + 2)
    else break
  }
  return i
}

/** The word at `at`; empty where there is none. */
export const wordAt = (text: string, at: number): string => {
  let end = at
  while (end < text.length && isWord(text.charCodeAt(end))) end++
  return text.slice(at, end)
}

/** The parts of a text, which together are all of it. */
export function* tokensOf(text: string): Generator<Token, void> {
  for (let at = 0; at < text.length;) {
    const c = text.charCodeAt(at)
    let kind: TokenKind = "symbol"
    let end = skipBlanks(text, at)
    if (end > at) kind = "blank"
    else if (isWord(c)) {
      kind = "word"
      end = at + wordAt(text, at).length
    } else if (c === QUOTE) {
      kind = "string"
      end = pastQuoted(text, "'", at)
    } else if (c === DOUBLE_QUOTE) {
      kind = "name"
      end = pastQuoted(text, '"', at)
    } else if (c === DOLLAR && text.charCodeAt(at + 1) === DOLLAR) {
      kind = "string"
      end = past(text, "$$", at + 2)
    } else end = at + 1
    yield { kind, text: text.slice(at, end) }
    at = end
  }
}
