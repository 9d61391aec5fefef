import { assert, describe, it } from "vitest"
import { UnansweredError } from "../../src/internal/connection/errors.ts"
import type { SendOptions } from "../../src/internal/request/transport.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { type Incoming, ScriptedServer, type ServerOptions } from "../wire/ScriptedServer.ts"
import {
  type Client,
  connect,
  eventually,
  execute,
  failure,
  isSelect,
  makeClient,
  opened,
  prepare,
  select,
  send,
  sendOptions,
  setup,
  sleep
} from "../wire/support.ts"

const idempotent = { idempotent: true }

const silent: ServerOptions["script"] = (r) => isSelect(r)

const start = async (client: Client, options: Partial<SendOptions> = idempotent) => {
  let called = 0
  await prepare(client, select)
  const handle = send(client, select, [1], options, () => called++)
  return { handle, calls: () => called }
}

describe("giving up", () => {
  it("an abandoned request holds its stream until the late answer", async () => {
    const held: Array<Incoming> = []
    const { client, scripted } = await setup({ script: (r) => isSelect(r) && held.push(r) > 0 })
    const { calls, handle } = await start(client)
    await eventually(() => held.length === 1)
    handle.cancel()
    handle.cancel()
    assert.strictEqual(client.orphans, 1)
    assert.strictEqual(client.native.counters.cancelled, 1)
    assert.strictEqual(client.pool.inFlight, 1)
    scripted.script = undefined
    held[0]!.connection.answer(held[0]!, Opcode.result, scripted.executed(held[0]!))
    await eventually(() => client.orphans === 0)
    assert.strictEqual(client.pool.inFlight, 0)
    assert.strictEqual(calls(), 0)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
  })

  it("what is given up before it is written is never sent", async () => {
    const { client, scripted } = await setup()
    await execute(client, select, [1])
    const before = scripted.requests.filter(isSelect).length
    const { handle } = await start(client)
    handle.cancel()
    await sleep(30)
    assert.strictEqual(scripted.requests.filter(isSelect).length, before)
    assert.strictEqual(client.orphans, 0)
    assert.strictEqual(client.pool.inFlight, 0)
  })

  it("preparing can be given up", async () => {
    const { client, scripted } = await setup({ script: (r) => r.opcode === Opcode.prepare })
    let called = 0
    const handle = client.transport.prepare(select, sendOptions(), false, { answered: () => called++ })
    await eventually(() => scripted.count(Opcode.prepare) === 1)
    handle.cancel()
    scripted.script = undefined
    const waiting = scripted.requests.at(-1)!
    scripted.defaultAnswer(waiting)
    await sleep(30)
    assert.strictEqual(called, 0)
    // The others who wait for it get it.
    assert.strictEqual((await prepare(client, select)).query, select)
    assert.strictEqual(scripted.count(Opcode.prepare), 1)
  })

  it("connecting can be given up", async () => {
    const scripted = await ScriptedServer.start({ script: () => true })
    const client = makeClient(scripted.port)
    opened.push(() => scripted.close())
    const connecting = failure(connect(client))
    await eventually(() => scripted.requests.length === 1)
    client.topology.abort()
    await connecting
    await eventually(() => scripted.open.length === 0)
  })

  it("a connection with too many abandoned requests is replaced, and the host stays up", async () => {
    const downs: Array<unknown> = []
    const { client, scripted } = await setup({ script: silent }, { maxOrphans: 10 })
    client.topology.listen({ nodeDown: (node) => downs.push(node) })
    const handles = await Promise.all(Array.from({ length: 12 }, async () => (await start(client)).handle))
    await eventually(() => scripted.requests.filter(isSelect).length === 12)
    for (const handle of handles) handle.cancel()
    await eventually(() => scripted.connections.length === 2 && scripted.open.length === 1)
    scripted.script = undefined
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.strictEqual(client.settings.counters.connectionsReplaced, 1)
    assert.strictEqual(client.orphans, 0)
    assert.deepStrictEqual(downs, [])
  })

  it("silence ends with a time-out error", async () => {
    const { client } = await setup({ script: silent })
    for (const timeout of [50, 2050]) {
      const from = Date.now()
      const error = await failure(execute(client, select, [1], { timeout }))
      assert.instanceOf(error, UnansweredError)
      assert.isAtLeast(Date.now() - from, timeout - 1)
      assert.isBelow(Date.now() - from, timeout + 400)
    }
    assert.strictEqual(client.orphans, 2)
  })
})
