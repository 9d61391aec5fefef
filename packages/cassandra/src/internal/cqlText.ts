/** What the text of a statement says about itself, without parsing more than its first word. */

/** `prepared`: send as a prepared statement even without values. `read`: idempotent unless told otherwise. */
export interface TextKind {
  readonly read: boolean
  readonly prepared: boolean
  /** `USE` would change the keyspace under everyone who shares the connections. */
  readonly use: boolean
}

const maxRemembered = 4096
const remembered = new Map<string, TextKind>()
const firstWord = /^(?:\s+|--[^\n]*(?:\n|$)|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*([a-z]*)/i

export const kindOf = (query: string): TextKind => {
  let kind = remembered.get(query)
  if (kind === undefined) {
    const word = firstWord.exec(query)?.[1]?.toLowerCase()
    const read = word === "select"
    kind = {
      read,
      // Schema changes and the like run once: preparing them would cost a round trip to every node and a place in caches.
      prepared: read || word === "insert" || word === "update" || word === "delete",
      use: word === "use"
    }
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(query, kind)
  }
  return kind
}
