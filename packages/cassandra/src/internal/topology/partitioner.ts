/**
 * Partitioners: from partition keys to tokens, and the order of tokens on the ring. Tokens travel as text, as the server
 * writes them in `system.local` and `system.peers_v2`.
 */
import { createHash } from "node:crypto"
import { bigintFromBytes, murmur3, type Token } from "../protocol/index.ts"

/** A token in a form that `<` orders as the ring does. */
type TokenValue = bigint | string

/** Sorted tokens, ready for being searched. */
export interface TokenIndex {
  /**
   * The position of the first token that is not below that of the partition key between `start` and `end`; the number of
   * tokens when all are below it.
   */
  ceiling(key: Buffer, start: number, end: number): number
  /** The same for a token. 0 for a text that is no token of the partitioner. */
  ceilingOf(token: string): number
}

export interface Partitioner {
  /** The class: `org.apache.cassandra.dht.Murmur3Partitioner`. */
  readonly className: string
  /** The token below all others. No partition has it. */
  readonly minimum: string
  /** The token of a partition key, as the server writes it. */
  token(key: Uint8Array): string
  /** The value of a token's text; undefined for a text that is no token of this partitioner. */
  valueOf(token: string): TokenValue | undefined
  /** Negative when `a` comes before `b` on the ring, 0 when they are the same token. A text that is no token comes first. */
  compare(a: string, b: string): number
  /** Makes an index of tokens that are sorted, and none of them twice. */
  index(tokens: ReadonlyArray<string>): TokenIndex
}

const compareValues = (a: TokenValue | undefined, b: TokenValue | undefined): number => {
  if (a === b) return 0
  if (a === undefined) return -1
  return b === undefined || a > b ? 1 : -1
}

/** The position of the first value that is not below `value`. */
const ceilingIn = (values: ReadonlyArray<TokenValue>, value: TokenValue): number => {
  let from = 0
  let to = values.length
  while (from < to) {
    const mid = (from + to) >>> 1
    if (values[mid]! < value) from = mid + 1
    else to = mid
  }
  return from
}

const valuesOf = (partitioner: Partitioner, tokens: ReadonlyArray<string>): ReadonlyArray<TokenValue> =>
  tokens.map((token) => partitioner.valueOf(token) ?? partitioner.valueOf(partitioner.minimum)!)

const integer = /^-?\d{1,39}$/

const integerBetween = (text: string, minimum: bigint, maximum: bigint): bigint | undefined => {
  if (!integer.test(text)) return undefined
  const value = BigInt(text)
  return value >= minimum && value <= maximum ? value : undefined
}

const minimum64 = -(2n ** 63n)
const maximum64 = 2n ** 63n - 1n
const MINIMUM_HIGH = -0x80000000
const MAXIMUM_HIGH = 0x7fffffff

/** Written by every hash, and read before the next one. */
const hashed: Token = { high: 0, low: 0 }

/** The token of a key: the hash, but for the one value that is kept for the minimum, and for the key of no bytes that has it. */
const murmur3Token = (key: Uint8Array, start: number, end: number): Token => {
  if (start === end) {
    hashed.high = MINIMUM_HIGH
    hashed.low = 0
    return hashed
  }
  murmur3(key, start, end, hashed)
  if (hashed.high === MINIMUM_HIGH && hashed.low === 0) {
    hashed.high = MAXIMUM_HIGH
    hashed.low = -1
  }
  return hashed
}

/** The words of the tokens in arrays of their own, so that a search allocates nothing. */
class Murmur3Index implements TokenIndex {
  readonly #high: Int32Array
  readonly #low: Uint32Array

  constructor(tokens: ReadonlyArray<string>) {
    this.#high = new Int32Array(tokens.length)
    this.#low = new Uint32Array(tokens.length)
    tokens.forEach((token, i) => {
      const value = murmur3Partitioner.valueOf(token) ?? minimum64
      this.#high[i] = Number(value >> 32n)
      this.#low[i] = Number(value & 0xffffffffn)
    })
  }

  ceiling(key: Buffer, start: number, end: number): number {
    const { high, low } = murmur3Token(key, start, end)
    return this.#search(high, low >>> 0)
  }

