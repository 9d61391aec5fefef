import { assert, describe, it } from "@effect/vitest"
import { CassandraServer, ServerStartError } from "effect-cassandra-testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { connect, run } from "./support/client.ts"
import { childrenOf, isAlive, pidsOf, start, temporary, until } from "./support/program.ts"
import { withTls } from "./support/withTls.ts"

/** Optional TLS: one port for those who speak it and those who do not. */
const takesBoth = (server: CassandraServer.CassandraServer) =>
  Effect.gen(function* () {
    const { ca } = Option.getOrThrow(server.tls)
    const plain = yield* connect(server)
    const secure = yield* connect(server, { sslOptions: { ca: [ca], rejectUnauthorized: true } })
    for (const client of [plain, secure]) {
      assert.strictEqual((yield* run(client, "SELECT key FROM system.local")).first()["key"], "local")
    }
  }).pipe(Effect.scoped)

const silent = () => Effect.void

/** Starts a program that holds a server, waits until the server's process is there, ends the program, looks around. */
const endsWith = (
  how: "plain" | "runMain" | "throw" | "exit",
  end: NodeJS.Signals | "stdin",
  options: { readonly whenReady?: boolean } = {}
) =>
  Effect.gen(function* () {
    const directory = yield* temporary
    const program = yield* start("holdServer.ts", [how], { TMPDIR: directory })
    yield* until("a server process", 20, () => pidsOf(directory).some(isAlive))
    if (options.whenReady === true) yield* until("a server", 180, () => program.output().includes("ready in"))
    const [pid] = pidsOf(directory)
    assert.isDefined(pid)
    if (end === "stdin") program.child.stdin.write("now\n")
    else program.child.kill(end)
    const code = yield* program.ended
    yield* until("the process is gone", 10, () => !isAlive(pid!))
    yield* until("the directory is gone", 10, () =>
      Fs.readdirSync(directory).every((name) => !name.includes("cassandra"))
    )
    return code
  }).pipe(Effect.scoped)

describe("nothing outlives the program", () => {
  it.live(
    "SIGKILL, with the server up",
    () => Effect.map(endsWith("plain", "SIGKILL", { whenReady: true }), (code) => assert.strictEqual(code, "SIGKILL")),
    240_000
  )

  it.live("Ctrl-C, without a signal handler", () =>
    Effect.map(endsWith("plain", "SIGINT"), (code) => assert.strictEqual(code, "SIGINT"))
  )

  it.live("SIGTERM, without a signal handler", () =>
    Effect.map(endsWith("plain", "SIGTERM"), (code) => assert.strictEqual(code, "SIGTERM"))
  )

  it.live("Ctrl-C under NodeRuntime.runMain", () =>
    Effect.map(endsWith("runMain", "SIGINT"), (code) => assert.isNumber(code))
  )

  it.live("an uncaught exception", () => Effect.map(endsWith("throw", "stdin"), (code) => assert.strictEqual(code, 1)))

  it.live("process.exit", () => Effect.map(endsWith("exit", "stdin"), (code) => assert.strictEqual(code, 3)))
})

describe("nothing outlives the scope", () => {
  it.live("interrupted while it starts", () =>
    Effect.gen(function* () {
      const started = yield* Deferred.make<void>()
      const program = CassandraServer.make({
        sources: ["embedded"],
        onProgress: () => Deferred.succeed(started, undefined)
      })
      const fiber = yield* Effect.fork(Effect.scoped(program))
      yield* Deferred.await(started)
      yield* Effect.sleep("1 second")
      const children = childrenOf(process.pid)
      assert.isAtLeast(children.length, 2, "the server and its watchdog")
      const exit = yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.isInterrupted(exit))
      assert.isFalse(children.some(isAlive))
    })
  )

  it.live("with settings that no server starts with, whose log the error shows", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const error = yield* Effect.flip(
        Scope.extend(
          CassandraServer.make({ sources: ["embedded"], settings: { no_such_setting: 1 }, onProgress: silent }),
          scope
        )
      )
      yield* Scope.close(scope, Exit.void)
      assert.instanceOf(error, ServerStartError)
      assert.include(error.message, "its process ended")
      assert.include(error.message, "no_such_setting")
    })
  )

  it.live(
    "closed in order",
    () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const server = yield* Scope.extend(
          CassandraServer.make({ sources: ["embedded"], tls: { optional: true }, ...withTls, onProgress: silent }),
          scope
        )
        const pid = Option.getOrThrow(server.pid)
        const directory = Path.dirname(Path.dirname(Option.getOrThrow(server.logFile)))
        assert.isTrue(isAlive(pid))
        assert.isTrue(Fs.existsSync(directory))
        yield* takesBoth(server)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(isAlive(pid))
        assert.isFalse(Fs.existsSync(directory))
      }),
    120_000
  )
})
