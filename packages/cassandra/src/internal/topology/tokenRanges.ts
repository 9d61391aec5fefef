/**
 * The ranges of a token ring. Tokens are texts, as servers write them: whole numbers in decimal, or bytes in hexadecimal.
 */

/** The tokens greater than `start`, up to `end` and with it; over the end of the ring where `start` is not below `end`. */
export interface Range {
  readonly start: string
  readonly end: string
}

/** Negative where `a` comes before `b` on the ring, 0 where both are the same token. */
export type Order = (a: string, b: string) => number

const numbers: Order = (a, b) => {
  const difference = BigInt(a) - BigInt(b)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Of two bytes the greater comes later, and of two tokens that begin alike the longer. */
const bytes: Order = (a, b) => {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()]
  return left < right ? -1 : left > right ? 1 : 0
}

/** The order of a partitioner's tokens, by the name of its class. */
export const orderOf = (partitioner: string): Order => (/Order(ed|Preserving)/.test(partitioner) ? bytes : numbers)

/** The tokens in the ring's order, each once, whoever says to own it. */
export const inOrder = (tokens: Iterable<string>, order: Order): ReadonlyArray<string> =>
  [...tokens].toSorted(order).filter((token, i, all) => i === 0 || order(all[i - 1] as string, token) !== 0)

/**
 * The ranges between neighbouring tokens of a ring in order, each token once. Every token that there can be is in exactly one of
 * them: with one token on the ring, in the range from it to itself, which is the whole ring; with none, there is no range.
 */
export const rangesOf = (tokens: ReadonlyArray<string>): ReadonlyArray<Range> =>
  tokens.map((start, i) => ({ start, end: tokens[(i + 1) % tokens.length] as string }))
