import { assert, layer } from "@effect/vitest"
import { CassandraError as E, Cluster, cql } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import { inspect } from "node:util"
import { cluster, optionsFor } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

/** A listener that does with its connections what it is told, and knows how many are open. */
const listener = (onConnection: (socket: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.async<{
      readonly port: number
      readonly open: Set<Net.Socket>
      readonly count: () => number
      close: () => Promise<void>
    }>((resume) => {
      const open = new Set<Net.Socket>()
      let count = 0
      const server = Net.createServer((socket) => {
        count++
        open.add(socket)
        // Unread, the end of the connection would not be noticed.
        socket.resume()
        socket.on("error", () => undefined)
        socket.on("close", () => open.delete(socket))
        onConnection(socket)
      })
      server.listen(0, "127.0.0.1", () =>
        resume(
          Effect.succeed({
            port: (server.address() as Net.AddressInfo).port,
            open,
            count: () => count,
            close: () =>
              new Promise<void>((resolve) => {
                for (const socket of open) socket.destroy()
                server.close(() => resolve())
              })
          })
        )
      )
    }),
    (server) => Effect.promise(() => server.close())
  )

/** A port that nothing listens on. */
const freePort = Effect.scoped(
  Effect.map(
    listener(() => undefined),
    ({ port }) => port
  )
)

const failure = (options: Cluster.ClusterOptions) => Effect.flip(Effect.scoped(Cluster.make(options)))

const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCPSocket")).length

/** Waits until something is so. */
const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), until(condition))))

