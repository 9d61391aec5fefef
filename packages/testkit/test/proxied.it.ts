import { assert, layer } from "@effect/vitest"
import { CassandraCluster, CassandraServer, FaultProxy } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { connect, run } from "./support/client.ts"

layer(Layer.provide(FaultProxy.layer, TestServer.layer), { excludeTestServices: true })(
  "a proxy before a server",
  (it) => {
    it.scoped("is the way to it, until it is cut", () =>
      Effect.gen(function* () {
        const proxy = yield* FaultProxy.FaultProxy
        const client = yield* connect(yield* CassandraServer.CassandraServer, {
          socketOptions: { readTimeout: 300 },
          policies: { reconnection: new Driver.policies.reconnection.ConstantReconnectionPolicy(50) }
        })
        assert.isAbove((yield* proxy.traffic).toClient, 0)
        yield* proxy.set({ latency: "100 millis" })
        const started = Date.now()
        yield* run(client, "SELECT key FROM system.local")
        assert.isAtLeast(Date.now() - started, 195)
        yield* proxy.drop("toClient")
        assert.include((yield* Effect.flip(run(client, "SELECT key FROM system.local"))).message, "did not reply")
        yield* proxy.heal
        const recovered = run(client, "SELECT key FROM system.local").pipe(
          Effect.tapError(() => Effect.sleep("20 millis")),
          Effect.retry({ times: 100 })
        )
        assert.strictEqual((yield* recovered).rows.length, 1)
      })
    )

    it.scoped("refuses and resets", () =>
      Effect.gen(function* () {
        const proxy = yield* FaultProxy.FaultProxy
        const server = yield* CassandraServer.CassandraServer
        yield* proxy.refuse
        yield* Effect.flip(connect(server))
        yield* proxy.heal
        const client = yield* connect(server, {
          policies: { reconnection: new Driver.policies.reconnection.ConstantReconnectionPolicy(50) }
        })
        yield* proxy.reset
        const again = run(client, "SELECT key FROM system.local").pipe(
          Effect.tapError(() => Effect.sleep("20 millis")),
          Effect.retry({ times: 100 })
        )
        assert.strictEqual((yield* again).rows.length, 1)
      })
    )
  }
)

layer(CassandraCluster.layer({ nodes: 2, proxied: true }), { excludeTestServices: true, timeout: "3 minutes" })(
  "a cluster with a proxy before each node",
  (it) => {
    it.scoped("sends clients to the proxies, and a node can be cut off from them alone", () =>
      Effect.gen(function* () {
        const cluster = yield* CassandraCluster.CassandraCluster
        const [first, second] = [yield* cluster.proxy("node1"), yield* cluster.proxy("node2")]
        const nodes = yield* cluster.nodes
        assert.deepStrictEqual(
          [first.target.host, second.target.host],
          nodes.map((node) => node.address)
        )
        assert.deepStrictEqual(cluster.contactPoints, [first.host, second.host])
        // By one contact point, so that the other node is known from `system.peers` alone.
        const client = yield* connect(
          { ...(yield* CassandraServer.CassandraServer), contactPoints: [first.host] },
          { pooling: { warmup: true } }
        )
        const hosts = client.hosts.values()
        assert.sameMembers(
          hosts.map((host) => host.address),
          [first, second].map(({ host, port }) => `${host}:${port}`)
        )
        const ask = (host: Driver.Host, readTimeout = 5000) =>
          Effect.tryPromise({
            try: () => client.execute("SELECT broadcast_address FROM system.local", [], { host, readTimeout }),
            catch: (error) => error as Error
          })
        for (const host of hosts) {
          const reached = String((yield* ask(host)).first()["broadcast_address"])
          const proxy = [first, second].find(({ target }) => target.host === reached)
          assert.strictEqual(`${proxy?.host}:${proxy?.port}`, host.address)
        }
        assert.isAbove((yield* second.traffic).toServer, 0)

        const [one, two] = hosts.toSorted((a, b) => a.address.localeCompare(b.address)) as [Driver.Host, Driver.Host]
        yield* second.drop()
        assert.include((yield* Effect.flip(ask(two, 300))).message, "did not reply")
        yield* ask(one)
        // The nodes do not notice: they see each other as before.
        const up = yield* run(client, "SELECT peer FROM system.peers")
        assert.strictEqual(up.rows.length, 1)
        yield* second.heal
        yield* Effect.retry(Effect.delay(ask(two), "100 millis"), { times: 100 })
      })
    )

    it.effect("knows no other names", () =>
      Effect.gen(function* () {
        const cluster = yield* CassandraCluster.CassandraCluster
        assert.strictEqual((yield* Effect.flip(cluster.proxy("node3")))._tag, "UnknownNodeError")
      })
    )
  }
)
