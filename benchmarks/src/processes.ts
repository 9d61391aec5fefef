/** A contender's process, and what is asked of it. */
import * as Command from "@effect/platform/Command"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import type { Answer, Failure, Measurement, Ready, Stretch } from "./protocol.ts"
import type { Contender } from "./suite.ts"
import { plan } from "./workloads.ts"

/** A contender that can be run here. */
export interface Runnable extends Contender {
  readonly program: string
  /** Before the workload and the style. */
  readonly args: ReadonlyArray<string>
  /**
   * How much CPU time it takes to warm up, beside a contender in JavaScript: a JVM takes more until its second compiler is done, and
   * what was compiled ahead of time takes little.
   */
  readonly warmup: number
}

/** A contender of ours, in JavaScript, from this directory of compiled files. */
export const inNode = (contender: Contender, dist: URL = new URL(".", import.meta.url)): Runnable => ({
  ...contender,
  program: process.execPath,
  args: [fileURLToPath(new URL(`contenders/${contender.client}.js`, dist))],
  warmup: 1
})

/** What is seen of a process from outside. */
interface Seen {
  /** The most that was resident since it began, in bytes; only Linux tells. */
  readonly peakRss?: number
}

/** What a process measured of its work, and what was seen of it. */
export interface Observation extends Measurement, Seen {}

/** What is known of it when it has made its first query. */
export interface Process {
  readonly ready: Ready & Seen
  /** From the start of the process to the answer of its first query. */
  readonly readyAfter: number
  readonly work: (stretch: Stretch) => Effect.Effect<Observation | Failure>
}

const environment = (server: CassandraServer.CassandraServer) => ({
  CASSANDRA_CONTACT_POINTS: server.contactPoints.join(","),
  CASSANDRA_PORT: String(server.port),
  CASSANDRA_LOCAL_DC: server.localDataCenter,
  CASSANDRA_USERNAME: Option.getOrUndefined(Option.map(server.credentials, ({ username }) => username)),
  CASSANDRA_PASSWORD: Option.getOrUndefined(Option.map(server.credentials, ({ password }) => Redacted.value(password))),
  BENCH_PLAN: JSON.stringify(plan)
})

/** Not asked of the process itself: its `getrusage` counts what the process it was forked from had resident, and that is us. */
const seen = (pid: number) =>
  Effect.promise(async (): Promise<Seen> => {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? []
    return kilobytes === undefined ? {} : { peakRss: Number(kilobytes) * 1024 }
  })

/** Starts a contender and waits for its first query; it ends with the scope. */
export const start = (workload: string, { args, client, program, style }: Runnable) =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const input = yield* Queue.unbounded<string>()
    const began = performance.now()
    const child = yield* Command.make(program, ...args, workload, style).pipe(
      Command.env(environment(server)),
      Command.stdin(Stream.fromQueue(input).pipe(Stream.encodeText)),
      Command.stderr("inherit"),
      Command.start
    )
    const lines = yield* Stream.toPull(child.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.rechunk(1)))
    const next = (milliseconds: number) =>
      lines.pipe(
        Effect.mapError((end) => Option.getOrElse(end, () => new Error(`${client} (${style}) ended in ${workload}`))),
        Effect.timeoutFail({
          duration: milliseconds,
          onTimeout: () => new Error(`${client} (${style}) said nothing for ${milliseconds / 1000} s in ${workload}`)
        }),
        Effect.map((line) => JSON.parse([...line].join("")) as unknown)
      )
    const ready = (yield* next(60_000)) as Ready
    const readyAfter = performance.now() - began
    // An answer that comes too late would be taken for that of the next stretch.
    let broken: Failure | undefined
    const work = (stretch: Stretch) =>
      Effect.gen(function* () {
        if (broken !== undefined) return broken
        yield* input.offer(`${JSON.stringify(stretch)}\n`)
        const answer = (yield* next(stretch.milliseconds + 60_000)) as Answer
        return "failure" in answer ? answer : { ...answer, ...(yield* seen(child.pid)) }
      }).pipe(Effect.catchAll(({ message }) => Effect.succeed((broken = { failure: message }))))
    return { ready: { ...ready, ...(yield* seen(child.pid)) }, readyAfter, work } satisfies Process
  })
