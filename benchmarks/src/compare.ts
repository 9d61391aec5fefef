/**
 * `npm run bench:compare -- <base> [<head>]`: what a change did to the client's CPU per operation.
 *
 * Each commit is built in a git worktree of its own, in a directory that is gone afterwards, however this ends. Both run under the
 * contender and the harness of the present checkout, in alternating rounds of one run, so that only the client differs.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { parseArgs } from "node:util"
import { checkout } from "./checkout.ts"
import { number, table } from "./markdown.ts"
import { measure } from "./measure.ts"
import { prepare, ServerLive } from "./prepare.ts"
import { inNode } from "./processes.ts"
import { workload, workloads } from "./suite.ts"
import { cpuPerOperation, median, ratioOf, type Sample } from "./summary.ts"

const { positionals, values: flags } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string", default: "point-read,insert,scan,streams" },
    generations: { type: "string", default: "2" },
    rounds: { type: "string", default: "8" },
    duration: { type: "string", default: "1000" },
    warmup: { type: "string", default: "2500" },
    help: { type: "boolean", default: false }
  }
})

const help = `npm run bench:compare -- [options] BASE [HEAD]

  BASE, HEAD         commits; HEAD is the present one if not given
  --only NAME,NAME   workloads (${flags.only}), of
                       ${Object.keys(workloads).join(", ")}
  --generations 2    how often the processes are started anew
  --rounds 8         rounds of each process
  --duration 1000    milliseconds of a round
  --warmup 2500      milliseconds of CPU time that each process spends before its first round`

const settings = {
  generations: Number(flags.generations),
  rounds: Number(flags.rounds),
  duration: Number(flags.duration),
  warmup: Number(flags.warmup)
}
const names = flags.only.split(",")
const [base, head = "HEAD", ...rest] = positionals

const line = (name: string, step: string, samples: ReadonlyArray<Sample>): ReadonlyArray<string> => {
  const of = (style: string) => samples.filter((sample) => sample.style === style && sample.step === step)
  const [before, after] = [of("base"), of("head")]
  const ratio = ratioOf(after, before)
  return [
    `${name}${step === "" ? "" : `, ${step}`}`,
    number(median(before.map(cpuPerOperation))),
    number(median(after.map(cpuPerOperation))),
    ratio === null ? "–" : `${ratio.median.toFixed(3)}×`,
    ratio === null ? "–" : `${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}`
  ]
}

const compare = Effect.gen(function* () {
  if (
    base === undefined ||
    rest.length > 0 ||
    names.some((name) => !(name in workloads)) ||
    Object.values(settings).some((value) => !(value > 0))
  ) {
    return yield* Effect.fail(new Error(help))
  }
  const checkouts = [yield* checkout("base", base), yield* checkout("head", head)]
  yield* Console.error("Preparing the tables …")
  yield* prepare
  const contenders = checkouts.map(({ dist, style }) => inNode({ client: "effect-cassandra", style }, dist))
  const rows: Array<ReadonlyArray<string>> = []
  for (const name of names) {
    const samples: Array<Sample> = []
    for (let generation = 0; generation < settings.generations; generation++) {
      yield* Console.error(`${workload(name).title} (${generation + 1} of ${settings.generations})`)
      const { absent, samples: more } = yield* measure(name, workload(name), contenders, settings, generation)
      const [failed] = absent
      if (failed !== undefined) return yield* Effect.fail(new Error(`${name}: ${failed.style}: ${failed.reason}`))
      samples.push(...more)
    }
    for (const { name: step } of workload(name).steps) rows.push(line(name, step, samples))
  }
  const [before, after] = checkouts.map(({ commit }) => commit)
  yield* Console.log(
    `\nClient CPU µs per operation, medians of ${settings.generations * settings.rounds} rounds; the ratio is head ÷ base, round by round.\n\n` +
      table([["workload", `base ${before}`, `head ${after}`, "ratio", "(range)"], ...rows])
  )
})

if (flags.help) {
  console.log(help)
} else {
  compare.pipe(Effect.scoped, Effect.provide(ServerLive), Effect.provide(NodeContext.layer), NodeRuntime.runMain)
}
