/** The connections to one node, and where requests go among them. */
import { assert, describe, it } from "vitest"
import { LoadBalancing } from "effect-cassandra"
import { isSocketClosed, UnansweredError } from "../../src/internal/connection/errors.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { NoConnectionError } from "../../src/internal/topology/pool.ts"
import type { Node, NodeDistance } from "../../src/internal/topology/node.ts"
import type { Incoming } from "../wire/ScriptedServer.ts"
import {
  type ClientOptions,
  eventually,
  execute,
  executeSoon,
  failure,
  isSelect,
  select,
  send,
  setup,
  sleep,
  soon
} from "../wire/support.ts"

/** A client that was given so many connections, and a server that holds its SELECTs back until told otherwise. */
const holding = async (options: ClientOptions) => {
  const held: Array<Incoming> = []
  const { client, scripted } = await setup({ script: (r) => isSelect(r) && held.push(r) > 0 }, options)
  await execute(client, "INSERT INTO t", [], { prepare: false })
  const release = () => {
    scripted.script = undefined
    for (const request of held.splice(0)) scripted.defaultAnswer(request)
  }
  return { client, held, release, scripted }
}

describe("a pool", () => {
  it("spreads what is in flight over its connections", async () => {
    const { client, held, release } = await holding({ connectionsPerHost: 4 })
    const all = Array.from({ length: 40 }, () => execute(client, select, [1]))
    await eventually(() => held.length === 40)
    const { connections } = client.pool
    assert.lengthOf(connections, 4)
    for (const { load } of connections) assert.isAtLeast(load, 5)
    assert.strictEqual(client.pool.inFlight, 40)
    release()
    await Promise.all(all)
    assert.strictEqual(client.pool.inFlight, 0)
  })

  it("passes full connections over, and refuses when all of them are", async () => {
    const { client, held, release } = await holding({ connectionsPerHost: 2, maxRequestsPerConnection: 3 })
    await client.topology.openAllPools()
    const all = Array.from({ length: 6 }, () => execute(client, select, [1]))
    await eventually(() => held.length === 6)
    assert.deepStrictEqual(
      client.pool.connections.map(({ load }) => load),
      [3, 3]
    )
    assert.throws(() => client.pool.borrow(), NoConnectionError, /busy, 3 requests.*each of the 2/)
    const refused = await failure(execute(client, select, [1]))
    const [why] = Object.values(refused["innerErrors"] as object)
    assert.instanceOf(why, NoConnectionError)
    release()
    await Promise.all(all)
    await execute(client, select, [1])
  })

  it("gives another connection than the one that failed, if there is one", async () => {
    const { client } = await setup({}, { connectionsPerHost: 2 })
    const [first, second] = client.pool.connections
    for (let i = 0; i < 20; i++) {
      assert.strictEqual(client.pool.borrow(first), second)
      assert.strictEqual(client.pool.borrow(second), first)
    }
    const single = await setup()
    assert.strictEqual(single.client.pool.borrow(single.client.pool.connections[0]), single.client.pool.connections[0])
  })

  it("says why it has no connection", async () => {
    const { client, scripted } = await setup({}, soon)
    await scripted.close()
    await eventually(() => !client.node.isUp())
    await eventually(() => /ECONNREFUSED/.test(client.pool.unavailable().message))
    assert.throws(() => client.pool.borrow(), NoConnectionError, /no open connection: .*ECONNREFUSED/)
  })

  it("replaces a clogged connection before it lets it go, and lets what is on it end", async () => {
    const { client, held, release, scripted } = await holding({ maxOrphans: 5 })
    await execute(client, "INSERT INTO t", [], { prepare: false })
    const waiting = execute(client, select, [1])
    const handles = Array.from({ length: 7 }, () => send(client, select, [1], {}, () => {}))
    await eventually(() => held.length >= 8)
    const [clogged] = client.pool.connections
    let downs = 0
    client.topology.listen({ nodeDown: () => downs++ })
    for (const handle of handles) handle.cancel()
    await eventually(() => client.pool.connections[0] !== clogged && client.pool.connections.length === 1)
    assert.strictEqual(client.settings.counters.connectionsReplaced, 1)
    assert.isTrue(clogged!.isOpen)
    release()
    assert.deepStrictEqual((await waiting).rows, [{ v: 42 }])
    await eventually(() => scripted.open.length === 1)
    assert.strictEqual(downs, 0)
    // The one that hears of the cluster was among them.
    await eventually(() => client.topology.isControlled)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
  })

  it("gives a connection up on which too many requests run out of time", async () => {
    const { client, scripted } = await setup({ script: isSelect }, { ...soon, maxOrphans: 10_000 })
    await execute(client, "INSERT INTO t", [], { prepare: false })
    const errors = await Promise.all(
      Array.from({ length: 70 }, () => failure(execute(client, select, [1], { timeout: 30 })))
    )
    for (const error of errors) assert.isTrue(error instanceof UnansweredError || isSocketClosed(error))
    await eventually(() => scripted.connections.length > 1)
    scripted.script = undefined
    assert.deepStrictEqual((await executeSoon(client)).rows, [{ v: 42 }])
  })

  it("is drained when its node is used no more, filled when it is again, and nothing in flight fails", async () => {
    let distance: NodeDistance = "local"
    const loadBalancing = LoadBalancing.custom({ distance: () => "local", plan: ({ hosts }) => hosts })
    const { client, held, release, scripted } = await holding({ connectionsPerHost: 3, loadBalancing, ...soon })
    const { policy } = client.topology.options
    const original = policy.distance.bind(policy)
    policy.distance = (node: Node) => (distance === "ignored" ? "ignored" : original(node))
    await client.topology.openAllPools()
    const all = Array.from({ length: 9 }, () => execute(client, select, [1]))
    await eventually(() => held.length === 9)
    distance = "ignored"
    await client.topology.adjustPools()
    assert.lengthOf(client.pool.connections, 0)
    // The control connection goes on by one of its own.
    await eventually(() => client.topology.isControlled && scripted.open.length === 4)
    release()
    for (const { rows } of await Promise.all(all)) assert.deepStrictEqual(rows, [{ v: 42 }])
    await eventually(() => scripted.open.length === 1)
    distance = "local"
    await client.topology.adjustPools()
    await eventually(() => client.pool.connections.length === 3)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
  })
})

describe("a connection whose stream ids are all taken", () => {
  it("sends what waits for one as answers come, and passes over what is given up meanwhile", async () => {
    const held: Array<Incoming> = []
    const { client, scripted } = await setup({
      script: (r) => r.opcode === Opcode.query && r.query?.startsWith("HOLD") === true && held.push(r) > 0
    })
    const [connection] = client.pool.connections
    Object.assign((connection as unknown as { streamIds: object }).streamIds, { most: 2 })
    const ask = (text: string, timeout: number) => connection!.query(text, timeout)
    const first = [ask("HOLD 1", 0), ask("HOLD 2", 0)]
    await eventually(() => held.length === 2)
    const gone = failure(ask("HOLD 3", 20))
    const last = ask("SELECT 1", 0)
    assert.instanceOf(await gone, UnansweredError)
    scripted.defaultAnswer(held[0]!)
    // One answer, and one that is passed over: the other one is not to wait for the second answer.
    await last
    scripted.defaultAnswer(held[1]!)
    await Promise.all(first)
    await sleep(10)
    assert.strictEqual(connection!.load, 0)
  })
})
