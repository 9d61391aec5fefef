/** The server that the examples run against, and a cluster connected to it. */
import { type CassandraError, Cluster } from "effect-cassandra"
import { CassandraServer, type TestkitError } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { dim } from "./terminal.ts"

const ServerLive = CassandraServer.layer({ onProgress: (line) => Console.log(dim(`  ${line}`)) })

const ClusterOfServer = Layer.unwrapEffect(
  Effect.map(CassandraServer.CassandraServer, ({ contactPoints, credentials, localDataCenter, port }) =>
    Cluster.layer({ contactPoints, port, localDataCenter, credentials: Option.getOrUndefined(credentials) })
  )
)

/** The server of the environment, or one that is started and gone when the program ends; and a cluster connected to it. */
export const ClusterLive: Layer.Layer<
  Cluster.Cluster | CassandraServer.CassandraServer,
  CassandraError.CassandraError | TestkitError
> = Layer.provideMerge(ClusterOfServer, ServerLive)
