import { assert, layer } from "@effect/vitest"
import { Cluster, type ClusterEvent, cql, type Host, Session, Statement } from "effect-cassandra"
import { CassandraCluster } from "effect-cassandra-testkit"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { optionsFor, schema } from "./support/client.ts"
import { earlierThan } from "./support/release.ts"

/** Everything that happened since the beginning, in order; a subscriber that looks at it only now and then. */
class Events extends Context.Tag("test/Events")<Events, Array<ClusterEvent.ClusterEvent>>() {}

const connected = Layer.scopedContext(
  Effect.gen(function* () {
    const cluster = yield* Cluster.make({
      ...optionsFor(yield* CassandraCluster.CassandraCluster),
      topologyRefreshWindow: 0,
      statusRefreshWindow: 0,
      schemaRefreshWindow: 0
    })
    const seen: Array<ClusterEvent.ClusterEvent> = []
    yield* Effect.forkScoped(
      Stream.runForEach(yield* cluster.subscribe(), (event) => Effect.sync(() => seen.push(event)))
    )
    const session = yield* cluster.connect()
    return Context.make(Cluster.Cluster, cluster).pipe(Context.add(Session.Session, session), Context.add(Events, seen))
  })
).pipe(Layer.provideMerge(CassandraCluster.layer({ nodes: 2, heap: 384, startTimeout: "4 minutes" })))

/** Waits for an event about a node, for as long as the test may take. */
const event = (tag: "HostUp" | "HostDown" | "HostAdded" | "HostRemoved", address: string, from = 0) =>
  Effect.gen(function* () {
    const seen = yield* Events
    const found = seen.slice(from).find((one) => one._tag === tag && one.host.address.startsWith(`${address}:`))
    return yield* Effect.fromNullable(found as (ClusterEvent.ClusterEvent & { readonly host: Host.Host }) | undefined)
  }).pipe(Effect.retry(Schedule.spaced("100 millis")))

const addressOf = (name: string) =>
  Effect.map(
    Effect.flatMap(CassandraCluster.CassandraCluster, (nodes) => nodes.node(name)),
    ({ address }) => address
  )

const knownHosts = Effect.map(
  Effect.flatMap(Cluster.Cluster, ({ hosts }) => hosts),
  (hosts) => hosts.map(({ address }) => address.split(":")[0] as string).toSorted()
)

/** Writes at ALL, and compares the nodes that wrote it, by its trace, with those that the client takes for its replicas. */
const replicasAgree = (keyspace: string, id: number, factor: number) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const { metadata } = yield* Cluster.Cluster
    const insert = cql`INSERT INTO ${cql.id(keyspace, "t")} (id) VALUES (${id})`.pipe(
      Statement.withConsistency("ALL"),
      Statement.withTracing(true),
      Statement.withTimeout("1 minute"),
      Statement.idempotent
    )
    const written = yield* session.execute(insert)
    // A replica writes its part of the trace in its own time.
    const writers = yield* session.trace(written, { maxWait: "30 seconds" }).pipe(
      Effect.map(({ events }) => [
        ...new Set(events.filter(({ activity }) => activity.includes("memtable")).map(({ source }) => source))
      ]),
      Effect.filterOrFail((sources) => sources.length >= factor),
      Effect.retry(Schedule.spaced("200 millis")),
      Effect.timeout("30 seconds")
    )
    const replicas = Option.getOrThrow(yield* metadata.replicasOf(keyspace, "t", [id]))
    assert.deepStrictEqual(replicas.map(({ address }) => address.split(":")[0]).toSorted(), writers.toSorted())
    assert.strictEqual(replicas.length, factor)
  })

const allReplicasAgree = Effect.forEach(
  ["simple", "network"],
  (keyspace) => Effect.forEach([1, 2, 3, 4, 5, 6], (id) => replicasAgree(keyspace, id, 2), { concurrency: 6 }),
  { discard: true }
)

