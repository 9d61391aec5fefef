/**
 * The process of Simulacron, and requests to it.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type { SimulacronOptions } from "../Simulacron.ts"
import { DownloadError, NoServerError, ServerStartError, SimulacronError } from "../TestkitError.ts"
import * as Embedded from "./embedded.ts"
import * as Jars from "./jars.ts"
import * as JavaHome from "./java.ts"
import * as LogTail from "./logTail.ts"
import * as Ports from "./ports.ts"
import * as Topology from "./topology.ts"
import * as Watchdog from "./watchdog.ts"

const artifact: Jars.Artifact = {
  group: "com.datastax.oss.simulacron",
  name: "simulacron-standalone",
  version: "0.12.0",
  folder: "simulacron-0.12.0"
}

const javas = [17, 21, 11, 8]

/** The port of its nodes, which cannot be chosen. */
export const nativePort = 9042

const missing = (reason: string) => new NoServerError({ tried: [{ source: "embedded", reason }] })

const engine = Effect.fnUntraced(function* (report: (line: string) => Effect.Effect<void>) {
  const java = yield* JavaHome.find(javas)
  if (Option.isNone(java)) return yield* missing(`Simulacron needs Java ${javas.join(", ")}, and none was found`)
  const cached = yield* Jars.cached(artifact)
  if (Option.isSome(cached)) return { java: java.value, folder: cached.value }
  const maven = yield* JavaHome.which("mvn")
  if (Option.isNone(maven)) {
    return yield* missing("Maven (`mvn`) is not on the PATH, and Simulacron is not in the cache yet")
  }
  const onDownload = report("downloading Simulacron with Maven (once, about 14 MB)")
  return { java: java.value, folder: yield* Jars.fetch(artifact, java.value, maven.value, onDownload) }
})

/** A failure while it starts is one of starting. */
export const didNotStart = (cause: Error): ServerStartError =>
  new ServerStartError({ server: "Simulacron", reason: cause.message, log: "", cause })

/** A request to it: method, path and body; the answer's text. */
export type Request = (method: string, path: string, body?: string) => Effect.Effect<string, SimulacronError>

const requestTo =
  (port: number): Request =>
  (method, path, body) =>
    Effect.tryPromise({
      try: async (signal) => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
          method,
          signal,
          ...(body === undefined ? {} : { body })
        })
        return { ok: answer.ok, status: answer.status, text: await answer.text() }
      },
      catch: (cause) => new SimulacronError({ request: `${method} ${path}`, reason: "it cannot be reached", cause })
    }).pipe(
      Effect.filterOrFail(
        ({ ok }) => ok,
        ({ status, text }) => new SimulacronError({ request: `${method} ${path}`, reason: `${status} ${text}` })
      ),
      Effect.map(({ text }) => text)
    )

/** Starts it and waits until it answers; gone with the scope. */
export const start = Effect.fnUntraced(
  function* (options: SimulacronOptions) {
    const report = options.onProgress ?? ((line: string) => Console.error(`[simulacron] ${line}`))
    const { folder, java } = yield* engine(report)
    const fs = yield* FileSystem.FileSystem
    const jar = (yield* fs.readDirectory(folder)).find((name) => name.startsWith(artifact.name))
    const directory = yield* Embedded.serverDirectory
    const { ports } = yield* Ports.allocate(Effect.succeed(["127.0.0.1"]))
    const [first = "127.0.0.1"] = yield* Topology.addresses(1)
    const logFile = `${directory}/simulacron.log`
    const child = yield* Watchdog.launch({
      directory,
      name: "simulacron",
      logFile,
      command: java.executable,
      args: [
        "-Xmx256M",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "-jar",
        `${folder}/${jar}`,
        "--httpintf",
        "127.0.0.1",
        "-p",
        String(ports.native),
        "-i",
        first,
        "-l",
        "WARN"
      ]
    })
    const request = requestTo(ports.native)
    const failed = (reason: string) =>
      Effect.flatMap(LogTail.read(logFile), (log) => new ServerStartError({ server: "Simulacron", reason, log }))
    const limit = Duration.decode(options.startTimeout ?? "1 minute")
    yield* Effect.raceFirst(
      Effect.retry(request("GET", "/cluster"), Schedule.spaced("100 millis")),
      Effect.zipRight(Effect.exit(child.exitCode), failed("its process ended"))
    ).pipe(
      Effect.timeoutOption(limit),
      Effect.flatMap(
        Option.match({
          onSome: () => Effect.void,
          onNone: () => failed(`it did not answer within ${Duration.format(limit)}`)
        })
      )
    )
    yield* report(`ready: ${first} and up, port ${nativePort}`)
    return request
  },
  Effect.mapError((error) =>
    error instanceof NoServerError || error instanceof DownloadError || error instanceof ServerStartError
      ? error
      : didNotStart(error)
  )
)
