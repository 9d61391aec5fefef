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
import { measure, type Origin } from "./measure.ts"
import { peers, setUp } from "./peers.ts"
import { plots } from "./plots.ts"
import { prepare, ServerLive } from "./prepare.ts"
import { inNode } from "./processes.ts"
import { workload, workloads } from "./suite.ts"
import { type Absence, type Sample, summarize } from "./summary.ts"

const { values: flags } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    all: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    peer: { type: "string", multiple: true },
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
  --peers            clients in other languages as well, those of them that can be set up on this machine
  --peer NAME,NAME   only these of them, of
                       ${Object.keys(peers).join(", ")}
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

const listed = (lists: ReadonlyArray<string> | undefined) => lists?.flatMap((list) => list.split(","))
const chosenPeers = listed(flags.peer) ?? (flags.peers ? Object.keys(peers) : [])
const names = flags.all ? Object.keys(workloads) : (listed(flags.only) ?? core)

/** One sample a line: a change to a figure is a change of one line. */
const json = (head: object, samples: ReadonlyArray<Sample>): string =>
  `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "samples": [\n${samples.map((sample) => `    ${JSON.stringify(sample)}`).join(",\n")}\n  ]\n}\n`

const bench = Effect.gen(function* () {
  if (
    names.some((name) => !(name in workloads)) ||
    chosenPeers.some((name) => !(name in peers)) ||
    Object.values(settings).some((value) => !(value > 0))
  ) {
    return yield* Effect.fail(new Error(help))
  }
  const others = yield* setUp(chosenPeers)
  yield* Console.error("Preparing the tables …")
  yield* prepare
  const samples: Array<Sample> = []
  const absent: Array<Absence> = [...others.absent]
  const origins = new Map<string, Origin>()
  for (let generation = 0; generation < settings.generations; generation++) {
    for (const name of names) {
      const chosen = workload(name)
      yield* Console.error(`${chosen.title} (${generation + 1} of ${settings.generations})`)
      const contenders = [...chosen.contenders.map((contender) => inNode(contender)), ...others.ready]
      const measured = yield* measure(name, chosen, contenders, settings, generation)
      samples.push(...measured.samples)
      absent.push(...measured.absent)
      for (const [client, origin] of measured.origins) origins.set(client, origin)
    }
  }
  const report = {
    settings,
    machine: yield* machine,
    peers: others.ready.flatMap(({ client }) => origins.get(client) ?? []),
    sections: summarize(samples),
    absent
  }
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
