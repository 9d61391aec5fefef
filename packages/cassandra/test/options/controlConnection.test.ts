import { assert, describe, it, vi } from "@effect/vitest"
import { cql, type ClusterEvent } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import dns from "node:dns"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"
import { heardFrom, hears } from "../support/controlConnection.ts"
import {
  announce,
  aWhile,
  connect,
  type Incoming,
  isolate,
  never,
  Opcode,
  pair,
  refusal,
  requests,
  type ScriptedServer,
  server,
  timers,
  topologyChange,
  until
} from "./support.ts"

const soon = Schedule.spaced("30 millis")

/** The open connections that asked for events, on any of these. */
const listening = (...servers: ReadonlyArray<ScriptedServer>) =>
  servers.flatMap((to) => to.open.filter((open) => requests(to, Opcode.register).some((r) => r.connection === open)))

const isPeers = ({ query = "" }: { readonly query?: string | undefined }) => query.includes("system.peers")

describe("the control connection", () => {
  it.scopedLive("comes back with its node, as one of the connections of that host, however often that happens", () =>
    Effect.gen(function* () {
      let only = yield* server()
      const { port } = only
      const cluster = yield* connect(only, { reconnection: soon, connectionsPerHost: 2 })
      const { nodes } = viewOf(cluster)
      for (let round = 0; round < 5; round++) {
        yield* Effect.promise(() => only.close())
        yield* Effect.sleep("100 millis")
        only = yield* server({ port })
        yield* until(() => hears(cluster) && only.open.length === 2)
        yield* aWhile
        assert.strictEqual(only.open.length, 2)
        assert.strictEqual(listening(only).length, 1)
      }
      assert.strictEqual(viewOf(cluster).nodes, nodes)
    })
  )

  it.scopedLive("that is lost while the pools are opened comes back, and connecting goes on", () =>
    Effect.gen(function* () {
      const to = yield* server()
      let losses = 0
      to.script = ({ connection, opcode }) => {
        if (opcode !== Opcode.startup || connection !== to.connections[1]) return false
        losses++
        for (const open of to.open) if (open !== connection) open.socket.destroy()
        setTimeout(() => connection.socket.destroy(), 100)
        return true
      }
      const cluster = yield* connect(to, { reconnection: soon, connectionsPerHost: 2 })
      assert.strictEqual(losses, 1)
      yield* until(() => hears(cluster) && listening(to).length === 1 && to.open.length === 2)
      yield* (yield* cluster.connect()).execute(cql`SELECT v FROM t`)
    })
  )

  it.scopedLive("moves to another node when its own is lost", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair()
      const cluster = yield* connect(first, { reconnection: never, topologyRefreshWindow: "immediate" })
      yield* until(() => second.open.length === 1)
      isolate(first)
      yield* until(() => hears(cluster) && listening(second).length === 1)
      assert.strictEqual(heardFrom(cluster), `127.0.0.2:${first.port}`)
      assert.strictEqual(listening(first, second).length, 1)
      // And hears what that one tells.
      const before = requests(second, Opcode.query).length
      announce(second, topologyChange("NEW_NODE", "127.0.0.1"))
      yield* until(() => requests(second, Opcode.query).length > before)
    })
  )

  it.scopedLive("moves when its pool closes it, although other connections to the node are left", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const cluster = yield* connect(to, {
        connectionsPerHost: 2,
        heartbeatInterval: "30 millis",
        heartbeatTimeout: "50 millis",
        reconnection: soon
      })
      const [old] = listening(to)
      to.script = ({ connection, opcode }) => connection === old && opcode === Opcode.options
      yield* until(() => old!.socket.destroyed)
      yield* until(() => hears(cluster) && to.open.length === 2)
      yield* aWhile
      assert.strictEqual(listening(to).length, 1)
      assert.strictEqual(to.open.length, 2)
    })
  )

  it.scopedLive("is tried by the next node when one does not answer, and again by the schedule when none does", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair()
      const limits = { controlConnectionTimeout: "100 millis", reconnection: soon } as const
      const cluster = yield* connect(first, limits)
      yield* until(() => second.open.length === 1)
      second.script = isPeers
      isolate(first)
      yield* until(() => requests(second, Opcode.query).filter(isPeers).length >= 3)
      assert.strictEqual(listening(second).length, 0)
      second.script = undefined
      yield* until(() => hears(cluster) && listening(second).length === 1)
      assert.strictEqual(second.open.length, 1)
    })
  )

  it.scopedLive("that is lost while it learns of the nodes is tried again", () =>
    Effect.gen(function* () {
      const to = yield* server()
      const cluster = yield* connect(to, { reconnection: soon })
      let losses = 0
      to.script = ({ connection, opcode, query = "" }) => {
        const isLearning = query.includes("system.peers") || opcode === Opcode.register
        if (!isLearning || losses === 6) return false
        losses++
        connection.socket.destroy()
        return true
      }
      for (const { socket } of to.open) socket.destroy()
      yield* until(() => losses === 6 && hears(cluster) && listening(to).length === 1)
      yield* aWhile
      assert.strictEqual(to.open.length, 1)
    })
  )

  it.scopedLive("is not opened again and again at once where it is always closed at once", () =>
    Effect.gen(function* () {
      const to = yield* server()
      yield* connect(to, { reconnection: Schedule.spaced("100 millis") })
      to.script = (request) => {
        if (request.opcode !== Opcode.register) return false
        to.defaultAnswer(request)
        setImmediate(() => request.connection.socket.destroy())
        return true
      }
      for (const { socket } of to.open) socket.destroy()
      const before = to.connections.length
      yield* Effect.sleep("1 second")
      assert.isAtMost(to.connections.length - before, 25)
      assert.isAtMost(to.open.length, 2)
    })
  )

  it.scopedLive("comes back as soon as a node is up, however long its own wait", () =>
    Effect.gen(function* () {
      const to = yield* server()
      // Its pool finds the node, not it.
      const reconnection = Schedule.fromDelays("500 millis", "1 hour")
      const cluster = yield* connect(to, { reconnection })
      const door = isolate(to)
      yield* until(() => !hears(cluster))
      yield* aWhile
      door.end()
      yield* until(() => hears(cluster) && listening(to).length === 1)
      yield* aWhile
      assert.strictEqual(to.open.length, 1)
    })
  )

  it.scopedLive("has a connection of its own to a node that is in no use otherwise", () =>
    Effect.gen(function* () {
      const [first, second] = yield* pair({ dataCenter: "dc2" })
      const scope = yield* Scope.make()
      const options = { localDataCenter: "dc2", reconnection: soon }
      const cluster = yield* Scope.extend(connect(first, options), scope)
      yield* until(() => second.open.length === 1)
      const door = isolate(second)
      for (const { socket } of first.open) socket.destroy()
      yield* until(() => hears(cluster) && listening(first).length === 1)
      yield* aWhile
      assert.strictEqual(first.open.length, 1)
      // It is lost when its heartbeat is, or it is cut; and another one is opened.
      for (const { socket } of first.open) socket.destroy()
      yield* until(() => hears(cluster) && listening(first).length === 1)
      door.end()
      yield* until(() => second.open.length === 1)
      yield* Scope.close(scope, Exit.void)
      yield* until(() => first.open.length + second.open.length === 0)
    })
  )

  it.scopedLive("finds the node where its name leads to now", () =>
    Effect.gen(function* () {
      let address = "127.0.0.1"
      const lookup = dns.lookup as (...args: ReadonlyArray<unknown>) => void
      const resolving = vi.spyOn(dns, "lookup") as unknown as { mockImplementation(f: unknown): void }
      // The servers of the test look up where they listen.
      resolving.mockImplementation((name: string, ...rest: ReadonlyArray<unknown>) => {
        if (name !== "node.test") return lookup(name, ...rest)
        const done = rest.at(-1) as (error: unknown, found: ReadonlyArray<dns.LookupAddress>) => void
        setImmediate(() => done(null, [{ address, family: 4 }]))
      })
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.restoreAllMocks()))
      const old = yield* server()
      const { port } = old
      const cluster = yield* connect(old, { reconnection: soon, contactPoints: ["node.test"], connectionsPerHost: 2 })
      const session = yield* cluster.connect()
      const seen: Array<ClusterEvent.ClusterEvent["_tag"]> = []
      yield* Effect.forkScoped(Stream.runForEach(cluster.events, ({ _tag }) => Effect.sync(() => seen.push(_tag))))
      yield* Effect.promise(() => old.close())
      address = "127.0.0.3"
      const moved = yield* server({ host: address, port })
      yield* until(() => moved.open.length === 2)
      yield* session.execute(cql`SELECT v FROM t`).pipe(Effect.retry(Schedule.spaced("10 millis")))
      yield* until(() => seen.includes("HostAdded") && seen.includes("HostRemoved"))
      assert.deepStrictEqual(
        viewOf(cluster).nodes.map((node) => [node.address, node.dataCenter]),
        [[`127.0.0.3:${port}`, "dc1"]]
      )
      yield* aWhile
      assert.strictEqual(moved.open.length, 2)
      assert.strictEqual(listening(moved).length, 1)
    })
  )
})

