/** Texts of statements without the values that may stand in them: for metrics, spans and logs. */

import { tokensOf } from "./lexer.ts"

/** Longer texts are cut: a span or a log line is no place for more. */
const longest = 2048

/** What stands for a value outside of quotes: blobs, UUIDs, numbers and durations. */
const values =
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|-?(?<![\w.])\d[\w.]*(?:[+-]\d+)?|\bP(?:\d|T\d)[\w:-]*/gi

/** A list as long as it happens to be is one statement with a list of another length. */
const lists = /\bIN\s*\(\s*\?(?:\s*,\s*\?)*\s*\)/gi

/** The text with `?` for each value, and on one line. Quoted names are kept and comments dropped: either may hold what looks like a value. */
export const withoutValues = (query: string): string => {
  let out = ""
  let plain = ""
  const add = (text: string): void => {
    out += plain.replace(values, "?") + text
    plain = ""
  }
  for (const { kind, text } of tokensOf(query)) {
    if (kind === "word" || kind === "symbol") plain += text
    else add(kind === "blank" ? " " : kind === "name" ? text : "?")
  }
  add("")
  const line = out.replace(/\s+/g, " ").trim().replace(lists, "IN (?)")
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}

const target =
  /^[a-z]+\b(?:.*?\b(?:from|into)|(?:\s+table(?:\s+if\s+(?:not\s+)?exists)?)?)\s+((?:"[^"]*"|\w+)(?:\.(?:"[^"]*"|\w+))?)/i

/** The table that a text without values reads or writes, where it says so plainly. */
export const tableOf = (text: string): string | undefined =>
  /^(?:select|insert|update|delete|truncate)\b/i.test(text) ? target.exec(text)?.[1] : undefined
