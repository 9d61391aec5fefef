/** The engine over `cassandra-driver`: what is its own. What it has in common with the native one: see `scripts/test/bothEngines.ts`. */
import { assert, layer } from "@effect/vitest"
import driver from "cassandra-driver"
import {
  Batch,
  type CassandraError,
  Cluster,
  cql,
  CqlType,
  LoadBalancing,
  Session,
  SpeculativeExecution,
  Statement
} from "effect-cassandra"
import { DriverCluster } from "effect-cassandra/driver"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { connect, schema } from "../support/client.ts"
import * as Proxy from "../support/proxy.ts"

const { types } = driver

const server = Effect.map(CassandraServer.CassandraServer, ({ contactPoints, localDataCenter, port }) => ({
  contactPoints: [...contactPoints],
  localDataCenter,
  protocolOptions: { port }
}))

/** A client of the test's own, as an application has one. */
const client = (options: driver.ClientOptions = {}) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const { name } = yield* TestKeyspace.TestKeyspace
      return new driver.Client({ ...(yield* server), keyspace: name, ...options })
    }),
    (made) => Effect.promise(() => made.shutdown())
  )

const over = (made: driver.Client, options: DriverCluster.DriverClusterOptions = {}) =>
  Effect.flatMap(DriverCluster.fromClient(made, options), (cluster) => cluster.connect())

const columns = {
  ascii: "ascii",
  big: "bigint",
  bytes: "blob",
  flag: "boolean",
  day: "date",
  dec: "decimal",
  dbl: "double",
  dur: "duration",
  flt: "float",
  addr: "inet",
  i: "int",
  small: "smallint",
  txt: "text",
  at: "time",
  ts: "timestamp",
  tid: "timeuuid",
  tiny: "tinyint",
  uid: "uuid",
  whole: "varint",
  l: "list<bigint>",
  s: "set<text>",
  m: "map<text, varint>",
  keyed: "map<int, frozen<list<timestamp>>>",
  pair: "tuple<int, text>",
  person: "frozen<person>"
} as const

/** A value for each column, as the native engine reads it. */
const plain: Readonly<Record<keyof typeof columns, unknown>> = {
  ascii: "a",
  big: 2n ** 62n + 1n,
  bytes: Buffer.from([0, 255]),
  flag: true,
  day: "2026-05-01",
  dec: BigDecimal.make(-12345n, 3),
  dbl: 0.1,
  dur: { months: 1, days: 2, nanoseconds: 3n },
  flt: 0.5,
  addr: "2001:db8::1",
  i: -7,
  small: 300,
  txt: "Žluť",
  at: "13:30:54.000000001",
  ts: new Date("2026-05-01T12:00:00.123Z"),
  tid: "9f1c1f00-51a2-11ee-8c99-0242ac120002",
  tiny: -1,
  uid: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10",
  whole: 10n ** 30n,
  l: [1n, 2n ** 60n],
  s: new Set(["x", "y"]),
  m: new Map([["k", -(10n ** 20n)]]),
  keyed: new Map([[5, [new Date(7)]]]),
  pair: [1, null],
  person: { name: "Ada", phones: new Map([["home", ["1", "2"]]]), score: null }
}

/** The same as instances of the driver's classes. */
const ofDriver: Partial<typeof plain> = {
  big: types.Long.fromString(String(2n ** 62n + 1n)),
  day: types.LocalDate.fromString("2026-05-01"),
  dec: types.BigDecimal.fromString("-12.345"),
  dur: new types.Duration(1, 2, types.Long.fromNumber(3)),
  addr: types.InetAddress.fromString("2001:db8::1"),
  at: types.LocalTime.fromString("13:30:54.000000001"),
  tid: types.TimeUuid.fromString("9f1c1f00-51a2-11ee-8c99-0242ac120002"),
  uid: types.Uuid.fromString("b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"),
  whole: types.Integer.fromString(String(10n ** 30n)),
  pair: new types.Tuple(1, null)
}

const names = Object.keys(columns) as ReadonlyArray<keyof typeof columns>

const insert = (id: number, values: Readonly<Record<string, unknown>>) => {
  const given = Object.keys(values)
  const text = `INSERT INTO every (id, ${given.join(", ")}) VALUES (?, ${given.map(() => "?").join(", ")})`
  return Statement.make(text, [id, ...Object.values(values)])
}
const select = (id: number) => Statement.make(`SELECT ${names.join(", ")} FROM every WHERE id = ?`, [id])

