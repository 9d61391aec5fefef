/**
 * The coverage table, docs/coverage.md, from its data, docs/coverage.json.
 *
 * `npm run coverage` writes it. `npm run check` runs this with `--check`: it fails when the data names an API or a test that does not
 * exist, lacks a row, or says something else than the page. With `--final`, rows that wait for something fail too.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { publicApi } from "./coverage/api.ts"
import { problemsOf } from "./coverage/check.ts"
import { coveragePage } from "./coverage/markdown.ts"
import type { Row } from "./coverage/rows.ts"
import { testProblems } from "./coverage/titles.ts"
import { main } from "./run.ts"
import { programOf, read, root, writeOrCheck } from "./sources.ts"

const entryPoint = "packages/cassandra/src/index.ts"

await main(async () => {
  const rows = JSON.parse(read("docs/coverage.json")) as ReadonlyArray<Row>
  const repository = {
    hasApi: publicApi(programOf([entryPoint]), join(root, entryPoint)),
    testProblem: testProblems((file) => (existsSync(join(root, file)) ? read(file) : undefined))
  }
  const problems = problemsOf(rows, repository, process.argv.includes("--final"))
  for (const problem of problems) console.error(`docs/coverage.json: ${problem}`)
  const pending = rows.filter((row) => "pending" in row).length
  console.log(`${rows.length} rows of coverage, ${pending} pending, ${problems.length} problems`)
  return problems.length === 0 && writeOrCheck("docs/coverage.md", coveragePage(rows), "npm run coverage")
})
