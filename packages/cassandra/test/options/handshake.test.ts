import { assert, describe, it, vi } from "@effect/vitest"
import { AuthProvider, cql } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { Socket } from "node:net"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"
import { connect, keepingLogs, Opcode, queries, refusal, requests, server, startupOf, until } from "./support.ts"
import * as Body from "../wire/body.ts"

describe("STARTUP", () => {
  it.scopedLive("says which CQL, and which application", () =>
    Effect.gen(function* () {
      const to = yield* server()
      yield* connect(to, { cqlVersion: "3.4.7", applicationName: "shop", applicationVersion: "1.2" })
      const startup = startupOf(requests(to, Opcode.startup)[0]!)
      assert.strictEqual(startup["CQL_VERSION"], "3.4.7")
      assert.strictEqual(startup["APPLICATION_NAME"], "shop")
      assert.strictEqual(startup["APPLICATION_VERSION"], "1.2")
    })
  )

  it.scopedLive("asks for CQL 3.0.0 and names no application by default", () =>
    Effect.gen(function* () {
      const to = yield* server()
      yield* connect(to)
      const plain = startupOf(requests(to, Opcode.startup)[0]!)
      assert.deepInclude(plain, { CQL_VERSION: "3.0.0" })
      assert.notProperty(plain, "APPLICATION_NAME")
      assert.notProperty(plain, "NO_COMPACT")
    })
  )

  it.scopedLive("a CQL version that the server refuses is a ConfigurationError that names the option", () =>
    Effect.gen(function* () {
      const to = yield* server({
        script: (request) => {
          if (request.opcode !== Opcode.startup) return false
          request.connection.error(request, 0x0a, "CQL version 2.0.0 is not supported by the binary protocol")
          return true
        }
      })
      const error = yield* refusal(to, { cqlVersion: "2.0.0" })
      assert.strictEqual(error._tag === "ConfigurationError" && error.option, "cqlVersion")
    })
  )
})

describe("the protocol version", () => {
  it.scopedLive("that is asked for is the only one that is tried", () =>
    Effect.gen(function* () {
      const both = yield* server()
      const pinned = yield* connect(both, { protocolVersion: 4, minimumProtocolVersion: 4 })
      assert.strictEqual((yield* pinned.state).protocolVersion, 4)
      assert.isTrue(both.requests.every(({ version }) => version === 4))
      const old = yield* server({ versions: [3, 4], releaseVersion: "3.11.0" })
      const error = yield* refusal(old, { protocolVersion: 5, minimumProtocolVersion: 4 })
      assert.strictEqual(error._tag, "ConfigurationError")
      for (const text of ["v4", "v5", "Cassandra 4.0"]) assert.include(error.message, text)
      assert.isTrue(old.requests.every(({ version }) => version === 5))
    })
  )

  it.scopedLive("is the highest that the server speaks unless asked for", () =>
    Effect.gen(function* () {
      const old = yield* server({ versions: [3, 4], releaseVersion: "3.11.0" })
      const negotiated = yield* connect(old, { minimumProtocolVersion: 4 })
      assert.strictEqual((yield* negotiated.state).protocolVersion, 4)
      const both = yield* server()
      assert.strictEqual((yield* (yield* connect(both, { minimumProtocolVersion: 4 })).state).protocolVersion, 5)
    })
  )
})

describe("sockets", () => {
  it.scopedLive("are set to what was asked for", () =>
    Effect.gen(function* () {
      const noDelay = vi.spyOn(Socket.prototype, "setNoDelay")
      const keepAlive = vi.spyOn(Socket.prototype, "setKeepAlive")
      const to = yield* server()
      yield* connect(to)
      assert.deepStrictEqual(noDelay.mock.lastCall, [true])
      assert.deepStrictEqual(keepAlive.mock.lastCall, [true, 0])
      keepAlive.mockClear()
      yield* connect(to, { socket: { noDelay: false, keepAlive: false } })
      assert.deepStrictEqual(noDelay.mock.lastCall, [false])
      assert.strictEqual(keepAlive.mock.calls.length, 0)
      yield* connect(to, { socket: { keepAliveDelay: "1 minute" } })
      assert.deepStrictEqual(keepAlive.mock.lastCall, [true, 60_000])
      vi.restoreAllMocks()
    })
  )
})

const slow = (delay: number) => (request: { readonly opcode: number }) =>
  request.opcode === Opcode.startup || request.opcode === Opcode.authResponse ? delay : undefined

