import { assert, layer } from "@effect/vitest"
import { CassandraCluster, CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as CqlProbe from "../src/internal/cqlProbe.ts"
import { connect, run } from "./support/client.ts"
import { isAlive } from "./support/program.ts"

const three = CassandraCluster.layer({ dataCenters: { east: 2, west: 1 }, authentication: true })

/** Whether a node, asked directly, answers within two seconds. */
const answers = (host: string) =>
  Effect.gen(function* () {
    const { credentials, port } = yield* CassandraServer.CassandraServer
    const { password, username } = Option.getOrThrow(credentials)
    return yield* Effect.isSuccess(
      CqlProbe.probe({ host, port, credentials: { username, password: Redacted.value(password) } })
    )
  })

const stateOf = (name: string) =>
  Effect.gen(function* () {
    const cluster = yield* CassandraCluster.CassandraCluster
    const node = yield* cluster.node(name)
    const pid = Option.getOrUndefined(node.pid)
    return { state: node.state, alive: pid !== undefined && isAlive(pid), answers: yield* answers(node.address) }
  })

layer(three, { excludeTestServices: true })("a cluster", (it) => {
  it.scoped("has the nodes that were asked for, and they know each other", () =>
    Effect.gen(function* () {
      const cluster = yield* CassandraCluster.CassandraCluster
      const nodes = yield* cluster.nodes
      assert.deepStrictEqual(
        nodes.map(({ dataCenter, name, state }) => [name, dataCenter, state]),
        [
          ["node1", "east", "up"],
          ["node2", "east", "up"],
          ["node3", "west", "up"]
        ]
      )
      assert.strictEqual(cluster.localDataCenter, "east")
      const client = yield* connect(yield* CassandraServer.CassandraServer)
      const seen = client.getState().getConnectedHosts().length
      assert.isAtLeast(seen, 1)
      assert.strictEqual(client.hosts.length, 3)
      assert.deepStrictEqual(
        client.hosts
          .values()
          .map((host) => [host.address.split(":")[0], host.datacenter])
          .toSorted(),
        nodes.map(({ address, dataCenter }) => [address, dataCenter])
      )
    })
  )

  it.scoped("is a server to everything else", () =>
    Effect.gen(function* () {
      const { name } = yield* TestKeyspace.make({ replicationFactor: 2 })
      const client = yield* connect(yield* CassandraServer.CassandraServer)
      yield* run(client, `CREATE TABLE ${name}.t (a int PRIMARY KEY)`)
    })
  )

  it.effect("does not know other names", () =>
    Effect.gen(function* () {
      const cluster = yield* CassandraCluster.CassandraCluster
      const error = yield* Effect.flip(cluster.kill("node4"))
      assert.strictEqual(error._tag, "UnknownNodeError")
      assert.deepStrictEqual(error.known, ["node1", "node2", "node3"])
    })
  )

  it.effect("pauses and resumes a node", () =>
    Effect.gen(function* () {
      const cluster = yield* CassandraCluster.CassandraCluster
      yield* cluster.pause("node3")
      yield* cluster.pause("node3")
      assert.deepStrictEqual(yield* stateOf("node3"), { state: "paused", alive: true, answers: false })
      yield* cluster.resume("node3")
      yield* cluster.resume("node3")
      assert.deepStrictEqual(yield* stateOf("node3"), { state: "up", alive: true, answers: true })
    })
  )

  it.effect(
    "kills a node, even a paused one, stops another, and starts both again",
    () =>
      Effect.gen(function* () {
        const cluster = yield* CassandraCluster.CassandraCluster
        yield* cluster.pause("node2")
        yield* cluster.kill("node2")
        yield* cluster.kill("node2")
        assert.deepStrictEqual(yield* stateOf("node2"), { state: "down", alive: false, answers: false })
        const error = yield* Effect.flip(cluster.pause("node2"))
        assert.strictEqual(error._tag, "NodeStateError")
        yield* cluster.stop("node3")
        yield* cluster.stop("node3")
        assert.deepStrictEqual(yield* stateOf("node3"), { state: "down", alive: false, answers: false })
        yield* Effect.all([cluster.start("node2"), cluster.start("node2"), cluster.start("node3")], {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(yield* stateOf("node2"), { state: "up", alive: true, answers: true })
        assert.deepStrictEqual(yield* stateOf("node3"), { state: "up", alive: true, answers: true })
      }),
    120_000
  )

  it.effect(
    "restarts a node",
    () =>
      Effect.gen(function* () {
        const cluster = yield* CassandraCluster.CassandraCluster
        const before = Option.getOrThrow((yield* cluster.node("node3")).pid)
        yield* cluster.restart("node3")
        const after = yield* cluster.node("node3")
        assert.strictEqual(after.state, "up")
        assert.notStrictEqual(Option.getOrThrow(after.pid), before)
        // Left so, for the end of the layer must cope with it.
        yield* cluster.pause("node1")
      }),
    120_000
  )
})
