/**
 * Runs the contenders of one workload.
 *
 * Each is a process of its own that does this one workload: in one process they would share the garbage collector, and whichever ran
 * second would find code compiled for the first one's calls. The processes live side by side and work in turns, a round each, so that
 * a machine that gets slower or faster meets all of them alike; the order rotates. A compiler's luck stays with a process, so they are
 * started anew a few times (`generations`).
 */
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { CassandraServer } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { type Observation, type Process, type Runnable, start } from "./processes.ts"
import type { Failure, Ready, Stretch } from "./protocol.ts"
import type { Contender, Step, Workload } from "./suite.ts"
import type { Absence, Sample } from "./summary.ts"

export interface Settings {
  readonly generations: number
  readonly rounds: number
  /** Milliseconds of a round. */
  readonly duration: number
  /** Milliseconds of CPU time before the first round. */
  readonly warmup: number
}

/** What a contender is and runs on. */
export type Origin = Pick<Contender, "client"> & Pick<Ready, "version" | "runtime">

export interface Measured {
  readonly samples: ReadonlyArray<Sample>
  readonly absent: ReadonlyArray<Absence>
  /** By the name of the client. */
  readonly origins: ReadonlyMap<string, Origin>
}

interface Running extends Process {
  readonly contender: Runnable
}

/**
 * By CPU time, not by the clock: on a busy machine the compiler would not be done, and its work would be charged to the rounds. The
 * clock only ends the wait for contenders that use little of it.
 */
const warmUp = (settings: Settings, { contender, work }: Running, concurrency: number, steps: ReadonlyArray<Step>) =>
  Effect.gen(function* () {
    const end = performance.now() + 15_000
    let left = settings.warmup * 1000 * contender.warmup
    while (left > 0 && performance.now() < end) {
      const answer = yield* work({ concurrency, milliseconds: 250 })
      if ("failure" in answer) return
      left -= answer.cpuMicros
    }
    // As many connections, threads and objects as each step will need. A failure will show when it is measured.
    if (steps.length > 1) yield* Effect.forEach(steps, ({ stretch }) => work({ ...stretch, milliseconds: 250 }))
  })

/** A new process every time: its first query is what is measured. */
const startOnce = <R>(begin: Effect.Effect<Process, Error, R>) =>
  begin.pipe(
    Effect.map(({ ready: { runtime: _runtime, version: _version, ...seen }, readyAfter }) => ({
      ...seen,
      operations: 1,
      milliseconds: readyAfter
    })),
    Effect.catchAll((error) => Effect.succeed<Failure>({ failure: error.message })),
    Effect.scoped
  )

/** One generation of a workload. */
export const measure = (
  name: string,
  { about, steps }: Workload,
  contenders: ReadonlyArray<Runnable>,
  settings: Settings,
  generation: number
): Effect.Effect<Measured, never, CassandraServer.CassandraServer | CommandExecutor> =>
  Effect.gen(function* () {
    const samples: Array<Sample> = []
    const absent: Array<Absence> = []
    const origins = new Map<string, Origin>()
    const begin = (contender: Runnable) =>
      Effect.tap(start(name, contender), ({ ready: { runtime, version } }) =>
        Effect.sync(() => origins.set(contender.client, { client: contender.client, version, runtime }))
      )
    const leave = ({ client, style }: Contender, step: string, failure: string) => {
      // What follows the first line is a stack, with the paths of this machine.
      const [reason = ""] = failure.split("\n")
      absent.push({ workload: name, step, client, style, reason })
      return Console.error(`  ${client}, ${style}${step === "" ? "" : `, ${step}`}: ${reason}`)
    }

    const inTurns = <R>(answer: (n: number, stretch: Stretch) => Effect.Effect<Observation | Failure, never, R>) =>
      Effect.gen(function* () {
        for (let round = 0; round < settings.rounds; round++) {
          for (const step of steps) {
            for (let turn = 0; turn < contenders.length; turn++) {
              // Another one begins each time.
              const n = (turn + round + generation) % contenders.length
              const contender = contenders[n]
              if (contender === undefined) continue
              const { client, style } = contender
              const result = yield* answer(n, { ...step.stretch, milliseconds: settings.duration * (step.times ?? 1) })
              if ("failure" in result) yield* leave(contender, step.name, result.failure)
              else samples.push({ workload: name, step: step.name, client, style, generation, round, ...result })
            }
          }
        }
      })

    if (about === "start") {
      yield* inTurns((n) => startOnce(begin(contenders[n] as Runnable)))
    } else {
      const processes = yield* Effect.forEach(contenders, (contender) =>
        begin(contender).pipe(
          Effect.map((process): Running => ({ ...process, contender })),
          Effect.catchAll((error) =>
            Effect.as(
              Effect.forEach(steps, (step) => leave(contender, step.name, error.message)),
              undefined
            )
          )
        )
      )
      const concurrency = about === "concurrency" ? 100 : (steps[0]?.stretch.concurrency ?? 1)
      yield* Effect.forEach(processes, (it) =>
        it === undefined ? Effect.void : warmUp(settings, it, concurrency, steps)
      )
      yield* inTurns((n, stretch) => processes[n]?.work(stretch) ?? Effect.succeed({ failure: "it did not start" }))
    }
    return { samples, absent, origins }
  }).pipe(Effect.scoped)
