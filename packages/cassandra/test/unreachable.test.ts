/** What errors say of hosts that cannot be reached, and of what is closed. */
import { assert, describe, it } from "@effect/vitest"
import { Batch, type CassandraError as E, Cluster, cql, Statement } from "effect-cassandra"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as net from "node:net"
import { makeTls } from "../../testkit/src/internal/tls.ts"
import { ScriptedServer } from "./wire/ScriptedServer.ts"

/** A port of the loopback on which each connection is treated so. */
const port = (treat: (socket: net.Socket) => void) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<net.Server>((resume) => {
        const server = net.createServer((socket) => {
          socket.on("error", () => undefined)
          treat(socket)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.async<void>((resume) => void server.close(() => resume(Effect.void)))
    ),
    (server) => (server.address() as net.AddressInfo).port
  )

const scripted = Effect.acquireRelease(
  Effect.promise(() => ScriptedServer.start()),
  (server) => Effect.promise(() => server.close())
)

const options = (at: number, more: Cluster.ClusterOptions = {}): Cluster.ClusterOptions => ({
  contactPoints: ["127.0.0.1"],
  port: at,
  localDataCenter: "dc1",
  connectAttempts: 1,
  connectTimeout: "2 seconds",
  ...more
})

const failure = (of: Cluster.ClusterOptions) => Effect.flip(Effect.scoped(Cluster.make(of)))

const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 70])
const pki = makeTls(["localhost"])
const tls = { ca: pki.ca.certificate }

const behind = (bytes: Buffer | undefined) => (socket: net.Socket) =>
  socket.once("data", () => (bytes === undefined ? socket.destroy() : socket.end(bytes)))

describe("TLS spoken to what does not, and the other way round", () => {
  const mistaken: ReadonlyArray<
    readonly [name: string, treat: (socket: net.Socket) => void, tls: Cluster.ClusterOptions["tls"], hint: RegExp]
  > = [
    ["an alert", behind(alert), undefined, /expects TLS; set `tls`/],
    ["an alert, byte by byte", behind(alert.subarray(0, 2)), undefined, /expects TLS; set `tls`/],
    ["a connection that is closed", behind(undefined), undefined, /if it expects TLS, set `tls`/],
    ["a connection that is closed in order", behind(Buffer.alloc(0)), undefined, /if it expects TLS, set `tls`/],
    [
      "a connection that is reset",
      (socket) => void socket.once("data", () => socket.resetAndDestroy()),
      undefined,
      /if it expects TLS, set `tls`/
    ],
    ["no TLS", behind(Buffer.from("8400000000000000", "hex")), tls, /set `tls: false`/],
    ["no TLS but the end", behind(undefined), tls, /set `tls: false`/],
    [
      "no TLS but a reset",
      (socket) => void socket.once("data", () => socket.resetAndDestroy()),
      tls,
      /set `tls: false`/
    ]
  ]
  for (const [name, treat, used, hint] of mistaken) {
    it.scopedLive(`${name} is answered: the error says which option to look at`, () =>
      Effect.gen(function* () {
        const error = yield* failure(options(yield* port(treat), used === undefined ? {} : { tls: used }))
        assert.match(error.message, hint)
        assert.include(["ConfigurationError", "ConnectionError"], error._tag)
      })
    )
  }
})

describe("names", () => {
  it.live("that have no address are in the error, and in its hosts", () =>
    Effect.gen(function* () {
      const error = yield* failure(options(9042, { contactPoints: ["cassandra.nowhere.invalid", "other.invalid:1"] }))
      assert.strictEqual(error._tag, "ConnectionError")
      if (error._tag !== "ConnectionError") return
      assert.deepStrictEqual(error.hosts.toSorted(), ["cassandra.nowhere.invalid", "other.invalid:1"])
      for (const host of error.hosts) assert.include(error.message, host)
    })
  )

  it.scopedLive("that have none are named beside hosts that refuse", () =>
    Effect.gen(function* () {
      const at = yield* Effect.scoped(port(() => undefined))
      const error = yield* failure(options(at, { contactPoints: ["nowhere.invalid", "127.0.0.1"], connectAttempts: 2 }))
      assert.strictEqual(error._tag, "ConnectionError")
      assert.include(error.message, "nowhere.invalid: the name has no address")
      assert.include(error.message, `127.0.0.1:${at}: connect ECONNREFUSED`)
    })
  )
})

