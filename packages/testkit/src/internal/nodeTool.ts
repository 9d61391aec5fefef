/**
 * Cassandra's own `nodetool`, for what only it can do: taking nodes out of a cluster.
 */
import * as Command from "@effect/platform/Command"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Engine } from "./engine.ts"
import { modules } from "./jvm.ts"

/** Lets a node be managed on its own loopback address. Nobody else can reach that, so that nobody is asked for a password. */
export const managedAt = (address: string, port: number): ReadonlyArray<string> => [
  `-Dcom.sun.management.jmxremote.host=${address}`,
  `-Dcom.sun.management.jmxremote.port=${port}`,
  `-Dcom.sun.management.jmxremote.rmi.port=${port}`,
  `-Djava.rmi.server.hostname=${address}`,
  "-Dcom.sun.management.jmxremote.authenticate=false",
  "-Dcom.sun.management.jmxremote.ssl=false"
]

/** Where a node is managed, and with what. */
export interface Target {
  readonly engine: Engine
  readonly address: string
  readonly port: number
  /** A directory for the history that it keeps. */
  readonly directory: string
}

/** What it printed. Fails with that when it does not end well. */
export const run = (target: Target, ...command: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { address, directory, engine, port } = target
    const child = yield* Command.start(
      Command.make(
        engine.manager.executable,
        "-Xmx128M",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        ...modules(engine.manager),
        `-Duser.home=${directory}`,
        "-cp",
        `${engine.jars}/*`,
        "org.apache.cassandra.tools.NodeTool",
        "-h",
        address,
        "-p",
        String(port),
        ...command
      )
    )
    const text = (from: typeof child.stdout) => from.pipe(Stream.decodeText(), Stream.mkString)
    const [printed, complaints, code] = yield* Effect.all([text(child.stdout), text(child.stderr), child.exitCode], {
      concurrency: "unbounded"
    })
    if (code !== 0) return yield* Effect.fail(new Error(`${printed}\n${complaints}`.trim()))
    return printed
  }).pipe(Effect.scoped)
