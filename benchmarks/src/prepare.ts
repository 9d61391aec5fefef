/** The server's side: fresh tables with the rows that are read. */
import { type CassandraError, Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer, type TestkitError } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import {
  insertInto,
  insertLarge,
  insertReading,
  insertWide,
  keyspace,
  largeRows,
  largeValues,
  partitions,
  readingValues,
  rowsPerPartition,
  tables,
  users,
  userValues,
  wideRows,
  wideValues
} from "./workloads.ts"

const rows = <A>(count: number, row: (n: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, n) => row(n))

/** The keyspace lives as long as the scope. */
export const prepare: Effect.Effect<void, CassandraError.CassandraError, Cluster.Cluster | Scope.Scope> = Effect.gen(
  function* () {
    const cluster = yield* Cluster.Cluster
    const admin = yield* cluster.connect()
    yield* admin.execute(cql`DROP KEYSPACE IF EXISTS ${cql.id(keyspace)}`)
    yield* Effect.acquireRelease(
      admin.execute(
        cql`CREATE KEYSPACE ${cql.id(keyspace)} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
      ),
      () => Effect.ignoreLogged(admin.execute(cql`DROP KEYSPACE ${cql.id(keyspace)}`))
    )
    const session = yield* Effect.provideService(Session.make({ keyspace }), Cluster.Cluster, cluster)
    yield* Effect.forEach(tables, (table) => session.execute(Statement.make(table)))
    const insert = (query: string, values: Iterable<ReadonlyArray<unknown>>, concurrency = 256) =>
      Effect.forEach(values, (row) => session.execute(Statement.make(query, row)), { concurrency, discard: true })
    yield* insert(
      insertInto("users"),
      rows(users, (n) => userValues(n, BigInt))
    )
    for (let station = 0; station < partitions; station++) {
      yield* insert(
        insertReading("readings"),
        rows(rowsPerPartition, (seq) => readingValues(station, seq))
      )
    }
    yield* insert(
      insertWide,
      rows(wideRows, (n) => wideValues(n, BigInt))
    )
    yield* insert(insertLarge, rows(largeRows, largeValues), 4)
  }
)

const ClusterLive = Layer.unwrapEffect(
  Effect.map(CassandraServer.CassandraServer, ({ contactPoints, credentials, localDataCenter, port }) =>
    Cluster.layer({ contactPoints, port, localDataCenter, credentials: Option.getOrUndefined(credentials) })
  )
)

/** A server that compiles fully, as in production, and a client to prepare it with. */
export const ServerLive: Layer.Layer<
  CassandraServer.CassandraServer | Cluster.Cluster,
  CassandraError.CassandraError | TestkitError
> = Layer.provideMerge(ClusterLive, CassandraServer.layer({ mode: "benchmark" }))
