/**
 * `npm run bench`: ours beside the raw driver, in one run.
 *
 * What counts is the client's CPU time per operation. Operations per second are shown too, but on one machine they mostly tell how
 * fast the server is.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { mkdir, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { machine } from "./machine.ts"
import { markdown } from "./markdown.ts"
import { measure } from "./measure.ts"
import { plots } from "./plots.ts"
import { prepare, ServerLive } from "./prepare.ts"
import { inNode } from "./processes.ts"
import { workload, workloads } from "./suite.ts"
import { type Absence, type Sample, summarize } from "./summary.ts"

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    all: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    generations: { type: "string" },
    rounds: { type: "string" },
    duration: { type: "string" },
    warmup: { type: "string" },
    out: { type: "string" },
    help: { type: "boolean", default: false }
  }
})

const core = Object.keys(workloads).filter((name) => workload(name).core)

const help = `npm run bench -- [options]

  --only NAME,NAME   only these workloads, of
                       ${Object.keys(workloads).join(", ")}
                     (otherwise ${core.join(", ")})
  --all              every workload
  --quick            a few short rounds, to see that it works; writes no results unless told where
  --generations 2    how often the processes are started anew
  --rounds 5         rounds of each process
  --duration 1000    milliseconds of a round
  --warmup 2500      milliseconds of CPU time that each process spends before its first round
  --out DIRECTORY    where latest.json, latest.md and the plots go (default: benchmarks/results)`

const defaults = flags.quick
  ? { generations: 1, rounds: 2, duration: 500, warmup: 500 }
  : { generations: 2, rounds: 5, duration: 1000, warmup: 2500 }

const settings = {
  generations: Number(flags.generations ?? defaults.generations),
  rounds: Number(flags.rounds ?? defaults.rounds),
  duration: Number(flags.duration ?? defaults.duration),
  warmup: Number(flags.warmup ?? defaults.warmup)
}

const results = fileURLToPath(new URL("../results", import.meta.url))
const out = flags.out ?? (flags.quick ? undefined : results)

const names = flags.all ? Object.keys(workloads) : (flags.only?.flatMap((list) => list.split(",")) ?? core)

/** One sample a line: a change to a figure is a change of one line. */
const json = (head: object, samples: ReadonlyArray<Sample>): string =>
  `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "samples": [\n${samples.map((sample) => `    ${JSON.stringify(sample)}`).join(",\n")}\n  ]\n}\n`

const bench = Effect.gen(function* () {
  if (names.some((name) => !(name in workloads)) || Object.values(settings).some((value) => !(value > 0))) {
    return yield* Effect.fail(new Error(help))
  }
  yield* Console.error("Preparing the tables …")
  yield* prepare
  const samples: Array<Sample> = []
  const absent: Array<Absence> = []
  for (let generation = 0; generation < settings.generations; generation++) {
    for (const name of names) {
      const chosen = workload(name)
      yield* Console.error(`${chosen.title} (${generation + 1} of ${settings.generations})`)
      const contenders = chosen.contenders.map((contender) => inNode(contender))
      const measured = yield* measure(name, chosen, contenders, settings, generation)
      samples.push(...measured.samples)
      absent.push(...measured.absent)
    }
  }
  const report = { settings, machine: yield* machine, peers: [], sections: summarize(samples), absent }
  const text = markdown(report)
  if (out !== undefined) {
    yield* Effect.promise(async () => {
      await mkdir(out, { recursive: true })
      await writeFile(`${out}/latest.md`, text)
      await writeFile(`${out}/latest.json`, json(report, samples))
      for (const [file, svg] of Object.entries(plots(report))) await writeFile(`${out}/${file}`, svg)
    })
  }
  yield* Console.log(`\n${text}`)
  const failed = absent.find(({ client }) => client === "effect-cassandra")
  if (failed !== undefined) return yield* Effect.fail(new Error(`${failed.workload}: ${failed.reason}`))
})

if (flags.help) {
  console.log(help)
} else {
  bench.pipe(Effect.scoped, Effect.provide(ServerLive), Effect.provide(NodeContext.layer), NodeRuntime.runMain)
}
