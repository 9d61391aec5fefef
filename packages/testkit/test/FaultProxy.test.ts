import { assert, describe, it } from "@effect/vitest"
import { FaultProxy } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Net from "node:net"

/** A server that sends back what it gets, and knows its sockets. */
const echo = Effect.acquireRelease(
  Effect.async<{ readonly port: number; readonly sockets: ReadonlyArray<Net.Socket>; readonly server: Net.Server }>(
    (resume) => {
      const sockets: Array<Net.Socket> = []
      const server = Net.createServer((socket) => {
        sockets.push(socket)
        socket.on("error", () => undefined)
        socket.pipe(socket)
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ port: (server.address() as Net.AddressInfo).port, sockets, server }))
      )
    }
  ),
  ({ server, sockets }) =>
    Effect.async<void>((resume) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resume(Effect.void))
    })
)

/** A client's socket, with what it has seen. */
const connect = (port: number) =>
  Effect.acquireRelease(
    Effect.async<
      {
        readonly socket: Net.Socket
        readonly bytes: () => Buffer
        readonly text: () => string
        readonly size: () => number
        readonly ended: () => boolean
        readonly error: () => string
      },
      NodeJS.ErrnoException
    >((resume) => {
      const received: Array<Buffer> = []
      let bytes = 0
      let ended = false
      let code = ""
      const socket = Net.connect({ host: "127.0.0.1", port })
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length
        received.push(chunk)
      })
      socket.on("end", () => (ended = true))
      socket.on("error", (error: NodeJS.ErrnoException) => {
        code = error.code ?? ""
        resume(Effect.fail(error))
      })
      socket.on("connect", () =>
        resume(
          Effect.succeed({
            socket,
            bytes: () => Buffer.concat(received),
            text: () => Buffer.concat(received).toString(),
            size: () => bytes,
            ended: () => ended,
            error: () => code
          })
        )
      )
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

/** Waits until it is so; the test's own limit is the limit. */
const until = (check: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (check() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), until(check))))

/** So long, nothing may happen. */
const quiet = "80 millis"

const setup = Effect.gen(function* () {
  const server = yield* echo
  const proxy = yield* FaultProxy.make({ target: { host: "127.0.0.1", port: server.port } })
  return { server, proxy }
})

