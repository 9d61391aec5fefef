import { assert, layer } from "@effect/vitest"
import { CassandraError, Cluster, type ClusterEvent, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { viewOf } from "../src/internal/cluster/clusterView.ts"
import { cluster as clusterOf, optionsFor, schema } from "./support/client.ts"
import { since } from "./support/release.ts"

const vectors = since("5.0", "vectors and storage-attached indexes of a table")

/** A cluster, and a session of it in the file's keyspace. */
const connected = Layer.effect(
  Session.Session,
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    return yield* (yield* Cluster.Cluster).connect({ keyspace: name })
  })
).pipe(
  Layer.provideMerge(
    Layer.scoped(
      Cluster.Cluster,
      Effect.flatMap(CassandraServer.CassandraServer, (server) => Cluster.make(optionsFor(server)))
    )
  ),
  Layer.provideMerge(TestServer.layerKeyspace({ prefix: "metadata" })),
  Layer.provideMerge(Layer.scope)
)

const places = Effect.gen(function* () {
  const { metadata } = yield* Cluster.Cluster
  const { name } = yield* TestKeyspace.TestKeyspace
  return { metadata, ks: name }
})

/** Another client's change, and the wait until this one has heard of it. */
const elsewhere = (change: string) =>
  Effect.gen(function* () {
    const heard = yield* (yield* Cluster.Cluster).subscribe()
    const { name } = yield* TestKeyspace.TestKeyspace
    const other = yield* (yield* clusterOf()).connect({ keyspace: name })
    yield* other.execute(Statement.make(change))
    return yield* Stream.runHead(
      Stream.filter(heard, (event) => event._tag === "SchemaChanged" && event.keyspace === name)
    )
  }).pipe(Effect.scoped, Effect.map(Option.getOrThrow))

const named = (event: ClusterEvent.ClusterEvent) =>
  event._tag === "SchemaChanged" ? Option.getOrElse(event.name, () => event.keyspace) : event

