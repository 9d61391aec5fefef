import { assert, layer } from "@effect/vitest"
import { Batch, CassandraError, Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Chunk from "effect/Chunk"
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { cluster, connect, sessionLayer, optionsFor, schema } from "./support/client.ts"

const setup = Layer.effectDiscard(
  schema(
    "CREATE TABLE users (id int PRIMARY KEY, name text, visits bigint)",
    "CREATE TABLE hits (id int PRIMARY KEY, n counter)"
  )
).pipe(Layer.provideMerge(sessionLayer("session")))

const write = (id: number) => cql`INSERT INTO users (id, name) VALUES (${id}, ${"batched"})`

layer(setup, { excludeTestServices: true })("a session", (it) => {
  it.effect("gives text that looks like CQL back as the data it is", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const attempts = [
        "'; DROP TABLE users; --",
        "'); TRUNCATE users; --",
        `"; DROP KEYSPACE x; "`,
        "$$ ? :name /*",
        ""
      ]
      for (const [i, attempt] of attempts.entries()) {
        const id = 100 + i
        yield* session.execute(cql`INSERT INTO users (id, name) VALUES (${id}, ${attempt})`)
        const row = yield* session.one(cql`SELECT name FROM users WHERE id = ${id}`)
        assert.deepStrictEqual(row, Option.some({ name: attempt }))
      }
    })
  )

  it.effect("executes statements with values by name, whatever their case", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(
        Statement.make("INSERT INTO users (id, name) VALUES (:userId, :name)", { userId: 1, name: "Ada" })
      )
      const row = yield* session.one(Statement.make("SELECT name FROM users WHERE id = :id", { id: 1 }))
      assert.deepStrictEqual(row, Option.some({ name: "Ada" }))
    })
  )

  it.effect("composes statements and quotes identifiers", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const { name } = yield* TestKeyspace.TestKeyspace
      const table = "MixedCase"
      const key = cql.id('The "Key"; --')
      yield* session.execute(cql`CREATE TABLE ${cql.id(name, table)} (${key} int PRIMARY KEY, v text)`)
      yield* session.execute(cql`INSERT INTO ${cql.id(table)} (${key}, v) VALUES (${1}, ${"one"})`)
      const where = cql`WHERE ${key} = ${1}`
      const row = yield* session.one(cql`SELECT * FROM ${cql.id(table)} ${where}`)
      assert.deepStrictEqual(row, Option.some({ 'The "Key"; --': 1, v: "one" }))
    })
  )

  it.effect("decodes rows with a schema, and fails with a ParseError for a row that does not fit", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      class User extends Schema.Class<User>("User")({
        id: Schema.Int,
        name: Schema.String,
        visits: Schema.BigIntFromSelf
      }) {}
      yield* session.execute(cql`INSERT INTO users (id, name, visits) VALUES (${2}, ${"Grace"}, ${2n ** 62n})`)
      const statement = cql`SELECT * FROM users WHERE id = ${2}`.pipe(Statement.as(User))
      const user = yield* session.one(statement)
      assert.deepStrictEqual(user, Option.some(new User({ id: 2, name: "Grace", visits: 2n ** 62n })))
      assert.deepStrictEqual(yield* session.rows(statement), [new User({ id: 2, name: "Grace", visits: 2n ** 62n })])
      yield* session.execute(cql`UPDATE users SET visits = ${null} WHERE id = ${2}`)
      for (const effect of [
        session.execute(statement),
        session.rows(statement),
        session.one(statement),
        Stream.runDrain(session.stream(statement))
      ]) {
        const error = yield* Effect.flip(effect as Effect.Effect<unknown, { readonly _tag: string }>)
        assert.strictEqual(error._tag, "ParseError")
      }
    })
  )

  it.effect(
    "tells whether a conditional write was applied, with the current row when it was not, and none otherwise",
    () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const insert = cql`INSERT INTO users (id, name) VALUES (${3}, ${"first"}) IF NOT EXISTS`
        const applied = yield* session.execute(insert)
        assert.deepStrictEqual(applied.wasApplied, Option.some(true))
        assert.deepStrictEqual(applied.rows, [])
        const refused = yield* session.execute(insert)
        assert.deepStrictEqual(refused.wasApplied, Option.some(false))
        assert.deepStrictEqual(refused.rows, [{ id: 3, name: "first", visits: null }])
        assert.deepStrictEqual(refused.one, Option.some({ id: 3, name: "first", visits: null }))
        const streamed = yield* Stream.runCollect(session.stream(insert))
        assert.deepStrictEqual(Chunk.toReadonlyArray(streamed), refused.rows)
        const update = yield* session.execute(cql`UPDATE users SET name = ${"x"} WHERE id = ${3} IF name = ${"other"}`)
        assert.deepStrictEqual(update.wasApplied, Option.some(false))
        assert.deepStrictEqual(update.rows, [{ name: "first" }])
        const done = yield* session.execute(cql`UPDATE users SET name = ${"x"} WHERE id = ${3} IF name = ${"first"}`)
        assert.deepStrictEqual(done.wasApplied, Option.some(true))
        for (const other of [
          cql`INSERT INTO users (id, name) VALUES (${3}, ${"again"})`,
          cql`SELECT * FROM users WHERE id = ${3}`,
          cql`SELECT * FROM users WHERE id = ${-1}`
        ]) {
          assert.deepStrictEqual((yield* session.execute(other)).wasApplied, Option.none())
        }
        const Name = Schema.Struct({ name: Schema.String })
        const typed = yield* session.execute(
          cql`UPDATE users SET name = ${"y"} WHERE id = ${3} IF name = ${"nobody"}`.pipe(Statement.as(Name))
        )
        assert.deepStrictEqual(typed.rows, [{ name: "again" }])
      })
  )

  it.effect("tells whether a conditional batch was applied", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const batch = Batch.make("UNLOGGED", [
        cql`INSERT INTO users (id, name) VALUES (${4}, ${"a"}) IF NOT EXISTS`,
        cql`UPDATE users SET visits = ${1n} WHERE id = ${4}`
      ])
      assert.deepStrictEqual((yield* session.batch(batch)).wasApplied, Option.some(true))
      assert.deepStrictEqual((yield* session.batch(batch)).wasApplied, Option.some(false))
      const row = yield* session.one(cql`SELECT name, visits FROM users WHERE id = ${4}`)
      assert.deepStrictEqual(row, Option.some({ name: "a", visits: 1n }))
    })
  )

  it.effect("applies batches of every type, with a timestamp for all of it", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const result = yield* session.batch(Batch.make("LOGGED", [write(10), write(11)], { timestamp: 5_000n }))
      assert.deepStrictEqual(result.wasApplied, Option.none())
      yield* session.batch(Batch.make("UNLOGGED", [write(12)]))
      yield* session.batch(
        Batch.make("COUNTER", [
          cql`UPDATE hits SET n = n + ${2n} WHERE id = ${1}`,
          cql`UPDATE hits SET n = n + 1 WHERE id = ${1}`
        ])
      )
      const rows = yield* session.rows(
        cql`SELECT id, name, WRITETIME(name) AS at FROM users WHERE id IN (${10}, ${11})`
      )
      assert.deepStrictEqual(rows, [
        { id: 10, name: "batched", at: 5_000n },
        { id: 11, name: "batched", at: 5_000n }
      ])
      assert.deepStrictEqual(yield* session.one(cql`SELECT n FROM hits WHERE id = ${1}`), Option.some({ n: 3n }))
      const empty = yield* Effect.flip(session.batch(Batch.make("LOGGED", [])))
      assert.strictEqual(empty._tag, "QueryError")
    })
  )

  it.effect("prepares ahead, tells the types of the variables, and binds by position and by name", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const { name: keyspace } = yield* TestKeyspace.TestKeyspace
      const insert = yield* session.prepare("INSERT INTO users (id, name, visits) VALUES (?, ?, ?)")
      assert.deepStrictEqual(insert.variables, [
        { keyspace, table: "users", name: "id", type: "int" },
        { keyspace, table: "users", name: "name", type: "text" },
        { keyspace, table: "users", name: "visits", type: "bigint" }
      ])
      yield* session.execute(insert.bind([20, "p", 1n]).pipe(Statement.idempotent))
      yield* session.execute(insert.bind({ id: 21, name: "q", visits: 2n }))
      const rows = yield* session.rows(cql`SELECT id, name, visits FROM users WHERE id IN (${20}, ${21})`)
      assert.deepStrictEqual(rows, [
        { id: 20, name: "p", visits: 1n },
        { id: 21, name: "q", visits: 2n }
      ])
    })
  )

  it.effect("tells how the request was answered", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const result = yield* session.execute(
        cql`SELECT id, name FROM users WHERE id = ${1}`.pipe(
          Statement.withConsistency("ONE"),
          Statement.withTracing(true)
        )
      )
      assert.match(result.info.coordinator, /:\d+$/)
      assert.strictEqual(result.info.attempts, 1)
      assert.deepStrictEqual(result.info.triedHosts, [])
      assert.strictEqual(result.info.achievedConsistency, "ONE")
      assert.match(Option.getOrThrow(result.info.traceId), /^[0-9a-f-]{36}$/)
      assert.isTrue(result.info.schemaInAgreement)
      const keyspace = Option.getOrThrow(session.keyspace)
      assert.deepStrictEqual(result.columns, [
        { keyspace, table: "users", name: "id", type: "int" },
        { keyspace, table: "users", name: "name", type: "text" }
      ])
      const plain = yield* session.execute(cql`SELECT id FROM users WHERE id = ${1}`)
      assert.deepStrictEqual(plain.info.traceId, Option.none())
      assert.strictEqual(plain.info.achievedConsistency, "LOCAL_ONE")
    })
  )

  it.effect("hands on the server's warnings", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      // Without the partition key, an aggregation is answered with a warning.
      const { info } = yield* session.execute(cql`SELECT count(*) FROM users`)
      assert.strictEqual(info.warnings.length, 1)
      assert.match(info.warnings[0] as string, /Aggregation query/)
    })
  )

  it.effect("writes with the timestamp of the statement", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const at = 1_700_000_000_123_456n
      yield* session.execute(cql`INSERT INTO users (id, name) VALUES (${30}, ${"t"})`.pipe(Statement.withTimestamp(at)))
      const row = yield* session.one(cql`SELECT WRITETIME(name) AS at FROM users WHERE id = ${30}`)
      assert.deepStrictEqual(row, Option.some({ at }))
    })
  )

  it.effect("refuses USE, which would change the keyspace of everyone", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const statement of [cql`USE system`, cql` /* x */ use ${cql.id("system")}`]) {
        const error = yield* Effect.flip(session.execute(statement))
        assert.strictEqual(error._tag, "QueryError")
      }
      assert.strictEqual((yield* session.rows(cql`SELECT id FROM users WHERE id = ${1}`)).length, 1)
    })
  )

  it.scoped("with another keyspace reads its own tables, at the same time", () =>
    Effect.gen(function* () {
      const one = yield* Session.Session
      const server = yield* CassandraServer.CassandraServer
      const other = yield* TestKeyspace.make({ prefix: "other" })
      const shared = yield* Cluster.make(optionsFor(server))
      const two = yield* shared.connect({ keyspace: other.name })
      const three = yield* shared.connect({ keyspace: Option.getOrThrow(one.keyspace) })
      yield* two.execute(cql`CREATE TABLE users (id int PRIMARY KEY, name text)`)
      yield* one.execute(cql`INSERT INTO users (id, name) VALUES (${40}, ${"one"})`)
      yield* two.execute(cql`INSERT INTO users (id, name) VALUES (${40}, ${"two"})`)
      const select = cql`SELECT name FROM users WHERE id = ${40}`
      const names = yield* Effect.forEach(
        Array.from({ length: 60 }, (_, i) => [one, two, three][i % 3] as Session.Session),
        (session) => Effect.map(session.one(select), (row) => Option.getOrThrow(row)["name"]),
        { concurrency: "unbounded" }
      )
      names.forEach((name, i) => assert.strictEqual(name, ["one", "two", "one"][i % 3]))
      assert.deepStrictEqual(two.keyspace, Option.some(other.name))
    })
  )

  it.scoped(
    "withKeyspace sends one statement to another keyspace, a host named as well, and leaves the session in its own",
    () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const other = yield* TestKeyspace.make({ prefix: "other" })
        const within = Statement.withKeyspace(other.name)
        yield* session.execute(cql`CREATE TABLE users (id int PRIMARY KEY, name text)`.pipe(within))
        yield* session.execute(cql`INSERT INTO users (id, name) VALUES (${50}, ${"there"})`.pipe(within))
        yield* session.execute(cql`INSERT INTO users (id, name) VALUES (${50}, ${"here"})`)
        const select = cql`SELECT name FROM users WHERE id = ${50}`
        const { info } = yield* session.execute(select)
        const host = Statement.withHost(info.coordinator)
        assert.deepStrictEqual(yield* session.one(select.pipe(within)), Option.some({ name: "there" }))
        assert.deepStrictEqual(yield* session.one(select.pipe(within, host)), Option.some({ name: "there" }))
        assert.deepStrictEqual(yield* session.one(select.pipe(host)), Option.some({ name: "here" }))
        assert.deepStrictEqual(yield* session.one(select), Option.some({ name: "here" }))
        yield* session.batch(Batch.make("LOGGED", [cql`DELETE FROM users WHERE id = ${50}`], { keyspace: other.name }))
        assert.deepStrictEqual(yield* session.one(select.pipe(within)), Option.none())
        assert.deepStrictEqual(yield* session.one(select), Option.some({ name: "here" }))
      })
  )

  it.scoped("a keyspace that does not exist is an InvalidQueryError, and can be used once it does", () =>
    Effect.gen(function* () {
      const clusterOne = yield* cluster()
      const missing = `missing_${process.pid}_${Date.now()}`
      const opened = yield* Effect.flip(clusterOne.connect({ keyspace: missing }))
      assert.strictEqual(opened._tag, "InvalidQueryError")
      const session = yield* clusterOne.connect()
      const select = cql`SELECT name FROM t WHERE id = ${1}`.pipe(Statement.withKeyspace(missing))
      assert.strictEqual((yield* Effect.flip(session.execute(select)))._tag, "InvalidQueryError")
      const { localDataCenter } = yield* CassandraServer.CassandraServer
      yield* Effect.acquireRelease(
        session.execute(
          Statement.make(
            `CREATE KEYSPACE ${missing} WITH replication = {'class': 'NetworkTopologyStrategy', '${localDataCenter}': 1}`
          )
        ),
        () => Effect.orDie(session.execute(Statement.make(`DROP KEYSPACE ${missing}`)))
      )
      yield* session.execute(Statement.make(`CREATE TABLE ${missing}.t (id int PRIMARY KEY, name text)`))
      assert.deepStrictEqual(yield* session.one(select), Option.none())
      const later = yield* clusterOne.connect({ keyspace: missing })
      assert.deepStrictEqual(yield* later.rows(cql`SELECT * FROM t`), [])
    })
  )

  it.effect("withHost sends to that host, and a host that is none of the cluster's is a ConfigurationError", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const select = cql`SELECT id FROM users WHERE id = ${1}`
      const { info } = yield* session.execute(select)
      const again = yield* session.execute(select.pipe(Statement.withHost(info.coordinator)))
      assert.strictEqual(again.info.coordinator, info.coordinator)
      const error = yield* Effect.flip(session.execute(select.pipe(Statement.withHost("127.0.0.99:1"))))
      assert.strictEqual(error._tag === "ConfigurationError" && error.option, "host")
    })
  )

  it.effect("withDefaults sets options for the requests made in an effect; inner ones and the statement's win", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const select = cql`SELECT id FROM users WHERE id = ${1}`
      const level = (statement: Statement.Statement<Statement.Row, never, never>) =>
        Effect.map(session.execute(statement), ({ info }) => info.achievedConsistency)
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* level(select), "QUORUM")
        assert.strictEqual(yield* level(select.pipe(Statement.withConsistency("ALL"))), "ALL")
        assert.strictEqual(yield* level(select).pipe(Session.withDefaults({ pageSize: 10 })), "QUORUM")
        assert.strictEqual(yield* level(select).pipe(Session.withDefaults({ consistency: "ONE" })), "ONE")
        const forked = yield* Effect.forkDaemon(level(select))
        assert.strictEqual(yield* forked, "QUORUM")
      }).pipe(Session.withDefaults({ consistency: "QUORUM" }))
      assert.strictEqual(yield* level(select), "LOCAL_ONE")
    })
  )

  it.effect("withDefaults reaches streams, their later pages too", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* Effect.forEach([1, 2, 3, 4, 5], (i) => session.execute(cql`INSERT INTO users (id) VALUES (${i})`))
      const sizes = yield* session.pages(cql`SELECT id FROM users`).pipe(
        Stream.take(2),
        Stream.map((page) => page.rows.length),
        Stream.runCollect,
        Session.withDefaults({ pageSize: 2 })
      )
      assert.deepStrictEqual(Chunk.toArray(sizes), [2, 2])
    })
  )

  it.scoped("takes options from the session, the profile and the cluster", () =>
    Effect.gen(function* () {
      const session = yield* connect(
        { consistency: "TWO", profiles: { strong: { consistency: "ALL" } } },
        { consistency: "ONE" }
      )
      const select = cql`SELECT id FROM users WHERE id = ${1}`
      const { info } = yield* session.execute(select)
      assert.strictEqual(info.achievedConsistency, "ONE")
      const strong = yield* session.execute(select.pipe(Statement.withProfile("strong")))
      assert.strictEqual(strong.info.achievedConsistency, "ALL")
      const error = yield* Effect.flip(session.execute(select.pipe(Statement.withProfile("weak"))))
      assert.strictEqual(error._tag === "ConfigurationError" && error.option, "profile")
    })
  )

  it.scoped("ANY from untyped code is refused everywhere, before anything is sent", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const any = "ANY" as "ONE"
      const statement = cql`INSERT INTO users (id) VALUES (${60})`
      for (const effect of [
        session.execute(statement.pipe(Statement.withConsistency(any))),
        session.execute(statement).pipe(Session.withDefaults({ consistency: any })),
        session.batch(Batch.make("LOGGED", [statement], { consistency: any })),
        connect({}, { consistency: any }),
        cluster({ consistency: any }),
        cluster({ profiles: { p: { consistency: any } } })
      ]) {
        const error = yield* Effect.flip(effect as Effect.Effect<unknown, { readonly _tag: string }, never>)
        assert.strictEqual(error._tag, "ConfigurationError")
      }
      assert.deepStrictEqual(yield* session.one(cql`SELECT id FROM users WHERE id = ${60}`), Option.none())
    })
  )
})

