/** A contender's process, and what is asked of it. */
import * as Command from "@effect/platform/Command"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { fileURLToPath } from "node:url"
import type { Answer, Ready, Stretch } from "./protocol.ts"
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

/** What is known of it when it has made its first query. */
export interface Process {
  readonly ready: Ready
  /** From the start of the process to the answer of its first query. */
  readonly readyAfter: number
  readonly work: (stretch: Stretch) => Effect.Effect<Answer>
}

const environment = (server: CassandraServer.CassandraServer) => ({
  CASSANDRA_CONTACT_POINTS: server.contactPoints.join(","),
  CASSANDRA_PORT: String(server.port),
  CASSANDRA_LOCAL_DC: server.localDataCenter,
  CASSANDRA_USERNAME: Option.getOrUndefined(Option.map(server.credentials, ({ username }) => username)),
  CASSANDRA_PASSWORD: Option.getOrUndefined(Option.map(server.credentials, ({ password }) => Redacted.value(password))),
  BENCH_PLAN: JSON.stringify(plan)
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
    return {
      ready,
      readyAfter: performance.now() - began,
      work: (stretch) =>
        Effect.andThen(
          input.offer(`${JSON.stringify(stretch)}\n`),
          Effect.catchAll(next(stretch.milliseconds + 60_000) as Effect.Effect<Answer, Error>, ({ message }) =>
            Effect.succeed({ failure: message })
          )
        )
    } satisfies Process
  })
