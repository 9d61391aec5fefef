import * as net from "node:net"
import * as tls from "node:tls"
import { assert, describe, it } from "vitest"
import { makeTls } from "../../../testkit/src/internal/tls.ts"
import { NoNodeError } from "../../src/internal/topology/controlConnection.ts"
import { isSocketClosed } from "../../src/internal/connection/errors.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { ScriptedServer } from "../wire/ScriptedServer.ts"
import {
  connect,
  eventually,
  execute,
  executeSoon,
  failure,
  isSelect,
  makeClient,
  opened,
  select,
  setup,
  shutdown,
  sleep,
  socketOf,
  soon
} from "../wire/support.ts"

const { ca, server } = makeTls(["localhost"])

describe("connections", () => {
  it("speak v5 inside TLS", async () => {
    const scripted = await ScriptedServer.start()
    // A proxy that only takes the TLS off.
    const proxy = tls.createServer({ key: server.key, cert: server.certificate }, (socket) => {
      const inner = net.connect(scripted.port, "127.0.0.1")
      socket.pipe(inner).pipe(socket)
      socket.on("error", () => inner.destroy())
      inner.on("error", () => socket.destroy())
    })
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
    const { port } = proxy.address() as net.AddressInfo
    const client = makeClient(port, { compression: "lz4", tls: { ca: ca.certificate, serverName: "localhost" } })
    opened.push(async () => {
      await shutdown(client)
      proxy.close()
      await scripted.close()
    })
    await connect(client)
    assert.strictEqual(client.topology.version, 5)
    const long = `SELECT v FROM t WHERE k = ? -- ${"a".repeat(300_000)}`
    assert.deepStrictEqual((await execute(client, long, [1])).rows, [{ v: 42 }])
  })

  it("are kept alive by heartbeats although the clock is set back", async () => {
    const { scripted } = await setup({}, { heartbeatInterval: 50, ...soon })
    const { now } = Date
    Date.now = () => now() - 3_600_000
    try {
      const before = scripted.count(Opcode.options)
      const until = performance.now() + 2_000
      while (scripted.count(Opcode.options) < before + 3 && performance.now() < until) await sleep(5)
      assert.isAtLeast(scripted.count(Opcode.options), before + 3)
    } finally {
      Date.now = now
    }
  })

  it("are kept alive by heartbeats, and replaced when those are not answered", async () => {
    const { client, scripted } = await setup({}, { heartbeatInterval: 50, ...soon })
    const options = () => scripted.count(Opcode.options)
    const before = options()
    await eventually(() => options() >= before + 3)
    assert.strictEqual(scripted.connections.length, 1)
    const heartbeatsIgnored = makeClient(scripted.port, { heartbeatInterval: 50, heartbeatTimeout: 100, ...soon })
    opened.push(() => shutdown(heartbeatsIgnored))
    await connect(heartbeatsIgnored)
    const first = scripted.connections.at(-1)!
    scripted.script = (r) => r.connection === first && r.opcode === Opcode.options
    await eventually(() => first.socket.destroyed)
    scripted.script = undefined
    assert.deepStrictEqual((await executeSoon(heartbeatsIgnored)).rows, [{ v: 42 }])
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
  })

  it("below v5 are switched to the client's keyspace, and above it not needed to", async () => {
    for (const version of [4, 5] as const) {
      const { client, scripted } = await setup(
        {},
        { minimumProtocolVersion: 4, protocolVersion: version, keyspace: "mine" }
      )
      await execute(client, select, [1])
      await execute(client, "INSERT INTO t", [], { prepare: false })
      const { body } = scripted.requests.at(-1)!
      assert.strictEqual(body.includes("mine"), version === 5)
      assert.strictEqual(scripted.requests.filter((r) => r.query === 'USE "mine"').length, version === 5 ? 0 : 1)
    }
  })

  it("to a node that comes back too old fail, and those to others go on", async () => {
    const logs: Array<string> = []
    const { client, scripted } = await setup({}, { ...soon, log: (_level, message) => logs.push(message) })
    const { port } = scripted
    await scripted.close()
    const older = await ScriptedServer.start({ port, versions: [3, 4] })
    opened.push(() => older.close())
    await eventually(() => logs.some((l) => /v4.*needs v5.*Cassandra 4\.0/.test(l)))
    const error = await failure(execute(client, select, [1]))
    assert.instanceOf(error, NoNodeError)
    await older.close()
    const again = await ScriptedServer.start({ port })
    opened.push(() => again.close())
    assert.deepStrictEqual((await executeSoon(client)).rows, [{ v: 42 }])
  })

  it("that the server cuts fail what is on them at once, and what is not idempotent is not sent again", async () => {
    const { client, scripted } = await setup({}, soon)
    await execute(client, select, [1])
    scripted.script = (r) => isSelect(r) && (r.connection.socket.destroy(), true)
    const from = Date.now()
    const error = await failure(execute(client, select, [1]))
    assert.isTrue(isSocketClosed(error))
    assert.isBelow(Date.now() - from, 1000)
    assert.strictEqual(scripted.requests.filter(isSelect).length, 2)
  })

  it("that are closed already refuse at once, as not written", async () => {
    const { client } = await setup()
    const connection = client.pool.connections[0]!
    socketOf(connection).destroy()
    const error = await new Promise<unknown>((resolve) =>
      connection.prepare("SELECT 1", undefined, undefined, 60_000, resolve)
    )
    assert.include(error as object, { _tag: "SocketClosed", requestNotWritten: true })
  })

  it("whose sockets have just ended are not tried again and again", async () => {
    for (const core of [1, 2]) {
      const { client } = await setup({}, { connectionsPerHost: core, ...soon })
      await execute(client, select, [1])
      const { connections } = client.pool
      assert.strictEqual(connections.length, core)
      // The pool hears of it later, and would never if the request kept the event loop to itself.
      for (const connection of connections) socketOf(connection).destroy()
      const error = await failure(execute(client, select, [1]))
      assert.instanceOf(error, NoNodeError)
      assert.deepStrictEqual((await executeSoon(client)).rows, [{ v: 42 }])
    }
  })

  it("close at once when idle", async () => {
    const { client } = await setup()
    await execute(client, select, [1])
    const from = Date.now()
    await shutdown(client)
    assert.isBelow(Date.now() - from, 500)
    assert.instanceOf(await failure(execute(client, select, [1])), NoNodeError)
  })
})