layer(TestServer.layer, { excludeTestServices: true })("connecting", (it) => {
  it.scoped("to a port that refuses fails after the attempts asked for, with growing delays, and names the hosts", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const server = yield* listener((socket) => {
        times.push(Date.now())
        socket.resetAndDestroy()
      })
      const started = yield* Clock.currentTimeMillis
      const error = yield* failure({
        contactPoints: ["127.0.0.1"],
        port: server.port,
        connectAttempts: 4,
        connectBackoff: "60 millis"
      })
      assert.strictEqual(error._tag, "ConnectionError")
      if (error._tag !== "ConnectionError") return
      assert.deepStrictEqual(error.hosts, [`127.0.0.1:${server.port}`])
      assert.include(error.message, `127.0.0.1:${server.port}`)
      assert.strictEqual(error.writeState, "NotApplied")
      assert.isTrue(error.isRetryable)
      assert.strictEqual(times.length, 4)
      // The delays are the least there can be between the attempts: 60, 120 and 240 ms.
      assert.isAtLeast((yield* Clock.currentTimeMillis) - started, 60 + 120 + 240 - 10)
      const gaps = times.slice(1).map((time, i) => time - (times[i] as number))
      gaps.forEach((gap, i) => assert.isAtLeast(gap, 60 * 2 ** i - 10))
    })
  )

  it.scoped("to a port that nothing listens on names every contact point", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const error = yield* failure({
        contactPoints: ["127.0.0.1", "127.0.0.2"],
        port,
        connectAttempts: 2,
        connectBackoff: "1 millis"
      })
      assert.strictEqual(error._tag, "ConnectionError")
      if (error._tag !== "ConnectionError") return
      assert.sameMembers([...error.hosts], [`127.0.0.1:${port}`, `127.0.0.2:${port}`])
    })
  )

  it.scoped("to a server that comes up in the meantime succeeds", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const proxy = yield* Proxy.make(server)
      const port = yield* freePort
      const connecting = yield* Effect.fork(
        Effect.scoped(
          Effect.zipRight(
            Cluster.make({ contactPoints: ["127.0.0.1"], port, connectAttempts: 8, connectBackoff: "50 millis" }),
            Effect.void
          )
        )
      )
      yield* Effect.sleep("100 millis")
      yield* Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const late = Net.createServer((socket) => {
            const upstream = Net.connect(proxy.port, "127.0.0.1")
            socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy())
            upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy())
            socket.pipe(upstream).pipe(socket)
          })
          late.listen(port, "127.0.0.1", () => resume(Effect.succeed(late)))
        }),
        (late) => Effect.async<void>((resume) => void late.close(() => resume(Effect.void)))
      )
      yield* Fiber.join(connecting)
    })
  )

  it.scoped("to a server that never answers fails after connectTimeout, once, and leaves no socket", () =>
    Effect.gen(function* () {
      const server = yield* listener(() => undefined)
      const before = sockets()
      const error = yield* failure({
        contactPoints: ["127.0.0.1"],
        port: server.port,
        connectTimeout: "150 millis",
        // Not this one, which is for the requests of a connection that is open.
        timeout: "1 hour",
        connectAttempts: 3,
        connectBackoff: "1 millis"
      })
      assert.strictEqual(error._tag, "ConnectionError")
      assert.strictEqual(error.writeState, "NotApplied")
      yield* until(() => server.open.size === 0)
      yield* until(() => sockets() <= before)
      assert.strictEqual(server.count(), 1)
    })
  )

  it.scoped("to what is no Cassandra fails, without hanging", () =>
    Effect.gen(function* () {
      const server = yield* listener((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"))
      const error = yield* failure({ contactPoints: ["127.0.0.1"], port: server.port, connectTimeout: "500 millis" })
      assert.isTrue(E.isCassandraError(error))
      yield* until(() => server.open.size === 0)
    })
  )

  it.scoped("interrupted while the server does not answer leaves no socket and no retry", () =>
    Effect.gen(function* () {
      const server = yield* listener(() => undefined)
      const before = sockets()
      const fiber = yield* Effect.fork(
        Effect.scoped(Cluster.make({ contactPoints: ["127.0.0.1"], port: server.port, connectTimeout: "1 hour" }))
      )
      yield* until(() => server.open.size > 0)
      yield* Fiber.interrupt(fiber)
      yield* until(() => server.open.size === 0)
      yield* until(() => sockets() <= before)
      const count = server.count()
      yield* Effect.sleep("100 millis")
      assert.strictEqual(server.count(), count)
    })
  )

  it.scoped("interrupted at any moment leaves no socket", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const options = { ...Proxy.through(proxy) }
      for (const delay of [0, 1, 2, 4, 8, 12, 16, 24, 32, 48]) {
        yield* Effect.scoped(
          Effect.flatMap(Cluster.make(options), (made) => made.connect({ keyspace: "system" }))
        ).pipe(Effect.timeoutOption(delay))
      }
      yield* until(() => proxy.open() === 0)
    })
  )

  it.scoped("interrupted between attempts makes no more of them", () =>
    Effect.gen(function* () {
      const server = yield* listener((socket) => socket.resetAndDestroy())
      yield* failure({
        contactPoints: ["127.0.0.1"],
        port: server.port,
        connectAttempts: 100,
        connectBackoff: "200 millis"
      }).pipe(Effect.timeoutOption("100 millis"))
      const count = server.count()
      yield* Effect.sleep("400 millis")
      assert.strictEqual(server.count(), count)
    })
  )

  it.scoped("without a data centre takes that of the contact points", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const { localDataCenter: _, ...options } = optionsFor(server)
      const connected = yield* Cluster.make(options)
      const [host] = yield* connected.hosts
      assert.strictEqual(host?.dataCenter, server.localDataCenter)
      assert.strictEqual(host?.status, "UP")
      assert.strictEqual(host?.version, server.version)
      assert.match(host?.hostId ?? "", /^[0-9a-f-]{36}$/)
    })
  )

  it.scoped("with a data centre that does not exist is a ConfigurationError that names those that do", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const error = yield* failure({ ...optionsFor(server), localDataCenter: "elsewhere" })
      assert.strictEqual(error._tag === "ConfigurationError" && error.option, "localDataCenter")
      assert.include(error.message, "elsewhere")
      assert.include(error.message, server.localDataCenter)
    })
  )

  it.scoped("with a client certificate that is none is a typed error, not a defect", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const error = yield* failure({ ...optionsFor(server), tls: { cert: "no PEM", key: Redacted.make("planted") } })
      assert.isTrue(E.isCassandraError(error))
      assert.notInclude(inspect(error, { depth: 20 }), "planted")
    })
  )

  it.scoped("with TLS to a server without it fails, and leaves no socket", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const error = yield* failure({
        ...Proxy.through(proxy),
        tls: true,
        connectTimeout: "1 second",
        connectAttempts: 1
      })
      assert.isTrue(E.isCassandraError(error))
      yield* until(() => proxy.open() === 0)
    })
  )

  it.scoped("times without end are no limits", () =>
    Effect.gen(function* () {
      const connected = yield* cluster({
        connectTimeout: Infinity,
        timeout: Infinity,
        heartbeatInterval: Infinity,
        shutdownTimeout: Infinity,
        maxSchemaAgreementWait: Infinity
      })
      const session = yield* connected.connect()
      assert.strictEqual((yield* session.rows(cql`SELECT key FROM system.local`)).length, 1)
    })
  )

  it.scoped("the state tells the protocol version, connections and requests", () =>
    Effect.gen(function* () {
      const connected = yield* cluster()
      const session = yield* connected.connect()
      yield* session.execute(cql`SELECT key FROM system.local`)
      const state = yield* connected.state
      assert.isAtLeast(state.protocolVersion, 4)
      assert.strictEqual(state.inFlight, 0)
      assert.strictEqual(state.queued, 0)
      assert.strictEqual(
        [...state.hosts.values()].reduce((sum, host) => sum + host.connections, 0),
        1
      )
    })
  )
})

