import { assert, describe, it } from "@effect/vitest"
import { type Cluster, cql, LoadBalancing, TimestampGenerator } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"
import * as Body from "../wire/body.ts"
import { hostIdOf, type ScriptedServer } from "../wire/ScriptedServer.ts"
import {
  announce,
  aWhile,
  connect,
  type Incoming,
  isolate,
  keepingLogs,
  keyspaceChange,
  never,
  Opcode,
  pair,
  queries,
  requests,
  schemaChange,
  server,
  statusChange,
  topologyChange,
  until
} from "./support.ts"

const status = (cluster: Cluster.Cluster, address: string) =>
  viewOf(cluster)
    .nodes.find((node) => node.address.startsWith(`${address}:`))
    ?.isUp()

const isDown = (cluster: Cluster.Cluster, address: string) => until(() => status(cluster, address) === false)

const select = cql`SELECT v FROM t WHERE k = 1`

/** A cluster whose second node is down. */
const withSecondDown = (options: Cluster.ClusterOptions) =>
  Effect.gen(function* () {
    const [first, second] = yield* pair()
    const cluster = yield* connect(first, options)
    const session = yield* cluster.connect()
    yield* session.prepare(select.query)
    const door = isolate(second)
    yield* isDown(cluster, "127.0.0.2")
    return { cluster, door, first, second, session }
  })

describe("reconnection", () => {
  it.scopedLive("follows the schedule, and repeats its last delay when it has ended", () =>
    Effect.gen(function* () {
      const reconnection = Schedule.exponential("100 millis").pipe(Schedule.intersect(Schedule.recurs(3)))
      const { cluster, door } = yield* withSecondDown({ reconnection, statusRefreshWindow: "disabled" })
      yield* until(() => door.attempts.length >= 4)
      const gaps = door.attempts.slice(1, 4).map((time, i) => time - door.attempts[i]!)
      // After the first attempt: 200 and 400 ms, and then no less than a second.
      ;[200, 400, 1000].forEach((least, i) => assert.isAtLeast(gaps[i]!, least - 10))
      door.end()
      yield* until(() => status(cluster, "127.0.0.2") === true)
    })
  )

  it.scopedLive("starts anew when the cluster says that the node is up", () =>
    Effect.gen(function* () {
      const { cluster, door, first } = yield* withSecondDown({
        reconnection: never,
        statusRefreshWindow: "immediate"
      })
      door.end()
      announce(first, statusChange("UP", "127.0.0.2"))
      yield* until(() => status(cluster, "127.0.0.2") === true)
    })
  )

  it.scopedLive("waits a part of the window, in which announcements are one", () =>
    Effect.gen(function* () {
      const { cluster, door, first } = yield* withSecondDown({
        reconnection: never,
        statusRefreshWindow: "200 millis"
      })
      for (let i = 0; i < 5; i++) announce(first, statusChange("UP", "127.0.0.2"))
      yield* until(() => door.attempts.length === 1)
      yield* aWhile
      assert.strictEqual(door.attempts.length, 1)
      assert.isFalse(status(cluster, "127.0.0.2"))
    })
  )

  it.scopedLive("is left to the schedule when announcements are disabled", () =>
    Effect.gen(function* () {
      const { door, first } = yield* withSecondDown({ reconnection: never, statusRefreshWindow: "disabled" })
      announce(first, statusChange("UP", "127.0.0.2"))
      yield* aWhile
      assert.strictEqual(door.attempts.length, 0)
    })
  )
})

describe("preparing", () => {
  it.scopedLive("is done on all nodes at once, or on the others when they are asked to execute", () =>
    Effect.gen(function* () {
      for (const prepareOnAllHosts of [true, false]) {
        const [first, second] = yield* pair()
        const session = yield* (yield* connect(first, { prepareOnAllHosts })).connect()
        yield* session.prepare(select.query)
        const prepared = () => first.count(Opcode.prepare) + second.count(Opcode.prepare)
        if (prepareOnAllHosts) yield* until(() => prepared() === 2)
        else yield* aWhile
        assert.strictEqual(prepared(), prepareOnAllHosts ? 2 : 1)
        for (let i = 0; i < 4; i++) yield* session.execute(select)
        assert.strictEqual(prepared(), 2)
      }
    })
  )

  it.scopedLive("is done again on a node that comes up, before it is used, or not", () =>
    Effect.gen(function* () {
      for (const reprepareOnUp of [true, false]) {
        const options = { reprepareOnUp, reconnection: Schedule.spaced("20 millis") }
        const { cluster, door, second } = yield* withSecondDown(options)
        const before = second.count(Opcode.prepare)
        door.end()
        yield* until(() => status(cluster, "127.0.0.2") === true)
        assert.strictEqual(second.count(Opcode.prepare) - before, reprepareOnUp ? 1 : 0)
      }
    })
  )
})