const setup = Layer.effectDiscard(
  Effect.provide(
    schema(
      "CREATE TYPE person (name text, phones frozen<map<text, frozen<list<text>>>>, score int)",
      `CREATE TABLE every (id int PRIMARY KEY, ${names.map((name) => `${name} ${columns[name]}`).join(", ")})`,
      "CREATE TABLE t (id int PRIMARY KEY, v text)",
      "CREATE TABLE blobs (id int PRIMARY KEY, m map<blob, int>)"
    ),
    Layer.scoped(Session.Session, connect())
  )
).pipe(Layer.provideMerge(TestServer.layerKeyspace({ prefix: "driver" })))

const refused = <A, R>(effect: Effect.Effect<A, CassandraError.CassandraError, R>, option: string) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error._tag, "ConfigurationError", error.message)
    assert.deepInclude(error, { option })
  })

layer(setup, { excludeTestServices: true, timeout: "2 minutes" })("over cassandra-driver", (it) => {
  it.scoped("the application's client is shared and stays open; the very client is cluster.driver", () =>
    Effect.gen(function* () {
      const made = yield* client()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const cluster = yield* DriverCluster.fromClient(made)
          assert.strictEqual(yield* cluster.driver, made)
          const session = yield* cluster.connect()
          yield* session.execute(cql`INSERT INTO t (id, v) VALUES (${1}, ${"both"})`)
          const named = yield* cluster.connect({ keyspace: made.keyspace })
          assert.deepStrictEqual(yield* named.rows(cql`SELECT v FROM t WHERE id = ${1}`), [{ v: "both" }])
          const state = yield* cluster.state
          assert.strictEqual(state.protocolVersion, 4)
          assert.isAbove([...state.hosts.values()][0]!.connections, 0)
        })
      )
      const result = yield* Effect.promise(() => made.execute("SELECT v FROM t WHERE id = ?", [1], { prepare: true }))
      assert.strictEqual(result.first()["v"], "both")
      assert.strictEqual(made.listenerCount("hostUp"), 0)
    })
  )

  it.scoped("a client of its own is shut down with the scope", () =>
    Effect.gen(function* () {
      const options = yield* server
      const { name } = yield* TestKeyspace.TestKeyspace
      const made = yield* Effect.scoped(
        Effect.gen(function* () {
          const session = yield* Session.Session
          assert.isTrue(Option.isSome(yield* session.one(cql`SELECT key FROM system.local`)))
          const cluster = yield* Cluster.Cluster
          assert.isTrue(cluster === (yield* Cluster.Cluster))
          return yield* cluster.driver
        }).pipe(
          Effect.provide(Session.layer({ keyspace: name }).pipe(Layer.provideMerge(DriverCluster.layer(options))))
        )
      )
      assert.deepStrictEqual(made.getState().getConnectedHosts(), [])
    })
  )

  const encodings: ReadonlyArray<readonly [string, driver.ClientOptions["encoding"]]> = [
    ["the driver's defaults", undefined],
    ["Map and Set", { map: Map, set: Set }],
    ["BigInt", { useBigIntAsLong: true, useBigIntAsVarint: true }],
    ["BigInt for bigint alone", { useBigIntAsLong: true, map: Map }],
    ["no unset", { useUndefinedAsUnset: false, copyBuffer: false }]
  ]
  for (const [i, [what, encoding]] of encodings.entries()) {
    it.scoped(`values are the native engine's with the encoding of ${what}`, () =>
      Effect.gen(function* () {
        const native = yield* connect()
        const session = yield* over(yield* client(encoding === undefined ? {} : { encoding }))
        for (const [j, values] of [plain, { ...plain, ...ofDriver }].entries()) {
          const id = i * 10 + j
          yield* session.execute(insert(id, values))
          const read = yield* native.execute(select(id))
          assert.deepStrictEqual(read.rows, [plain])
          const own = yield* session.execute(select(id))
          assert.deepStrictEqual(own.rows, read.rows)
          assert.deepStrictEqual(
            own.columns.map(({ type }) => type),
            read.columns.map(({ type }) => type)
          )
          assert.deepStrictEqual([...(yield* Stream.runCollect(session.stream(select(id))))], [plain])
        }
        const id = i * 10 + 2
        yield* session.execute(insert(id, plain))
        yield* session.execute(insert(id, { txt: undefined, i: CqlType.unset, flag: null, l: [], m: new Map() }))
        const [row] = yield* native.rows(select(id))
        assert.deepStrictEqual(row, { ...plain, flag: null, l: null, m: null })
      })
    )
  }

  it.scoped("keys of maps that are no property's name need the encoding of Map, and fail typed without", () =>
    Effect.gen(function* () {
      const text = "INSERT INTO blobs (id, m) VALUES (?, ?)"
      const statement = Statement.make(text, [1, new Map([[Buffer.from([1, 255]), 1]])])
      const without = yield* over(yield* client())
      const error = yield* Effect.flip(without.execute(statement))
      assert.strictEqual(error._tag, "QueryError")
      assert.strictEqual(error.writeState, "NotApplied")
      const session = yield* over(yield* client({ encoding: { map: Map } }))
      yield* session.execute(statement)
      const all = cql`SELECT m FROM blobs`
      const [row] = yield* session.rows(all)
      assert.deepStrictEqual(row, { m: new Map([[Buffer.from([1, 255]), 1]]) })
      yield* refused(without.rows(all), "encoding.map")
    })
  )

  it.scoped("a value that the driver refuses is a QueryError that does not show it; nothing is sent", () =>
    Effect.gen(function* () {
      const session = yield* over(yield* client())
      for (const [column, value] of [
        ["i", "secret"],
        ["txt", 41_424_344],
        ["uid", "secret"],
        ["l", "secret"],
        ["dur", { months: 1, days: 1, nanoseconds: -41_424_344n }]
      ] as const) {
        const error = yield* Effect.flip(session.execute(insert(90, { [column]: value })))
        assert.strictEqual(error._tag, "QueryError")
        assert.strictEqual(error.writeState, "NotApplied")
        assert.notMatch(
          `${error.stack}${JSON.stringify(error)}${String((error.cause as Error)?.stack)}`,
          /secret|41424344/
        )
      }
      // Sent as bytes that the server counts, where the driver would cut them off.
      const large = yield* Effect.flip(session.execute(insert(90, { big: 2n ** 64n })))
      assert.strictEqual(large._tag, "InvalidQueryError")
    })
  )

  it.scoped("what the driver cannot do fails with a ConfigurationError that names the option", () =>
    Effect.gen(function* () {
      const made = yield* client()
      const cluster = yield* DriverCluster.fromClient(made)
      const session = yield* cluster.connect()
      const statement = cql`SELECT v FROM t WHERE id = ${1}`
      const elsewhere = LoadBalancing.dcAware()
      const twice = SpeculativeExecution.constant({ delay: "10 millis", maxExecutions: 2 })
      yield* refused(session.execute(statement.pipe(Statement.withNowInSeconds(1))), "nowInSeconds")
      yield* refused(session.execute(statement.pipe(Statement.withKeyspace("system"))), "keyspace")
      yield* refused(session.execute(statement.pipe(Statement.withLoadBalancing(elsewhere))), "loadBalancing")
      yield* refused(session.execute(statement.pipe(Statement.withSpeculativeExecution(twice))), "speculativeExecution")
      yield* refused(session.prepare(statement.query), "prepare")
      yield* refused(Effect.scoped(cluster.connect({ keyspace: "system" })), "keyspace")
      yield* refused(Effect.scoped(cluster.connect({ loadBalancing: elsewhere })), "loadBalancing")
      yield* refused(
        cluster.addProfile("p", { loadBalancing: elsewhere }) as Effect.Effect<void, CassandraError.CassandraError>,
        "loadBalancing"
      )
      const nodes = yield* Effect.flip(cluster.metadata.refreshNodes)
      assert.strictEqual(nodes._tag, "ConnectionError")
      for (const [option, value] of [
        ["contactPoints", ["127.0.0.1"]],
        ["tls", true],
        ["breaker", false],
        ["loadBalancing", elsewhere],
        ["compression", "lz4"]
      ] as const) {
        yield* refused(Effect.scoped(DriverCluster.fromClient(made, { [option]: value })), option)
      }
      yield* refused(
        Effect.scoped(DriverCluster.fromClient(made, { profiles: { p: { loadBalancing: elsewhere } as object } })),
        "profiles.p.loadBalancing"
      )
      yield* refused(Effect.scoped(DriverCluster.fromClient({} as driver.Client)), "client")
      yield* refused(Effect.scoped(DriverCluster.make(undefined as never)), "clientOptions")
      yield* refused(Effect.scoped(DriverCluster.make({})), "clientOptions")
      yield* refused(
        Effect.scoped(DriverCluster.make({ ...(yield* server), localDataCenter: "nowhere" })),
        "clientOptions"
      )
      const policies = { loadBalancing: driver.policies.defaultLoadBalancingPolicy((yield* server).localDataCenter) }
      const own = yield* DriverCluster.make({ ...(yield* server), policies })
      yield* refused(Effect.scoped(own.connect({ keyspace: "system" })), "keyspace")
    })
  )

  it.scoped("errors are typed, and the driver's are their causes", () =>
    Effect.gen(function* () {
      const session = yield* over(yield* client())
      const error = yield* Effect.flip(session.execute(Statement.make("SELEC")))
      assert.strictEqual(error._tag, "CqlSyntaxError")
      assert.instanceOf(error.cause, driver.errors.ResponseError)
      const keyspace = yield* Effect.flip(
        Effect.scoped(DriverCluster.make({ ...(yield* server), keyspace: "no_such_keyspace" }))
      )
      assert.strictEqual(keyspace._tag, "InvalidQueryError")
      const nobody = yield* Effect.flip(
        Effect.scoped(
          DriverCluster.make(
            { contactPoints: ["127.0.0.1"], localDataCenter: "dc1", protocolOptions: { port: 1 } },
            { connectAttempts: 1 }
          )
        )
      )
      assert.strictEqual(nobody._tag, "ConnectionError")
    })
  )

  it.scoped("retries are those of the policy, whatever the client's own would do", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      class Reckless extends driver.policies.retry.RetryPolicy {
        override onRequestError() {
          return this.retryResult(types.consistencies.one, true)
        }
        override onUnavailable() {
          return this.retryResult(types.consistencies.one, true)
        }
        override onWriteTimeout() {
          return this.retryResult(types.consistencies.one, true)
        }
      }
      const session = yield* over(
        yield* client({
          contactPoints: ["127.0.0.1"],
          protocolOptions: { port: proxy.port },
          policies: { retry: new Reckless() }
        })
      )
      const write = cql`INSERT INTO t (id, v) VALUES (${2}, ${"x"})`
      yield* session.execute(write)
      let sent = 0
      proxy.onRequest = (frame) =>
        frame.opcode === Proxy.opcodes.execute || frame.opcode === Proxy.opcodes.batch
          ? (sent++, Proxy.errors.writeTimeout(frame, "SIMPLE"))
          : "forward"
      const once = yield* Effect.flip(session.execute(write))
      assert.strictEqual(once._tag, "WriteTimeoutError")
      assert.strictEqual(once.writeState, "Unknown")
      assert.strictEqual(sent, 1)
      yield* Effect.flip(session.batch(Batch.make("UNLOGGED", [write])))
      assert.strictEqual(sent, 2)
      const again = yield* Effect.flip(session.execute(write.pipe(Statement.idempotent)))
      assert.strictEqual(again._tag, "WriteTimeoutError")
      assert.isAbove(sent, 3)
    })
  )

  it.scoped("nodes, tokens and replicas are the driver's, in the shape of the native engine", () =>
    Effect.gen(function* () {
      const { name } = yield* TestKeyspace.TestKeyspace
      const { metadata: native } = yield* Effect.flatMap(CassandraServer.CassandraServer, ({ contactPoints, port }) =>
        Cluster.make({ contactPoints, port })
      )
      const { hosts, metadata } = yield* DriverCluster.fromClient(yield* client())
      assert.deepStrictEqual(yield* hosts, yield* native.hosts)
      assert.deepStrictEqual(yield* metadata.tokenMap, yield* native.tokenMap)
      const key = Buffer.from([0, 0, 0, 1])
      assert.deepStrictEqual(yield* metadata.replicas(name, key), yield* native.replicas(name, key))
      assert.deepStrictEqual(yield* metadata.tokenRanges(name), yield* native.tokenRanges(name))
      assert.deepStrictEqual(yield* metadata.replicas("system", key), Option.none())
      assert.deepStrictEqual(yield* metadata.table(name, "t"), yield* native.table(name, "t"))
      assert.isTrue(yield* metadata.schemaInAgreement)
      yield* metadata.awaitSchemaAgreement()
      yield* metadata.refreshKeyspace(name)
    })
  )

  it.scoped("events of nodes come from the client", () =>
    Effect.gen(function* () {
      const made = yield* client()
      const cluster = yield* DriverCluster.fromClient(made)
      const events = yield* cluster.subscribe()
      const [host] = made.hosts.values()
      made.emit("hostDown", host)
      made.emit("hostUp", host)
      const heard = yield* Stream.runCollect(Stream.take(events, 2))
      assert.deepStrictEqual(
        [...heard].map(({ _tag }) => _tag),
        ["HostDown", "HostUp"]
      )
    })
  )
})