describe("limits", () => {
  it.scopedLive("connectTimeout is one budget for the whole of connecting", () =>
    Effect.gen(function* () {
      const delay = slow(1000)
      const to = yield* server({
        password: "secret",
        script: (request) => {
          const wait = delay(request)
          if (wait === undefined) return false
          setTimeout(() => to.defaultAnswer(request), wait)
          return true
        }
      })
      const credentials = { username: "u", password: Redacted.make("secret") }
      const error = yield* refusal(to, { credentials, connectTimeout: "1500 millis" })
      assert.strictEqual(error._tag, "ConnectionError")
      assert.strictEqual(to.count(Opcode.authResponse), 1)
      // Neither does the limit of requests shorten it.
      yield* connect(to, { credentials, connectTimeout: "10 seconds", timeout: "100 millis" })
    })
  )

  it.scopedLive("a heartbeat that is not answered in its own time costs the connection", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const reconnection = Schedule.spaced("10 millis")
      const limits = { heartbeatInterval: "50 millis", heartbeatTimeout: "50 millis", timeout: "1 hour" } as const
      const session = yield* (yield* connect(to, { ...limits, reconnection })).connect()
      const [first] = to.open
      to.script = ({ connection, opcode }) => connection === first && opcode === Opcode.options
      yield* until(() => first!.socket.destroyed)
      yield* session.execute(cql`SELECT v FROM t`).pipe(Effect.retry(Schedule.spaced("10 millis")))
    })
  )

  it.scopedLive("heartbeats wait for an answer as long as they are told, and none are sent at an interval of 0", () =>
    Effect.gen(function* () {
      const to = yield* server()
      yield* connect(to, { heartbeatInterval: "30 millis", heartbeatTimeout: "1 hour", timeout: "50 millis" })
      const [first] = to.open
      const quiet = yield* server()
      yield* connect(quiet, { heartbeatInterval: 0 })
      const before = quiet.count(Opcode.options)
      to.script = ({ opcode }) => opcode === Opcode.options
      yield* Effect.sleep("300 millis")
      assert.isFalse(first!.socket.destroyed)
      assert.strictEqual(quiet.count(Opcode.options), before)
    })
  )

  it.scopedLive("the client's own queries have controlConnectionTimeout, whatever the limit of requests", () =>
    Effect.gen(function* () {
      const to = yield* server({ script: ({ query = "" }) => query.includes("system.peers") })
      const started = performance.now()
      const error = yield* refusal(to, { controlConnectionTimeout: "200 millis", timeout: "1 hour" })
      assert.strictEqual(error._tag, "ConnectionError")
      assert.include(error.message, "200 ms")
      assert.isAtLeast(performance.now() - started, 190)
      const waiting = yield* Effect.fork(
        Effect.scoped(connect(to, { controlConnectionTimeout: Infinity, timeout: "50 millis" }))
      )
      yield* Effect.sleep("300 millis")
      assert.isNull(yield* Effect.map(Fiber.poll(waiting), (exit) => (exit._tag === "None" ? null : exit.value)))
      yield* Fiber.interrupt(waiting)
    })
  )

  it.scopedLive("maxRequestsPerConnection is what a connection carries at once", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const session = yield* (yield* connect(to, { maxRequestsPerConnection: 3, connectionsPerHost: 2 })).connect()
      yield* session.prepare("SELECT v FROM t")
      const held: Array<() => void> = []
      to.script = (request) => {
        if (request.opcode !== Opcode.execute) return false
        held.push(() => to.defaultAnswer(request))
        return true
      }
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 20 }, () => session.execute(cql`SELECT v FROM t`)),
          { concurrency: "unbounded" }
        )
      )
      yield* until(() => held.length === 6)
      yield* Effect.sleep("50 millis")
      assert.strictEqual(held.length, 6)
      to.script = undefined
      for (const answer of held) answer()
      assert.strictEqual((yield* Fiber.join(all)).length, 20)
    })
  )

  it.scopedLive("schema and tokens are not asked for, or not kept, when switched off", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const all = yield* connect(to)
      assert.isAtLeast(queries(to, "system_schema"), 1)
      assert.isDefined(viewOf(all).ring)
      const before = queries(to, "system_schema")
      yield* connect(to, { schemaMetadata: false })
      assert.strictEqual(queries(to, "system_schema"), before)
      const tokenless = yield* connect(to, { tokenMetadata: false })
      assert.isUndefined(viewOf(tokenless).ring)
      const session = yield* tokenless.connect()
      assert.strictEqual((yield* session.rows(cql`SELECT v FROM t WHERE k = ${1}`)).length, 1)
    })
  )
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

