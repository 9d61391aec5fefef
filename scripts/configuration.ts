/**
 * The tables of docs/configuration.md, from the types of the options and their doc comments.
 *
 * `npm run configuration` writes them. `npm run check` runs this with `--check`: it fails when the page says something else than the
 * sources. Options that are added to a type, and types of options that are added to an option, come in by themselves.
 */
import { optionTables } from "./configuration/options.ts"
import { replacePart } from "./markdown.ts"
import { main } from "./run.ts"
import { glob, read, writeOrCheck } from "./sources.ts"

const page = "docs/configuration.md"

/** Where the options begin; those that they refer to follow. */
const starts = [
  "ClusterOptions",
  "SessionOptions",
  "RequestOptions",
  "StatementOptions",
  "BatchOptions",
  "LocalOptions"
]

await main(async () => {
  const sources = glob(["packages/cassandra/src/**/*.ts"]).map(read)
  return writeOrCheck(
    page,
    replacePart(read(page), "configuration", optionTables(sources, starts)),
    "npm run configuration"
  )
})