describe("a node that comes up and is slow to prepare", () => {
  it.scopedLive("is used after a moment", () =>
    Effect.gen(function* () {
      const { cluster, door, second } = yield* withSecondDown({ reconnection: Schedule.spaced("20 millis") })
      door.end()
      second.script = ({ opcode }) => opcode === Opcode.prepare
      const started = performance.now()
      yield* until(() => status(cluster, "127.0.0.2") === true)
      assert.isAtLeast(performance.now() - started, 400)
      assert.strictEqual(second.open.length, 1)
    })
  )

  it.scopedLive("is used at once when there is no other", () =>
    Effect.gen(function* () {
      const only = yield* server()
      const cluster = yield* connect(only, { reconnection: Schedule.spaced("20 millis"), timeout: "1 hour" })
      yield* (yield* cluster.connect()).prepare(select.query)
      const door = isolate(only)
      yield* isDown(cluster, "127.0.0.1")
      const before = only.count(Opcode.prepare)
      door.end()
      only.script = ({ opcode }) => opcode === Opcode.prepare
      yield* until(() => status(cluster, "127.0.0.1") === true)
      yield* until(() => only.count(Opcode.prepare) > before)
    })
  )
})

const behindNat = (options: Cluster.ClusterOptions) =>
  Effect.gen(function* () {
    const first = yield* server({ peers: [{ address: "10.99.0.2", releaseVersion: "5.0.9" }] })
    const second = yield* server({ host: "127.0.0.2", port: first.port })
    const cluster = yield* connect(first, options)
    return { addresses: (yield* cluster.hosts).map(({ address }) => address), cluster, first, second }
  })

describe("addresses", () => {
  for (const kind of ["a value", "an effect"] as const) {
    it.scopedLive(`are translated, by ${kind}, those of announcements too`, () =>
      Effect.gen(function* () {
        const asked: Array<Cluster.NodeAddress> = []
        const translated = { "10.99.0.2": "127.0.0.2" } as const
        const { addresses, cluster, first, second } = yield* behindNat({
          reconnection: never,
          statusRefreshWindow: "immediate",
          addressTranslator: (node) => {
            asked.push(node)
            const there = { address: translated["10.99.0.2"], port: node.port }
            return kind === "a value" ? there : Effect.delay(Effect.succeed(there), "5 millis")
          }
        })
        assert.sameMembers(addresses, [`127.0.0.1:${first.port}`, `127.0.0.2:${first.port}`])
        assert.deepStrictEqual(asked, [{ address: "10.99.0.2", port: first.port }])
        yield* until(() => second.open.length === 1)
        const door = isolate(second)
        yield* isDown(cluster, "127.0.0.2")
        door.end()
        announce(first, statusChange("UP", "10.99.0.2"))
        yield* until(() => second.open.length === 1)
      })
    )
  }

  const failing: Record<string, NonNullable<Cluster.ClusterOptions["addressTranslator"]>> = {
    "that fails": () => Effect.fail("no table"),
    "that throws": () => {
      throw new Error("no table")
    },
    "that dies": () => Effect.die("no table"),
    "that never ends": () => Effect.never,
    "that gives no address": () => ({ address: "", port: 0 })
  }
  for (const [what, addressTranslator] of Object.entries(failing)) {
    it.scopedLive(`stay as they are with a translator ${what}, and there is a warning`, () => {
      const logs: Array<string> = []
      return Effect.gen(function* () {
        const { addresses, first } = yield* behindNat({ addressTranslator, connectTimeout: "1 second" })
        assert.sameMembers(addresses, [`127.0.0.1:${first.port}`, `10.99.0.2:${first.port}`])
        yield* until(() => logs.some((line) => line.startsWith("WARN") && line.includes("10.99.0.2")))
      }).pipe(Effect.provide(keepingLogs(logs)))
    })
  }
})

