/** Texts of statements without the values that may stand in them: for metrics, spans and logs. */

/** Longer texts are cut: a span or a log line is no place for more. */
const longest = 2048

/**
 * What stands for a value: strings, also one that does not end, blobs, UUIDs, numbers and durations. Quoted identifiers are
 * matched to be kept, comments to be dropped: either may hold what looks like a value.
 */
const tokens =
  /"(?:[^"]|"")*"|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*(?:'|$)|\$\$[\s\S]*?(?:\$\$|$)|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|-?(?<![\w.])\d[\w.]*(?:[+-]\d+)?|\bP(?:\d|T\d)[\w:-]*/gi

/** A list as long as it happens to be is one statement with a list of another length. */
const lists = /\bIN\s*\(\s*\?(?:\s*,\s*\?)*\s*\)/gi

const replace = (token: string): string =>
  token.startsWith('"') ? token : token.startsWith("--") || token.startsWith("/") ? " " : "?"

/** The text with `?` for each value, and on one line. */
export const withoutValues = (query: string): string => {
  const text = query.replace(tokens, replace).replace(/\s+/g, " ").trim().replace(lists, "IN (?)")
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

const target =
  /^\S+(?:.*?\b(?:from|into)|(?:\s+table(?:\s+if\s+(?:not\s+)?exists)?)?)\s+((?:"[^"]*"|\w+)(?:\.(?:"[^"]*"|\w+))?)/i

/** The table that a text without values reads or writes, where it says so plainly. */
export const tableOf = (text: string): string | undefined =>
  /^(?:select|insert|update|delete|truncate)\b/i.test(text) ? target.exec(text)?.[1] : undefined
