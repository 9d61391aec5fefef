/** Runs a row of the matrix, and judges its cells by the record. */
import { Cluster } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { faults, settings } from "./faults.ts"
import { Lab, way } from "./lab.ts"
import { hears } from "../support/controlConnection.ts"
import { eventually, isWhole, type Level, levelOf } from "./level.ts"
import { type CellResult, type Column, columns, type Row, type RowMeasured } from "./matrix.ts"
import { verify } from "./verify.ts"
import { type Done, limits, run as runTraffic, type Traffic } from "./workload.ts"

/** Milliseconds; an operation that takes longer is a sign of the trouble, even if it succeeds. */
type Slow = Readonly<Record<Column, number>>

export interface RowResult extends RowMeasured {
  readonly looked: number
  /** What must never be: writes lost or applied twice, operations without end, defects, and what leaks. */
  readonly broken: ReadonlyArray<string>
  /** Failures where there should be none, and troubles that lasted too long: on a machine that stands still, so do the nodes. */
  readonly unserved: ReadonlyArray<string>
}

const names = Object.keys(columns) as ReadonlyArray<Column>

const countTags = (done: ReadonlyArray<Done>): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { failure } of done) if (failure !== undefined) counts[failure.tag] = (counts[failure.tag] ?? 0) + 1
  return counts
}

/** A second, or far more than anything of the kind took before the fault: machines differ, and what else they do. */
const slowAfter = (before: ReadonlyArray<Done>): Slow => {
  const slow = Object.fromEntries(names.map((column) => [column, 1_000])) as Record<Column, number>
  for (const { column, end, start } of before) slow[column] = Math.max(slow[column], 3 * (end - start))
  return slow
}

/** When the last operation ended that failed or was slow. */
const lastTrouble = (done: ReadonlyArray<Done>, slow: Slow): number =>
  done.reduce(
    (last, { column, end, failure, start }) =>
      failure !== undefined || end - start > slow[column] ? Math.max(last, end) : last,
    0
  )

interface Problems {
  readonly broken: Array<string>
  readonly unserved: Array<string>
}

const cellOf = (
  row: Row,
  column: Column,
  all: ReadonlyArray<Done>,
  slow: Slow,
  from: number,
  frozen: number,
  { broken, unserved }: Problems
): CellResult => {
  const done = all.filter((operation) => operation.column === column)
  const failed = countTags(done)
  const recovered = Math.max(0, Math.round(lastTrouble(done, slow) - from))
  const longest = Math.round(done.reduce((most, { end, start }) => Math.max(most, end - start), 0))
  const say = (to: Array<string>, problem: string) => to.push(`${columns[column]}: ${problem}`)
  const failure = done.find((operation) => operation.failure !== undefined)?.failure
  if (done.length === 0) say(unserved, "nothing was done")
  if (row.cells[column] === "served" && failure !== undefined) {
    say(unserved, `${JSON.stringify(failed)} of ${done.length} failed: ${failure.message}`)
  }
  if (recovered > row.within * 1000) say(unserved, `it took ${recovered} ms to recover`)
  const defect = done.find((operation) => operation.failure?.tag === "Defect")
  if (defect !== undefined) say(broken, `a defect: ${defect.failure?.message}`)
  // While the process stands still no limit can be kept.
  if (longest > limits[column] + frozen) say(broken, `an operation took ${longest} ms`)
  return { operations: done.length, failed, recovered, longest }
}

