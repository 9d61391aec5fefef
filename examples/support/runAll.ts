/**
 * `npm run examples`: runs every example, or those that are named, one after the other against one server.
 *
 * What an example prints stands in its header, after "Prints:": these lines must come, in this order, with `…` for any text and
 * others between them. `^C` is where Ctrl-C is pressed.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import { run } from "./main.ts"
import { directory, environmentOf, startExample } from "./process.ts"
import { count, done, seconds } from "./terminal.ts"

class ExampleError extends Data.TaggedError("ExampleError")<{ readonly message: string }> {}

/** The lines after "Prints:" in the comment at the top of a file. */
const expectedOf = (source: string): ReadonlyArray<string> => {
  const header = source.slice(0, source.indexOf("*/"))
  const start = header.indexOf(" * Prints:\n")
  if (start === -1) return []
  return header
    .slice(start)
    .split("\n")
    .slice(1)
    .map((line) => line.replace(/^ \* {0,3}/, "").trimEnd())
    .filter((line) => line.trim() !== "" && line.trim() !== "*")
}

const matches = (expected: string, line: string): boolean => {
  let at = 0
  for (const part of expected.split("…")) {
    const found = line.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return true
}

/** Runs one example to its end, and checks what it prints on the way. */
const runExample = (file: string, variables: Record<string, string>) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const expected = expectedOf(yield* fs.readFileString(`${directory}/${file}`))
    if (expected.length === 0) return yield* new ExampleError({ message: `${file} does not say what it prints` })
    const example = yield* startExample(file, variables)
    const missing = yield* Ref.make(expected)
    const printed: Array<string> = []
    yield* Stream.merge(example.stdout, example.stderr).pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) =>
        Effect.gen(function* () {
          printed.push(line)
          const [next, after] = yield* Ref.get(missing)
          if (next === undefined || !matches(next, line)) return
          const interrupt = after === "^C"
          yield* Ref.update(missing, (lines) => lines.slice(interrupt ? 2 : 1))
          if (interrupt) yield* example.kill("SIGINT").pipe(Effect.forkScoped)
        })
      )
    )
    const code = yield* example.exitCode
    const left = yield* Ref.get(missing)
    const wanted = expected.includes("^C") ? 130 : 0
    if (Number(code) === wanted && left.length === 0) return
    const why = Number(code) === wanted ? `did not print: ${left[0]}` : `ended with code ${code}`
    return yield* new ExampleError({ message: `${file} ${why}\n${printed.map((line) => `    ${line}`).join("\n")}` })
  }).pipe(
    Effect.scoped,
    Effect.timeoutFail({
      duration: "2 minutes",
      onTimeout: () => new ExampleError({ message: `${file} took more than two minutes` })
    })
  )

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const named = process.argv.slice(2)
  const found = (yield* fs.readDirectory(directory)).filter((file) => /^[a-z-]+\.ts$/.test(file)).toSorted()
  // The quickstart is run by a command of its own.
  const files = named.length > 0 ? named.map((name) => `${name}.ts`) : found.filter((file) => file !== "quickstart.ts")
  const variables = environmentOf(yield* CassandraServer.CassandraServer)
  const failures = yield* Effect.forEach(files, (file) =>
    runExample(file, variables).pipe(
      Effect.timed,
      Effect.matchEffect({
        onSuccess: ([duration]) => Effect.as(done(`${file} (${seconds(duration)})`), 0),
        onFailure: ({ message }) => Effect.as(Console.error(`  ✗ ${message}`), 1)
      })
    )
  )
  const failed = failures.filter((one) => one === 1).length
  if (failed > 0) return yield* new ExampleError({ message: `${count(failed)} of ${count(files.length)} failed` })
})

run(program.pipe(Effect.provide([NodeContext.layer, CassandraServer.layer()])))
