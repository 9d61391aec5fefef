/** The ring of tokens: which node owns which token, and which nodes hold a partition. */
import type { Partitioner, TokenIndex } from "./partitioner.ts"
import { chooseReplicas, dataCenterSizes, type DataCenterSize, type Replication } from "./replication.ts"

/** What the ring looks at in a node. */
export interface RingNode {
  readonly address: string
  readonly dataCenter: string
  readonly rack: string
  /** None for a node that has not joined. */
  readonly tokens: ReadonlyArray<string>
}

/**
 * The tokens greater than `start` and up to `end`. Where `start` is not below `end` the range goes over the end of the ring.
 */
export interface Range {
  readonly start: string
  readonly end: string
}

/** Replicas by position in the ring, as far as somebody asked. */
type Lists<N> = Array<ReadonlyArray<N> | undefined>

const none: ReadonlyArray<never> = []

/**
 * One state of the ring. It never changes: nodes that come, go or move make a new one, in which replicas are chosen anew. The
 * same replicas are always the same array.
 */
export class TokenRing<N extends RingNode> {
  readonly partitioner: Partitioner
  /** Every token in the ring's order. */
  readonly tokens: ReadonlyArray<string>
  /** The owners of the tokens, each at the position of its token. */
  readonly owners: ReadonlyArray<N>
  readonly #index: TokenIndex
  readonly #sizes: ReadonlyMap<string, DataCenterSize>
  readonly #lists = new Map<string, Lists<N>>()
  #last: Replication | undefined
  #lastLists: Lists<N> = []

  /** Of a token that two nodes claim the later one is the owner. A text that is no token of the partitioner is left out. */
  constructor(nodes: Iterable<N>, partitioner: Partitioner) {
    const claims = new Map<bigint | string, { readonly token: string; readonly node: N }>()
    for (const node of nodes) {
      for (const token of node.tokens) {
        const value = partitioner.valueOf(token)
        if (value !== undefined) claims.set(value, { token, node })
      }
    }
    const sorted = [...claims].toSorted(([a], [b]) => (a < b ? -1 : 1))
    this.partitioner = partitioner
    this.tokens = sorted.map(([, { token }]) => token)
    this.owners = sorted.map(([, { node }]) => node)
    this.#index = partitioner.index(this.tokens)
    this.#sizes = dataCenterSizes(new Set(this.owners))
  }

  /** Has nobody told any token? */
  get isEmpty(): boolean {
    return this.tokens.length === 0
  }

  /**
   * The nodes that hold the partition whose key lies between `start` and `end`, the owner first; none when that cannot be
   * told.
   */
  replicasOf(replication: Replication, key: Buffer, start: number, end: number): ReadonlyArray<N> {
    return this.#replicasAt(replication, this.#index.ceiling(key, start, end))
  }

  /** The nodes that hold the partitions of a token. */
  replicasOfToken(replication: Replication, token: string): ReadonlyArray<N> {
    return this.#replicasAt(replication, this.#index.ceilingOf(token))
  }

  /** The ranges between neighbouring tokens; together they are the whole ring. */
  get ranges(): ReadonlyArray<Range> {
    const { tokens } = this
    return tokens.map((start, i) => ({ start, end: tokens[(i + 1) % tokens.length]! }))
  }

  /** The same ranges, with the nodes that hold a keyspace's data in each. */
  replicatedRanges(replication: Replication): ReadonlyArray<Range & { readonly replicas: ReadonlyArray<N> }> {
    // What belongs to a token belongs to the range that it ends.
    return this.ranges.map((range, i) => ({ ...range, replicas: this.#replicasAt(replication, i + 1) }))
  }

  /** Beyond the last token the ring begins again. */
  #replicasAt(replication: Replication, position: number): ReadonlyArray<N> {
    const { owners } = this
    if (owners.length === 0) return none
    const at = position % owners.length
    const lists = replication === this.#last ? this.#lastLists : this.#listsOf(replication)
    return (lists[at] ??= chooseReplicas(replication, owners, at, this.#sizes))
  }

  #listsOf(replication: Replication): Lists<N> {
    let lists = this.#lists.get(replication.key)
    if (lists === undefined) {
      lists = Array.from({ length: this.owners.length }, () => undefined)
      this.#lists.set(replication.key, lists)
    }
    this.#last = replication
    this.#lastLists = lists
    return lists
  }
}
