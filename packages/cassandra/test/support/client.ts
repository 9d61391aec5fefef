/** A client of the run's server, and a keyspace of the test file's own. */
import { type CassandraError, Cluster, Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { isDriverEngine, makeCluster } from "./driverEngine.ts"

/** How to reach a server of the kit's. */
export const optionsFor = (
  server: Pick<CassandraServer.CassandraServer, "contactPoints" | "port" | "localDataCenter" | "credentials">
): Cluster.ClusterOptions => ({
  contactPoints: server.contactPoints,
  port: server.port,
  localDataCenter: server.localDataCenter,
  ...Option.match(server.credentials, { onNone: () => ({}), onSome: (credentials) => ({ credentials }) })
})

/** A cluster on the run's server with options of the test's, by the engine of the run. */
export const cluster = (options: Cluster.ClusterOptions = {}) =>
  Effect.flatMap(CassandraServer.CassandraServer, (server) =>
    (isDriverEngine ? makeCluster : Cluster.make)({ ...optionsFor(server), ...options })
  )

/** A session in the file's keyspace, over connections of its own. */
export const connect = (options: Cluster.ClusterOptions = {}, session: Session.SessionOptions = {}) =>
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    return yield* (yield* cluster(options)).connect({ keyspace: name, ...session })
  })

/** The run's server, a keyspace for the file, and a session in it that the tests of the file share. */
export const sessionLayer = (prefix: string) =>
  Layer.scoped(Session.Session, connect()).pipe(Layer.provideMerge(TestServer.layerKeyspace({ prefix })))

/** Runs schema changes one after the other. */
export const schema = (...statements: ReadonlyArray<string>) =>
  Effect.flatMap(Session.Session, (session) =>
    Effect.forEach(statements, (text) => session.execute(Statement.make(text)), { discard: true })
  )

/** Has statements prepared. The driver prepares what it executes. */
export const prepared = (
  session: Session.Session,
  ...statements: ReadonlyArray<Statement.Statement<Statement.Row, never, never>>
): Effect.Effect<void, CassandraError.CassandraError> =>
  Effect.forEach(
    statements,
    (statement): Effect.Effect<unknown, CassandraError.CassandraError> =>
      isDriverEngine ? session.execute(statement) : session.prepare(statement.query),
    { discard: true }
  )
