/**
 * Running one of the fixtures as a process of its own, and looking at what it leaves behind.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as ChildProcess from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import * as Watchdog from "../../src/internal/watchdog.ts"

/** A directory for temporary files, removed with the scope, or when the test run is killed. */
export const temporary = Effect.provide(Watchdog.directory(Os.tmpdir(), "testkit-test"), NodeContext.layer)

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))

/** A fixture that runs; killed with the scope, should it still be there. */
export const start = (name: string, args: ReadonlyArray<string>, env: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = ChildProcess.spawn(
        process.execPath,
        ["--conditions", "effect-cassandra-source", "--import", "tsx", fixture(name), ...args],
        { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] }
      )
      let output = ""
      child.stdout.on("data", (chunk) => (output += String(chunk)))
      child.stderr.on("data", (chunk) => (output += String(chunk)))
      const ended = new Promise<number | string>((resolve) => {
        child.on("exit", (code, signal) => resolve(code ?? signal ?? "?"))
      })
      return { child, output: () => output, ended: Effect.promise(() => ended) }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Waits, up to so many seconds, until it is so. */
export const until = (what: string, seconds: number, check: () => boolean) =>
  Effect.suspend(() => (check() ? Effect.void : Effect.fail(new Error(`not within ${seconds} s: ${what}`)))).pipe(
    Effect.retry(Schedule.intersect(Schedule.spaced("50 millis"), Schedule.recurs(seconds * 20)))
  )

/** The process ids noted in the server directories under a temporary one. */
export const pidsOf = (temporaryDirectory: string): ReadonlyArray<number> =>
  Fs.readdirSync(temporaryDirectory)
    .map((name) => Path.join(temporaryDirectory, name, "pids"))
    .filter((folder) => Fs.existsSync(folder))
    .flatMap((folder) => Fs.readdirSync(folder).map((file) => Fs.readFileSync(Path.join(folder, file), "utf8").trim()))
    .filter((text) => text !== "")
    .map(Number)

/** Whether the process runs. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** The processes this one started. */
export const childrenOf = (pid: number): ReadonlyArray<number> =>
  ChildProcess.execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .split("\n")
    .map((line) => Number(line.trim()))
    .filter((child) => child > 0 && isAlive(child))
