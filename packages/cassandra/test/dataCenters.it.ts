import { assert, layer } from "@effect/vitest"
import { Cluster, cql, LoadBalancing, RetryPolicy, Session, SpeculativeExecution, Statement } from "effect-cassandra"
import { CassandraCluster } from "effect-cassandra-testkit"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { optionsFor } from "./support/client.ts"

/** `address:port` of the node in each data centre. */
interface Nodes {
  readonly dc1: string
  readonly dc2: string
}
const Nodes = Context.GenericTag<Nodes>("test/Nodes")

const nodes = Layer.effect(
  Nodes,
  Effect.gen(function* () {
    const cluster = yield* CassandraCluster.CassandraCluster
    const [first, second] = yield* cluster.nodes
    return { dc1: `${first?.address}:${cluster.port}`, dc2: `${second?.address}:${cluster.port}` }
  })
)

const connectCluster = (options: Cluster.ClusterOptions = {}) =>
  Effect.flatMap(CassandraCluster.CassandraCluster, (cluster) => {
    const { contactPoints, ...rest } = optionsFor(cluster)
    return Cluster.make({
      contactPoints: contactPoints?.slice(0, 1),
      // Nobody wants to wait for a node that has been down for a minute as long as a service would.
      reconnection: Schedule.spaced("500 millis"),
      ...rest,
      ...options
    })
  })

const connect = (options: Cluster.ClusterOptions = {}) =>
  Effect.flatMap(connectCluster(options), (cluster) => cluster.connect({ keyspace: "everywhere" }))

const setup = Layer.scopedDiscard(
  Effect.gen(function* () {
    const session = yield* Effect.flatMap(connectCluster(), (cluster) => cluster.connect())
    for (const text of [
      "CREATE KEYSPACE everywhere WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1, 'dc2': 1}",
      "CREATE TABLE everywhere.t (id int PRIMARY KEY, v int)"
    ]) {
      yield* session.execute(Statement.make(text).pipe(Statement.withTimeout("30 seconds")))
    }
    yield* session.execute(cql`INSERT INTO everywhere.t (id, v) VALUES (1, 1)`.pipe(Statement.withConsistency("ALL")))
  })
).pipe(
  Layer.provideMerge(nodes),
  Layer.provideMerge(CassandraCluster.layer({ dataCenters: { dc1: 1, dc2: 1 }, heap: 384 }))
)

const read = cql`SELECT v FROM t WHERE id = ${1}`
const insert = (id: number) => cql`INSERT INTO t (id, v) VALUES (${id}, ${1})`

const coordinatorOf = (session: Session.Session, statement: Statement.Statement = read) =>
  Effect.map(session.execute(statement), ({ info }) => info.coordinator)

const inDc2 = LoadBalancing.standardWith({ localDataCenter: "dc2" })
const withFailover = LoadBalancing.standardWith({ remoteDataCenters: ["dc2"] })

const connectionsTo = (cluster: Cluster.Cluster, address: string) =>
  Effect.map(cluster.state, ({ hosts }) => hosts.get(address)?.connections ?? 0)

/** Asks until the answer is right. */
const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>, right: (value: A) => boolean) =>
  effect.pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: right }),
    Effect.timeout("90 seconds"),
    Effect.orDie
  )

