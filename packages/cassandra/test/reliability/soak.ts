/**
 * `npm run soak -- --minutes 10`: traffic of every kind on three nodes of its own, with a fault every few seconds. Prints what
 * was done, what failed, and what is left in the end; the exit code is 1 when a write was lost or applied twice, when an
 * operation ended in a defect or did not end, or when something leaks. `--write` keeps the result for the page.
 */
import { Cluster } from "effect-cassandra"
import * as Effect from "effect/Effect"
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks"
import { faults } from "./faults.ts"
import { heap } from "./heap.ts"
import { clusterLayer, Lab, way } from "./lab.ts"
import { hears } from "../support/controlConnection.ts"
import { eventually } from "./level.ts"
import { machine } from "./machine.ts"
import { type Column, columns } from "./matrix.ts"
import { remember } from "./measured.ts"
import { verify } from "./verify.ts"
import { type Done, limits, run as runTraffic } from "./workload.ts"

const argument = process.argv.indexOf("--minutes")
const minutes = argument < 0 ? 10 : Number(process.argv[argument + 1])
if (!(minutes > 0)) throw new Error("npm run soak -- --minutes <a number>")

/** Those that take seconds and leave the cluster as it was. */
const kinds = [
  "refused",
  "black-holed",
  "reset",
  "half-open",
  "slow",
  "paused",
  "killed",
  "restarted",
  "flapping",
  "control-lost",
  "schema-changed",
  "pool-gone",
  "clock"
]
/** Megabytes that the heap may have grown by, once the record of the operations is gone. */
const growth = 60

const resources = (kind: string) => process.getActiveResourcesInfo().filter((name) => name.startsWith(kind)).length

/** A record of minutes would be a great part of the heap: it is summed up as the operations end. */
interface Sum {
  readonly operations: Record<string, number>
  readonly errors: Record<string, number>
  readonly tooLong: Array<string>
}

const add = (sum: Sum, done: Array<Done>, loop: IntervalHistogram): void => {
  // While the process stands still no limit can be kept.
  const frozen = loop.max / 1e6
  loop.reset()
  if (frozen > 10_000) sum.tooLong.push(`the event loop stood still: ${Math.round(frozen)} ms`)
  for (const { column, end, failure, start } of done.splice(0)) {
    sum.operations[columns[column]] = (sum.operations[columns[column]] ?? 0) + 1
    if (failure !== undefined) sum.errors[failure.tag] = (sum.errors[failure.tag] ?? 0) + 1
    if (failure?.tag === "Defect") console.error(failure.message)
    if (end - start > limits[column] + frozen) sum.tooLong.push(`${columns[column]}: ${Math.round(end - start)} ms`)
  }
}

const program = Effect.gen(function* () {
  const lab = yield* Lab
  const path = yield* way(lab, "bytes")
  const client = yield* Cluster.make(path.options)
  const session = yield* client.connect({ keyspace: lab.keyspace, waitForAllPools: true })
  const sum: Sum = { operations: {}, errors: {}, tooLong: [] }
  const problems: Array<string> = []
  const injected: Record<string, number> = {}
  const before = {
    heap: yield* heap,
    sockets: resources("TCPSocket"),
    handles: process.getActiveResourcesInfo().length
  }
  const loop = monitorEventLoopDelay({ resolution: 10 })
  loop.enable()
  const end = performance.now() + minutes * 60_000
  let lost = 0
  let duplicated = 0
  let looked = 0
  // In rounds: what was written is looked at after each, and forgotten.
  for (let round = 1; performance.now() < end; round++) {
    const { record, stop } = yield* runTraffic({ session, run: round, connect: path.options, keyspace: lab.keyspace })
    const until = Math.min(end, performance.now() + 60_000)
    while (performance.now() < until) {
      const kind = kinds[Math.floor(Math.random() * kinds.length)] as keyof typeof faults
      const victim = Math.floor(Math.random() * 3)
      injected[kind] = (injected[kind] ?? 0) + 1
      yield* faults[kind]!({ lab, way: path, client, session, victim })
      yield* Effect.sleep(Math.random() * 4_000)
      add(sum, record.done, loop)
    }
    const fibers = yield* stop
    add(sum, record.done, loop)
    if (fibers > 0) problems.push(`${fibers} fibers are left after round ${round}`)
    for (const { column } of record.running.values()) problems.push(`${columns[column as Column]}: one did not end`)
    const verdict = yield* verify(lab.direct, round, record.writes)
    looked += verdict.looked
    lost += verdict.lost.length
    duplicated += verdict.duplicated.length
    for (const what of [...verdict.lost, ...verdict.duplicated].slice(0, 10)) console.error(`round ${round}: ${what}`)
    const operations = Object.values(sum.operations).reduce((a, b) => a + b, 0)
    console.log(`round ${round}: ${operations} operations so far, heap ${(yield* heap).toFixed(1)} MB`)
  }

  loop.disable()
  const idle = yield* eventually(
    30,
    Effect.map(client.state, ({ hosts, inFlight, queued }) => {
      const all = [...hosts.values()]
      return (
        inFlight + queued === 0 &&
        hears(client) &&
        all.length === 3 &&
        all.every((host) => host.inFlight + host.orphans === 0 && host.connections === 1) &&
        resources("TCPSocket") <= before.sockets
      )
    })
  )
  const after = { heap: yield* heap, sockets: resources("TCPSocket"), handles: process.getActiveResourcesInfo().length }
  if (!idle) {
    const { hosts, inFlight, queued } = yield* client.state
    problems.push(
      `the client is not as it was: ${JSON.stringify({ hosts: [...hosts], inFlight, queued, hears: hears(client) })}`
    )
  }
  if (sum.tooLong.length > 0)
    problems.push(`${sum.tooLong.length} times something took too long: ${sum.tooLong.slice(0, 5).join(", ")}`)
  if (sum.errors["Defect"] !== undefined) problems.push(`${sum.errors["Defect"]} defects`)
  if (after.heap - before.heap > growth) problems.push("the heap has grown")
  if (lost + duplicated > 0) problems.push("writes were lost or applied twice")

  const total = Object.values(sum.operations).reduce((a, b) => a + b, 0)
  console.log(`
operations                 ${total} in ${minutes} minutes: ${JSON.stringify(sum.operations)}
faults                     ${JSON.stringify(injected)}
errors by tag              ${JSON.stringify(sum.errors)}
writes looked at           ${looked}
lost acknowledged writes   ${lost}
duplicated writes          ${duplicated}
heap                       ${before.heap.toFixed(1)} MB at the start, ${after.heap.toFixed(1)} MB at the end
sockets                    ${before.sockets} at the start, ${after.sockets} at the end
open handles               ${before.handles} at the start, ${after.handles} at the end
${problems.length === 0 ? "every invariant held" : `broken: ${problems.join("\n        ")}`}`)
  if (problems.length > 0) return problems.length
  const { errors, operations } = sum
  const result = { minutes, operations, faults: injected, errors, looked, lost, duplicated, before, after }
  remember((measured) => ({ ...measured, soak: { ...result, machine: machine() } }))
  return 0
}).pipe(Effect.scoped, Effect.provide(clusterLayer))

process.exitCode = (await Effect.runPromise(program)) === 0 ? 0 : 1