describe("FaultProxy", () => {
  it.scopedLive("forwards both ways, counts, and passes on the end", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setup
      const client = yield* connect(proxy.port)
      client.socket.write("hello")
      yield* until(() => client.text() === "hello")
      assert.deepStrictEqual(yield* proxy.traffic, { open: 1, accepted: 1, toServer: 5, toClient: 5 })
      client.socket.end("!")
      yield* until(() => client.ended() && client.text() === "hello!")
      while ((yield* proxy.traffic).open > 0) yield* Effect.sleep("5 millis")
      assert.deepStrictEqual(yield* proxy.traffic, { open: 0, accepted: 1, toServer: 6, toClient: 6 })
    })
  )

  it.scopedLive("delays what is sent, in the direction asked for, without changing its order", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* setup
      const client = yield* connect(proxy.port)
      yield* proxy.set({ latency: "150 millis", jitter: "50 millis" }, "toServer")
      const started = Date.now()
      const sent = Array.from({ length: 50 }, (_, i) => `${i},`)
      for (const piece of sent) {
        client.socket.write(piece)
        yield* Effect.sleep("1 millis")
      }
      yield* until(() => (server.sockets[0]?.bytesRead ?? 0) > 0)
      assert.isAtLeast(Date.now() - started, 99)
      yield* until(() => client.text() === sent.join(""))
    })
  )

  it.scopedLive("what waits leaves earlier when the latency goes", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setup
      const client = yield* connect(proxy.port)
      yield* proxy.set({ latency: "1 hour" })
      client.socket.write("soon")
      yield* Effect.sleep(quiet)
      assert.strictEqual(client.text(), "")
      yield* proxy.heal
      yield* until(() => client.text() === "soon")
    })
  )

  it.scopedLive("lets so many bytes a second through, and holds back a sender that is faster", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setup
      const client = yield* connect(proxy.port)
      yield* proxy.set({ bandwidth: 200_000 }, "toServer")
      const started = Date.now()
      client.socket.write(Buffer.alloc(60_000, 1))
      yield* until(() => client.size() === 60_000)
      assert.isAtLeast(Date.now() - started, 280)
      client.socket.write(Buffer.alloc(20_000_000, 1))
      yield* Effect.sleep(quiet)
      assert.isAbove(client.socket.writableLength, 0)
      yield* proxy.heal
      yield* until(() => client.size() === 20_060_000)
    })
  )

  it.scopedLive("turns over one bit of a piece, in the direction and the part of the pieces that it is told", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setup
      const client = yield* connect(proxy.port)
      const sent = Buffer.alloc(16, 0b1010_1010)
      const differing = (from: number) =>
        [...client.bytes().subarray(from)].reduce((sum, byte, i) => {
          const bits = byte ^ (sent[i] ?? 0)
          return sum + bits.toString(2).replaceAll("0", "").length
        }, 0)
      yield* proxy.set({ corruption: 1 }, "toClient")
      client.socket.write(sent)
      yield* until(() => client.size() === 16)
      assert.strictEqual(differing(0), 1)
      yield* proxy.heal
      client.socket.write(sent)
      yield* until(() => client.size() === 32)
      assert.strictEqual(differing(16), 0)
    })
  )

  it.scopedLive(
    "a black hole accepts, forwards nothing and tells nobody; healed, it breaks what missed something",
    () =>
      Effect.gen(function* () {
        const { proxy, server } = yield* setup
        const idle = yield* connect(proxy.port)
        const before = yield* connect(proxy.port)
        before.socket.write("a")
        yield* until(() => before.text() === "a")
        yield* proxy.drop()
        before.socket.write("b")
        const during = yield* connect(proxy.port)
        during.socket.write("c")
        server.sockets[1]?.resetAndDestroy()
        yield* Effect.sleep(quiet)
        assert.deepStrictEqual([before.text(), during.text(), before.error(), before.ended()], ["a", "", "", false])
        yield* proxy.heal
        yield* until(() => before.error() === "ECONNRESET" && during.error() === "ECONNRESET")
        idle.socket.write("d")
        yield* until(() => idle.text() === "d")
      })
  )

  it.scopedLive("half open: requests arrive, answers do not", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* setup
      const client = yield* connect(proxy.port)
      yield* proxy.drop("toClient")
      client.socket.write("request")
      yield* until(() => server.sockets[0]?.bytesRead === 7)
      yield* Effect.sleep(quiet)
      assert.strictEqual(client.text(), "")
    })
  )

  it.scopedLive("half open the other way: the server may speak, and hears nothing, not even the end", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* setup
      const client = yield* connect(proxy.port)
      yield* until(() => server.sockets.length === 1)
      yield* proxy.drop("toServer")
      server.sockets[0]?.write("event")
      yield* until(() => client.text() === "event")
      client.socket.destroy()
      yield* Effect.sleep(quiet)
      assert.isFalse(server.sockets[0]?.readableEnded ?? true)
    })
  )

  it.scopedLive("paused, it reads nothing; resumed, everything arrives", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setup
      const client = yield* connect(proxy.port)
      yield* proxy.pause()
      client.socket.write("one")
      const other = yield* connect(proxy.port)
      other.socket.write("two")
      yield* Effect.sleep(quiet)
      assert.deepStrictEqual([client.text(), other.text()], ["", ""])
      yield* proxy.resume()
      yield* until(() => client.text() === "one" && other.text() === "two")
    })
  )

  it.scopedLive("refuses new connections, keeps the old ones, and accepts again on the same port", () =>
    Effect.gen(function* () {
      const { proxy } = yield* setup
      const old = yield* connect(proxy.port)
      yield* proxy.refuse
      yield* proxy.refuse
      const refused = yield* Effect.flip(connect(proxy.port))
      assert.strictEqual(refused.code, "ECONNREFUSED")
      old.socket.write("still here")
      yield* until(() => old.text() === "still here")
      yield* proxy.accept
      yield* proxy.accept
      const next = yield* connect(proxy.port)
      next.socket.write("back")
      yield* until(() => next.text() === "back")
    })
  )

  it.scopedLive("resets and closes every connection", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* setup
      const first = yield* connect(proxy.port)
      yield* until(() => server.sockets.length === 1)
      yield* proxy.reset
      yield* until(() => first.error() === "ECONNRESET" && server.sockets[0]?.destroyed === true)
      const second = yield* connect(proxy.port)
      yield* until(() => server.sockets.length === 2)
      yield* proxy.close
      yield* until(() => second.ended() && server.sockets[1]?.destroyed === true)
      assert.strictEqual(second.error(), "")
      while ((yield* proxy.traffic).open > 0) yield* Effect.sleep("5 millis")
    })
  )

  it.scopedLive("a server that is not there is a reset to the client", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(echo)
      const proxy = yield* FaultProxy.make({ target: { host: "127.0.0.1", port } })
      const client = yield* connect(proxy.port)
      yield* until(() => client.error() === "ECONNRESET")
    })
  )

  it.scopedLive("leaves nothing when the scope closes, whatever its state", () =>
    Effect.gen(function* () {
      const server = yield* echo
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const proxy = yield* FaultProxy.make({ target: { host: "127.0.0.1", port: server.port } })
          const client = yield* connect(proxy.port)
          client.socket.write("x")
          yield* until(() => client.text() === "x")
          yield* proxy.set({ latency: "1 hour", flow: "hold" })
          client.socket.write("y")
          return proxy.port
        })
      )
      yield* until(() => server.sockets.every((socket) => socket.destroyed))
      assert.strictEqual((yield* Effect.flip(connect(port))).code, "ECONNREFUSED")
    })
  )

  it.scopedLive("what makes no sense is an OptionsError, and a taken port a ProxyError", () =>
    Effect.gen(function* () {
      const { proxy, server } = yield* setup
      for (const [faults, option] of [
        [{ bandwidth: 0 }, "bandwidth"],
        [{ bandwidth: NaN }, "bandwidth"],
        [{ latency: "soon" as "1 second" }, "latency"],
        [{ jitter: Infinity }, "jitter"],
        [{ corruption: 1.5 }, "corruption"],
        [{ corruption: NaN }, "corruption"],
        [{ flow: "lose" as "drop" }, "flow"]
      ] as const) {
        const error = yield* Effect.flip(proxy.set(faults))
        assert.strictEqual(error.option, option)
      }
      const taken = yield* Effect.flip(
        FaultProxy.make({ target: { host: "127.0.0.1", port: server.port }, port: proxy.port })
      )
      assert.strictEqual(taken._tag, "ProxyError")
      assert.include(taken.message, `127.0.0.1:${proxy.port}`)
    })
  )
})
