/**
 * `npm run reliability`: the whole matrix on three nodes of its own, with the exit code 1 when a cell is not as the table
 * says. `-- --write` keeps what was measured in docs/reliability.json, for the page; names of rows run only those.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { heap } from "./heap.ts"
import { clusterLayer, type Lab } from "./lab.ts"
import { machine } from "./machine.ts"
import { type Row, rows } from "./matrix.ts"
import { remember } from "./measured.ts"
import { type RowResult, runRow } from "./run.ts"

/** Megabytes that the heap may have grown by in the end: caches are full, and code is compiled. */
const growth = 40
/** How often a row is run in which something was not served. */
const tries = 3

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))

const line = ({ id }: Row, { broken, cells, looked, unserved, whole }: RowResult, seconds: number): string => {
  const all = Object.values(cells)
  const operations = all.reduce((sum, cell) => sum + cell.operations, 0)
  const failed: Record<string, number> = {}
  for (const cell of all) {
    for (const [tag, count] of Object.entries(cell.failed)) failed[tag] = (failed[tag] ?? 0) + count
  }
  const recovered = Math.max(...all.map((cell) => cell.recovered))
  const problems = [...broken, ...unserved]
  const verdict = problems.length === 0 ? "ok" : `NOT AS IT MUST BE\n  ${problems.join("\n  ")}`
  return [
    id.padEnd(14),
    `${operations} operations, failed ${JSON.stringify(failed)}`,
    `${looked} writes looked at, recovered after ${recovered} ms, whole after ${whole} ms (${seconds.toFixed(0)} s): ${verdict}`
  ].join(" ")
}

/**
 * Whether a row is as the table says. What must never be is judged at the first sight of it; what was not served may be the
 * machine's doing, and is tried again.
 */
const isKept = (row: Row, left = tries): Effect.Effect<boolean, never, Lab> =>
  Effect.gen(function* () {
    const started = performance.now()
    const result = yield* Effect.scoped(runRow(row))
    console.log(line(row, result, (performance.now() - started) / 1000))
    if (result.broken.length > 0) return false
    if (result.unserved.length > 0) return left > 1 && (yield* isKept(row, left - 1))
    const { cells, whole } = result
    remember((measured) => ({
      ...measured,
      machine: machine(),
      rows: { ...measured.rows, [row.id]: { cells, whole } }
    }))
    return true
  }).pipe(
    // A node that does not start fails its row, and not all that come after it.
    Effect.catchAllCause((cause) => {
      console.log(`${row.id.padEnd(16)} could not be run: ${Cause.pretty(cause).slice(0, 500)}`)
      return Effect.succeed(false)
    })
  )

const program = Effect.gen(function* () {
  const before = yield* heap
  let broken = 0
  for (const row of rows.filter(({ id }) => wanted.length === 0 || wanted.includes(id))) {
    if (!(yield* isKept(row))) broken++
  }
  const after = yield* heap
  console.log(`heap: ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`)
  if (after - before > growth) broken++
  console.log(broken === 0 ? "every cell is as the table says" : `${broken} rows are not as the table says`)
  return broken
}).pipe(Effect.provide(clusterLayer))

process.exitCode = (await Effect.runPromise(program)) === 0 ? 0 : 1

// Everything is closed: what is left would keep an application alive as well.
setTimeout(() => {
  console.log(`the process does not end: ${process.getActiveResourcesInfo().join(", ")}`)
  process.exit(1)
}, 15_000).unref()
