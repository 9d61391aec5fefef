import { assert, layer } from "@effect/vitest"
import { Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraCluster, TestKeyspace } from "effect-cassandra-testkit"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Net from "node:net"
import { optionsFor, schema } from "./support/client.ts"
import * as Migrators from "./support/migrators.ts"

const session = Layer.scoped(
  Session.Session,
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    const cluster = yield* Cluster.make(optionsFor(yield* CassandraCluster.CassandraCluster))
    return yield* cluster.connect({ keyspace: name, consistency: "LOCAL_QUORUM" })
  })
)

const setup = Layer.effectDiscard(
  schema(
    "CREATE TABLE safe (id int PRIMARY KEY, v int)",
    "CREATE TABLE hits (id int PRIMARY KEY, n counter)",
    "CREATE TABLE lists (id int PRIMARY KEY, v list<int>)"
  )
).pipe(
  Layer.provideMerge(session),
  Layer.provideMerge(TestKeyspace.layer({ prefix: "three", replicationFactor: 3 })),
  Layer.provideMerge(CassandraCluster.layer({ nodes: 3, heap: 384 }))
)

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)

/** The hosts that a text is sent to, once for each time: only PREPARE frames carry the text of a statement with values. */
const sightings = (text: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const seen: Array<string> = []
        const { write } = Net.Socket.prototype
        Net.Socket.prototype.write = function (this: Net.Socket, ...args: Array<never>) {
          const [bytes] = args as ReadonlyArray<unknown>
          if (bytes instanceof Uint8Array) {
            const times = Buffer.from(bytes).toString("latin1").split(text).length - 1
            for (let i = 0; i < times; i++) seen.push(this.remoteAddress ?? "")
          }
          return Reflect.apply(write, this, args) as boolean
        } as typeof write
        return { seen, write }
      }),
      ({ write }) => Effect.sync(() => (Net.Socket.prototype.write = write))
    ),
    ({ seen }) => seen
  )