const growing = (topologyRefreshWindow: Cluster.RefreshWindow) =>
  Effect.gen(function* () {
    const peers: Array<{ address: string; releaseVersion: string }> = []
    const first = yield* server({ peers })
    yield* server({ host: "127.0.0.2", port: first.port })
    const cluster = yield* connect(first, { topologyRefreshWindow })
    const known = queries(first, "system.peers")
    peers.push({ address: "127.0.0.2", releaseVersion: "5.0.9" })
    for (let i = 0; i < 3; i++) announce(first, topologyChange("NEW_NODE", "127.0.0.2"))
    return { cluster, first, reads: () => queries(first, "system.peers") - known }
  })

describe("the list of nodes", () => {
  it.scopedLive("is read at once, the ring with it, when its window is immediate", () =>
    Effect.gen(function* () {
      const { cluster } = yield* growing("immediate")
      yield* until(() => viewOf(cluster).nodes.length === 2 && viewOf(cluster).ring?.tokens.length === 2)
    })
  )

  it.scopedLive("is read once for all announcements of a window", () =>
    Effect.gen(function* () {
      const { cluster, reads } = yield* growing("200 millis")
      yield* until(() => viewOf(cluster).nodes.length === 2)
      assert.strictEqual(reads(), 1)
    })
  )

  it.scopedLive("is not read when its window is disabled", () =>
    Effect.gen(function* () {
      const { cluster, reads } = yield* growing("disabled")
      yield* aWhile
      assert.strictEqual(reads(), 0)
      assert.strictEqual(viewOf(cluster).nodes.length, 1)
    })
  )
})

const changed = Buffer.concat([Body.int(5), keyspaceChange("shop")])

const changing = (schemaRefreshWindow: Cluster.RefreshWindow) =>
  Effect.gen(function* () {
    const to = yield* server({
      script: (request) => {
        if (request.query?.startsWith("CREATE") !== true) return false
        request.connection.answer(request, Opcode.result, changed)
        return true
      }
    })
    const cluster = yield* connect(to, { schemaRefreshWindow })
    const reads = () => queries(to, "system_schema.keyspaces WHERE keyspace_name = 'shop'")
    for (let i = 0; i < 5; i++) announce(to, schemaChange("shop"))
    return { cluster, reads }
  })

/** The answers of two nodes that never agree on the schema; by themselves they do. */
const disagree = (request: Incoming) => {
  if (request.query?.startsWith("CREATE") === true) {
    request.connection.answer(request, Opcode.result, changed)
    return true
  }
  if (request.query?.includes("schema_version FROM system.peers") !== true) return false
  const columns = [["host_id", 12] as const, ["schema_version", 12] as const]
  const other = request.connection.socket.localAddress === "127.0.0.1" ? "127.0.0.2" : "127.0.0.1"
  const row = [hostIdOf(other), Buffer.alloc(16, 9)]
  request.connection.answer(request, Opcode.result, Body.rows(columns, [row]))
  return true
}

describe("the schema", () => {
  it.scopedLive("is read for each announcement when its window is immediate", () =>
    Effect.gen(function* () {
      const { reads } = yield* changing("immediate")
      yield* until(() => reads() === 5)
    })
  )

  it.scopedLive("is read once for all announcements of a window", () =>
    Effect.gen(function* () {
      const { reads } = yield* changing("200 millis")
      yield* until(() => reads() > 0)
      yield* aWhile
      assert.strictEqual(reads(), 1)
    })
  )

  it.scopedLive("is not read for announcements when its window is disabled, but for changes of one's own", () =>
    Effect.gen(function* () {
      const { cluster, reads } = yield* changing("disabled")
      yield* aWhile
      assert.strictEqual(reads(), 0)
      const session = yield* cluster.connect()
      yield* session.execute(cql`CREATE KEYSPACE shop WITH replication = {}`)
      yield* until(() => reads() === 1)
    })
  )

  it.scopedLive("is waited for as long as told, or not at all", () =>
    Effect.gen(function* () {
      for (const maxSchemaAgreementWait of [0, 1000]) {
        const [first, second] = yield* pair()
        first.script = second.script = disagree
        const session = yield* (yield* connect(first, { maxSchemaAgreementWait })).connect()
        const started = performance.now()
        const result = yield* session.execute(cql`CREATE KEYSPACE shop WITH replication = {}`)
        assert.isFalse(result.info.schemaInAgreement)
        const asked =
          queries(first, "schema_version FROM system.peers") + queries(second, "schema_version FROM system.peers")
        if (maxSchemaAgreementWait === 0) assert.strictEqual(asked, 0)
        else {
          assert.isAtLeast(asked, 2)
          assert.isAtLeast(performance.now() - started, 990)
        }
      }
    })
  )

  it.scopedLive("is not waited for any more when the fiber is interrupted", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({})
      first.script = second.script = disagree
      const asked = () =>
        queries(first, "schema_version FROM system.peers") + queries(second, "schema_version FROM system.peers")
      const session = yield* (yield* connect(first, { maxSchemaAgreementWait: "1 minute" })).connect()
      const fiber = yield* Effect.fork(session.execute(cql`CREATE KEYSPACE shop WITH replication = {}`))
      yield* until(() => asked() >= 2)
      yield* Fiber.interrupt(fiber)
      const before = asked()
      yield* Effect.sleep("700 millis")
      assert.isAtMost(asked(), before + 1)
    })
  )
})

