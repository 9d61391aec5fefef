/**
 * docs/reliability.md, from the table that the runs are judged by and from what `-- --write` had them measure.
 *
 * `npm run reliability:page` writes it. `npm run check` runs this with `--check`: it fails when something was not measured, or is
 * not what the row promises, when a test named there does not exist, and when the page says something else.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { type Measured, rows } from "../packages/cassandra/test/reliability/matrix.ts"
import { testProblems } from "./coverage/titles.ts"
import { problemsOf, reliabilityPage } from "./reliability/page.ts"
import { main } from "./run.ts"
import { read, root, writeOrCheck } from "./sources.ts"

await main(async () => {
  const measured = JSON.parse(read("docs/reliability.json")) as Measured
  const testProblem = testProblems((file) => (existsSync(join(root, file)) ? read(file) : undefined))
  const problems = problemsOf(rows, measured, testProblem)
  for (const problem of problems) console.error(`docs/reliability.json: ${problem}`)
  const written = writeOrCheck("docs/reliability.md", reliabilityPage(rows, measured), "npm run reliability:page")
  return problems.length === 0 && written
})
