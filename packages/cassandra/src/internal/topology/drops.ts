/**
 * How often something of a keyspace was dropped while the client lived. A statement that was prepared before may have other types now:
 * its table may have been made anew. Nothing is sent with a value that does not fit, so no node says that it has forgotten it.
 */
export class Drops {
  readonly #byKeyspace = new Map<string, number>()

  add(keyspace: string): void {
    this.#byKeyspace.set(keyspace, this.in(keyspace) + 1)
  }

  in(keyspace: string | undefined): number {
    return keyspace === undefined ? 0 : (this.#byKeyspace.get(keyspace) ?? 0)
  }
}
