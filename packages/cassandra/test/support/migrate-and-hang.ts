/**
 * A migrator that gets into the middle of its second migration and stays there, to be killed.
 * Arguments: port, local data centre, keyspace, table.
 */
import { Cluster, cql, Migrator, Session } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const [port = "", localDataCenter = "", keyspace = "", table = ""] = process.argv.slice(2)

const loader = Migrator.fromRecord({
  "0001_first": cql`CREATE TABLE killed (id int PRIMARY KEY)`,
  "0002_second": Effect.gen(function* () {
    const session = yield* Session.Session
    yield* session.execute(cql`CREATE TABLE IF NOT EXISTS killed_too (id int PRIMARY KEY)`)
    yield* Effect.sync(() => process.stdout.write("in the middle\n"))
    yield* Effect.never
  })
})

const SessionLive = Session.layer({ keyspace }).pipe(
  Layer.provide(Cluster.layer({ contactPoints: ["127.0.0.1"], port: Number(port), localDataCenter }))
)

Effect.runFork(Migrator.run({ loader, table, leaseTtl: "4 seconds" }).pipe(Effect.provide(SessionLive)))