const select = cql`SELECT v FROM t`

describe("hosts", () => {
  it.scopedLive("without a connection are listed with what connecting to them failed with last", () =>
    Effect.gen(function* () {
      const server = yield* scripted
      const host = `127.0.0.1:${server.port}`
      const session = yield* (yield* Cluster.make(options(server.port))).connect()
      yield* Effect.promise(() => server.close())
      const untilRefused: Effect.Effect<E.CassandraError, unknown> = Effect.flatMap(
        Effect.flip(session.execute(select)),
        (error) =>
          error.message.includes("ECONNREFUSED")
            ? Effect.succeed(error)
            : Effect.zipRight(Effect.sleep("20 millis"), untilRefused)
      )
      const refused = yield* Effect.timeout(untilRefused, "10 seconds")
      assert.strictEqual(refused._tag, "NoHostAvailableError")
      if (refused._tag !== "NoHostAvailableError") return
      assert.deepStrictEqual(refused.message.split("\n"), [
        "No host could serve the request:",
        `  ${host}: ConnectionError: no open connection: connect ECONNREFUSED ${host}`
      ])
      const inner = refused.errors.get(host)
      assert.strictEqual(inner?._tag, "ConnectionError")
      assert.strictEqual(inner?.writeState, "NotApplied")
      assert.strictEqual(inner?.query, select.query)
      assert.strictEqual(refused.query, select.query)
      const printed = Cause.pretty(Cause.fail(refused))
      assert.strictEqual(printed.split(select.query).length, 2)
      assert.notMatch(printed, /innerErrors|considered as DOWN/)
    })
  )

  it.scopedLive("that there are, are named where another is asked for", () =>
    Effect.gen(function* () {
      const server = yield* scripted
      const session = yield* (yield* Cluster.make(options(server.port))).connect()
      for (const host of ["127.0.0.1", "192.0.2.1:9042", "constructor"]) {
        const error = yield* Effect.flip(session.execute(select.pipe(Statement.withHost(host))))
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, "host")
        assert.include(error.message, host)
        assert.include(error.message, `127.0.0.1:${server.port}`)
      }
    })
  )
})

describe("a closed cluster", () => {
  it.scopedLive("says that it is closed, whatever is asked of it or of its sessions", () =>
    Effect.gen(function* () {
      const server = yield* scripted
      const cluster = yield* Cluster.make(options(server.port))
      const session = yield* cluster.connect()
      const closed = yield* cluster.connect()
      yield* closed.close
      const own = yield* Effect.flip(closed.execute(select))
      assert.strictEqual(own.message, "The session is closed")
      yield* cluster.close
      const { metadata } = cluster
      const uses: Readonly<Record<string, Effect.Effect<unknown, unknown>>> = {
        execute: session.execute(select),
        "of a session that was closed before": closed.execute(select),
        stream: Stream.runDrain(session.stream(select)),
        prepare: session.prepare("SELECT v FROM t"),
        batch: session.batch(Batch.make("LOGGED", [cql`INSERT INTO t (id) VALUES (${1})`])),
        connect: Effect.scoped(cluster.connect()),
        "connect to a keyspace": Effect.scoped(cluster.connect({ keyspace: "k" })),
        addProfile: cluster.addProfile("p", {}),
        keyspaces: metadata.keyspaces,
        refreshSchema: metadata.refreshSchema(),
        refreshKeyspace: metadata.refreshKeyspace("k"),
        refreshTable: metadata.refreshTable("k", "t"),
        refreshNodes: metadata.refreshNodes
      }
      for (const [name, use] of Object.entries(uses)) {
        const error = (yield* Effect.flip(use)) as { readonly _tag: string; readonly message: string }
        assert.strictEqual(error._tag, "SessionClosedError", `${name}: ${error.message}`)
        assert.strictEqual(error.message, "The cluster is closed", name)
      }
    })
  )
})
