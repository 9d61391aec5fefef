/** Options that a real server shows to have arrived. */
import { assert, layer } from "@effect/vitest"
import { AuthProvider, Cluster, cql, Statement, TimestampGenerator } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { makeTls } from "../../../testkit/src/internal/tls.ts"
import { cluster, connect, optionsFor } from "../support/client.ts"
import * as Proxy from "../support/proxy.ts"
import { since, withTls } from "../support/release.ts"

const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.zipRight(Effect.sleep("10 millis"), until(condition))))

const insert = (k: number) => cql`INSERT INTO stamped (k, v) VALUES (${k}, 1)`

const knows = (of: Cluster.Cluster, keyspace: string) => viewOf(of).replication(keyspace) !== undefined

const create = (keyspace: string) =>
  Statement.make(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)

const drop = (keyspace: string) => Statement.make(`DROP KEYSPACE IF EXISTS ${keyspace}`)

layer(TestServer.layerKeyspace({ prefix: "options" }), { excludeTestServices: true })("options", (it) => {
  if (since("4.1", "what the server lists of its clients")) {
    it.scoped(
      "the server lists the client with its name, version, protocol, CQL version and keyspace-less connections",
      () =>
        Effect.gen(function* () {
          const applicationName = `shop ${Math.random()}`
          const connected = yield* cluster({
            applicationName,
            applicationVersion: "1.2.3",
            cqlVersion: "3.4.6",
            protocolVersion: 5,
            connectionsPerHost: 3
          })
          const session = yield* connected.connect()
          const clients = yield* session.rows(cql`SELECT client_options, protocol_version FROM system_views.clients`)
          const ours = clients.filter(({ client_options }) => {
            const options = client_options as ReadonlyMap<string, string> | null
            return options?.get("APPLICATION_NAME") === applicationName
          })
          assert.strictEqual(ours.length, 3)
          for (const { client_options, protocol_version } of ours) {
            const options = client_options as ReadonlyMap<string, string>
            assert.strictEqual(options.get("APPLICATION_VERSION"), "1.2.3")
            assert.strictEqual(options.get("CQL_VERSION"), "3.4.6")
            assert.strictEqual(protocol_version, 5)
          }
        })
    )
  }

  it.scoped("protocolVersion: 4 is what is spoken", () =>
    Effect.gen(function* () {
      const connected = yield* cluster({ protocolVersion: 4, minimumProtocolVersion: 4 })
      assert.strictEqual((yield* connected.state).protocolVersion, 4)
      const session = yield* connected.connect()
      assert.strictEqual((yield* session.rows(cql`SELECT key FROM system.local`)).length, 1)
    })
  )

  it.scoped("a CQL version that there is not is a ConfigurationError", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(cluster({ cqlVersion: "2.0.0" }))
      assert.strictEqual(error._tag === "ConfigurationError" && error.option, "cqlVersion")
    })
  )

  it.scoped("timestamps are the generator's, the statement's or the query's", () =>
    Effect.gen(function* () {
      const timestampGenerator = TimestampGenerator.make(() => 1_000_000n)
      const session = yield* connect({ timestampGenerator })
      yield* session.execute(cql`CREATE TABLE stamped (k int PRIMARY KEY, v int)`)
      const { name } = yield* TestKeyspace.TestKeyspace
      const other = yield* (yield* cluster()).connect({
        keyspace: name,
        timestampGenerator: TimestampGenerator.serverSide
      })
      yield* session.execute(insert(1))
      yield* session.execute(insert(2).pipe(Statement.withTimestamp(2_000_000n)))
      yield* session.execute(cql`INSERT INTO stamped (k, v) VALUES (3, 1) USING TIMESTAMP 3000000`)
      yield* other.execute(insert(4))
      const rows = yield* session.rows(cql`SELECT k, writetime(v) AS t FROM stamped`)
      const times = new Map(rows.map(({ k, t }) => [k, t as bigint]))
      assert.deepStrictEqual(
        [1, 2, 3].map((k) => times.get(k)),
        [1_000_000n, 2_000_000n, 3_000_000n]
      )
      assert.isTrue(times.get(4)! > 1_600_000_000_000_000n)
    })
  )

  it.scoped("the schema that another client changes is read in its window, or not, but one's own is", () =>
    Effect.gen(function* () {
      const { name } = yield* TestKeyspace.TestKeyspace
      const immediate = yield* cluster({ schemaRefreshWindow: "immediate" })
      const disabled = yield* cluster({ schemaRefreshWindow: "disabled" })
      const other = yield* connect()
      const created = `${name}_window`
      yield* Effect.addFinalizer(() =>
        Effect.ignore(Effect.forEach([created, `${created}_own`], (keyspace) => other.execute(drop(keyspace))))
      )
      yield* other.execute(create(created))
      yield* until(() => knows(immediate, created))
      assert.isFalse(knows(disabled, created))
      yield* (yield* disabled.connect()).execute(create(`${created}_own`))
      yield* until(() => knows(disabled, `${created}_own`))
    })
  )

  it.scoped("a connection that is cut is opened again by the schedule", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const reconnection = Schedule.spaced("50 millis")
      const connected = yield* Cluster.make({ ...Proxy.through(proxy), reconnection, connectionsPerHost: 2 })
      const session = yield* connected.connect()
      let cut = false
      proxy.onRequest = () => {
        if (cut) return "forward"
        cut = true
        return "cut"
      }
      yield* Effect.exit(session.execute(cql`SELECT key FROM system.local`))
      yield* until(() => proxy.opened() >= 3 && proxy.open() === 2)
      yield* session.execute(cql`SELECT key FROM system.local`)
    })
  )
})

