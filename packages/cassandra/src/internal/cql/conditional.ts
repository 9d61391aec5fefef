/**
 * Which statements are conditional writes.
 *
 * A conditional write that was sent twice may be refused because of itself: it won, and the second answer says "not applied".
 */

/** What stands for itself in CQL: comments, which end at `\r` as well, strings, quoted names, and words. */
const tokens = /(?:--|\/\/)[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|\$\$[\s\S]*?(?:\$\$|$)|\w+/g

const writes = new Set(["insert", "update", "delete", "begin"])

/**
 * Whether the text has `IF`, which is reserved and so no name unless it is quoted. It needs no blank after a number: `id = 1IF EXISTS`.
 * The condition of a transaction (`IF … THEN`) counts as well.
 */
const readConditional = (query: string): boolean => {
  let first = true
  for (const [token] of query.matchAll(tokens)) {
    if (!/^\w/.test(token)) continue
    const word = token.toLowerCase()
    if (first && !writes.has(word)) return false
    first = false
    if (word === "if" || (/^\d/.test(word) && word.endsWith("if"))) return true
  }
  return false
}

const maxRemembered = 4096
const remembered = new Map<string, boolean>()

/** Whether a statement is a conditional write: an INSERT, UPDATE or DELETE with `IF`, or a batch or transaction that has one. */
export const isConditional = (query: string): boolean => {
  let conditional = remembered.get(query)
  if (conditional === undefined) {
    conditional = readConditional(query)
    if (remembered.size >= maxRemembered) remembered.clear()
    remembered.set(query, conditional)
  }
  return conditional
}