describe("authentication", () => {
  it.scopedLive("of one's own answers challenges, and is told when it was accepted", () =>
    Effect.gen(function* () {
      const said: Array<string> = []
      const to = yield* server({
        password: "unused",
        script: (request) => {
          const { connection } = request
          if (request.opcode !== Opcode.authResponse) return false
          const token = text(request.body.subarray(4))
          said.push(token)
          if (token === "hello") connection.answer(request, Opcode.authChallenge, Body.bytes(Body.text("nonce")))
          else connection.answer(request, Opcode.authSuccess, Body.int(-1))
          return true
        }
      })
      const asked: Array<AuthProvider.AuthRequest> = []
      let accepted = 0
      const authentication = AuthProvider.make((request) => {
        asked.push(request)
        return {
          initialResponse: Effect.delay(Effect.succeed(Buffer.from("hello")), "10 millis"),
          evaluateChallenge: (challenge) => Effect.succeed(Buffer.from(`signed ${text(challenge)}`)),
          onSuccess: Effect.sync(() => void accepted++)
        }
      })
      yield* connect(to, { authentication })
      assert.deepStrictEqual(said.slice(0, 2), ["hello", "signed nonce"])
      assert.deepStrictEqual(asked[0], {
        host: `127.0.0.1:${to.port}`,
        authenticator: "org.apache.cassandra.auth.PasswordAuthenticator"
      })
      yield* until(() => accepted === asked.length)
    })
  )

  it.scopedLive("asks for credentials anew for each connection, so that a password can change", () =>
    Effect.gen(function* () {
      let password = "one"
      let asked = 0
      const authentication = AuthProvider.plainTextWith(
        Effect.sync(() => {
          asked++
          return { username: "u", password: Redacted.make(password) }
        })
      )
      const options = { password }
      const to = yield* server(options)
      const reconnection = Schedule.spaced("10 millis")
      const cluster = yield* connect(to, { authentication, connectionsPerHost: 2, reconnection })
      assert.strictEqual(asked, 2)
      const session = yield* cluster.connect()
      password = options.password = "two"
      for (const { socket } of to.open) socket.destroy()
      yield* until(() => to.open.length === 2 && asked >= 4)
      yield* session.execute(cql`SELECT v FROM t`).pipe(Effect.retry(Schedule.spaced("10 millis")))
    })
  )

  it.scopedLive("that fails is an AuthenticationError with the failure as its cause", () =>
    Effect.gen(function* () {
      const to = yield* server({ password: "secret" })
      const cause = { _tag: "VaultError" }
      for (const failing of [Effect.fail(cause), Effect.die(cause)]) {
        const error = yield* refusal(to, { authentication: AuthProvider.plainTextWith(failing) })
        assert.strictEqual(error._tag, "AuthenticationError")
        assert.strictEqual((error.cause as { cause?: unknown }).cause ?? error.cause, cause)
      }
    })
  )

  it.scopedLive("that never ends is given up after connectTimeout, and with an interruption", () =>
    Effect.gen(function* () {
      const to = yield* server({ password: "secret" })
      let interrupted = 0
      const authentication = AuthProvider.plainTextWith(
        Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      )
      const error = yield* refusal(to, { authentication, connectTimeout: "100 millis" })
      assert.isTrue(error._tag === "ConnectionError" || error._tag === "AuthenticationError")
      yield* until(() => interrupted === 1)
      yield* Effect.timeoutOption(refusal(to, { authentication, connectTimeout: "1 hour" }), "100 millis")
      yield* until(() => interrupted === 2 && to.open.length === 0)
    })
  )

  it.scopedLive("that is missing says which option to set", () =>
    Effect.gen(function* () {
      const error = yield* refusal(yield* server({ password: "secret" }))
      assert.strictEqual(error._tag, "AuthenticationError")
      assert.include(error.message, "`credentials`")
      assert.include(error.message, "PasswordAuthenticator")
    })
  )

  it.scopedLive("whose own end fails is logged, and the connection stays", () => {
    const logs: Array<string> = []
    return Effect.gen(function* () {
      const to = yield* server({ password: "secret" })
      const { authenticate } = AuthProvider.plainText({ username: "u", password: Redacted.make("secret") })
      const authentication = AuthProvider.make((request) => ({
        ...authenticate(request),
        onSuccess: Effect.fail("no")
      }))
      yield* connect(to, { authentication })
      yield* until(() => logs.some((line) => line.startsWith("WARN") && line.includes("after the login")))
      assert.strictEqual(to.open.length, 1)
    }).pipe(Effect.provide(keepingLogs(logs)))
  })
})