layer(connected, { excludeTestServices: true })("metadata", (it) => {
  it.effect("tells a table as it was made: columns, keys, order, options, indexes", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      yield* schema(
        `CREATE TABLE readings (
          "Room" text, day date, at timestamp, seq int, place text static, value double, tags set<text>,
          ${vectors ? "embedding vector<float, 3>," : ""} notes frozen<map<text, list<int>>>, PRIMARY KEY (("Room", day), at, seq)
        ) WITH CLUSTERING ORDER BY (at DESC, seq ASC) AND comment = 'what was measured' AND gc_grace_seconds = 3600
          AND compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '64'}`,
        "CREATE INDEX by_place ON readings (place)",
        "CREATE INDEX by_tag ON readings (tags)",
        ...(vectors
          ? [
              "CREATE INDEX by_value ON readings (value) USING 'sai'",
              "CREATE CUSTOM INDEX by_embedding ON readings (embedding) USING 'StorageAttachedIndex' WITH OPTIONS = {'similarity_function': 'dot_product'}"
            ]
          : [])
      )
      const table = Option.getOrThrow(yield* metadata.table(ks, "readings"))
      assert.deepStrictEqual(
        table.columns.map(({ kind, name, type }) => [name, type, kind]),
        [
          ["Room", "text", "partition_key"],
          ["day", "date", "partition_key"],
          ["at", "timestamp", "clustering"],
          ["seq", "int", "clustering"],
          ["place", "text", "static"],
          ...(vectors ? [["embedding", "vector<float, 3>", "regular"]] : []),
          ["notes", "frozen<map<text, frozen<list<int>>>>", "regular"],
          ["tags", "set<text>", "regular"],
          ["value", "double", "regular"]
        ]
      )
      assert.deepStrictEqual(
        table.partitionKey.map(({ name }) => name),
        ["Room", "day"]
      )
      assert.deepStrictEqual(
        table.clusteringKey.map(({ clusteringOrder, name }) => [name, clusteringOrder]),
        [
          ["at", Option.some("DESC")],
          ["seq", Option.some("ASC")]
        ]
      )
      assert.strictEqual(table.virtual, false)
      assert.deepStrictEqual(table.flags, ["compound"])
      assert.strictEqual(table.options["comment"], "what was measured")
      assert.strictEqual(table.options["gc_grace_seconds"], 3600)
      assert.deepInclude(table.options["compaction"], { sstable_size_in_mb: "64" })
      assert.deepStrictEqual(table.options["extensions"], {})
      assert.deepStrictEqual(
        table.indexes.map(({ className, kind, name, options, target }) => [name, kind, target, className, options]),
        [
          ...(vectors
            ? [
                [
                  "by_embedding",
                  "CUSTOM",
                  "embedding",
                  Option.some("StorageAttachedIndex"),
                  { similarity_function: "dot_product" }
                ]
              ]
            : []),
          ["by_place", "COMPOSITES", "place", Option.none(), {}],
          ["by_tag", "COMPOSITES", "values(tags)", Option.none(), {}],
          ...(vectors ? [["by_value", "CUSTOM", "value", Option.some("sai"), {}]] : [])
        ]
      )
      const id = yield* (yield* Session.Session).one(
        cql`SELECT id FROM system_schema.tables WHERE keyspace_name = ${ks} AND table_name = 'readings'`
      )
      assert.deepStrictEqual(
        table.id,
        Option.map(id, (row) => row["id"])
      )
    })
  )

  it.effect("follows a table that is altered and dropped, by this client or by another one", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      const columns = Effect.map(
        metadata.table(ks, "moving"),
        Option.map((table) => table.columns.map(({ name }) => name))
      )
      assert.deepStrictEqual(yield* columns, Option.none())
      yield* schema("CREATE TABLE moving (id int PRIMARY KEY, a int)")
      assert.deepStrictEqual(yield* columns, Option.some(["id", "a"]))
      yield* schema("ALTER TABLE moving ADD b text")
      assert.deepStrictEqual(yield* columns, Option.some(["id", "a", "b"]))
      const event = yield* elsewhere("ALTER TABLE moving DROP a")
      assert.deepStrictEqual(event, {
        _tag: "SchemaChanged",
        change: "updated",
        target: "table",
        keyspace: ks,
        name: Option.some("moving"),
        argumentTypes: []
      } satisfies ClusterEvent.SchemaChanged)
      assert.deepStrictEqual(yield* columns, Option.some(["id", "b"]))
      yield* elsewhere("DROP TABLE moving")
      assert.deepStrictEqual(yield* columns, Option.none())
    })
  )

  it.effect("follows views, types, functions and aggregates", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      yield* schema(
        "CREATE TABLE people (id int PRIMARY KEY, city text, name text)",
        `CREATE MATERIALIZED VIEW people_by_city AS SELECT city, id, name FROM people
           WHERE city IS NOT NULL AND id IS NOT NULL PRIMARY KEY (city, id) WITH comment = 'a view'`,
        "CREATE TYPE address (street text, numbers frozen<list<int>>)",
        `CREATE FUNCTION twice (n int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java AS 'return n * 2;'`,
        `CREATE FUNCTION twice (n double) CALLED ON NULL INPUT RETURNS double LANGUAGE java AS 'return n * 2;'`,
        `CREATE FUNCTION plus (state int, n int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return state + n;'`,
        "CREATE AGGREGATE total (int) SFUNC plus STYPE int FINALFUNC twice INITCOND 1"
      )
      const view = Option.getOrThrow(yield* metadata.view(ks, "people_by_city"))
      assert.deepInclude(view, {
        baseTable: "people",
        includesAllColumns: false,
        whereClause: "city IS NOT NULL AND id IS NOT NULL"
      })
      assert.deepStrictEqual(
        view.columns.map(({ kind, name }) => [name, kind]),
        [
          ["city", "partition_key"],
          ["id", "clustering"],
          ["name", "regular"]
        ]
      )
      assert.strictEqual(view.options["comment"], "a view")
      assert.deepStrictEqual(Option.getOrThrow(yield* metadata.userType(ks, "address")), {
        keyspace: ks,
        name: "address",
        fields: [
          { name: "street", type: "text" },
          { name: "numbers", type: "frozen<list<int>>" }
        ]
      })
      assert.deepStrictEqual(Option.getOrThrow(yield* metadata.function(ks, "twice", ["double"])), {
        keyspace: ks,
        name: "twice",
        arguments: [{ name: "n", type: "double" }],
        returnType: "double",
        language: "java",
        body: "return n * 2;",
        calledOnNullInput: true
      })
      assert.isTrue(Option.isNone(yield* metadata.function(ks, "twice", ["text"])))
      assert.deepStrictEqual(Option.getOrThrow(yield* metadata.aggregate(ks, "total", ["int"])), {
        keyspace: ks,
        name: "total",
        argumentTypes: ["int"],
        returnType: "int",
        stateFunction: "plus",
        stateType: "int",
        finalFunction: Option.some("twice"),
        initialCondition: Option.some("1")
      })

      yield* schema(
        "ALTER MATERIALIZED VIEW people_by_city WITH comment = 'another'",
        "ALTER TYPE address ADD zip text",
        `CREATE OR REPLACE FUNCTION twice (n double) CALLED ON NULL INPUT RETURNS double LANGUAGE java AS 'return 2 * n;'`,
        "CREATE OR REPLACE AGGREGATE total (int) SFUNC plus STYPE int INITCOND 2"
      )
      const keyspace = Option.getOrThrow(yield* metadata.keyspace(ks))
      assert.strictEqual(keyspace.views.get("people_by_city")?.options["comment"], "another")
      assert.deepStrictEqual(
        keyspace.userTypes.get("address")?.fields.map(({ name }) => name),
        ["street", "numbers", "zip"]
      )
      assert.deepStrictEqual(keyspace.functions.map(({ name }) => name).toSorted(), ["plus", "twice", "twice"])
      assert.strictEqual(Option.getOrThrow(yield* metadata.function(ks, "twice", ["double"])).body, "return 2 * n;")
      assert.deepStrictEqual(
        Option.map(yield* metadata.aggregate(ks, "total", ["int"]), ({ finalFunction, initialCondition }) => [
          finalFunction,
          initialCondition
        ]),
        Option.some([Option.none(), Option.some("2")])
      )

      yield* schema(
        "DROP AGGREGATE total",
        "DROP FUNCTION twice(int)",
        "DROP TYPE address",
        "DROP MATERIALIZED VIEW people_by_city"
      )
      assert.isTrue(Option.isNone(yield* metadata.aggregate(ks, "total", ["int"])))
      assert.isTrue(Option.isNone(yield* metadata.function(ks, "twice", ["int"])))
      assert.isTrue(Option.isSome(yield* metadata.function(ks, "twice", ["double"])))
      assert.isTrue(Option.isNone(yield* metadata.view(ks, "people_by_city")))
      const error = yield* Effect.flip(metadata.requireUserType(ks, "address"))
      assert.deepInclude(error, { _tag: "UserTypeNotFoundError", keyspace: ks, name: "address" })
    })
  )

  it.effect("follows a keyspace: its replication, whether its writes are durable, and its end", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      const name = `${ks}_2`
      const facts = Effect.map(
        metadata.keyspace(name),
        Option.map(({ durableWrites, replication }) => [durableWrites, replication["replication_factor"]])
      )
      yield* schema(`CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
      assert.deepStrictEqual(yield* facts, Option.some([true, "1"]))
      yield* schema(
        `ALTER KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3} AND durable_writes = false`
      )
      assert.deepStrictEqual(yield* facts, Option.some([false, "3"]))
      yield* schema(`DROP KEYSPACE ${name}`)
      assert.deepStrictEqual(yield* facts, Option.none())
    })
  )

  it.effect("knows system keyspaces, and the virtual ones with their tables", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      const all = yield* metadata.keyspaces
      assert.isTrue(all.has(ks) && all.has("system") && all.has("system_traces"))
      const views = all.get("system_views")
      assert.strictEqual(views?.virtual, true)
      const clients = Option.getOrThrow(yield* metadata.table("system_views", "clients"))
      assert.deepInclude(clients, { virtual: true, id: Option.none() })
      assert.strictEqual(clients.partitionKey[0]?.name, "address")
      assert.isTrue(Option.isSome(clients.clusteringKey[0]?.clusteringOrder ?? Option.none()))
      // Asked for on its own, it is the same.
      const alone = yield* Effect.flatMap(clusterOf(), (other) => other.metadata.keyspace("system_views"))
      assert.deepStrictEqual(Option.getOrThrow(alone), views)
    })
  )

  it.effect("refreshes each thing on its own", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      yield* schema(
        "CREATE TABLE fresh (id int PRIMARY KEY, v int)",
        "CREATE INDEX fresh_v ON fresh (v)",
        "CREATE TYPE fresh_type (a int)",
        `CREATE FUNCTION fresh_f (s int, n int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return n;'`,
        "CREATE AGGREGATE fresh_a (int) SFUNC fresh_f STYPE int",
        `CREATE MATERIALIZED VIEW fresh_view AS SELECT * FROM fresh WHERE v IS NOT NULL AND id IS NOT NULL PRIMARY KEY (v, id)`
      )
      assert.strictEqual(Option.getOrThrow(yield* metadata.refreshTable(ks, "fresh")).indexes[0]?.name, "fresh_v")
      assert.isTrue(Option.isSome(yield* metadata.refreshView(ks, "fresh_view")))
      assert.isTrue(Option.isSome(yield* metadata.refreshUserType(ks, "fresh_type")))
      assert.isTrue(Option.isSome(yield* metadata.refreshFunction(ks, "fresh_f", ["int", "int"])))
      assert.isTrue(Option.isSome(yield* metadata.refreshAggregate(ks, "fresh_a", ["int"])))
      assert.isTrue(Option.isNone(yield* metadata.refreshTable(ks, "stale")))
      assert.isTrue(Option.isNone(yield* metadata.refreshKeyspace("stale")))
      assert.strictEqual(Option.getOrThrow(yield* metadata.refreshKeyspace("system_views")).virtual, true)
      const known = Option.getOrThrow(yield* metadata.keyspace(ks))
      const renewed = Option.getOrThrow(yield* metadata.refreshKeyspace(ks))
      assert.deepStrictEqual(renewed, known)
      assert.deepStrictEqual((yield* metadata.refreshSchema({ maxWait: "5 seconds" })).get(ks), known)
      const [node] = yield* metadata.refreshNodes
      assert.strictEqual(node?.status, "UP")
    })
  )

  it.effect("knows the ring, and which node a key belongs to", () =>
    Effect.gen(function* () {
      const { ks, metadata } = yield* places
      yield* schema(
        "CREATE TABLE spread (a int, b text, c int, PRIMARY KEY ((a, b), c))",
        "CREATE TABLE single (id int PRIMARY KEY)"
      )
      const hosts = yield* metadata.hosts
      const local = Option.getOrThrow(
        yield* (yield* Session.Session).one(cql`SELECT tokens, partitioner, host_id FROM system.local`)
      )
      assert.deepStrictEqual(
        hosts.map(({ hostId, tokens }) => [hostId, [...tokens].toSorted()]),
        [[local["host_id"] as string, [...(local["tokens"] as ReadonlySet<string>)].toSorted()]]
      )
      assert.deepStrictEqual(yield* metadata.host(hosts[0]?.hostId ?? ""), Option.fromNullable(hosts[0]))
      assert.deepStrictEqual(yield* metadata.host(hosts[0]?.address ?? ""), Option.fromNullable(hosts[0]))
      assert.isTrue(Option.isNone(yield* metadata.host("nobody")))
      const ring = Option.getOrThrow(yield* metadata.tokenMap)
      assert.strictEqual(ring.partitioner, local["partitioner"])
      assert.strictEqual(ring.tokens.length, hosts[0]?.tokens.length)
      assert.strictEqual(ring.ranges.length, ring.tokens.length)
      // The tokens that the server tells, in the order of numbers.
      const inOrder = [...(local["tokens"] as ReadonlySet<string>)].map(BigInt).toSorted((a, b) => (a < b ? -1 : 1))
      assert.deepStrictEqual(
        ring.tokens.map(({ token }) => BigInt(token)),
        inOrder
      )
      const ranges = Option.getOrThrow(yield* metadata.tokenRanges(ks))
      assert.isTrue(ranges.every(({ replicas }) => replicas.length === 1))
      // Each row is in one range, by the server's own reckoning.
      const session = yield* Session.Session
      yield* Effect.forEach(
        Array.from({ length: 50 }, (_, id) => id),
        (id) => session.execute(cql`INSERT INTO single (id) VALUES (${id})`)
      )
      const tokens = (yield* session.rows(cql`SELECT token(id) AS t FROM single`)).map((row) => row["t"] as bigint)
      const found: Array<bigint> = []
      for (const { end, start } of ranges) {
        const [from, to] = [BigInt(start), BigInt(end)]
        const parts =
          from < to
            ? [cql`SELECT token(id) AS t FROM single WHERE token(id) > ${from} AND token(id) <= ${to}`]
            : [
                cql`SELECT token(id) AS t FROM single WHERE token(id) > ${from}`,
                cql`SELECT token(id) AS t FROM single WHERE token(id) <= ${to}`
              ]
        for (const part of parts) found.push(...(yield* session.rows(part)).map((row) => row["t"] as bigint))
      }
      assert.deepStrictEqual(
        found.toSorted((a, b) => (a < b ? -1 : 1)),
        tokens.toSorted((a, b) => (a < b ? -1 : 1))
      )
      const key = Buffer.from([0, 0, 0, 7])
      assert.deepStrictEqual(yield* metadata.replicas(ks, key), Option.some(hosts))
      assert.deepStrictEqual(yield* metadata.replicasOf(ks, "single", [7]), Option.some(hosts))
      assert.deepStrictEqual(yield* metadata.replicasOf(ks, "spread", { a: 7, b: "x" }), Option.some(hosts))
      for (const none of [
        metadata.replicasOf(ks, "nothing", [7]),
        metadata.replicasOf("nothing", "nothing", [7]),
        metadata.replicasOf("system", "local", ["local"]),
        metadata.replicasOf("system_views", "clients", ["127.0.0.1"])
      ]) {
        assert.deepStrictEqual(yield* none, Option.none())
      }
      for (const wrong of [["seven"], [null], [7, 8]]) {
        assert.strictEqual((yield* Effect.flip(metadata.replicasOf(ks, "single", wrong)))._tag, "QueryError")
      }
    })
  )

  it.scoped("of a cluster that keeps no schema asks a server each time, and knows no replicas", () =>
    Effect.gen(function* () {
      const { ks } = yield* places
      yield* schema("CREATE TABLE unkept (id int PRIMARY KEY)")
      const keepsNone = yield* clusterOf({ schemaMetadata: false })
      const { metadata } = keepsNone
      const columns = Effect.map(
        metadata.table(ks, "unkept"),
        Option.map((table) => table.columns.length)
      )
      assert.isUndefined(viewOf(keepsNone).replication(ks))
      assert.deepStrictEqual(yield* columns, Option.some(1))
      yield* schema("ALTER TABLE unkept ADD v int")
      assert.deepStrictEqual(yield* columns, Option.some(2))
      assert.isTrue((yield* metadata.keyspaces).has(ks))
      assert.isTrue(Option.isNone(yield* metadata.replicasOf(ks, "unkept", [1])))
      assert.isTrue(Option.isSome(yield* metadata.tokenMap))
    })
  )

  it.scoped("of a cluster that keeps no tokens has no ring and knows no replicas, whatever is refreshed", () =>
    Effect.gen(function* () {
      const { ks } = yield* places
      yield* schema("CREATE TABLE ringless (id int PRIMARY KEY)")
      const { metadata } = yield* clusterOf({ tokenMetadata: false })
      assert.lengthOf(yield* metadata.refreshNodes, 1)
      assert.isTrue(Option.isNone(yield* metadata.tokenMap))
      assert.isTrue(Option.isNone(yield* metadata.tokenRanges(ks)))
      assert.isTrue(Option.isNone(yield* metadata.replicasOf(ks, "ringless", [1])))
      assert.isTrue(Option.isSome(yield* metadata.table(ks, "ringless")))
    })
  )

  it.effect("knows that one node agrees with itself", () =>
    Effect.gen(function* () {
      const { metadata } = yield* places
      assert.isTrue(yield* metadata.schemaInAgreement)
      yield* metadata.awaitSchemaAgreement()
    })
  )

  it.effect("fails with a typed error when its cluster is closed, whatever is asked for or refreshed", () =>
    Effect.gen(function* () {
      const cluster = yield* Effect.scoped(clusterOf())
      const { metadata } = cluster
      const asked: ReadonlyArray<Effect.Effect<unknown, CassandraError.CassandraError>> = [
        metadata.keyspace("system"),
        metadata.table("system", "local"),
        metadata.refreshTable("system", "local"),
        metadata.refreshUserType("system", "nothing"),
        metadata.refreshFunction("system", "nothing", []),
        metadata.refreshAggregate("system", "nothing", [])
      ]
      for (const question of asked) assert.strictEqual((yield* Effect.flip(question))._tag, "SessionClosedError")
      const refreshed: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
        metadata.refreshSchema(),
        metadata.refreshKeyspace("system"),
        metadata.refreshNodes
      ]
      for (const refresh of refreshed) {
        const error = yield* Effect.flip(refresh)
        assert.isTrue(CassandraError.isCassandraError(error), String(error))
      }
    })
  )
})

