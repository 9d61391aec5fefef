import { assert, layer } from "@effect/vitest"
import { type CassandraError, Cluster, type ClusterEvent, cql, Health, type Session } from "effect-cassandra"
import { CassandraCluster, CassandraServer } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { cluster, optionsFor } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const often = Schedule.spaced("100 millis")

/** The hosts' addresses without a port, with what is asked of each. */
const byAddress = <A>({ hosts }: Health.ClusterHealth, of: (host: Health.HostHealth) => A) =>
  Object.fromEntries(hosts.map((host) => [host.address.split(":")[0], of(host)]))

const tagOf = Option.map(({ _tag }: CassandraError.CassandraError) => _tag)

layer(TestServer.layer, { excludeTestServices: true })("the health of a server", (it) => {
  it.scoped("is what the server says of itself, and what the client has to do with it", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const client = yield* cluster()
      const health = yield* Effect.provideService(Health.check(), Cluster.Cluster, client)
      const { protocolVersion } = yield* client.state
      assert.strictEqual(health.status, "healthy")
      assert.strictEqual(health.protocolVersion, protocolVersion)
      const host = health.hosts[0]
      assert.isDefined(host)
      assert.strictEqual(host.state, "up")
      assert.strictEqual(host.version, server.version)
      assert.strictEqual(host.dataCenter, server.localDataCenter)
      assert.strictEqual(host.rack, "rack1")
      assert.isTrue(Option.isSome(host.latency))
      assert.isAtLeast(host.connections, 1)
      assert.strictEqual(host.orphans, 0)
      assert.isTrue(Option.isNone(host.error))
    })
  )

  it.scoped("asks no prepared statement, and does not wait for a host that is silent", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const client = yield* cluster(Proxy.through(proxy))
      const check = Effect.provideService(Health.check({ timeout: "200 millis" }), Cluster.Cluster, client)
      assert.strictEqual((yield* check).status, "healthy")
      assert.strictEqual(proxy.count(Proxy.opcodes.prepare), 0)
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.query ? "drop" : "forward")
      const silent = yield* check
      assert.strictEqual(silent.status, "unhealthy")
      assert.strictEqual(silent.hosts[0]?.state, "failing")
      assert.deepStrictEqual(silent.hosts[0] && tagOf(silent.hosts[0].error), Option.some("OperationTimedOutError"))
      assert.isAtLeast(silent.hosts[0]?.orphans ?? 0, 1)
    })
  )

  it.scoped("counts an error for an answer that is not one", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const client = yield* cluster(Proxy.through(proxy))
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.query ? Proxy.errors.overloaded(frame) : "forward")
      const health = yield* Effect.provideService(Health.check(), Cluster.Cluster, client)
      assert.strictEqual(health.hosts[0]?.state, "failing")
      assert.deepStrictEqual(health.hosts[0] && tagOf(health.hosts[0].error), Option.some("OverloadedError"))
    })
  )

  it.scoped("of a closed cluster is bad, not an error; a watch ends nothing and says so", () =>
    Effect.gen(function* () {
      const client = yield* cluster()
      const health = yield* Effect.provideService(Health.make({ schedule: often }), Cluster.Cluster, client)
      assert.deepStrictEqual(yield* health.liveness, { status: 200, body: { status: "alive" } })
      assert.strictEqual((yield* health.readiness).status, 200)
      yield* client.close
      assert.deepStrictEqual(yield* health.liveness, { status: 503, body: { status: "closed" } })
      yield* health.changes.pipe(
        Stream.takeUntil(({ status }) => status === "unhealthy"),
        Stream.runDrain
      )
      const { body, status } = yield* health.readiness
      assert.strictEqual(status, 503)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(body)), body)
      assert.strictEqual(body.status, "unhealthy")
      assert.deepStrictEqual(
        body.hosts.map(({ error, state }) => `${state}: ${error}`),
        body.hosts.map(() => "down: SessionClosedError")
      )
    })
  )

  it.scoped("goes on when a subscriber fails, dies or sleeps", () =>
    Effect.gen(function* () {
      const client = yield* cluster()
      const health = yield* Effect.provideService(
        Health.make({ schedule: Schedule.spaced("10 millis") }),
        Cluster.Cluster,
        client
      )
      const failing = yield* Effect.exit(Stream.runForEach(health.changes, () => Effect.fail("no")))
      const dying = yield* Effect.exit(Stream.runForEach(health.changes, () => Effect.dieMessage("no")))
      const asleep = yield* Effect.fork(Stream.runForEach(health.changes, () => Effect.never))
      assert.isTrue(failing._tag === "Failure" && dying._tag === "Failure")
      const seen = yield* health.changes.pipe(Stream.take(10), Stream.runCollect)
      assert.isAbove(new Set([...seen].map(({ checkedAt }) => checkedAt.epochMillis)).size, 3)
      yield* Fiber.interrupt(asleep)
    })
  )

  it.scoped("as a stream follows its schedule", () =>
    Effect.gen(function* () {
      const client = yield* cluster()
      const checks = Health.stream(Schedule.recurs(2)).pipe(
        Stream.runCollect,
        Effect.provideService(Cluster.Cluster, client)
      )
      assert.deepStrictEqual(
        [...(yield* checks)].map(({ status }) => status),
        ["healthy", "healthy", "healthy"]
      )
    })
  )
})

const two = Layer.scoped(
  Cluster.Cluster,
  Effect.flatMap(CassandraCluster.CassandraCluster, (nodes) =>
    Cluster.make({ ...optionsFor(nodes), contactPoints: nodes.contactPoints.slice(0, 1) })
  )
).pipe(Layer.provideMerge(CassandraCluster.layer({ dataCenters: { near: 2, far: 1 }, heap: 384 })))

