import { ByteWriter } from "../protocol/byteWriter.ts"
import type { ClusterMetadata, Host, MutableLong } from "./driverShape.ts"
import type { BoundStatement } from "./encodeRequest.ts"
import { murmur3, type Token } from "../protocol/murmur3.ts"

/** Where a request should go: its partition key's bytes, from these a token, and from that the replicas. */

const side = new ByteWriter()

/**
 * Writes the key made of the values at `indexes`, as the partitioner wants it, to `side`. False when a part is missing, or
 * cannot be encoded: then the request fails when it is written, with a better message.
 */
const writeKey = (bound: BoundStatement, indexes: ReadonlyArray<number>): boolean => {
  const w = side
  w.pos = w.start
  const { values, writers } = bound
  try {
    if (indexes.length === 1) {
      const i = indexes[0]!
      const value = values[i]
      if (value === null || value === undefined) return false
      writers[i]!(w, value)
      // Without the length that a value on its own has; a null has nothing but that.
      return w.length > 4
    }
    for (const i of indexes) {
      const value = values[i]
      if (value === null || value === undefined) return false
      const at = w.length
      writers[i]!(w, value)
      const n = w.length - at - 4
      if (n <= 0) return false
      // [int n][bytes] becomes [short n][bytes][0].
      const from = w.start + at
      w.buf.copyWithin(from + 2, from + 4, w.pos)
      w.buf[from] = n >> 8
      w.buf[from + 1] = n
      w.buf[from + 2 + n] = 0
      w.pos = from + 3 + n
    }
    return w.length > 0
  } catch {
    return false
  }
}

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

/** What a request is about: what a query plan can be made from. Good until the next request is looked at. */
export interface Target {
  readonly keyspace: string | undefined
  /** The bytes of the partition key; undefined when it is not known. */
  readonly key: Buffer | undefined
  /** The nodes that hold the partition; none when that cannot be told. */
  readonly replicas: ReadonlyArray<Host>
}

const none: ReadonlyArray<Host> = []

/**
 * Finds out what a request is about when its plan asks, and not before: a key that nobody asks for is not worked out. The
 * replicas are those that the driver's metadata knows, found with faster arithmetic where the partitioner is Murmur3.
 */
export class Aim implements Target {
  keyspace: string | undefined = undefined
  private statement: BoundStatement | undefined
  private indexes: ReadonlyArray<number> = []
  private readonly metadata: ClusterMetadata
  private readonly token: Token = { high: 0, low: 0 }
  private tokens: unknown
  private ring: Ring | undefined
  private tokenizer: object | undefined
  private isMurmur3 = false

  constructor(metadata: ClusterMetadata) {
    this.metadata = metadata
  }

  /** At a statement whose variables at `indexes` make up the partition key. */
  at(statement: BoundStatement, indexes: ReadonlyArray<number>, keyspace: string | undefined): this {
    this.statement = statement
    this.indexes = indexes
    this.keyspace = keyspace
    return this
  }

  get key(): Buffer | undefined {
    return writeKey(this.statement!, this.indexes) ? Buffer.from(side.buf.subarray(this.start, side.pos)) : undefined
  }

  get replicas(): ReadonlyArray<Host> {
    const { keyspace, metadata } = this
    const tokens = metadata.ring
    if (keyspace === undefined || tokens === undefined || tokens.length === 0) return none
    if (!this.usesMurmur3()) {
      const { key } = this
      return (key === undefined ? undefined : metadata.getReplicas(keyspace, key)) ?? none
    }
    const known = metadata.keyspaces[keyspace]
    if (known === undefined || !writeKey(this.statement!, this.indexes)) return none
    if (this.tokens !== tokens) {
      this.tokens = tokens
      this.ring = readRing(tokens)
    }
    const i = search(this.ring!, murmur3(side.buf, this.start, side.pos, this.token)) % tokens.length
    return metadata._getKeyspaceReplicas(known)[metadata.ringTokensAsStrings![i]!] ?? none
  }

  /** Where the key begins: a single part is written with its length, which is none of the key. */
  private get start(): number {
    return side.start + (this.indexes.length === 1 ? 4 : 0)
  }

  private usesMurmur3(): boolean {
    const { tokenizer } = this.metadata
    if (this.tokenizer !== tokenizer) {
      this.tokenizer = tokenizer
      this.isMurmur3 = tokenizer.constructor.name === "Murmur3Tokenizer"
    }
    return this.isMurmur3
  }
}