/** What the client still holds of the traffic, once that has ended: nothing, after a while. */
const leftovers = (client: Cluster.Cluster, before: Level): Effect.Effect<ReadonlyArray<string>> => {
  let left: ReadonlyArray<string> = []
  const look = Effect.gen(function* () {
    const state = yield* client.state
    const level = yield* levelOf(client)
    const hosts = [...state.hosts.values()]
    // Every connection is a socket here, and three with the two of a proxy in this process; those of the frames have four.
    const more = 5 * Math.max(0, level.connections - before.connections)
    left = [
      ...(state.inFlight + state.queued > 0 ? [`${state.inFlight} requests in flight, ${state.queued} queued`] : []),
      ...(hosts.some(({ inFlight }) => inFlight > 0) ? ["stream ids that are taken"] : []),
      ...(hosts.some(({ orphans }) => orphans > 0) ? ["stream ids of requests that were given up"] : []),
      ...(level.connections !== level.hosts ? [`${level.connections} connections to ${level.hosts} nodes`] : []),
      ...(level.sockets > before.sockets + more ? [`${level.sockets} sockets, ${before.sockets} before`] : []),
      ...(hears(client) ? [] : ["no control connection"])
    ]
    return left.length === 0
  })
  return Effect.map(eventually(30, look), () => left)
}

/** Lets the traffic go on until there has been no trouble for a while. */
const calm = ({ record }: Traffic, slow: Slow, seconds: number) =>
  eventually(
    seconds,
    Effect.sync(() => {
      const now = performance.now()
      const stuck = [...record.running.values()].some(({ column, start }) => now - start > slow[column])
      return !stuck && now - lastTrouble(record.done, slow) > 2_000
    })
  )

let runs = 0

/** Runs a row with a client of its own. A lab can run many: each has keys of its own. */
export const runRow = (row: Row): Effect.Effect<RowResult, unknown, Lab | Scope.Scope> =>
  Effect.gen(function* () {
    const lab = yield* Lab
    const run = ++runs
    const broken: Array<string> = []
    const unserved: Array<string> = []
    const fault = faults[row.id]
    if (fault === undefined) return yield* Effect.dieMessage(`nobody knows how to make ${row.id}`)
    const path = yield* way(lab, row.path)
    const options = { ...path.options, ...settings[row.id] }
    const client = yield* Cluster.make(options)
    const session = yield* client.connect({ keyspace: lab.keyspace, waitForAllPools: true })
    const before = yield* levelOf(client)
    const loop = monitorEventLoopDelay({ resolution: 10 })
    loop.enable()

    const traffic = yield* runTraffic({ session, run, connect: options, keyspace: lab.keyspace })
    yield* Effect.sleep("1 second")
    const { record } = traffic
    const ofEach = () => names.every((column) => record.done.some((operation) => operation.column === column))
    yield* eventually(30, Effect.sync(ofEach))
    const early = record.done.filter(({ failure }) => failure !== undefined)
    if (early.length > 0) unserved.push(`failures before the fault: ${JSON.stringify(countTags(early))}`)
    const slow = slowAfter(record.done)
    const began = performance.now()
    yield* fault({ lab, way: path, client, session, victim: run })
    const ended = performance.now()
    const watching = yield* Effect.forkScoped(
      Effect.map(eventually(60, isWhole(client)), () => Math.round(performance.now() - ended))
    )
    yield* Effect.sleep("1 second")
    yield* calm(traffic, slow, row.within + 5)
    const fibers = yield* traffic.stop
    const whole = yield* Fiber.join(watching)
    loop.disable()

    const { done, running, writes } = record
    if (fibers > 0) broken.push(`${fibers} fibers are left`)
    for (const { column } of running.values()) broken.push(`${columns[column]}: an operation did not end`)
    broken.push(...(yield* leftovers(client, before)))
    const frozen = Math.round(loop.max / 1e6)
    // Other processes of a busy machine make it wait, too.
    if (frozen > 10_000) broken.push(`the event loop stood still for ${frozen} ms`)
    const { duplicated, looked, lost } = yield* verify(lab.direct, run, writes)
    for (const what of lost.slice(0, 5)) broken.push(`lost: ${what}`)
    for (const what of duplicated.slice(0, 5)) broken.push(`duplicated: ${what}`)

    const from = row.from === "start" ? began : ended
    const cells = Object.fromEntries(
      names.map((column) => [column, cellOf(row, column, done, slow, from, frozen, { broken, unserved })])
    ) as unknown as Record<Column, CellResult>
    return { cells, whole, looked, broken, unserved }
  })
