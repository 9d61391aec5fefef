/** The nodes, and the ways to them that faults can be put on. */
import { type CassandraError, Cluster, type Session, Statement } from "effect-cassandra"
import { CassandraCluster, CassandraServer, FaultProxy, TestKeyspace } from "effect-cassandra-testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Frames from "../support/proxy.ts"
import { optionsFor } from "../support/client.ts"
import type { Path } from "./matrix.ts"
import { deadline, fill, tables, timeout } from "./workload.ts"
import * as Names from "./names.ts"

export interface Node {
  readonly name: string
  /** Where it is. */
  readonly host: string
  readonly port: number
  /** Where it tells clients that it is. */
  readonly announced: string
}

export interface Lab {
  readonly nodes: Effect.Effect<ReadonlyArray<Node>>
  /** None where there is one node that nobody may stop. */
  readonly cluster: Option.Option<CassandraCluster.CassandraCluster>
  readonly keyspace: string
  /** Of a client that goes to the nodes directly. */
  readonly direct: Session.Session
  readonly options: Cluster.ClusterOptions
}
export const Lab = Context.GenericTag<Lab>("test/reliability/Lab")

/** A way to the nodes. */
export interface Way {
  readonly options: Cluster.ClusterOptions
  /** The proxies before the nodes, in their order; empty on another path. */
  readonly bytes: ReadonlyArray<FaultProxy.FaultProxy>
  readonly frames: ReadonlyArray<Frames.Proxy>
  /** Moves all nodes to other addresses, and the name with them. */
  readonly move: Effect.Effect<void>
}

/** Changes of the schema take their time on a busy machine, and are not what is looked at. */
export const patient = <A, R, E>(statement: Statement.Statement<A, R, E>): Statement.Statement<A, R, E> =>
  statement.pipe(Statement.withTimeout("1 minute"), Statement.withDeadline("2 minutes"))

/** Every client's: what is waited for is shorter than by default, so that a fault's end can be waited for as well. */
const clientOptions: Cluster.ClusterOptions = {
  timeout,
  deadline,
  consistency: "LOCAL_QUORUM",
  reconnection: Schedule.spaced("500 millis"),
  connectTimeout: "5 seconds",
  heartbeatInterval: "5 seconds",
  heartbeatTimeout: "10 seconds",
  statusRefreshWindow: "500 millis",
  topologyRefreshWindow: "1 second",
  shutdownTimeout: "1 second"
}

/** Leads the nodes' own addresses to others. */
const leading = (to: (announced: string) => Cluster.NodeAddress | undefined): Cluster.ClusterOptions => ({
  addressTranslator: (node) => to(node.address) ?? node
})

const make = (
  nodes: Lab["nodes"],
  cluster: Lab["cluster"],
  server: Parameters<typeof optionsFor>[0]
): Effect.Effect<Lab, CassandraError.CassandraError, TestKeyspace.TestKeyspace | Scope.Scope> =>
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    const options = { ...optionsFor(server), ...clientOptions }
    const now = yield* nodes
    const client = yield* Cluster.make({
      ...options,
      contactPoints: now.map(({ host, port }) => `${host}:${port}`),
      addressTranslator: (node) =>
        Effect.map(nodes, (all) => {
          const found = all.find(({ announced }) => announced === node.address)
          return found === undefined ? node : { address: found.host, port: found.port }
        })
    })
    const direct = yield* client.connect({ keyspace: name })
    for (const table of tables) yield* direct.execute(patient(Statement.make(table)))
    yield* fill(direct)
    return { nodes, cluster, keyspace: name, direct, options }
  })

/** Three nodes of its own. */
export const clusterLayer = Layer.scoped(
  Lab,
  Effect.gen(function* () {
    const cluster = yield* CassandraCluster.CassandraCluster
    const nodes = Effect.flatMap(
      cluster.nodes,
      Effect.forEach(({ address, name }) =>
        Effect.map(Effect.orDie(cluster.proxy(name)), (proxy): Node => ({
          name,
          host: address,
          port: cluster.port,
          announced: proxy.host
        }))
      )
    )
    return yield* make(nodes, Option.some(cluster), cluster)
  })
).pipe(
  Layer.provide(TestKeyspace.layer({ prefix: "reliability", replicationFactor: 3 })),
  Layer.provide(
    CassandraCluster.layer({
      nodes: 3,
      heap: 384,
      proxied: true,
      startTimeout: "6 minutes",
      // What is acknowledged is on the disk. By default it is a little later, and all nodes killed at once lose it.
      settings: { commitlog_sync: "batch", commitlog_sync_period: "0ms" }
    })
  )
)

/** The one node that there is. */
export const serverLayer = Layer.scoped(
  Lab,
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const host = server.contactPoints[0] ?? "127.0.0.1"
    const nodes = Effect.succeed([{ name: "node1", host, port: server.port, announced: host }])
    return yield* make(nodes, Option.none(), server)
  })
)

/** Opens a way to the nodes, for as long as the scope is open. */
export const way = (lab: Lab, path: Path): Effect.Effect<Way, unknown, Scope.Scope> =>
  Effect.gen(function* () {
    const nodes = yield* lab.nodes
    const none = { bytes: [], frames: [], move: Effect.void }
    if (path === "names") {
      const moving = yield* Names.make(nodes)
      return { ...none, options: { ...lab.options, ...moving.options }, move: moving.move }
    }
    if (path === "frames") {
      const frames = yield* Effect.forEach(nodes, ({ host, port }) => Frames.make({ contactPoints: [host], port }))
      const options = {
        ...lab.options,
        contactPoints: frames.map(({ port }) => `127.0.0.1:${port}`),
        ...leading((announced) => {
          const port = frames[nodes.findIndex((node) => node.announced === announced)]?.port
          return port === undefined ? undefined : { address: "127.0.0.1", port }
        })
      }
      return { ...none, frames, options }
    }
    if (Option.isSome(lab.cluster)) {
      const { proxy } = lab.cluster.value
      return { ...none, bytes: yield* Effect.forEach(nodes, ({ name }) => proxy(name)), options: lab.options }
    }
    const bytes = yield* Effect.forEach(nodes, ({ host, port }) => FaultProxy.make({ target: { host, port } }))
    return {
      ...none,
      bytes,
      options: { ...lab.options, contactPoints: bytes.map(({ host, port }) => `${host}:${port}`) }
    }
  })