const guarded = CassandraServer.layer({
  authentication: true,
  tls: { requireClientAuth: true },
  ...withTls
})

layer(guarded, { excludeTestServices: true, timeout: "3 minutes" })(
  "a server with TLS, both ways, and passwords",
  (it) => {
    const reach = Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const { ca, cert, key } = Option.getOrThrow(server.tls)
      const { credentials: _, ...options } = optionsFor(server)
      return { options: { ...options, connectAttempts: 1 }, tls: { ca, cert, key } }
    })

    it.scoped("takes a password that is asked for anew for each connection", () =>
      Effect.gen(function* () {
        const { options, tls } = yield* reach
        let asked = 0
        const authentication = AuthProvider.plainTextWith(
          Effect.sync(() => {
            asked++
            return { username: "cassandra", password: Redacted.make("cassandra") }
          })
        )
        const connected = yield* Cluster.make({ ...options, tls, authentication, connectionsPerHost: 2 })
        const session = yield* connected.connect()
        const rows = yield* session.rows(cql`SELECT username, ssl_enabled FROM system_views.clients`)
        assert.isAtLeast(rows.length, 2)
        for (const row of rows) assert.deepStrictEqual({ ...row }, { username: "cassandra", ssl_enabled: true })
        assert.strictEqual(asked, 2)
      })
    )

    it.scoped("without the client's certificate, or with another authority, says which option to set", () =>
      Effect.gen(function* () {
        const { options, tls } = yield* reach
        const credentials = { username: "cassandra", password: Redacted.make("cassandra") }
        const refusal = (given: Cluster.TlsOptions) =>
          Effect.flip(Cluster.make({ ...options, credentials, tls: given }))
        const certificate = yield* refusal({ ca: tls.ca })
        assert.strictEqual(certificate._tag === "ConfigurationError" && certificate.option, "tls.cert")
        const authority = yield* refusal({ cert: tls.cert, key: tls.key })
        assert.strictEqual(authority._tag === "ConfigurationError" && authority.option, "tls.ca")
        const foreign = makeTls(["localhost"]).client
        const stranger = yield* refusal({ ca: tls.ca, cert: foreign.certificate, key: Redacted.make(foreign.key) })
        assert.strictEqual(stranger._tag, "AuthenticationError", stranger.message)
        assert.include(stranger.message, "`tls.cert`")
        const name = yield* refusal({ ...tls, serverName: "elsewhere.example" })
        assert.strictEqual(name._tag === "ConfigurationError" && name.option, "tls.serverName")
      })
    )
  }
)
