/** A server with passwords and roles: what is not allowed has its error, and no secret is ever printed. */
import { assert, layer } from "@effect/vitest"
import {
  Batch,
  CassandraError as E,
  CassandraMetrics,
  Cluster,
  cql,
  Health,
  Migrator,
  PagingState,
  RetryPolicy,
  Session,
  Statement
} from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import { optionsFor } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"
import { assertNoSecret, captured, secrets, shown } from "./support/secrets.ts"
import * as Recording from "./support/tracer.ts"

// Without the cache of permissions, so that what is granted counts at once.
const guarded = CassandraServer.layer({
  authentication: true,
  // By the names that 4.0 has for them, which later releases know as well.
  settings: { permissions_validity_in_ms: 0, roles_validity_in_ms: 0 }
})

const credentials = (username: string, password: string) => ({ username, password: Redacted.make(password) })

const login = (username: string, password: string, options: Cluster.ClusterOptions = {}) =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const cluster = yield* Cluster.make({
      ...optionsFor(server),
      ...options,
      credentials: credentials(username, password)
    })
    return yield* cluster.connect()
  })

const admin = login("cassandra", "cassandra")

/** A keyspace with a table, and a role that may do everything. */
const furnish = (setup: Session.Session, keyspace: string, role: string) =>
  Effect.forEach(
    [
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      `CREATE TABLE ${keyspace}.t (id text, n int, v text, PRIMARY KEY (id, n))`,
      `CREATE ROLE ${role} WITH PASSWORD = '${secrets.password}' AND LOGIN = true AND SUPERUSER = true`
    ],
    (text) => setup.execute(Statement.make(text)),
    { discard: true }
  )

const decorate = <A, R, Er>(statement: Statement.Statement<A, R, Er>) =>
  statement.pipe(Statement.withCustomPayload({ key: Buffer.from(secrets.payload) }))

const drop = () => "drop" as const

/** Runs an effect whose requests the proxy treats so. */
const faulted = (
  proxy: Proxy.Proxy,
  action: (frame: Proxy.Frame) => Proxy.Action,
  effect: Effect.Effect<unknown, unknown>
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      proxy.onRequest = (frame) =>
        frame.opcode === Proxy.opcodes.execute || frame.opcode === Proxy.opcodes.batch ? action(frame) : "forward"
    }),
    () => effect,
    () => Effect.sync(() => (proxy.onRequest = () => "forward"))
  )

