/** The server that the examples run against: a cluster connected to it, and a session in a keyspace of the example's own. */
import { type CassandraError, Cluster, Session } from "effect-cassandra"
import { CassandraServer, type KeyspaceError, type TestkitError, TestKeyspace } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { dim } from "./terminal.ts"

const ServerLive = CassandraServer.layer({ onProgress: (line) => Console.log(dim(`  ${line}`)) })

/** How to reach a server of the kit's. An application writes these down, or takes them from `Cluster.layerEnv`. */
export const optionsFor = ({
  contactPoints,
  credentials,
  localDataCenter,
  port
}: CassandraServer.CassandraServer): Cluster.ClusterOptions => ({
  contactPoints,
  port,
  localDataCenter,
  credentials: Option.getOrUndefined(credentials)
})

const clusterOfServer = (options: Cluster.ClusterOptions) =>
  Layer.unwrapEffect(
    Effect.map(CassandraServer.CassandraServer, (server) => Cluster.layer({ ...optionsFor(server), ...options }))
  )

const clusterWith = (options: Cluster.ClusterOptions) => Layer.provideMerge(clusterOfServer(options), ServerLive)

/** The server of the environment, or one that is started and gone when the program ends; and a cluster connected to it. */
export const ClusterLive: Layer.Layer<
  Cluster.Cluster | CassandraServer.CassandraServer,
  CassandraError.CassandraError | TestkitError
> = clusterWith({})

const SessionInKeyspace = Layer.unwrapEffect(
  Effect.map(TestKeyspace.TestKeyspace, ({ name }) => Session.layer({ keyspace: name }))
)

/** {@link SessionLive} over a cluster with options of the example's. */
export const sessionWith = (
  options: Cluster.ClusterOptions
): Layer.Layer<
  Session.Session | TestKeyspace.TestKeyspace | Cluster.Cluster | CassandraServer.CassandraServer,
  CassandraError.CassandraError | TestkitError | KeyspaceError
> =>
  SessionInKeyspace.pipe(
    Layer.provideMerge(TestKeyspace.layer({ prefix: "example" })),
    Layer.provideMerge(clusterWith(options))
  )

/** A session, in a keyspace that is dropped when the program ends. An application has `Session.layer({ keyspace: "shop" })`. */
export const SessionLive = sessionWith({})