  ceilingOf(token: string): number {
    const value = murmur3Partitioner.valueOf(token) ?? minimum64
    return this.#search(Number(value >> 32n), Number(value & 0xffffffffn))
  }

  #search(high: number, low: number): number {
    const highs = this.#high
    const lows = this.#low
    let from = 0
    let to = highs.length
    while (from < to) {
      const mid = (from + to) >>> 1
      const h = highs[mid]!
      if (h < high || (h === high && lows[mid]! < low)) from = mid + 1
      else to = mid
    }
    return from
  }
}

const murmur3Partitioner = {
  className: "org.apache.cassandra.dht.Murmur3Partitioner",
  minimum: String(minimum64),
  token: (key: Uint8Array): string => {
    const { high, low } = murmur3Token(key, 0, key.length)
    return String((BigInt(high) << 32n) | BigInt(low >>> 0))
  },
  valueOf: (token: string) => integerBetween(token, minimum64, maximum64),
  compare: (a: string, b: string): number =>
    compareValues(murmur3Partitioner.valueOf(a), murmur3Partitioner.valueOf(b)),
  index: (tokens: ReadonlyArray<string>): TokenIndex => new Murmur3Index(tokens)
} satisfies Partitioner

const md5 = (key: Uint8Array): bigint => {
  const value = bigintFromBytes(createHash("md5").update(key).digest())
  return value < 0n ? -value : value
}

const randomToken = (key: Uint8Array): bigint => (key.length === 0 ? -1n : md5(key))

/** Tokens are the absolute values of MD5 digests. */
const randomPartitioner: Partitioner = {
  className: "org.apache.cassandra.dht.RandomPartitioner",
  minimum: "-1",
  token: (key) => String(randomToken(key)),
  valueOf: (token) => integerBetween(token, -1n, 2n ** 127n),
  compare: (a, b) => compareValues(randomPartitioner.valueOf(a), randomPartitioner.valueOf(b)),
  index: (tokens) => {
    const values = valuesOf(randomPartitioner, tokens)
    return {
      ceiling: (key, start, end) => ceilingIn(values, randomToken(key.subarray(start, end))),
      ceilingOf: (token) => ceilingIn(values, randomPartitioner.valueOf(token) ?? -1n)
    }
  }
}

const hexadecimal = /^[\da-f]*$/

/** Tokens are the keys themselves. Hexadecimal text of whole bytes has the order of the bytes. */
const byteOrderedPartitioner: Partitioner = {
  className: "org.apache.cassandra.dht.ByteOrderedPartitioner",
  minimum: "",
  token: (key) => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("hex"),
  valueOf: (token) => {
    const text = token.toLowerCase()
    if (!hexadecimal.test(text)) return undefined
    return text.length % 2 === 1 ? `0${text}` : text
  },
  compare: (a, b) => compareValues(byteOrderedPartitioner.valueOf(a), byteOrderedPartitioner.valueOf(b)),
  index: (tokens) => {
    const values = valuesOf(byteOrderedPartitioner, tokens)
    return {
      ceiling: (key, start, end) => ceilingIn(values, key.toString("hex", start, end)),
      ceilingOf: (token) => ceilingIn(values, byteOrderedPartitioner.valueOf(token) ?? "")
    }
  }
}

/** Node in FIPS mode refuses MD5, and then no token can be told. */
const hasMd5 = (): boolean => {
  try {
    return md5(new Uint8Array()) >= 0n
  } catch {
    return false
  }
}

/**
 * The partitioner of a class that `system.local` names, with or without its package; undefined for a class whose tokens the
 * client cannot work out, `OrderPreservingPartitioner` among them.
 */
export const partitionerOf = (className: string): Partitioner | undefined => {
  switch (className.slice(className.lastIndexOf(".") + 1)) {
    case "Murmur3Partitioner":
      return murmur3Partitioner
    case "RandomPartitioner":
      return hasMd5() ? randomPartitioner : undefined
    case "ByteOrderedPartitioner":
      return byteOrderedPartitioner
    default:
      return undefined
  }
}
