/** The clients in other languages: how each is built from its source in `peers`, or installed, into a directory that git ignores. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { mkdir, readdir } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Runnable } from "./processes.ts"
import { run } from "./run.ts"
import type { Absence } from "./summary.ts"

const sources = fileURLToPath(new URL("../peers", import.meta.url))
const built = fileURLToPath(new URL("../.peers", import.meta.url))

type Program = Pick<Runnable, "program" | "args">

interface Peer extends Pick<Runnable, "client" | "style" | "warmup"> {
  /** Downloads and builds what is not there yet. */
  readonly setUp: Effect.Effect<Program, Error>
}

const rust = Effect.gen(function* () {
  const target = join(built, "rust")
  yield* run("cargo", ["build", "--release", "--locked", "--target-dir", target], join(sources, "rust"))
  return { program: join(target, "release", "bench-rust"), args: [] }
})

const gocql = Effect.gen(function* () {
  const program = join(built, "gocql")
  yield* run("go", ["build", "-o", program, "."], join(sources, "gocql"))
  return { program, args: [] }
})

const java = Effect.gen(function* () {
  const target = join(built, "java")
  const goals = ["compile", "dependency:copy-dependencies"]
  yield* run("mvn", ["--batch-mode", "--quiet", ...goals, `-Dbench.target=${target}`], join(sources, "java"))
  return { program: "java", args: ["-cp", `${join(target, "classes")}:${join(target, "dependency")}/*`, "Bench"] }
})

/** async-cassandra asks for Python 3.12, and the driver is not yet built for 3.14. */
const findPython = Effect.gen(function* () {
  const pyenv = join(homedir(), ".pyenv", "versions")
  const versions = yield* Effect.promise(() => readdir(pyenv).catch(() => []))
  const candidates = [
    "python3.13",
    "python3.12",
    ...versions.filter((name) => /^3\.1[23]\./.test(name)).map((name) => join(pyenv, name, "bin", "python3"))
  ]
  return yield* Effect.firstSuccessOf(
    candidates.map((program) => Effect.as(run(program, ["--version"]), program))
  ).pipe(Effect.mapError(() => new Error("there is no Python 3.12 or 3.13")))
})

const python = (client: string) =>
  Effect.gen(function* () {
    const environment = join(built, "python")
    const program = join(environment, "bin", "python")
    yield* run(yield* findPython, ["-m", "venv", environment])
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    yield* run(program, [...pip, "-r", join(sources, "python", "requirements.txt")])
    // No byte code beside the sources.
    return { program, args: ["-B", join(sources, "python", "bench.py"), client] }
  })

/** Compiled ahead of time or interpreted: no compiler to wait for, only connections and caches. */
const noCompiler = 0.2

export const peers: Readonly<Record<string, Peer>> = {
  rust: { client: "Rust driver", style: "tokio", warmup: noCompiler, setUp: rust },
  gocql: { client: "gocql", style: "goroutines", warmup: noCompiler, setUp: gocql },
  // Its second compiler takes longer, and the time of the compiler's threads counts as well.
  java: { client: "Java driver", style: "executeAsync", warmup: 4, setUp: java },
  python: {
    client: "Python driver",
    style: "callbacks or threads",
    warmup: noCompiler,
    setUp: python("cassandra-driver")
  },
  "async-cassandra": {
    client: "async-cassandra",
    style: "asyncio",
    warmup: noCompiler,
    setUp: python("async-cassandra")
  }
}

/** Of all that a build said, the line that tells most. */
const reasonOf = ({ message }: Error): string => {
  const lines = message.split("\n").map((line) => line.trim())
  return (lines.slice(1).find((line) => /\berror\b/i.test(line)) ?? lines.at(-1) ?? "").slice(0, 300)
}

/** Sets up those that can be run here; of the others it gives the reason. */
export const setUp = (names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    yield* Effect.promise(() => mkdir(built, { recursive: true }))
    const ready: Array<Runnable> = []
    const absent: Array<Absence> = []
    for (const name of names) {
      const peer = peers[name]
      if (peer === undefined) continue
      const { client, setUp: prepare, style, warmup } = peer
      yield* Console.error(`Setting up ${client} …`)
      const program = yield* Effect.either(
        Effect.timeoutFail(prepare, { duration: "20 minutes", onTimeout: () => new Error("not built in 20 minutes") })
      )
      if (program._tag === "Right") {
        ready.push({ client, style, warmup, ...program.right })
      } else {
        const reason = reasonOf(program.left)
        absent.push({ client, style, workload: "all", step: "", reason })
        yield* Console.error(`  left out: ${reason}`)
      }
    }
    return { ready, absent }
  })