const slowly = (request: Incoming) => {
  if (request.opcode !== Opcode.startup) return false
  setTimeout(
    () =>
      request.connection.socket.destroyed ||
      request.connection.answer(request, Opcode.error, Buffer.concat([Body.int(0x1002), Body.string("busy")])),
    50
  )
  return true
}

describe("pools", () => {
  const elsewhere = LoadBalancing.dcAware({ remoteDataCenters: ["dc2"] })
  const sizes = { connectionsPerHost: { local: 3, remote: 2 }, loadBalancing: elsewhere }

  it.scopedLive("have the size that belongs to the node's distance", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({ dataCenter: "dc2" })
      yield* connect(first, sizes)
      yield* until(() => first.open.length === 3 && second.open.length === 2)
      yield* aWhile
      assert.deepStrictEqual([first.open.length, second.open.length], [3, 2])
    })
  )

  it.scopedLive("of remote nodes are empty when told so", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({ dataCenter: "dc2" })
      yield* connect(first, { ...sizes, connectionsPerHost: { local: 1, remote: 0 } })
      yield* aWhile
      assert.strictEqual(second.connections.length, 0)
    })
  )

  it.scopedLive("are all open when a session waits for them", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({ dataCenter: "dc2" })
      let delayed = 0
      second.script = (request) => {
        if (request.opcode !== Opcode.startup) return false
        delayed++
        setTimeout(() => second.defaultAnswer(request), 150)
        return true
      }
      const cluster = yield* connect(first, sizes)
      yield* cluster.connect({ waitForAllPools: true })
      assert.strictEqual(delayed, 2)
      assert.deepStrictEqual(
        [...(yield* cluster.state).hosts.values()].map(({ connections }) => connections),
        [3, 2]
      )
    })
  )

  it.scopedLive("that cannot be opened are not waited for", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({ dataCenter: "dc2" })
      second.script = slowly
      const cluster = yield* connect(first, { ...sizes, reconnection: never })
      yield* cluster.connect({ waitForAllPools: true })
      assert.strictEqual([...(yield* cluster.state).hosts.values()][1]?.connections, 0)
    })
  )

  it.scopedLive("that take longer than the session may fail it, and leave nothing", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({ dataCenter: "dc2" })
      second.script = ({ opcode }) => opcode === Opcode.startup
      const cluster = yield* connect(first, sizes)
      const error = yield* Effect.flip(cluster.connect({ waitForAllPools: true, connectTimeout: "100 millis" }))
      assert.strictEqual(error._tag, "OperationTimedOutError")
      assert.strictEqual(error.writeState, "NotApplied")
      assert.strictEqual(error._tag === "OperationTimedOutError" && error.timeout, 100)
      const session = yield* cluster.connect({ connectTimeout: "10 seconds" })
      assert.strictEqual((yield* session.rows(select)).length, 1)
    })
  )

  it.scopedLive("options of a session that are invalid are named", () =>
    Effect.gen(function* () {
      const cluster = yield* connect(yield* server())
      const bad = [
        ["session.connectTimeout", { connectTimeout: 0 }],
        ["session.waitForAllPools", { waitForAllPools: "yes" }],
        ["session.timestampGenerator", { timestampGenerator: 1 }],
        ["session.keyspace", { keyspace: "" }]
      ] as const
      for (const [option, options] of bad) {
        const error = yield* Effect.flip(cluster.connect(options as object))
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, option)
      }
    })
  )
})

/** The timestamp that an EXECUTE of v5 without values carries. */
const timestampOf = ({ body }: Incoming): bigint | undefined => {
  const resultId = 2 + body.readUInt16BE(0)
  const flagsAt = resultId + 2 + body.readUInt16BE(resultId) + 2
  const flags = body.readInt32BE(flagsAt)
  if ((flags & 0x20) === 0) return undefined
  return body.readBigInt64BE(flagsAt + 4 + ((flags & 0x04) === 0 ? 0 : 4))
}