const login = (username: string, password: string) =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const connected = yield* Cluster.make({
      ...optionsFor(server),
      credentials: { username, password: Redacted.make(password) }
    })
    return yield* connected.connect()
  })

const guarded = CassandraServer.layer({ authentication: true })

layer(guarded, { excludeTestServices: true, timeout: "3 minutes" })("credentials", (it) => {
  it.scoped("that are wrong are an AuthenticationError with the host, tried once, that shows no password", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const proxy = yield* Proxy.make(server)
      const error = yield* failure({
        ...optionsFor(server),
        ...Proxy.through(proxy),
        credentials: { username: "cassandra", password: Redacted.make("planted-password") },
        connectAttempts: 5,
        connectBackoff: "1 millis"
      })
      assert.strictEqual(error._tag, "AuthenticationError")
      if (error._tag !== "AuthenticationError") return
      assert.strictEqual(error.host, `127.0.0.1:${proxy.port}`)
      assert.isFalse(error.isRetryable)
      assert.strictEqual(error.writeState, "NotApplied")
      assert.strictEqual(proxy.count(Proxy.opcodes.startup), 1)
      const shown = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${String(error)}`
      assert.notInclude(shown, "planted-password")
    })
  )

  it.scoped("that are missing are an AuthenticationError", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const { credentials: _, ...options } = optionsFor(server)
      const error = yield* failure(options)
      assert.strictEqual(error._tag, "AuthenticationError")
    })
  )

  it.scoped("that are right connect, and what the role may not do is an UnauthorizedError", () =>
    Effect.gen(function* () {
      const admin = yield* login("cassandra", "cassandra")
      yield* admin.execute(cql`CREATE ROLE guest WITH PASSWORD = 'guest-password' AND LOGIN = true`)
      const guest = yield* login("guest", "guest-password")
      const error = yield* Effect.flip(guest.execute(cql`CREATE ROLE other`))
      assert.strictEqual(error._tag, "UnauthorizedError")
      assert.strictEqual(error.writeState, "NotApplied")
    })
  )
})
