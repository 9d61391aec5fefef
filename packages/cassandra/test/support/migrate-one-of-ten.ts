/**
 * One of ten migrators, in a process of its own: prints the names of what it applied.
 * Arguments: contact point, port, local data centre, keyspace, lease in seconds, `hang` to stay in the middle for ever.
 */
import { Cluster, Migrator, Session } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { migrations } from "./tenMigrations.ts"

const [contactPoint = "", port = "", localDataCenter = "", keyspace = "", lease = "", mode = ""] = process.argv.slice(2)

const say = (line: string) => Effect.sync(() => process.stdout.write(`${line}\n`))

const SessionLive = Session.layer({ keyspace }).pipe(
  Layer.provide(Cluster.layer({ contactPoints: [contactPoint], port: Number(port), localDataCenter }))
)

const loader = migrations(mode === "hang" ? Effect.zipRight(say("in the middle"), Effect.never) : Effect.void)

Effect.runFork(
  Migrator.run({ loader, leaseTtl: `${Number(lease)} seconds` }).pipe(
    Effect.flatMap((applied) => say(JSON.stringify(applied.map(({ name }) => name)))),
    Effect.provide(SessionLive),
    // What is printed is for the test to read.
    Effect.provide(Logger.replace(Logger.defaultLogger, Logger.withConsoleError(Logger.logfmtLogger)))
  )
)