describe("connections", () => {
  it.live("are all closed when connecting fails", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const to = yield* server({ script: isPeers })
        yield* refusal(to, { controlConnectionTimeout: "100 millis" })
        assert.isAtLeast(to.connections.length, 1)
        yield* until(() => to.open.length === 0)
      })
    )
  )

  it.live("are all closed with the cluster, whatever was under way", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = timers()
        const hangs: ReadonlyArray<readonly [string, (request: Incoming) => boolean]> = [
          ["opening", ({ opcode }) => opcode === Opcode.startup],
          ["learning", isPeers],
          ["registering", ({ opcode }) => opcode === Opcode.register]
        ]
        for (const [, script] of hangs) {
          const to = yield* server()
          const scope = yield* Scope.make()
          yield* Scope.extend(connect(to, { reconnection: soon, connectionsPerHost: 2 }), scope)
          let hung = 0
          to.script = (request) => {
            if (!script(request)) return false
            hung++
            return true
          }
          for (const { socket } of to.open) socket.destroy()
          yield* until(() => hung > 0)
          yield* Scope.close(scope, Exit.void)
          yield* until(() => to.open.length === 0)
          const { length } = to.connections
          yield* aWhile
          assert.strictEqual(to.connections.length, length)
        }
        yield* until(() => timers() <= before)
      })
    )
  )

  it.live("are cut when the node does not agree to their end", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = timers()
        const to = yield* server()
        const scope = yield* Scope.make()
        const cluster = yield* Scope.extend(connect(to, { connectionsPerHost: 4, connectTimeout: "20 seconds" }), scope)
        yield* cluster.connect().pipe(Scope.extend(scope))
        for (const { socket } of to.open) socket.pause()
        const started = performance.now()
        const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
        yield* Fiber.join(closing)
        assert.isAtMost(performance.now() - started, 1500)
        yield* until(() => timers() <= before)
        for (const { socket } of to.open) socket.resume()
        yield* until(() => to.open.length === 0)
      })
    )
  )
})
