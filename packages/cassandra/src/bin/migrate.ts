#!/usr/bin/env node
/** `cassandra-migrate`: runs, lists and verifies migrations from the command line. */
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import { readFileSync } from "node:fs"
import type { CassandraError } from "../CassandraError.ts"
import * as Cluster from "../Cluster.ts"
import { environmentKeyspace } from "../internal/options/index.ts"
import { cli, keyspaces } from "../internal/migrator/index.ts"
import { MigrationError } from "../MigrationError.ts"
import * as Migrator from "../Migrator.ts"
import * as Session from "../Session.ts"

type Failure = CassandraError | MigrationError | ConfigError

const print = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`))
const complain = (text: string) => void process.stderr.write(`${text}\n`)

const logger = Logger.make<unknown, void>(({ message }) => complain([message].flat().map(String).join(" ")))

/** Gives the exit code. */
const execute = (args: cli.Arguments): Effect.Effect<number, Failure, Session.Session> => {
  const options = { ...args.options, loader: Migrator.fromDirectory(args.directory) }
  switch (args.command) {
    case "run":
      return Effect.gen(function* () {
        const applied = yield* Migrator.run(options)
        yield* print(applied.length === 0 ? "Nothing to migrate" : `${cli.count(applied.length)} applied`)
        return 0
      })
    case "list":
      return Effect.gen(function* () {
        const statuses = yield* Migrator.list(options)
        yield* print(statuses.length === 0 ? `No migrations in ${args.directory}` : cli.table(statuses))
        return 0
      })
    case "verify":
      return Effect.gen(function* () {
        const statuses = yield* Migrator.verify(options)
        yield* print(cli.summary(statuses))
        return args.failOnPending && statuses.some(({ state }) => state === "Pending") ? 1 : 0
      })
  }
}

const program = (args: cli.Arguments): Effect.Effect<number, Failure> =>
  Effect.gen(function* () {
    const keyspace = yield* environmentKeyspace
    if (Option.isNone(keyspace)) {
      return yield* new MigrationError({
        reason: "BadState",
        message: "No keyspace is named: use --keyspace or CASSANDRA_KEYSPACE"
      })
    }
    if (args.createKeyspace !== undefined) yield* keyspaces.create(keyspace.value, args.createKeyspace)
    const session = yield* keyspaces.open(keyspace.value)
    return yield* Effect.provideService(execute(args), Session.Session, session)
  }).pipe(
    Effect.scoped,
    Effect.provide(Cluster.layerEnv({ applicationName: "cassandra-migrate" })),
    Effect.provide(
      Layer.mergeAll(
        Layer.setConfigProvider(cli.configProvider(args, process.env)),
        Logger.replace(Logger.defaultLogger, logger),
        Logger.minimumLogLevel(args.verbose ? LogLevel.Debug : LogLevel.Info)
      )
    )
  )

const explain = (failure: Failure): string => {
  switch (failure._tag) {
    case "MigrationError":
      return failure.message
    case "ConfigError":
      return `The configuration is wrong: ${String(failure)}`
    default:
      return `${failure._tag}: ${failure.message}`
  }
}

const main = (): void => {
  const parsed = cli.parse(process.argv.slice(2))
  if (Either.isLeft(parsed)) {
    complain(`${parsed.left}\nTry: cassandra-migrate --help`)
    process.exitCode = 2
    return
  }
  if (parsed.right._tag === "Help") return void process.stdout.write(cli.help)
  if (parsed.right._tag === "Version") {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly version: string
    }
    return void process.stdout.write(`${version}\n`)
  }
  const fiber = Effect.runFork(program(parsed.right))
  // Interrupting releases the lease.
  let signalled = 1
  const interrupt = (code: number) => () => {
    signalled = code
    fiber.unsafeInterruptAsFork(fiber.id())
  }
  process.once("SIGINT", interrupt(130)).once("SIGTERM", interrupt(143))
  fiber.addObserver((exit) => {
    process.exitCode = Exit.match(exit, {
      onSuccess: (code) => code,
      onFailure: (cause) => {
        if (Cause.isInterruptedOnly(cause)) {
          complain("Interrupted")
          return signalled
        }
        complain(Option.match(Cause.failureOption(cause), { onNone: () => Cause.pretty(cause), onSome: explain }))
        return 1
      }
    })
  })
}

main()
