/** What is kept of a statement that was prepared in a keyspace. */
export interface PreparedEntry<P> {
  readonly query: string
  /** Undefined for the keyspace that the connections are in, or for none. */
  readonly keyspace: string | undefined
  readonly prepared: P
}

/** An entry of a card, and its place in the order of use. */
class Entry<P> implements PreparedEntry<P> {
  readonly card: Card<P>
  readonly keyspace: string | undefined
  prepared: P
  /** The server's id, as a key. */
  idKey: string
  /** Used more recently. */
  newer: Entry<P> | undefined = undefined
  /** Used less recently. */
  older: Entry<P> | undefined = undefined

  constructor(card: Card<P>, keyspace: string | undefined, prepared: P, idKey: string) {
    this.card = card
    this.keyspace = keyspace
    this.prepared = prepared
    this.idKey = idKey
  }

  get query(): string {
    return this.card.query
  }
}

/** One text, in each keyspace that it was prepared in. */
class Card<P> {
  readonly query: string
  readonly entries = new Map<string | undefined, Entry<P>>()
  /** The one that was asked for last: a text is mostly used in one keyspace. */
  last: Entry<P> | undefined = undefined

  constructor(query: string) {
    this.query = query
  }

  find(keyspace: string | undefined): Entry<P> | undefined {
    const { last } = this
    if (last !== undefined && last.keyspace === keyspace) return last
    const entry = this.entries.get(keyspace)
    if (entry !== undefined) this.last = entry
    return entry
  }
}

const keyOf = (id: Uint8Array): string => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("latin1")

/**
 * The prepared statements of a client: a card for each text. There are never more statements than `limit`, over all keyspaces:
 * beyond that the least recently used go. The nodes have caches of their own; what a node has forgotten is prepared again when it
 * says so.
 */
export class PreparedStatements<P extends { readonly id: Uint8Array }> {
  readonly limit: number
  /** How many there are. */
  size = 0
  /** How often one was asked for and there. */
  hits = 0
  /** How often one was asked for and not there. */
  misses = 0
  private readonly cards = new Map<string, Card<P>>()
  /** A server may give one id to a statement in several keyspaces, where its text names the keyspace itself. */
  private readonly ids = new Map<string, Set<Entry<P>>>()
  private newest: Entry<P> | undefined = undefined
  private oldest: Entry<P> | undefined = undefined

  /** `limit` is at least 1. */
  constructor(limit: number) {
    this.limit = Math.max(1, limit)
  }

  /** The statement, which counts as used. */
  get(query: string, keyspace: string | undefined): P | undefined {
    const entry = this.cards.get(query)?.find(keyspace)
    if (entry === undefined) {
      this.misses++
      return undefined
    }
    this.hits++
    if (entry !== this.newest) {
      this.unlink(entry)
      this.link(entry)
    }
    return entry.prepared
  }

  /** The statement, without counting that as a use. */
  find(query: string, keyspace: string | undefined): P | undefined {
    return this.cards.get(query)?.find(keyspace)?.prepared
  }

  /** Keeps a statement, in the place of what was kept of it before; it counts as used. */
  set(query: string, keyspace: string | undefined, prepared: P): void {
    let card = this.cards.get(query)
    if (card === undefined) this.cards.set(query, (card = new Card(query)))
    let entry = card.find(keyspace)
    if (entry === undefined) {
      entry = new Entry(card, keyspace, prepared, keyOf(prepared.id))
      card.entries.set(keyspace, entry)
      this.size++
    } else {
      this.unlink(entry)
      this.forgetId(entry)
      entry.prepared = prepared
      entry.idKey = keyOf(prepared.id)
    }
    this.link(entry)
    this.rememberId(entry)
    if (this.size > this.limit) this.remove(this.oldest!)
  }

  /** Forgets a statement. Says whether it was there. */
  delete(query: string, keyspace: string | undefined): boolean {
    const entry = this.cards.get(query)?.find(keyspace)
    if (entry === undefined) return false
    this.remove(entry)
    return true
  }

  /** The statement that the server knows by this id, in the keyspace in which it was prepared last. Does not count as a use. */
  byId(id: Uint8Array): PreparedEntry<P> | undefined {
    let last: Entry<P> | undefined
    for (const entry of this.ids.get(keyOf(id)) ?? []) last = entry
    return last
  }

  /** All of them as they are now, the most recently used first. */
  all(): ReadonlyArray<PreparedEntry<P>> {
    const entries: Array<PreparedEntry<P>> = []
    for (let entry = this.newest; entry !== undefined; entry = entry.older) entries.push(entry)
    return entries
  }

  private remove(entry: Entry<P>): void {
    const { card } = entry
    this.unlink(entry)
    this.forgetId(entry)
    card.entries.delete(entry.keyspace)
    if (card.last === entry) card.last = undefined
    if (card.entries.size === 0) this.cards.delete(card.query)
    this.size--
  }

  private rememberId(entry: Entry<P>): void {
    const entries = this.ids.get(entry.idKey)
    if (entries === undefined) this.ids.set(entry.idKey, new Set([entry]))
    else entries.add(entry)
  }

  private forgetId(entry: Entry<P>): void {
    const entries = this.ids.get(entry.idKey)!
    entries.delete(entry)
    if (entries.size === 0) this.ids.delete(entry.idKey)
  }

  private link(entry: Entry<P>): void {
    const { newest } = this
    entry.newer = undefined
    entry.older = newest
    if (newest === undefined) this.oldest = entry
    else newest.newer = entry
    this.newest = entry
  }

  private unlink({ newer, older }: Entry<P>): void {
    if (newer === undefined) this.newest = older
    else newer.older = older
    if (older === undefined) this.oldest = newer
    else older.newer = newer
  }
}
