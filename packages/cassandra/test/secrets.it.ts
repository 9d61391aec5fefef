/** A server with passwords and roles: what is not allowed has its error, and no secret is ever printed. */
import { assert, layer } from "@effect/vitest"
import { Batch, CassandraError as E, Cluster, cql, PagingState, RetryPolicy, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { optionsFor } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

// Without the cache of permissions, so that what is granted counts at once.
const guarded = CassandraServer.layer({
  authentication: true,
  settings: { permissions_validity: "0ms", roles_validity: "0ms" }
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

/** Everything that the console and Effect's loggers were given, at every level. */
const captured = <A, Er, R>(effect: Effect.Effect<A, Er, R>) =>
  Effect.gen(function* () {
    const printed: Array<string> = []
    const keep = (...parts: ReadonlyArray<unknown>) => {
      printed.push(...parts.map((part) => (typeof part === "string" ? part : inspect(part, { depth: 20 }))))
    }
    const loggers = [Logger.stringLogger, Logger.logfmtLogger, Logger.jsonLogger, Logger.structuredLogger]
    const all = loggers.reduce(
      (merged, logger) =>
        Layer.merge(merged, Logger.add(Logger.map(logger as Logger.Logger<unknown, unknown>, (line) => keep(line)))),
      Logger.minimumLogLevel(LogLevel.All)
    )
    const methods = ["log", "info", "warn", "error", "debug", "trace"] as const
    const originals = methods.map((method) => console[method])
    const result = yield* Effect.acquireUseRelease(
      Effect.sync(() => methods.forEach((method) => (console[method] = keep))),
      () => Effect.provide(effect, all),
      () => Effect.sync(() => methods.forEach((method, i) => (console[method] = originals[i]!)))
    )
    return { result, printed: printed.join("\n") }
  })

/** Every way to show an error, or whatever else one has at hand. */
const shown = (value: unknown): string => {
  const parts = [inspect(value, { depth: 20, showHidden: true }), String(value)]
  try {
    parts.push(JSON.stringify(value) ?? "")
  } catch {
    // What cannot be written as JSON is not.
  }
  if (value instanceof Error) {
    parts.push(value.message, value.stack ?? "", Cause.pretty(Cause.fail(value)), shown(value.cause))
    parts.push(inspect(Exit.fail(value), { depth: 20 }))
  }
  return parts.join("\n")
}

const secrets = {
  password: "planted-password-7c1f",
  value: "planted-value-93ab",
  pagingState: "planted-state-5d20",
  payload: "planted-payload-e814"
}

/** The secrets in every form in which bytes are written. */
const forms = Object.values(secrets).flatMap((secret) => {
  const bytes = Buffer.from(secret)
  return [
    secret,
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    [...bytes].join(", "),
    [...bytes].join(","),
    bytes.toString("hex").match(/../g)!.join(" ")
  ]
})

const assertNoSecret = (text: string, where: string) => {
  for (const form of forms) assert.isFalse(text.includes(form), `${form} in ${where}`)
}

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
      for (const text of [
        "CREATE KEYSPACE secrets WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
        "CREATE TABLE secrets.t (id text, n int, v text, PRIMARY KEY (id, n))",
        `CREATE ROLE keeper WITH PASSWORD = '${secrets.password}' AND LOGIN = true AND SUPERUSER = true`
      ]) {
        yield* setup.execute(Statement.make(text))
      }
      const { value } = secrets
      const proxy = yield* Proxy.make(server)
      const options = { ...optionsFor(server), ...Proxy.through(proxy), retryPolicy: RetryPolicy.never }

      const work = Effect.gen(function* () {
        const made: Cluster.ClusterOptions = { ...options, credentials: credentials("keeper", secrets.password) }
        const cluster = yield* Cluster.make(made)
        const session = yield* cluster.connect({ keyspace: "secrets" })
        const decorate = <A, R, Er>(statement: Statement.Statement<A, R, Er>) =>
          statement.pipe(Statement.withCustomPayload({ key: Buffer.from(secrets.payload) }))
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
})
