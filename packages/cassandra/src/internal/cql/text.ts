/** What the text of a statement says about itself, without parsing more than its first word. */
import { skipBlanks, wordAt } from "./lexer.ts"

/** `prepared`: send as a prepared statement even without values. `read`: idempotent unless told otherwise. */
export interface TextKind {
  readonly read: boolean
  readonly prepared: boolean
  /** `USE` would change the keyspace under everyone who shares the connections. */
  readonly use: boolean
}

const maxRemembered = 4096
const remembered = new Map<string, TextKind>()

/** In lower case. What is behind comments that do not end is none of the server's words either. */
const firstWordOf = (query: string): string => wordAt(query, skipBlanks(query)).toLowerCase()

export const kindOf = (query: string): TextKind => {
  let kind = remembered.get(query)
  if (kind === undefined) {
    const word = firstWordOf(query)
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
