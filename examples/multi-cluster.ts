/**
 * Two clusters in one program: a tag for each session, so that the type of an effect says which of them it needs, and no code
 * can reach the wrong one. Here customers are copied from the one to the other.
 *
 * Prints:
 *   copied 3 customers
 *   in the archive: Ada, Barbara, Grace
 */
import { Cluster, cql, type Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { run } from "./support/main.ts"
import { optionsFor } from "./support/server.ts"

const Customer = Schema.Struct({ id: Schema.UUID, name: Schema.String })

/** A cluster of its own, with options of its own, and a session in it. */
const connect = (options: Cluster.ClusterOptions) =>
  Effect.gen(function* () {
    // Both point at the same server here; in earnest each has its contact points.
    const server = yield* CassandraServer.CassandraServer
    const keyspace = yield* TestKeyspace.make({ prefix: "example" })
    const cluster = yield* Cluster.make({ ...optionsFor(server), ...options })
    return yield* cluster.connect({ keyspace: keyspace.name })
  })

class Live extends Context.Tag("Live")<Live, Session.Session>() {
  static readonly layer = Layer.scoped(Live, connect({ consistency: "LOCAL_QUORUM", timeout: "2 seconds" }))
}

class Archive extends Context.Tag("Archive")<Archive, Session.Session>() {
  static readonly layer = Layer.scoped(Archive, connect({ consistency: "LOCAL_ONE", timeout: "1 minute" }))
}

const createTable = (session: Session.Session) =>
  session.execute(cql`CREATE TABLE customers (id uuid PRIMARY KEY, name text)`)

const insert = ({ id, name }: typeof Customer.Type) =>
  cql`INSERT INTO customers (id, name) VALUES (${id}, ${name})`.pipe(Statement.idempotent)

const customers = cql`SELECT id, name FROM customers`.pipe(Statement.as(Customer))

/** Effect<number, …, Live | Archive> */
const archiveAll = Effect.gen(function* () {
  const live = yield* Live
  const archive = yield* Archive
  return yield* live.stream(customers).pipe(
    Stream.mapEffect((customer) => archive.execute(insert(customer)), { concurrency: 16 }),
    Stream.runCount
  )
})

const program = Effect.gen(function* () {
  const live = yield* Live
  const archive = yield* Archive
  yield* Effect.forEach([live, archive], createTable, { concurrency: "unbounded" })
  yield* Effect.forEach(["Ada", "Grace", "Barbara"], (name) => live.execute(insert({ id: randomUUID(), name })))

  yield* Console.log(`copied ${yield* archiveAll} customers`)
  const archived = yield* archive.rows(customers)
  yield* Console.log(
    `in the archive: ${archived
      .map(({ name }) => name)
      .toSorted()
      .join(", ")}`
  )
})

run(program.pipe(Effect.provide([Live.layer, Archive.layer]), Effect.provide(CassandraServer.layer())))
