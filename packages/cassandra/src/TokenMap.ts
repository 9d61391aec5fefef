/**
 * The token ring: which node owns which part of the data.
 *
 * @since 0.1.0
 */
import type { Host } from "./Host.ts"

/**
 * The ring as it is known.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenMap {
  /** The class: `org.apache.cassandra.dht.Murmur3Partitioner`. */
  readonly partitioner: string
  /** Every token in the ring's order, as the server writes it, with the node that owns it. */
  readonly tokens: ReadonlyArray<{ readonly token: string; readonly host: Host }>
  /** The ranges between neighbouring tokens. Every token that there can be is in exactly one of them. */
  readonly ranges: ReadonlyArray<TokenRange>
}

/**
 * The tokens greater than `start` and up to `end`, `end` included. Where `start` is not below `end` the range goes over the end
 * of the ring: all tokens greater than `start`, and all up to `end`; with one token on the ring, that is the whole ring. Tokens are as
 * the server writes them: those of Murmur3 are whole numbers of 64 bits, those of `RandomPartitioner` of 127 bits, and `BigInt(token)`
 * reads both; those of `ByteOrderedPartitioner` are bytes in hexadecimal.
 *
 * A query does not go over the end of the ring: such a range takes two, `token(id) > start` and `token(id) <= end`.
 *
 * @since 0.1.0
 * @category models
 */
export interface TokenRange {
  readonly start: string
  readonly end: string
}

/**
 * A range of the ring and the nodes that hold a keyspace's data in it, the owner first.
 *
 * @since 0.1.0
 * @category models
 */
export interface ReplicatedRange extends TokenRange {
  readonly replicas: ReadonlyArray<Host>
}
