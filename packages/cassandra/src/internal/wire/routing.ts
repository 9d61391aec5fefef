import { ByteWriter } from "./byteWriter.ts"
import type { ClusterMetadata, Host, MutableLong } from "./driverShape.ts"
import type { Bound } from "./encodeRequest.ts"
import { murmur3, type Token } from "./murmur3.ts"

/** Where a request should go: its partition key's bytes, and from these the replicas. */

const side = new ByteWriter()

/** The key made of the values at `indexes`, as the partitioner wants it; undefined when a part is missing. */
export const routingKey = (bound: Bound, indexes: ReadonlyArray<number>): Buffer | undefined => {
  const w = side
  w.pos = w.start
  try {
    if (indexes.length === 1) {
      const i = indexes[0]!
      if (!present(bound, i)) return undefined
      bound.writers[i]!(w, bound.values[i])
      // Without the length that a value on its own has; a null has nothing but that.
      if (w.length <= 4) return undefined
      bound.key = copyOut(w, 4)
      bound.keyIndex = i
      return bound.key
    }
    for (const i of indexes) {
      if (!present(bound, i)) return undefined
      const at = w.length
      bound.writers[i]!(w, bound.values[i])
      const n = w.length - at - 4
      if (n <= 0) return undefined
      // [int n][bytes] becomes [short n][bytes][0].
      const from = w.start + at
      w.buf.copyWithin(from + 2, from + 4, w.pos)
      w.buf[from] = n >> 8
      w.buf[from + 1] = n
      w.buf[from + 2 + n] = 0
      w.pos = from + 3 + n
    }
    return w.length === 0 ? undefined : copyOut(w, 0)
  } catch {
    // A value that cannot be encoded fails the request when it is written, with a better message.
    return undefined
  }
}

const copyOut = (w: ByteWriter, from: number): Buffer => {
  const out = Buffer.allocUnsafe(w.length - from)
  w.buf.copy(out, 0, w.start + from, w.pos)
  return out
}

const present = ({ values }: Bound, i: number): boolean => values[i] !== null && values[i] !== undefined

interface Ring {
  readonly high: Int32Array
  readonly low: Uint32Array
}

const readRing = (tokens: ReadonlyArray<{ readonly _value: MutableLong }>): Ring => {
  const high = new Int32Array(tokens.length)
  const low = new Uint32Array(tokens.length)
  tokens.forEach(({ _value }, i) => {
    high[i] = _value.getHighBitsUnsigned() | 0
    low[i] = _value.getLowBitsUnsigned()
  })
  return { high, low }
}

/** The first token not below this one; the number of tokens when all are. */
const search = ({ high, low }: Ring, token: Token): number => {
  const tokenLow = token.low >>> 0
  let from = 0
  let to = high.length
  while (from < to) {
    const mid = (from + to) >>> 1
    const h = high[mid]!
    if (h < token.high || (h === token.high && low[mid]! < tokenLow)) from = mid + 1
    else to = mid
  }
  return from
}

/**
 * Replaces `getReplicas` of one client's metadata by the same with faster arithmetic, where its partitioner is Murmur3 and
 * the token has to be computed from a key; anything else goes to the driver's.
 */
export const accelerateReplicas = (metadata: ClusterMetadata): void => {
  const original = metadata.getReplicas
  const token: Token = { high: 0, low: 0 }
  let ringOf: unknown
  let ring: Ring | undefined
  metadata.getReplicas = (keyspaceName, key): ReadonlyArray<Host> | null => {
    const tokens = metadata.ring
    if (!(key instanceof Uint8Array) || !tokens || tokens.length === 0)
      return original.call(metadata, keyspaceName, key)
    if (metadata.tokenizer.constructor.name !== "Murmur3Tokenizer") return original.call(metadata, keyspaceName, key)
    if (ringOf !== tokens) {
      ringOf = tokens
      ring = readRing(tokens)
    }
    const i = search(ring!, murmur3(key, token)) % tokens.length
    const closest = metadata.ringTokensAsStrings![i]!
    if (!keyspaceName) return [metadata.primaryReplicas![closest]!]
    const keyspace = metadata.keyspaces[keyspaceName]
    if (!keyspace) return null
    return metadata._getKeyspaceReplicas(keyspace)[closest] ?? null
  }
}