const settled = <E, R>(
  check: Effect.Effect<Health.ClusterHealth, E, R>,
  done: (health: Health.ClusterHealth) => boolean
): Effect.Effect<Health.ClusterHealth, E, R> =>
  Effect.repeat(check, { until: done, schedule: often }).pipe(Effect.zipRight(check))

/** Reads that any node answers, one after the other: how long each took, in milliseconds, and who answered. */
const reads = (session: Session.Session, times: number) =>
  Effect.replicateEffect(Effect.timed(session.execute(cql`SELECT key FROM system.local`)), times).pipe(
    Effect.map((results) =>
      results.map(([took, { info }]) => ({
        took: Duration.toMillis(took),
        coordinator: info.coordinator.split(":")[0] as string
      }))
    )
  )

const slow = (all: ReadonlyArray<{ readonly took: number }>) => all.filter(({ took }) => took >= 700).length

layer(two, { excludeTestServices: true, timeout: "4 minutes" })("the health of a cluster", (it) => {
  it.scoped(
    "tells a paused node, a killed node and one of another data centre from the others",
    () =>
      Effect.gen(function* () {
        const nodes = yield* CassandraCluster.CassandraCluster
        const address = (name: string) => Effect.map(nodes.node(name), (node) => node.address)
        const [one, second, far] = yield* Effect.all([address("node1"), address("node2"), address("node3")])
        const check = Health.check({ timeout: "2 seconds" })

        const good = yield* settled(check, ({ status }) => status === "healthy")
        assert.strictEqual(good.status, "healthy")
        assert.deepStrictEqual(
          byAddress(good, ({ dataCenter, state }) => [dataCenter, state]),
          { [one]: ["near", "up"], [second]: ["near", "up"], [far]: ["far", "ignored"] }
        )

        yield* nodes.pause("node2")
        const [took, paused] = yield* Effect.timed(check)
        assert.strictEqual(paused.status, "degraded")
        assert.strictEqual(byAddress(paused, ({ state }) => state)[one], "up")
        assert.strictEqual(byAddress(paused, ({ state }) => state)[second], "failing")
        assert.deepStrictEqual(
          byAddress(paused, ({ error }) => tagOf(error))[second],
          Option.some("OperationTimedOutError")
        )
        assert.isBelow(Duration.toMillis(took), 10_000)
        assert.strictEqual((yield* Health.check({ timeout: "2 seconds", minimumUp: 2 })).status, "unhealthy")

        yield* nodes.resume("node2")
        yield* settled(check, ({ status }) => status === "healthy")

        yield* nodes.kill("node2")
        const killed = yield* settled(check, (health) => byAddress(health, ({ state }) => state)[second] === "down")
        assert.strictEqual(killed.status, "degraded")
        assert.deepStrictEqual(byAddress(killed, ({ connections }) => connections)[second], 0)
        assert.isTrue(Option.isSome(byAddress(killed, ({ error }) => error)[second] ?? Option.none()))

        yield* nodes.start("node2")
        assert.strictEqual((yield* settled(check, ({ status }) => status === "healthy")).status, "healthy")
        // The watching itself left nothing behind.
        assert.strictEqual((yield* Cluster.Cluster.pipe(Effect.flatMap(({ state }) => state))).queued, 0)
      }),
    300_000
  )

  it.scoped(
    "keeps a paused node from slowing the reads down, and uses it again when it goes on",
    () =>
      Effect.gen(function* () {
        const nodes = yield* CassandraCluster.CassandraCluster
        const hung = (yield* nodes.node("node2")).address
        const client = yield* Cluster.make({
          ...optionsFor(nodes),
          contactPoints: nodes.contactPoints.slice(0, 1),
          localDataCenter: "near",
          timeout: "700 millis",
          breaker: { failures: 3, openFor: "2 seconds" }
        })
        const events: Array<string> = []
        yield* Effect.forkScoped(
          Stream.runForEach(yield* client.subscribe(), (event: ClusterEvent.ClusterEvent) =>
            Effect.sync(() => {
              if ("host" in event && event.host.address.startsWith(`${hung}:`)) events.push(event._tag)
            })
          )
        )
        const session = yield* client.connect({ waitForAllPools: true })
        const until = (tag: ClusterEvent.ClusterEvent["_tag"]) =>
          Effect.repeat(reads(session, 1), {
            until: () => events.includes(tag),
            schedule: Schedule.spaced("20 millis")
          })
        const asked = (all: ReadonlyArray<{ readonly coordinator: string }>) =>
          all.filter(({ coordinator }) => coordinator === hung).length

        assert.isAbove(asked(yield* reads(session, 20)), 5)
        yield* nodes.pause("node2")
        yield* until("HostBreakerOpened")
        const since = events.length
        const open = yield* reads(session, 200)
        assert.strictEqual(asked(open), 0)
        // Those that found out whether it answers again, and no others.
        assert.isAtMost(slow(open), events.slice(since).filter((tag) => tag === "HostBreakerHalfOpened").length)
        const health = yield* Effect.provideService(Health.check({ timeout: "1 second" }), Cluster.Cluster, client)
        assert.notStrictEqual(byAddress(health, ({ breaker }) => breaker)[hung], "closed")

        yield* nodes.resume("node2")
        yield* until("HostBreakerClosed")
        const after = yield* reads(session, 40)
        assert.isAbove(asked(after), 10)
        assert.strictEqual((yield* client.state).hosts.get(`${hung}:${nodes.port}`)?.breaker, "closed")
      }),
    120_000
  )
})