layer(connected, { excludeTestServices: true })("events of the schema", (it) => {
  it.effect("tell of each kind of change, with its names", () =>
    Effect.gen(function* () {
      const { ks } = yield* places
      const cluster = yield* Cluster.Cluster
      const ours = Stream.filterMap((event: ClusterEvent.ClusterEvent) =>
        event._tag === "SchemaChanged" && event.keyspace === ks ? Option.some(event) : Option.none()
      )
      const first = yield* cluster.subscribe()
      const second = yield* cluster.subscribe()
      const collect = (events: Stream.Stream<ClusterEvent.ClusterEvent>) =>
        Effect.fork(Effect.map(Stream.runCollect(Stream.take(ours(events), 7)), (seen) => Chunk.toReadonlyArray(seen)))
      const one = yield* collect(first)
      const two = yield* collect(second)
      yield* schema(
        "CREATE TABLE t (id int PRIMARY KEY)",
        "ALTER TABLE t ADD v int",
        "CREATE TYPE u (a int)",
        `CREATE FUNCTION f (s int, n int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return n;'`,
        "CREATE AGGREGATE a (int) SFUNC f STYPE int",
        "DROP AGGREGATE a(int)",
        "DROP TABLE t"
      )
      const seen = yield* Fiber.join(one)
      assert.deepStrictEqual(
        seen.map(({ argumentTypes, change, name, target }) => [change, target, Option.getOrNull(name), argumentTypes]),
        [
          ["created", "table", "t", []],
          ["updated", "table", "t", []],
          ["created", "type", "u", []],
          ["created", "function", "f", ["int", "int"]],
          ["created", "aggregate", "a", ["int"]],
          ["dropped", "aggregate", "a", ["int"]],
          ["dropped", "table", "t", []]
        ]
      )
      assert.deepStrictEqual(yield* Fiber.join(two), seen)
    }).pipe(Effect.scoped)
  )

  it.scoped("end when the cluster is closed", () =>
    Effect.gen(function* () {
      const cluster = yield* clusterOf()
      const ended = yield* Effect.fork(Stream.runDrain(cluster.events))
      yield* Effect.yieldNow()
      yield* cluster.close
      yield* Fiber.join(ended)
      yield* Stream.runDrain(cluster.events)
    })
  )

  it.scoped("tell a slow subscriber how many it has missed, and nobody else is kept waiting", () =>
    Effect.gen(function* () {
      const { ks } = yield* places
      const cluster = yield* Cluster.Cluster
      const slow = yield* cluster.subscribe({ capacity: 2 })
      const quick = yield* cluster.subscribe()
      yield* schema(...[1, 2, 3, 4, 5].map((n) => `CREATE TYPE slow${n} (a int)`))
      const all = yield* Stream.runCollect(
        Stream.takeUntil(quick, (event) => named(event) === "slow5" && "keyspace" in event && event.keyspace === ks)
      )
      const seen = Chunk.toReadonlyArray(yield* Stream.runCollect(Stream.take(slow, 3)))
      // Other test files may change their keyspaces meanwhile, so the count is that of all events.
      assert.deepStrictEqual(seen.slice(0, 2).map(named), Chunk.toReadonlyArray(Chunk.map(Chunk.take(all, 2), named)))
      assert.strictEqual(seen[2]?._tag, "Dropped")
      assert.isAtLeast(seen[2]?._tag === "Dropped" ? seen[2].count : 0, all.length - 2)
    })
  )
})