layer(setup, { excludeTestServices: true, timeout: "4 minutes" })("a cluster of three nodes", (it) => {
  it.scoped(
    "ten migrators leave one history, though the one that began is killed in the middle",
    () =>
      Effect.gen(function* () {
        const first = yield* Migrators.start(0, "hang")
        yield* first.says("in the middle")
        const shared = yield* Session.Session
        const [ledger] = yield* shared.rows(cql`SELECT lease_owner FROM cassandra_migrations`)
        const owner = String(ledger?.["lease_owner"])
        assert.include(owner, `/${first.child.pid}/`)

        // Nine more, while it has the lease and keeps it.
        const sessions = yield* Effect.fork(
          Effect.forEach([0, 1, 2, 3, 4, 5], Migrators.inThisProcess, { concurrency: "unbounded" })
        )
        const programs = yield* Effect.forEach([0, 1, 2], (which) => Migrators.start(which))
        yield* Effect.sleep(`${Migrators.lease} seconds`)
        const before = yield* Fiber.poll(sessions)
        assert.strictEqual(before._tag, "None")
        first.child.kill("SIGKILL")

        const results = [
          ...(yield* Fiber.join(sessions)),
          ...(yield* Effect.forEach(programs, (program) => program.applied, { concurrency: "unbounded" }))
        ]
        // One took over and did all the rest.
        assert.deepStrictEqual(
          results.filter((names) => names.length > 0),
          [Migrators.all.slice(2)]
        )
        const { begun, history, teams, users } = yield* Migrators.look
        assert.deepStrictEqual(
          history.map(({ id, name }) => [id, name]),
          Migrators.all.map((name, i) => [BigInt(i + 1), name])
        )
        const owners = history.map((row) => String(row["applied_by"]))
        assert.deepStrictEqual(owners.slice(0, 2), [owner, owner])
        assert.notStrictEqual(owners[2], owner)
        assert.strictEqual(new Set(owners.slice(2)).size, 1)
        assert.isNull(history[0]?.["lease_owner"])
        // What was under way was begun again, nothing else.
        assert.deepStrictEqual(begun, { 2: 1n, 3: 2n, 4: 1n, 5: 1n })
        assert.deepStrictEqual(users, [{ id: 1, name: "Ada", email: null }])
        assert.deepStrictEqual(teams, [])
      }).pipe(Logger.withMinimumLogLevel(LogLevel.Error)),
    300_000
  )

  it.scoped("a statement's 1,000 concurrent first uses prepare it on each host, and not for each use", () =>
    Effect.gen(function* () {
      const shared = yield* Session.Session
      const nodes = yield* Effect.flatMap(CassandraCluster.CassandraCluster, (cluster) => cluster.nodes)
      const query = "SELECT v AS once FROM safe WHERE id = ?"
      const prepared = yield* sightings(query)
      yield* Effect.forEach(upTo(1_000), (id) => shared.execute(Statement.make(query, [id])), {
        concurrency: "unbounded",
        discard: true
      })
      const addresses = nodes.map(({ address }) => address).toSorted()
      assert.deepStrictEqual([...new Set(prepared)].toSorted(), addresses)
      // A use may come to a host before what prepares it there ahead: once more, on that connection.
      assert.isAtMost(prepared.length, 2 * addresses.length)
    })
  )

  it.scoped(
    "killing a node in the middle loses no idempotent request, and applies no other write twice",
    () =>
      Effect.gen(function* () {
        const cluster = yield* CassandraCluster.CassandraCluster
        const shared = yield* Session.Session
        const count = 12_000
        const lists = 400
        let done = 0
        const warm = yield* Deferred.make<void>()
        const traffic = yield* Effect.fork(
          Effect.all(
            {
              safe: Effect.forEach(
                upTo(count),
                (id) =>
                  shared.execute(cql`INSERT INTO safe (id, v) VALUES (${id}, ${id})`.pipe(Statement.idempotent)).pipe(
                    Effect.tap(() => (++done === count / 4 ? Deferred.succeed(warm, undefined) : Effect.void)),
                    Effect.either
                  ),
                { concurrency: 128 }
              ),
              reads: Effect.forEach(
                upTo(count / 2),
                (id) => Effect.either(shared.execute(cql`SELECT v FROM safe WHERE id = ${id}`)),
                { concurrency: 64 }
              ),
              counters: Effect.forEach(
                upTo(2_000),
                (i) => Effect.either(shared.execute(cql`UPDATE hits SET n = n + 1 WHERE id = ${i % 50}`)),
                { concurrency: 32 }
              ),
              lists: Effect.forEach(
                upTo(2_000),
                (i) => Effect.either(shared.execute(cql`UPDATE lists SET v = v + ${[i]} WHERE id = ${i % lists}`)),
                { concurrency: 32 }
              )
            },
            { concurrency: "unbounded" }
          )
        )
        yield* Deferred.await(warm)
        yield* cluster.kill("node2")
        const outcome = yield* Fiber.join(traffic)

        const failed = [...outcome.safe, ...outcome.reads].filter(Either.isLeft)
        assert.deepStrictEqual(
          failed.map(({ left }) => `${left._tag}: ${left.message}`),
          []
        )
        const ids = yield* shared.rows(cql`SELECT id FROM safe`)
        assert.strictEqual(ids.length, count)

        // A write that is not idempotent was applied at most once; exactly once when it succeeded, not at all when its
        // error says so.
        const applied = new Map<number, number>()
        for (const row of yield* shared.rows(cql`SELECT id, v FROM lists`)) {
          for (const i of row["v"] as ReadonlyArray<number>) applied.set(i, (applied.get(i) ?? 0) + 1)
        }
        outcome.lists.forEach((result, i) => {
          const times = applied.get(i) ?? 0
          assert.isAtMost(times, 1, `write ${i}`)
          if (Either.isRight(result)) assert.strictEqual(times, 1, `write ${i}`)
          else if (result.left.writeState === "NotApplied") assert.strictEqual(times, 0, `write ${i}`)
        })

        const total = (yield* shared.rows(cql`SELECT n FROM hits`)).reduce((sum, row) => sum + (row["n"] as bigint), 0n)
        const succeeded = outcome.counters.filter(Either.isRight).length
        const unknown = outcome.counters.filter(
          (result) => Either.isLeft(result) && result.left.writeState === "Unknown"
        ).length
        assert.isTrue(total >= BigInt(succeeded), `${total} counted, ${succeeded} succeeded`)
        assert.isTrue(total <= BigInt(succeeded + unknown), `${total} counted, ${succeeded} and ${unknown} unknown`)
      }),
    120_000
  )

  it.scoped(
    "the node that comes back serves again",
    () =>
      Effect.gen(function* () {
        const cluster = yield* CassandraCluster.CassandraCluster
        const shared = yield* Session.Session
        yield* cluster.start("node2")
        const node = yield* cluster.node("node2")
        const there = cql`SELECT key FROM system.local`.pipe(Statement.withHost(`${node.address}:${cluster.port}`))
        const answer = yield* shared.execute(there).pipe(
          Effect.tapError(() => Effect.sleep("200 millis")),
          Effect.eventually
        )
        assert.strictEqual(answer.info.coordinator, `${node.address}:${cluster.port}`)
      }),
    120_000
  )
})
