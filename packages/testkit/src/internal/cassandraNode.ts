/**
 * One Cassandra process: its files, its start, and the wait until it serves CQL.
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { ServerStartError } from "../TestkitError.ts"
import * as Yaml from "./cassandraYaml.ts"
import * as CqlProbe from "./cqlProbe.ts"
import type { Engine } from "./engine.ts"
import * as Jvm from "./jvm.ts"
import * as LogTail from "./logTail.ts"
import * as Watchdog from "./watchdog.ts"

type Services = FileSystem.FileSystem | CommandExecutor.CommandExecutor

/** How to run a node; everything but its settings. */
export interface Runtime {
  readonly engine: Engine
  /** The watched directory that holds the nodes' own. */
  readonly root: string
  readonly heapMegabytes: number
  readonly mode: "test" | "benchmark"
  readonly jvmOptions: ReadonlyArray<string>
  readonly ringDelay: number
  readonly authReplicas: number
  readonly startTimeout: Duration.Duration
}

/** A node whose files are in place. */
export interface PreparedNode {
  readonly name: string
  readonly logFile: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly runtime: Runtime
}

/** Its directory under the root. */
export const directoryOf = (root: string, name: string) => `${root}/${name}`

/** Writes the files a node starts from. */
export const prepare = Effect.fnUntraced(function* (
  name: string,
  runtime: Runtime,
  settings: Record<string, unknown>,
  rack: { readonly dataCenter: string; readonly rack: string }
) {
  const fs = yield* FileSystem.FileSystem
  const directory = directoryOf(runtime.root, name)
  const configFile = `${directory}/cassandra.yaml`
  const logbackFile = `${directory}/logback.xml`
  const rackFile = `${directory}/cassandra-rackdc.properties`
  yield* fs.makeDirectory(directory, { recursive: true })
  yield* fs.writeFileString(configFile, Yaml.render(settings))
  yield* fs.writeFileString(logbackFile, Yaml.logback)
  yield* fs.writeFileString(rackFile, `dc=${rack.dataCenter}\nrack=${rack.rack}\n`)
  const { engine } = runtime
  const prepared: PreparedNode = {
    name,
    logFile: `${directory}/system.log`,
    command: engine.java.executable,
    args: Jvm.jvmArguments({
      java: engine.java,
      jars: engine.jars,
      directory,
      configFile,
      logbackFile,
      rackFile,
      heapMegabytes: runtime.heapMegabytes,
      mode: runtime.mode,
      ringDelay: runtime.ringDelay,
      authReplicas: runtime.authReplicas,
      extra: runtime.jvmOptions
    }),
    runtime
  }
  return prepared
})

const failure = (node: PreparedNode, reason: string, cause?: unknown) =>
  Effect.flatMap(LogTail.read(node.logFile), (log) => new ServerStartError({ server: node.name, reason, log, cause }))

/** Asks every 150 milliseconds whether the node serves CQL; never fails, remembers what stood in the way last. */
const untilReady = (target: CqlProbe.Target, lastError: Ref.Ref<string>) =>
  CqlProbe.probe(target).pipe(
    Effect.tapError((error) => Ref.set(lastError, error.message)),
    Effect.retry(Schedule.spaced("150 millis")),
    Effect.orDie
  )

/**
 * Starts the node and waits until it serves CQL at the target. The process dies when the scope closes.
 *
 * Fails when the process ends before that, or does not get there in time; the error shows the end of the log.
 */
export const start = (
  node: PreparedNode,
  target: CqlProbe.Target
): Effect.Effect<CommandExecutor.Process, ServerStartError, Services | Scope.Scope> =>
  Effect.gen(function* () {
    const child = yield* Effect.catchAll(
      Watchdog.launch({
        directory: node.runtime.root,
        name: node.name,
        logFile: node.logFile,
        command: node.command,
        args: node.args
      }),
      (cause) => failure(node, cause.message, cause)
    )
    const lastError = yield* Ref.make("it was not asked")
    const died = child.exitCode.pipe(
      Effect.match({ onSuccess: (code) => `exit code ${code}`, onFailure: (error) => error.message }),
      Effect.flatMap((how) => failure(node, `its process ended (${how})`))
    )
    const { startTimeout } = node.runtime
    yield* Effect.raceFirst(untilReady(target, lastError), died).pipe(
      Effect.timeoutOption(startTimeout),
      Effect.flatMap(
        Option.match({
          onSome: () => Effect.void,
          onNone: () =>
            Effect.flatMap(Ref.get(lastError), (reason) =>
              failure(node, `it did not serve CQL within ${Duration.format(startTimeout)} (${reason})`)
            )
        })
      )
    )
    return child
  })
