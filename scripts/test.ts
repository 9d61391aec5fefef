/**
 * `npm test`: every test project of vitest, then the type tests, and how many tests those were. Arguments go to vitest:
 * `npm test -- packages/cassandra/test/cql.test.ts`.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { main, run, withDirectory } from "./run.ts"

interface Counts {
  readonly passed: number
  readonly failed: number
}

/** What vitest's JSON reporter says. A suite that failed without a failed test (an import, a hook) counts as a failure. */
const ofVitest = async (file: string): Promise<Counts> => {
  const report = JSON.parse(await readFile(file, "utf8")) as {
    readonly numPassedTests: number
    readonly numFailedTests: number
    readonly testResults: ReadonlyArray<{
      readonly status: string
      readonly assertionResults: ReadonlyArray<{ readonly status: string }>
    }>
  }
  const brokenSuites = report.testResults.filter(
    ({ assertionResults, status }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed")
  )
  return { passed: report.numPassedTests, failed: report.numFailedTests + brokenSuites.length }
}

/** What tstyche's summary says: `Tests: 1 failed, 3 passed, 4 total`. */
const ofTstyche = (output: string): Counts => {
  const summary = /^Tests:.*$/m.exec(stripVTControlCharacters(output))?.[0] ?? ""
  const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0)
  return { passed: count("passed"), failed: count("failed") }
}

const test = async (directory: string): Promise<boolean> => {
  const json = join(directory, "vitest.json")
  const args = process.argv.slice(2)
  const vitest = await run("vitest", ["run", "--reporter=default", "--reporter=json", `--outputFile=${json}`, ...args])
  const tests = await ofVitest(json)
  const tstyche = await run("tstyche", [], { keep: true })
  const types = ofTstyche(tstyche.output)
  const passed = tests.passed + types.passed
  const failed = tests.failed + types.failed
  console.log(`\n${passed} passed, ${failed} failed`)
  return vitest.ok && tstyche.ok && failed === 0 && passed > 0
}

await main(() => withDirectory(test))