layer(guarded, { excludeTestServices: true, timeout: "3 minutes" })("a server with roles", (it) => {
  it.scoped("who may not log in, or not with this password, is refused with an AuthenticationError", () =>
    Effect.gen(function* () {
      const session = yield* admin
      yield* session.execute(Statement.make("CREATE ROLE sleeper WITH PASSWORD = 'right' AND LOGIN = false"))
      yield* session.execute(Statement.make("CREATE ROLE waker WITH PASSWORD = 'right' AND LOGIN = true"))
      for (const [name, password] of [
        ["sleeper", "right"],
        ["waker", "wrong"],
        ["nobody", "right"],
        ["waker", ""],
        ["", "right"],
        ["waker", "right\0"]
      ] as const) {
        const error = yield* Effect.flip(Effect.scoped(login(name, password)))
        assert.strictEqual(error._tag, "AuthenticationError", `${name.slice(0, 10)} ${password.slice(0, 10)}`)
        assert.isFalse(error.isRetryable)
      }
      yield* Effect.scoped(login("waker", "right"))
    })
  )

  it.scoped("what a role may not do is an UnauthorizedError, until it is granted, and again when it is revoked", () =>
    Effect.gen(function* () {
      const session = yield* admin
      for (const text of [
        "CREATE KEYSPACE guarded WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE guarded.t (id int PRIMARY KEY, v text)",
        "CREATE ROLE reader WITH PASSWORD = 'r' AND LOGIN = true"
      ]) {
        yield* session.execute(Statement.make(text))
      }
      const reader = yield* login("reader", "r")
      const select = cql`SELECT v FROM guarded.t WHERE id = ${1}`
      const insert = cql`INSERT INTO guarded.t (id, v) VALUES (${1}, ${secrets.value})`
      const denied: ReadonlyArray<readonly [string, Effect.Effect<unknown, E.CassandraError>]> = [
        ["read", reader.execute(select)],
        ["write", reader.execute(insert)],
        ["batch", reader.batch(Batch.make("LOGGED", [insert]))],
        ["truncate", reader.execute(Statement.make("TRUNCATE guarded.t"))],
        ["create", reader.execute(Statement.make("CREATE TABLE guarded.mine (id int PRIMARY KEY)"))],
        ["drop", reader.execute(Statement.make("DROP KEYSPACE guarded"))],
        ["role", reader.execute(Statement.make("ALTER ROLE reader WITH SUPERUSER = true"))],
        ["grant", reader.execute(Statement.make("GRANT SELECT ON guarded.t TO reader"))]
      ]
      for (const [name, effect] of denied) {
        const error = yield* Effect.flip(effect)
        assert.strictEqual(error._tag, "UnauthorizedError", `${name}: ${error.message}`)
        assert.strictEqual(error.writeState, "NotApplied")
        assertNoSecret(shown(error), name)
      }
      yield* session.execute(Statement.make("GRANT SELECT ON guarded.t TO reader"))
      yield* reader.execute(select)
      assert.strictEqual((yield* Effect.flip(reader.execute(insert)))._tag, "UnauthorizedError")
      yield* session.execute(Statement.make("REVOKE SELECT ON guarded.t FROM reader"))
      assert.strictEqual((yield* Effect.flip(reader.execute(select)))._tag, "UnauthorizedError")
    })
  )

  it.scoped("no password, value, paging state or payload is in any error, log or print", () =>
    Effect.gen(function* () {
      const setup = yield* admin
      const server = yield* CassandraServer.CassandraServer
      yield* furnish(setup, "secrets", "keeper")
      const { value } = secrets
      const proxy = yield* Proxy.make(server)
      const options = { ...optionsFor(server), ...Proxy.through(proxy), retryPolicy: RetryPolicy.never }

      const work = Effect.gen(function* () {
        const made: Cluster.ClusterOptions = { ...options, credentials: credentials("keeper", secrets.password) }
        const cluster = yield* Cluster.make(made)
        const session = yield* cluster.connect({ keyspace: "secrets" })
        const insert = decorate(cql`INSERT INTO t (id, n, v) VALUES (${value}, ${1}, ${value})`)
        const state = PagingState.fromBytes(Buffer.from(secrets.pagingState))
        const paged = cql`SELECT * FROM t WHERE id = ${value}`.pipe(Statement.withPagingState(state))
        const prepared = yield* session.prepare("SELECT * FROM t WHERE id = ?")
        const batch = Batch.make("LOGGED", [insert], { customPayload: { key: Buffer.from(secrets.payload) } })
        yield* session.execute(cql`INSERT INTO t (id, n, v) VALUES (${value}, ${1}, ${value})`)
        const result = yield* session.execute(cql`SELECT n FROM t WHERE id = ${value}`)

        const failing: Array<Effect.Effect<unknown, unknown>> = [
          Cluster.make({ ...options, credentials: credentials("nobody", secrets.password) }),
          Cluster.make({ ...options, credentials: { username: "u", password: secrets.password as never } }),
          Cluster.make({ ...options, port: 0, credentials: credentials("u", secrets.password) }),
          Cluster.make({ ...options, tls: { cert: secrets.value, key: Redacted.make(secrets.password) } }),
          Cluster.make({ ...options, tls: { ca: secrets.value } }),
          session.execute(cql`INSERT INTO t (id, n) VALUES (${value}, ${value})`),
          session.execute(cql`INSERT INTO t (id, n) VALUES (${{ value }}, ${1})`),
          session.execute(cql`SELECT * FROM missing WHERE id = ${value}`),
          session.execute(cql`SELEKT ${value}`),
          session.execute(Statement.make("SELECT * FROM t WHERE id = :id", { other: value })),
          session.execute(prepared.bind([value, value])),
          session.execute(cql`SELECT * FROM t WHERE v = ${value}`),
          session.execute(cql`INSERT INTO t (id, n, v) VALUES (${value.repeat(5000)}, ${1}, ${value})`),
          session.execute(paged),
          session.execute(Statement.make("SELECT * FROM t", [], { pagingState: secrets.pagingState as never })),
          session.execute(Statement.make("SELECT * FROM t", [], { customPayload: { k: secrets.payload as never } })),
          session.execute(Statement.make("SELECT * FROM t", [], { timestamp: value as never })),
          PagingState.fromText(`${secrets.pagingState}!`)
        ].map((effect) => Effect.scoped(effect as Effect.Effect<unknown, unknown>))
        const { bootstrapping, overloaded, readTimeout, server: serverError, unavailable, writeTimeout } = Proxy.errors
        for (const action of [
          overloaded,
          bootstrapping,
          serverError,
          unavailable,
          (frame: Proxy.Frame) => writeTimeout(frame, "SIMPLE"),
          (frame: Proxy.Frame) => readTimeout(frame, 0, false)
        ]) {
          failing.push(faulted(proxy, action, session.execute(insert)), faulted(proxy, action, session.batch(batch)))
        }
        failing.push(
          faulted(proxy, drop, session.execute(insert.pipe(Statement.withTimeout("50 millis")))),
          faulted(proxy, drop, session.execute(insert.pipe(Statement.withDeadline("50 millis")))),
          faulted(proxy, () => "cut" as const, session.execute(insert))
        )
        for (const [i, effect] of failing.entries()) {
          const error = yield* Effect.flip(effect).pipe(
            Effect.catchAll((unexpected) => Effect.fail(new Error(`case ${i} did not fail: ${inspect(unexpected)}`)))
          )
          assert.isTrue(E.isCassandraError(error), `case ${i}: ${inspect(error)}`)
          assertNoSecret(shown(error), `case ${i}: ${(error as E.CassandraError)._tag}`)
          yield* Effect.logTrace("a failure", error, Cause.fail(error))
        }
        // What a program may log that means no harm.
        for (const harmless of [made, insert, paged, batch, state, result.info, prepared]) {
          assertNoSecret(inspect(harmless, { depth: 20 }), "what is inspected")
          assertNoSecret(
            JSON.stringify(harmless, (_, part) => (typeof part === "bigint" ? String(part) : part)),
            "JSON"
          )
          yield* Effect.logTrace(harmless)
        }
      })
      const { printed } = yield* captured(Effect.scoped(work))
      assert.include(printed, "a failure")
      assertNoSecret(printed, "what was printed")
    })
  )

  it.scoped(
    "nor in a span, a metric, the log of slow queries, an event, a health report or what a migration says",
    () =>
      Effect.gen(function* () {
        const setup = yield* admin
        const server = yield* CassandraServer.CassandraServer
        yield* furnish(setup, "watched", "watcher")
        const { value } = secrets
        const proxy = yield* Proxy.make(server)
        const { spans, tracer } = Recording.make()
        const told: Array<unknown> = []
        const tell = (what: unknown) => void told.push(what)
        const memory = CassandraMetrics.memorySink()
        const insert = (n: unknown) => decorate(cql`INSERT INTO t (id, n, v) VALUES (${value}, ${n}, ${value})`)
        const read = cql`SELECT * FROM t WHERE id = ${value}`.pipe(Statement.withPageSize(1))
        const misfit = insert(value)
        const missing = cql`SELECT * FROM missing WHERE id = ${value}`

        const work = Effect.gen(function* () {
          const cluster = yield* Cluster.make({
            ...optionsFor(server),
            ...Proxy.through(proxy),
            retryPolicy: RetryPolicy.standardWith({ maxRetries: 1 }),
            credentials: credentials("watcher", secrets.password),
            reconnection: Schedule.spaced("20 millis"),
            slowQueryThreshold: "0 millis",
            schemaRefreshWindow: 0,
            metrics: { interval: "20 millis", sinks: [memory, { onOperation: tell, onSnapshot: tell }] }
          })
          yield* Effect.forkScoped(
            Stream.runForEach(yield* cluster.subscribe(), (event) => Effect.sync(() => tell(event)))
          )
          const session = yield* cluster.connect({ keyspace: "watched" })
          const provided = <A, Er, R>(effect: Effect.Effect<A, Er, R>) =>
            effect.pipe(
              Effect.provideService(Cluster.Cluster, cluster),
              Effect.provideService(Session.Session, session)
            )
          for (const n of [1, 2, 3]) yield* session.execute(insert(n))
          yield* session.execute(Statement.make("CREATE TABLE other (id int PRIMARY KEY)"))
          const page = yield* session.execute(read)
          yield* session.execute(read.pipe(Statement.withPagingState(Option.getOrThrow(page.pagingState))))
          yield* Stream.runForEach(session.stream(read), () => Effect.void)
          yield* session.batch(Batch.make("LOGGED", [insert(4)]))
          yield* session.trace(yield* session.execute(insert(5).pipe(Statement.withTracing(true))))
          yield* Effect.flip(Effect.asVoid(session.execute(misfit)))
          yield* Effect.flip(Effect.asVoid(session.batch(Batch.make("LOGGED", [misfit]))))
          yield* Effect.flip(Stream.runDrain(session.stream(missing)))
          yield* Effect.flip(session.prepare(missing.query))
          for (const action of [Proxy.errors.overloaded, () => "cut" as const]) {
            yield* faulted(proxy, action, Effect.flip(session.execute(insert(6).pipe(Statement.idempotent))))
          }
          yield* Effect.retry(session.execute(read), Schedule.spaced("20 millis"))
          const silent = insert(7).pipe(Statement.withTimeout("50 millis"))
          yield* faulted(proxy, drop, Effect.flip(session.execute(silent)))
          yield* faulted(proxy, drop, Effect.timeoutOption(session.execute(insert(8)), "50 millis"))
          proxy.onRequest = (frame) =>
            frame.opcode === Proxy.opcodes.query ? Proxy.errors.overloaded(frame) : "forward"
          tell(yield* provided(Health.check()))
          proxy.onRequest = () => "forward"
          const health = yield* provided(Health.make())
          tell([yield* health.latest, yield* health.readiness])
          for (const [i, failing] of [misfit, missing, Effect.fail(new Error("a migration failed"))].entries()) {
            const loader = Migrator.fromRecord({ "0001_good": insert(9), "0002_bad": failing })
            const migration = Migrator.run({ loader, table: `migrations_${i}` })
            tell(yield* Effect.flip(provided(migration)))
          }
          tell(yield* provided(CassandraMetrics.snapshot))
          tell(yield* provided(CassandraMetrics.topStatements({ limit: 100 })))
          yield* CassandraMetrics.refresh
          yield* Effect.sleep("50 millis")
          for (const one of [
            cluster,
            session,
            page.info,
            page.pagingState,
            yield* cluster.state,
            yield* cluster.hosts
          ]) {
            tell(inspect(one, { depth: 6, showHidden: true }))
          }
        })
        const { printed } = yield* captured(Effect.scoped(work).pipe(Effect.withTracer(tracer)))
        const registry = Metric.unsafeSnapshot(undefined).map(({ metricKey, metricState }) => [metricKey, metricState])
        // That it was watched at all.
        assert.include(printed, "INSERT INTO t")
        assert.isAbove(spans.length, 20)
        assert.isAbove(memory.operations.length, 15)
        assert.isNotEmpty(memory.snapshots)
        const everything = { spans, told, operations: memory.operations, snapshots: memory.snapshots, registry }
        for (const [where, what] of Object.entries({ ...everything, printed })) {
          for (const one of Array.isArray(what) ? what : [what]) {
            assertNoSecret(typeof one === "string" ? one : shown(one), where)
          }
        }
      })
  )
})