layer(sessionLayer("layers"), { excludeTestServices: true })("layers", (it) => {
  const answer = Effect.gen(function* () {
    const session = yield* Session.Session
    const row = yield* session.one(cql`SELECT cluster_name FROM system.local`)
    assert.isTrue(Option.isSome(row))
    return session
  })

  it.effect("a cluster and a session, closed when they are no longer used", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const { name } = yield* TestKeyspace.TestKeyspace
      const live = Session.layer({ keyspace: name }).pipe(Layer.provideMerge(Cluster.layer(optionsFor(server))))
      const [session, used] = yield* Effect.all([answer, Cluster.Cluster]).pipe(Effect.provide(live))
      assert.deepStrictEqual(session.keyspace, Option.some(name))
      assert.isTrue(yield* session.isClosed)
      assert.isTrue(yield* used.isClosed)
      const error = yield* Effect.flip(session.execute(cql`SELECT * FROM system.local`))
      assert.strictEqual(error._tag, "SessionClosedError")
    })
  )

  it.effect("layerConfig takes some or all options from Config", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const { name } = yield* TestKeyspace.TestKeyspace
      const live = Session.layerConfig({ keyspace: Config.string("SHOP_KEYSPACE") }).pipe(
        Layer.provide(
          Cluster.layerConfig({
            contactPoints: Config.array(Config.string(), "SHOP_HOSTS"),
            port: Config.integer("SHOP_PORT"),
            credentials: { username: Config.string("SHOP_USER"), password: Config.redacted("SHOP_PASSWORD") }
          })
        )
      )
      const credentials = Option.getOrElse(server.credentials, () => ({ username: "u", password: Redacted.make("p") }))
      const provider = ConfigProvider.fromMap(
        new Map([
          ["SHOP_KEYSPACE", name],
          ["SHOP_HOSTS", server.contactPoints.join(",")],
          ["SHOP_PORT", String(server.port)],
          ["SHOP_USER", credentials.username],
          ["SHOP_PASSWORD", Redacted.value(credentials.password)]
        ])
      )
      const session = yield* answer.pipe(Effect.provide(live), Effect.withConfigProvider(provider))
      assert.deepStrictEqual(session.keyspace, Option.some(name))
      const missing = yield* Effect.flip(
        answer.pipe(Effect.provide(live), Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
      )
      assert.notStrictEqual((missing as { readonly _tag: string })._tag, "ConnectionError")
    })
  )

  it.effect("layerEnv takes CASSANDRA_* variables, which win over the options, and the keyspace for the session", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const { name } = yield* TestKeyspace.TestKeyspace
      const live = Session.layerEnv().pipe(Layer.provide(Cluster.layerEnv({ contactPoints: ["192.0.2.1"], port: 1 })))
      const variables: Array<readonly [string, string]> = [
        ["CASSANDRA_CONTACT_POINTS", server.contactPoints.join(",")],
        ["CASSANDRA_PORT", String(server.port)],
        ["CASSANDRA_LOCAL_DC", server.localDataCenter],
        ["CASSANDRA_KEYSPACE", name],
        ...Option.match(server.credentials, {
          onNone: () => [],
          onSome: ({ password, username }): Array<readonly [string, string]> => [
            ["CASSANDRA_USERNAME", username],
            ["CASSANDRA_PASSWORD", Redacted.value(password)]
          ]
        })
      ]
      const provider = ConfigProvider.fromMap(new Map(variables))
      const session = yield* answer.pipe(Effect.provide(live), Effect.withConfigProvider(provider))
      assert.deepStrictEqual(session.keyspace, Option.some(name))
    })
  )

  for (const [variables, expected] of [
    [{ CASSANDRA_USERNAME: "u" }, "ConfigurationError"],
    [{ CASSANDRA_PASSWORD: "planted" }, "ConfigurationError"],
    [{ CASSANDRA_TLS_CA: "/does/not/exist.pem" }, "ConfigurationError"],
    [{ CASSANDRA_PORT: "many" }, "ConfigError"],
    [{ CASSANDRA_TLS: "perhaps" }, "ConfigError"]
  ] as const) {
    it.effect(`layerEnv with ${Object.keys(variables)[0]} alone or unreadable fails with ${expected}`, () =>
      Effect.gen(function* () {
        const provider = ConfigProvider.fromMap(new Map(Object.entries(variables)))
        const error = yield* Effect.flip(
          Effect.scoped(Layer.build(Cluster.layerEnv())).pipe(Effect.withConfigProvider(provider))
        )
        assert.strictEqual(
          CassandraError.isCassandraError(error) ? error._tag : ConfigError.isConfigError(error) && "ConfigError",
          expected
        )
        assert.notInclude(String(error), "planted")
      })
    )
  }
})
