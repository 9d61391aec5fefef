/**
 * Checksums: `<kind>:<SHA-256>` of what a migration does.
 *
 * CQL is compared without its comments and spacing, code as it stands. An effect given as a value has no text, so that only
 * its name counts.
 */
import { createHash } from "node:crypto"
import type { Statement } from "../../Statement.ts"
import { canonical } from "./script.ts"

export type CodeKind = "js" | "ts" | "effect"

const sha256 = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

/** Text for any value that a statement can carry: values of different kinds never look alike. */
const describe = (value: unknown): string =>
  JSON.stringify(value, function (this: Record<string, unknown>, key, shown: unknown) {
    // `shown` went through `toJSON`; the value itself still has its class.
    const given = this[key]
    if (typeof given === "bigint") return { bigint: given.toString() }
    if (given instanceof Date) return { date: shown }
    if (given instanceof Map) return { map: [...given] }
    if (given instanceof Set) return { set: [...given] }
    if (given instanceof Uint8Array) return { bytes: Buffer.from(given).toString("base64") }
    return shown
  }) ?? "undefined"

export const ofStatements = (statements: ReadonlyArray<Statement.Any>): string =>
  `cql:${sha256(
    statements
      .map(({ query, values }) =>
        Array.isArray(values) && values.length === 0 ? canonical(query) : `${canonical(query)}\n${describe(values)}`
      )
      .join(";\n")
  )}`

export const ofCode = (kind: CodeKind, text: string): string => `${kind}:${sha256(text.replaceAll("\r\n", "\n"))}`

const kindOf = (checksum: string): string => checksum.slice(0, checksum.indexOf(":"))

/**
 * Whether two checksums can be of the same migration. A module in TypeScript and its compiled form cannot be compared, nor can
 * a module and an effect: they pass.
 */
export const agree = (a: string, b: string): boolean => {
  if (a === b) return true
  const [kindA, kindB] = [kindOf(a), kindOf(b)]
  return kindA !== kindB && kindA !== "cql" && kindB !== "cql"
}
