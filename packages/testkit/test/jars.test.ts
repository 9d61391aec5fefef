import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Fs from "node:fs"
import * as Path from "node:path"
import * as Jars from "../src/internal/jars.ts"
import { start, temporary, until } from "./support/program.ts"

const java = { home: "none", executable: "none", major: 17, manages: true }

/** A Maven that writes two jars, slowly, and notes that it was called. */
const maven = (directory: string, body: string) => {
  const file = Path.join(directory, "mvn")
  const script = `#!/bin/sh
echo called >> "${directory}/calls"
for argument in "$@"; do
  case $argument in -DoutputDirectory=*) out=\${argument#*=} ;; esac
done
${body}
`
  Fs.writeFileSync(file, script, { mode: 0o755 })
  return file
}

const slow = `mkdir -p "$out" && echo one > "$out/one.jar" && sleep 1 && echo two > "$out/two.jar"`

const calls = (directory: string) => Fs.readFileSync(Path.join(directory, "calls"), "utf8").trim().split("\n").length

const withCache = <A, E, R>(effect: Effect.Effect<A, E, R>, cache: string) =>
  effect.pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["EFFECT_CASSANDRA_CACHE", cache]]))),
    Effect.provide(NodeContext.layer)
  )

describe("the cache of jars", () => {
  it.live("two programs at once, with an empty cache: one download, both get all of it", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const cache = Path.join(directory, "new", "cache")
      const mvn = maven(directory, slow)
      const programs = yield* Effect.all(
        [1, 2].map(() => start("fetchJars.ts", [mvn], { EFFECT_CASSANDRA_CACHE: cache }))
      )
      const codes = yield* Effect.all(
        programs.map((program) => program.ended),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(codes, [0, 0], programs.map((program) => program.output()).join("\n"))
      for (const program of programs) assert.strictEqual(program.output().trim(), Path.join(cache, "5.0.9"))
      assert.strictEqual(calls(directory), 1)
      assert.deepStrictEqual(Fs.readdirSync(Path.join(cache, "5.0.9")).toSorted(), ["one.jar", "two.jar"])
      assert.deepStrictEqual(Fs.readdirSync(cache), ["5.0.9"])
    }).pipe(Effect.scoped)
  )

  it.live("a program killed while downloading leaves nothing, and the next one carries on", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const cache = Path.join(directory, "cache")
      const program = yield* start("fetchJars.ts", [maven(directory, "sleep 600")], { EFFECT_CASSANDRA_CACHE: cache })
      yield* until("Maven runs", 20, () => Fs.existsSync(Path.join(directory, "calls")))
      program.child.kill("SIGKILL")
      yield* program.ended
      yield* until("the half-filled folder is gone", 10, () => Fs.readdirSync(cache).every((name) => name === "lock"))
      // As if the 15 seconds were over after which a lock counts as abandoned.
      Fs.utimesSync(Path.join(cache, "lock"), 0, 0)
      yield* withCache(Jars.fetch(Jars.cassandra("5.0.9"), java, maven(directory, slow), Effect.void), cache)
      assert.deepStrictEqual(Fs.readdirSync(cache), ["5.0.9"])
    }).pipe(Effect.scoped)
  )

  it.live("interrupting a download ends Maven and leaves nothing", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const cache = Path.join(directory, "cache")
      const fiber = yield* Effect.fork(
        withCache(Jars.fetch(Jars.cassandra("5.0.9"), java, maven(directory, "sleep 600"), Effect.void), cache)
      )
      yield* until("Maven runs", 20, () => Fs.existsSync(Path.join(directory, "calls")))
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(Fs.readdirSync(cache), [])
    }).pipe(Effect.scoped)
  )

  it.live("a Maven that fails is quoted", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const mvn = maven(directory, `echo "no route to the repository"; exit 7`)
      const error = yield* Effect.flip(
        withCache(Jars.fetch(Jars.cassandra("5.0.9"), java, mvn, Effect.void), Path.join(directory, "c"))
      )
      assert.strictEqual(error._tag, "DownloadError")
      assert.include(error.message, "code 7")
      assert.include(error.message, "no route to the repository")
    }).pipe(Effect.scoped)
  )
})