const numbered = (first: bigint) => TimestampGenerator.make(() => first++)

describe("timestamps", () => {
  const write = cql`UPDATE t SET v = 1 WHERE k = 1`

  it.scopedLive("come from the session's generator, or the cluster's, or the server", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const sent = () => timestampOf(requests(to, Opcode.execute).at(-1)!)
      const cluster = yield* connect(to, { timestampGenerator: numbered(100n) })
      const session = yield* cluster.connect()
      const other = yield* cluster.connect()
      const own = yield* cluster.connect({ timestampGenerator: numbered(500n) })
      const none = yield* cluster.connect({ timestampGenerator: TimestampGenerator.serverSide })
      const expected: ReadonlyArray<readonly [typeof session, bigint | undefined]> = [
        [session, 100n],
        [other, 101n],
        [own, 500n],
        [none, undefined],
        [own, 501n],
        [session, 102n]
      ]
      for (const [by, timestamp] of expected) {
        yield* by.execute(write)
        assert.strictEqual(sent(), timestamp)
      }
    })
  )

  it.scopedLive("are those of the clock by default, and grow over the sessions of a cluster", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const cluster = yield* connect(to)
      const before = BigInt(Date.now()) * 1000n
      for (let i = 0; i < 3; i++) yield* (yield* cluster.connect()).execute(write)
      const all = requests(to, Opcode.execute).map((request) => timestampOf(request) ?? 0n)
      assert.strictEqual(all.length, 3)
      assert.isTrue(all[0]! >= before && all[1]! > all[0]! && all[2]! > all[1]!)
    })
  )

  it.scopedLive("that cannot be had fail the request, which is not sent", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const timestampGenerator = TimestampGenerator.make(() => {
        throw new Error("no clock")
      })
      const session = yield* (yield* connect(to, { timestampGenerator })).connect()
      const error = yield* Effect.flip(session.execute(write))
      assert.strictEqual(error._tag, "QueryError")
      assert.strictEqual(error.writeState, "NotApplied")
      assert.strictEqual(to.count(Opcode.execute), 0)
    })
  )

  it.scopedLive("whose generator warns are logged", () => {
    const logs: Array<string> = []
    return Effect.gen(function* () {
      const timestampGenerator = TimestampGenerator.make((warn) => {
        warn("the clock is wrong")
        return 1n
      })
      const session = yield* (yield* connect(yield* server(), { timestampGenerator })).connect()
      const fiber = yield* Effect.fork(session.execute(write))
      yield* Fiber.join(fiber)
      yield* until(() => logs.includes("WARN the clock is wrong"))
    }).pipe(Effect.provide(keepingLogs(logs)))
  })
})

/** What the first node says of the second from now on. */
const upgrade = (first: ScriptedServer) =>
  Object.assign(first.options, { peers: [{ address: "127.0.0.2", releaseVersion: "5.1.0", dataCenter: "dc2" }] })

const second = (cluster: Cluster.Cluster) =>
  Effect.map(cluster.hosts, (hosts) => hosts.find(({ address }) => address.startsWith("127.0.0.2:")))

const isUpgraded = (cluster: Cluster.Cluster) =>
  Effect.repeat(second(cluster), {
    until: (host) => host?.version === "5.1.0" && host.dataCenter === "dc2",
    schedule: Schedule.spaced("10 millis")
  })

describe("a node that comes up again", () => {
  for (const topologyRefreshWindow of ["immediate", "50 millis", "disabled"] as const) {
    it.scopedLive(`is read anew: topologyRefreshWindow ${topologyRefreshWindow}`, () =>
      Effect.gen(function* () {
        const reconnection = Schedule.spaced("20 millis")
        const { cluster, door, first } = yield* withSecondDown({ reconnection, topologyRefreshWindow })
        upgrade(first)
        assert.deepInclude(yield* second(cluster), { version: "5.0.9" })
        door.end()
        yield* isUpgraded(cluster)
      })
    )
  }

  it.scopedLive("so soon that nobody missed it is read anew when it is announced", () =>
    Effect.gen(function* () {
      const [first] = yield* pair()
      const cluster = yield* connect(first, { topologyRefreshWindow: "50 millis" })
      upgrade(first)
      announce(first, statusChange("UP", "127.0.0.2"))
      yield* isUpgraded(cluster)
    })
  )
})
