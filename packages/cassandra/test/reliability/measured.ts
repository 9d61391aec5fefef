/** docs/reliability.json: what the last runs measured that were told to write it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Measured } from "./matrix.ts"

const file = join(import.meta.dirname, "../../../../docs/reliability.json")

/** Changes the file, when the command was told to. */
export const remember = (change: (measured: Measured) => Measured): void => {
  if (!process.argv.includes("--write")) return
  const measured = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Measured) : { rows: {} }
  writeFileSync(file, `${JSON.stringify(change(measured), undefined, 2)}\n`)
}