layer(setup, { excludeTestServices: true, timeout: "4 minutes" })("a cluster of two data centres", (it) => {
  it.scoped("only the local one is used, and connected to, unless another is named", () =>
    Effect.gen(function* () {
      const { dc1, dc2 } = yield* Nodes
      const cluster = yield* connectCluster()
      const session = yield* cluster.connect({ keyspace: "everywhere" })
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* coordinatorOf(session), dc1)
      assert.strictEqual(yield* connectionsTo(cluster, dc2), 0)
      // A statement's own policy opens no connections.
      const error = yield* Effect.flip(session.execute(read.pipe(Statement.withLoadBalancing(inDc2))))
      assert.strictEqual(error._tag, "NoHostAvailableError")
    })
  )

  it.scoped("a data centre named to fail over to is connected to, and left alone while the local one is there", () =>
    Effect.gen(function* () {
      const { dc1, dc2 } = yield* Nodes
      const cluster = yield* connectCluster({ loadBalancing: withFailover })
      const session = yield* cluster.connect({ keyspace: "everywhere" })
      for (let i = 0; i < 5; i++) assert.strictEqual(yield* coordinatorOf(session), dc1)
      yield* eventually(connectionsTo(cluster, dc2), (connections) => connections > 0)
      assert.strictEqual(yield* coordinatorOf(session, read.pipe(Statement.withLoadBalancing(inDc2))), dc2)
    })
  )

  it.scoped("a profile added at run time gets its nodes connected before it is there", () =>
    Effect.gen(function* () {
      const { dc1, dc2 } = yield* Nodes
      const cluster = yield* connectCluster({ profiles: { slow: { timeout: "1 minute" } } })
      const session = yield* cluster.connect({ keyspace: "everywhere" })
      yield* cluster.addProfile("reports", { loadBalancing: inDc2, consistency: "ONE" })
      assert.isAbove(yield* connectionsTo(cluster, dc2), 0)
      const reports = yield* session.execute(read.pipe(Statement.withProfile("reports")))
      assert.strictEqual(reports.info.coordinator, dc2)
      assert.strictEqual(reports.info.achievedConsistency, "ONE")
      assert.strictEqual(yield* coordinatorOf(session), dc1)
      assert.deepStrictEqual(Object.keys(yield* cluster.profiles).toSorted(), ["default", "reports", "slow"])

      for (const name of ["reports", "slow", "default"]) {
        const error = yield* Effect.flip(cluster.addProfile(name, { pageSize: 1 }))
        assert.strictEqual(error._tag === "ProfileExistsError" && error.name, name)
      }
      const both = yield* Effect.all(
        [cluster.addProfile("twice", { pageSize: 1 }), cluster.addProfile("twice", { pageSize: 2 })].map(
          Effect.isSuccess
        ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(both, [true, false])

      const nowhere = { loadBalancing: LoadBalancing.standardWith({ localDataCenter: "dc9" }) }
      const refused = yield* Effect.flip(cluster.addProfile("nowhere", nowhere))
      assert.strictEqual(refused._tag === "ConfigurationError" && refused.option, "localDataCenter")
      assert.notProperty(yield* cluster.profiles, "nowhere")
      yield* cluster.close
      assert.strictEqual((yield* Effect.flip(cluster.addProfile("late", {})))._tag, "SessionClosedError")
    })
  )

  it.scoped("a session's policy has its nodes connected for as long as the session is open", () =>
    Effect.gen(function* () {
      const { dc1, dc2 } = yield* Nodes
      const cluster = yield* connectCluster()
      for (let i = 0; i < 2; i++) {
        const session = yield* cluster.connect({ keyspace: "everywhere", loadBalancing: inDc2 })
        assert.strictEqual(yield* coordinatorOf(session), dc2)
        yield* session.close
        yield* eventually(connectionsTo(cluster, dc2), (connections) => connections === 0)
      }
      const refused = yield* Effect.flip(
        Effect.scoped(cluster.connect({ loadBalancing: LoadBalancing.standardWith({ localDataCenter: "dc9" }) }))
      )
      assert.strictEqual(refused._tag, "ConfigurationError")
      assert.strictEqual(yield* coordinatorOf(yield* cluster.connect({ keyspace: "everywhere" })), dc1)
    })
  )

  it.scoped("what is looked up first is what counts: statement, context, profile, session, cluster", () =>
    Effect.gen(function* () {
      const cluster = yield* connectCluster({ consistency: "TWO", profiles: { p: { consistency: "QUORUM" } } })
      const session = yield* cluster.connect({ keyspace: "everywhere", consistency: "ALL" })
      const achieved = (statement: Statement.Statement) =>
        Effect.map(session.execute(statement), ({ info }) => info.achievedConsistency)
      const profiled = read.pipe(Statement.withProfile("p"))
      const local = Session.withDefaults({ consistency: "EACH_QUORUM" as const })
      const plain = yield* cluster.connect({ keyspace: "everywhere" })
      assert.strictEqual((yield* plain.execute(read)).info.achievedConsistency, "TWO")
      assert.strictEqual(yield* achieved(read), "ALL")
      assert.strictEqual(yield* achieved(profiled), "QUORUM")
      assert.strictEqual(yield* achieved(profiled).pipe(local), "EACH_QUORUM")
      assert.strictEqual(yield* achieved(profiled.pipe(Statement.withConsistency("ONE"))).pipe(local), "ONE")
    })
  )

  it.scoped("an allow list keeps to its hosts; a policy that throws fails its request and nothing else", () =>
    Effect.gen(function* () {
      const { dc1, dc2 } = yield* Nodes
      const anyone = LoadBalancing.custom({ distance: () => "local", plan: ({ hosts }) => hosts })
      const session = yield* connect({ loadBalancing: LoadBalancing.allowList(anyone, [dc2]) })
      for (let i = 0; i < 4; i++) assert.strictEqual(yield* coordinatorOf(session), dc2)

      const backwards = LoadBalancing.custom({
        distance: () => "local",
        plan: ({ hosts }) => hosts.toSorted((a, b) => b.dataCenter.localeCompare(a.dataCenter))
      })
      const own = yield* connect({ loadBalancing: backwards })
      for (let i = 0; i < 4; i++) assert.strictEqual(yield* coordinatorOf(own), dc2)
      const broken = LoadBalancing.custom({
        distance: () => "local",
        plan: () => assert.fail("oops")
      })
      const error = yield* Effect.flip(own.execute(read.pipe(Statement.withLoadBalancing(broken))))
      assert.strictEqual(error._tag, "QueryError")
      const moody = LoadBalancing.custom({ distance: () => assert.fail("oops"), plan: ({ hosts }) => hosts })
      const refused = yield* Effect.flip(own.execute(read.pipe(Statement.withLoadBalancing(moody))))
      assert.strictEqual(refused._tag, "ConfigurationError")
      assert.strictEqual(yield* coordinatorOf(own), dc2)
      assert.strictEqual(yield* coordinatorOf(own, read.pipe(Statement.withLoadBalancing(LoadBalancing.standard))), dc1)
    })
  )

  it.scoped(
    "a node that hangs: a speculative execution answers for it, for what is idempotent",
    () =>
      Effect.gen(function* () {
        const { dc1, dc2 } = yield* Nodes
        const nodesControl = yield* CassandraCluster.CassandraCluster
        const started: Array<number> = []
        const speculativeExecution = SpeculativeExecution.custom((executions) => {
          started.push(executions)
          return executions === 1 ? "300 millis" : undefined
        })
        const cluster = yield* connectCluster({
          loadBalancing: withFailover,
          retryPolicy: RetryPolicy.never,
          profiles: { twice: { speculativeExecution } }
        })
        const session = yield* cluster.connect({ keyspace: "everywhere" })
        yield* eventually(connectionsTo(cluster, dc2), (connections) => connections > 0)
        // Prepared on both nodes before one of them hangs.
        for (const host of [dc1, dc2]) {
          yield* session.execute(read.pipe(Statement.withHost(host)))
          yield* session.execute(insert(2).pipe(Statement.withHost(host)))
        }
        const twice = Statement.withProfile("twice")
        yield* nodesControl.pause("node1")
        yield* Effect.gen(function* () {
          const [elapsed, { info }] = yield* Effect.timed(session.execute(read.pipe(twice)))
          assert.strictEqual(info.coordinator, dc2)
          assert.strictEqual(info.speculativeExecutions, 1)
          assert.isBelow(Duration.toMillis(elapsed), 5000)
          assert.deepStrictEqual(started.splice(0), [1, 2])

          // Without it the request waits for the node that hangs, and a write that is not idempotent always does.
          const alone = yield* Effect.flip(session.execute(read.pipe(Statement.withTimeout("1 second"))))
          assert.strictEqual(alone._tag, "OperationTimedOutError")
          const write = insert(3).pipe(twice, Statement.withTimeout("1500 millis"))
          const error = yield* Effect.flip(session.execute(write))
          assert.strictEqual(error._tag, "OperationTimedOutError")
          assert.deepStrictEqual(started, [])
          const written = yield* session.one(
            cql`SELECT v FROM t WHERE id = ${3}`.pipe(Statement.withHost(dc2), Statement.withConsistency("ONE"))
          )
          assert.strictEqual(written._tag, "None")
          const idempotent = yield* session.execute(insert(4).pipe(twice, Statement.idempotent))
          assert.strictEqual(idempotent.info.coordinator, dc2)
          started.length = 0

          // Interrupted before its time, the second execution never starts.
          const fiber = yield* Effect.fork(session.execute(read.pipe(twice)))
          yield* eventually(
            Effect.sync(() => started.length),
            (calls) => calls > 0
          )
          yield* Fiber.interrupt(fiber)
          yield* Effect.sleep("600 millis")
          assert.deepStrictEqual(started, [1])

          const broken = SpeculativeExecution.custom(() => assert.fail("oops"))
          const thrown = yield* Effect.flip(session.execute(read.pipe(Statement.withSpeculativeExecution(broken))))
          assert.strictEqual(thrown._tag, "QueryError")
        }).pipe(Effect.ensuring(Effect.orDie(nodesControl.resume("node1"))))
      }),
    120_000
  )

  it.scoped(
    "the local data centre dies: the other serves, and the local one again when it is back",
    () =>
      Effect.gen(function* () {
        const { dc1, dc2 } = yield* Nodes
        const control = yield* CassandraCluster.CassandraCluster
        const session = yield* connect({ loadBalancing: withFailover })
        const alone = yield* connect()
        const strict = yield* connect({
          loadBalancing: LoadBalancing.standardWith({ remoteDataCenters: ["dc2"], failoverLocalConsistencies: false })
        })
        assert.strictEqual(yield* coordinatorOf(session), dc1)

        // Somebody reads all the time and never fails.
        const failures: Array<unknown> = []
        const stop = yield* Deferred.make<void>()
        const reader = yield* coordinatorOf(session).pipe(
          Effect.catchAll((error) => Effect.sync(() => failures.push(error))),
          Effect.zipRight(Effect.sleep("20 millis")),
          Effect.forever,
          Effect.raceFirst(Deferred.await(stop)),
          Effect.fork
        )

        yield* control.kill("node1")
        const served = yield* Effect.gen(function* () {
          const [elapsed, coordinator] = yield* Effect.timed(coordinatorOf(session))
          assert.strictEqual(coordinator, dc2)
          assert.isBelow(Duration.toMillis(elapsed), 10_000)
          const write = yield* session.execute(insert(10).pipe(Statement.idempotent))
          assert.strictEqual(write.info.coordinator, dc2)

          const error = yield* Effect.flip(alone.execute(read))
          assert.include(["NoHostAvailableError", "ConnectionError"], error._tag)
          const later = yield* Effect.flip(alone.execute(read))
          assert.strictEqual(later._tag, "NoHostAvailableError")

          const local = yield* Effect.flip(strict.execute(read.pipe(Statement.withConsistency("LOCAL_QUORUM"))))
          assert.strictEqual(local._tag, "NoHostAvailableError")
          assert.strictEqual(yield* coordinatorOf(strict, read.pipe(Statement.withConsistency("ONE"))), dc2)
        }).pipe(Effect.exit)
        yield* control.start("node1")
        yield* served

        yield* eventually(coordinatorOf(session), (coordinator) => coordinator === dc1)
        for (let i = 0; i < 5; i++) assert.strictEqual(yield* coordinatorOf(session), dc1)
        yield* eventually(
          Effect.orElseSucceed(coordinatorOf(alone), () => ""),
          (coordinator) => coordinator === dc1
        )
        yield* Deferred.succeed(stop, undefined)
        yield* Fiber.join(reader)
        assert.deepStrictEqual(failures, [])
      }),
    180_000
  )
})