layer(connected, { excludeTestServices: true, timeout: "5 minutes" })("a cluster that changes", (it) => {
  it.effect(
    "tells of a node that dies and comes back",
    () =>
      Effect.gen(function* () {
        yield* schema(
          "CREATE KEYSPACE simple WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}",
          "CREATE KEYSPACE network WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2}",
          "CREATE TABLE simple.t (id int PRIMARY KEY)",
          "CREATE TABLE network.t (id int PRIMARY KEY)"
        )
        const nodes = yield* CassandraCluster.CassandraCluster
        const { metadata } = yield* Cluster.Cluster
        const address = yield* addressOf("node2")
        yield* metadata.awaitSchemaAgreement()
        yield* nodes.kill("node2")
        assert.strictEqual((yield* event("HostDown", address)).host.status, "DOWN")
        // Nodes that are down have no say.
        yield* metadata.awaitSchemaAgreement({ maxWait: "30 seconds" })
        yield* nodes.start("node2")
        assert.strictEqual((yield* event("HostUp", address)).host.status, "UP")
      }),
    240_000
  )

  it.effect(
    "tells of a node that joins, which is a replica from then on",
    () =>
      Effect.gen(function* () {
        const nodes = yield* CassandraCluster.CassandraCluster
        const { metadata } = yield* Cluster.Cluster
        const before = yield* knownHosts
        const { address, name } = yield* nodes.add()
        assert.strictEqual(name, "node3")
        const { host } = yield* event("HostAdded", address)
        assert.deepInclude(host, { dataCenter: "dc1", rack: "rack1" })
        assert.isNotEmpty(host.tokens)
        assert.strictEqual((yield* event("HostUp", address)).host.hostId, host.hostId)
        assert.deepStrictEqual(yield* knownHosts, [...before, address].toSorted())
        // It can tell of its tokens a moment later than of itself.
        const ring = yield* metadata.refreshNodes.pipe(
          Effect.zipRight(metadata.tokenMap),
          Effect.flatten,
          Effect.filterOrFail(({ tokens }) => tokens.length === 48),
          Effect.retry(Schedule.spaced("200 millis"))
        )
        assert.strictEqual(ring.tokens.filter((token) => token.host.hostId === host.hostId).length, 16)
        yield* allReplicasAgree
      }),
    240_000
  )

  if (earlierThan("6.0", "nodes that leave", "the test kit cannot take a node out of a cluster of 6.0-alpha2 yet")) {
    it.effect(
      "tells of a node that leaves, and of one that died and was given up",
      () =>
        Effect.gen(function* () {
          const nodes = yield* CassandraCluster.CassandraCluster
          const second = yield* addressOf("node2")
          yield* nodes.remove("node2")
          yield* event("HostRemoved", second)
          assert.notInclude(yield* knownHosts, second)
          assert.strictEqual((yield* Effect.flip(nodes.node("node2")))._tag, "UnknownNodeError")
          yield* allReplicasAgree

          const third = yield* addressOf("node3")
          yield* nodes.kill("node3")
          yield* nodes.remove("node3")
          yield* event("HostRemoved", third)
          assert.deepStrictEqual(yield* knownHosts, [yield* addressOf("node1")])
          const error = yield* Effect.flip(nodes.remove("node1"))
          assert.deepInclude(error, { _tag: "MembershipError", action: "remove", reason: "no other node is up" })
        }),
      300_000
    )
  }

  it.effect("tells a subscriber that was too slow how much it has missed", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.Cluster
      const slow = yield* cluster.subscribe({ capacity: 1 })
      const seen = yield* Events
      const from = seen.length
      yield* schema("DROP TABLE simple.t", "DROP TABLE network.t", "DROP KEYSPACE simple")
      yield* Effect.suspend(() => (seen.length >= from + 3 ? Effect.void : Effect.fail("not yet"))).pipe(
        Effect.retry(Schedule.spaced("50 millis"))
      )
      assert.deepStrictEqual(Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(slow, 2))), [
        seen[from] as ClusterEvent.ClusterEvent,
        { _tag: "Dropped", count: seen.length - from - 1 }
      ])
    }).pipe(Effect.scoped)
  )
})
