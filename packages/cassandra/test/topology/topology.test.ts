/** What a client learns of its cluster, from servers of several ages and manners. */
import { assert, describe, it } from "vitest"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "../wire/body.ts"
import { hostIdOf, ScriptedServer, type ServerOptions, tokenOf } from "../wire/ScriptedServer.ts"
import { announce, never, schemaChange, statusChange } from "../options/support.ts"
import {
  connect,
  eventually,
  execute,
  failure,
  isSelect,
  makeClient,
  opened,
  select,
  sendOptions,
  setup,
  shutdown,
  soon
} from "../wire/support.ts"

const queries = (scripted: ScriptedServer, text: string) =>
  scripted.requests.filter(({ opcode, query }) => opcode === Opcode.query && query?.includes(text) === true)

const start = async (options: ServerOptions = {}): Promise<ScriptedServer> => {
  const scripted = await ScriptedServer.start(options)
  opened.push(() => scripted.close())
  return scripted
}

describe("the nodes", () => {
  it("are those of system.peers_v2, each with its own port", async () => {
    const peer = { address: "127.0.0.2", releaseVersion: "5.0.9", dataCenter: "dc1", port: 9999 }
    const { client, scripted } = await setup({ peers: [peer] }, soon)
    assert.deepStrictEqual(
      client.topology.nodes.map(({ address, hostId, tokens }) => [address, hostId.replaceAll("-", ""), tokens]),
      [
        [`127.0.0.1:${scripted.port}`, hostIdOf("127.0.0.1").toString("hex"), [tokenOf("127.0.0.1")]],
        ["127.0.0.2:9999", hostIdOf("127.0.0.2").toString("hex"), [tokenOf("127.0.0.2")]]
      ]
    )
    assert.lengthOf(queries(scripted, "system.peers"), 1)
  })

  it("are those of system.peers where there is no other, on the port that was given, and it is asked for no more", async () => {
    const peer = { address: "127.0.0.2", releaseVersion: "3.11.19", port: 9999 }
    const { client, scripted } = await setup(
      { peers: [peer], versions: [3, 4], releaseVersion: "3.11.19" },
      { minimumProtocolVersion: 4, ...soon }
    )
    assert.deepStrictEqual(
      client.topology.nodes.map(({ address }) => address),
      [`127.0.0.1:${scripted.port}`, `127.0.0.2:${scripted.port}`]
    )
    await client.topology.refreshNodes()
    assert.lengthOf(queries(scripted, "system.peers_v2"), 1)
    assert.lengthOf(queries(scripted, "FROM system.peers"), 3)
  })

  it("of servers that do not tell ports are announced with another one than is used", async () => {
    const old = { versions: [3, 4], releaseVersion: "3.11.19" }
    const first = await start({ ...old, peers: [{ address: "127.0.0.2", releaseVersion: "3.11.19" }] })
    const second = await start({ ...old, host: "127.0.0.2", port: first.port })
    const client = makeClient(first.port, {
      minimumProtocolVersion: 4,
      statusRefreshWindow: "immediate",
      reconnection: never
    })
    opened.unshift(() => shutdown(client))
    await connect(client)
    const node = client.topology.node(`127.0.0.2:${first.port}`)!
    await eventually(() => second.open.length === 1)
    second.script = (request) => (request.connection.socket.destroy(), true)
    for (const { socket } of second.open) socket.destroy()
    await eventually(() => !node.isUp())
    second.script = undefined
    announce(first, () => statusChange("UP", "127.0.0.2")(9042))
    await eventually(() => node.isUp())
  })

  it("that lack what a node has are left out, with a warning", async () => {
    const logs: Array<string> = []
    const { client } = await setup(
      {
        script: (request) => {
          if (request.query?.includes("peers_v2") !== true) return
          const columns = [["peer", 16] as const, ["native_address", 16] as const, ["host_id", 12] as const]
          const inet = Buffer.from([127, 0, 0, 9])
          request.connection.answer(request, Opcode.result, Body.rows(columns, [[inet, inet, null]]))
          return true
        }
      },
      { log: (level, message) => logs.push(`${level} ${message}`) }
    )
    assert.lengthOf(client.topology.nodes, 1)
    assert.isTrue(logs.some((line) => line.startsWith("warning") && line.includes("127.0.0.9")))
  })

  it("have no ring with a partitioner that is not known, and requests are served all the same", async () => {
    const { client } = await setup({ partitioner: "com.example.MyPartitioner" }, { schemaMetadata: true })
    assert.isUndefined(client.topology.ring)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
  })

  it("are not learnt of a node that does not tell of itself, and another contact point is tried", async () => {
    const mute = await start({ script: (r) => noRows(r.query?.includes("system.local") === true, r) })
    const other = await start({ host: "127.0.0.3", port: mute.port })
    const client = makeClient(mute.port, { contactPoints: ["127.0.0.1", "127.0.0.3"] })
    opened.unshift(() => shutdown(client))
    await connect(client)
    assert.strictEqual(client.topology.controlAddress, `127.0.0.3:${other.port}`)
    await eventually(() => mute.open.length === 0)
  })
})

const noRows = (is: boolean, request: Parameters<NonNullable<ServerOptions["script"]>>[0]): boolean => {
  if (is) request.connection.answer(request, Opcode.result, Body.rows([["key", 13]], []))
  return is
}

const keyspaces =
  (names: ReadonlyArray<string>): ServerOptions["script"] =>
  (request) => {
    if (request.opcode !== Opcode.query || request.query?.includes("system_schema.keyspaces") !== true) return
    const wanted = /keyspace_name = '(.*)'/.exec(request.query)?.[1]
    const map = Buffer.concat([
      Body.int(2),
      ...["class", "SimpleStrategy", "replication_factor", "1"].map((text) => Body.bytes(Body.text(text)))
    ])
    request.connection.answer(
      request,
      Opcode.result,
      Body.rows(
        [
          ["keyspace_name", 13],
          ["replication", [0x21, 13, 13]]
        ],
        names.filter((name) => wanted === undefined || name === wanted).map((name) => [Body.text(name), map])
      )
    )
    return true
  }

describe("the schema", () => {
  it("of a keyspace is read when it is announced, and forgotten when the keyspace is gone", async () => {
    const names = ["one"]
    const { client, scripted } = await setup(
      { script: keyspaces(names)! },
      { schemaMetadata: true, schemaRefreshWindow: "immediate" }
    )
    assert.isDefined(client.topology.replication("one"))
    assert.isUndefined(client.topology.replication("two"))
    names.push("two")
    announce(scripted, schemaChange("two"))
    await eventually(() => client.topology.replication("two") !== undefined)
    names.pop()
    announce(scripted, schemaChange("two"))
    await eventually(() => client.topology.replication("two") === undefined)
    assert.isDefined(client.topology.replication("one"))
  })

  it("that this client drops something of makes its statements outdated before that is announced", async () => {
    const { client } = await setup({
      script: (r) => {
        if (r.query !== "DROP TABLE ks.t") return
        const change = [Body.int(5), ...["DROPPED", "TABLE", "ks", "t"].map(Body.string)]
        r.connection.answer(r, Opcode.result, Buffer.concat(change))
        return true
      }
    })
    await execute(client, select, [1])
    const statement = client.topology.prepared.find(select, undefined)!
    assert.isFalse(statement.isOutdated(client.topology.drops))
    await execute(client, "DROP TABLE ks.t", [], { prepare: false })
    assert.isTrue(statement.isOutdated(client.topology.drops))
  })
})

describe("the keyspace of connections below v5", () => {
  const four = { minimumProtocolVersion: 4, protocolVersion: 4, keyspace: "mine" } as const

  it("is set once on each, when it is first used, and quoted", async () => {
    const { client, scripted } = await setup({}, { ...four, keyspace: 'My "ks"', connectionsPerHost: 3 })
    await Promise.all(Array.from({ length: 60 }, () => execute(client, select, [1])))
    const uses = scripted.requests.filter(({ query }) => query?.startsWith("USE") === true)
    assert.deepStrictEqual([...new Set(uses.map(({ query }) => query))], ['USE "My ""ks"""'])
    assert.strictEqual(new Set(uses.map(({ connection }) => connection)).size, uses.length)
    for (const { connection, query } of scripted.requests.filter(isSelect)) {
      const at = scripted.requests.findIndex((r) => r.connection === connection && r.query?.startsWith("USE") === true)
      assert.isAtLeast(at, 0, query)
    }
  })

  it("that does not exist fails connecting, and leaves nothing", async () => {
    const scripted = await start({
      script: (r) => r.query?.startsWith("USE") === true && (r.connection.error(r, 0x2200, "no keyspace"), true)
    })
    const client = makeClient(scripted.port, four)
    assert.include(await failure(connect(client)), { code: 0x2200, message: "no keyspace" })
    await eventually(() => scripted.open.length === 0)
  })

  it("that cannot be set later is a failure of the node, and nothing was sent", async () => {
    const { client, scripted } = await setup({}, four)
    await execute(client, select, [1])
    for (const connection of client.pool.connections) connection.keyspace = undefined
    scripted.script = (r) => r.query?.startsWith("USE") === true && (r.connection.error(r, 0x2200, "gone"), true)
    const before = scripted.requests.filter(isSelect).length
    const error = await failure(execute(client, select, [1]))
    assert.include(Object.values(error["innerErrors"] as object)[0] as object, { code: 0x2200 })
    assert.strictEqual(scripted.requests.filter(isSelect).length, before)
  })
})

const answers =
  (letter: string): ServerOptions["script"] =>
  (r) => {
    if (r.query !== "BIG") return
    const rows = Body.rows([["v", 13]], [[Body.text(letter.repeat(400_000))]])
    const bytes = r.connection.frame(r.connection.envelope(r.streamId, Opcode.result, rows, r.version))
    // Sockets share the buffer that they read into: what is cut in two by turns must not be mixed up.
    for (let at = 0; at < bytes.length; at += 70_000) {
      setTimeout(() => r.connection.write(bytes.subarray(at, at + 70_000)), at / 7000)
    }
    return true
  }

describe("two clients in one process", () => {
  it("do not get in each other's way: large answers in pieces, versions, compression, and the end of one", async () => {
    const a = await setup({ script: answers("a")! })
    const b = await setup(
      { script: answers("b")!, versions: [3, 4], releaseVersion: "3.11.19" },
      { minimumProtocolVersion: 4 }
    )
    const c = await setup({ script: answers("c")! }, { compression: "lz4" })
    for (let round = 0; round < 3; round++) {
      const texts = await Promise.all(
        [a, b, c].map(
          async ({ client }) => (await execute(client, "BIG", [], { prepare: false })).rows![0]!["v"] as string
        )
      )
      assert.deepStrictEqual(
        texts.map((text) => [text[0], text.length, new Set(text).size]),
        ["a", "b", "c"].map((letter) => [letter, 400_000, 1])
      )
    }
    const late = execute(b.client, "BIG", [], { prepare: false })
    await shutdown(a.client)
    assert.strictEqual(((await late).rows![0]!["v"] as string).length, 400_000)
    assert.deepStrictEqual([b.client.topology.version, c.client.topology.version], [4, 5])
  })

  it("a callback that throws disturbs nobody on the connection", async () => {
    const { client, scripted } = await setup()
    await execute(client, select, [1])
    client.topology.listen({
      schemaChanged: () => {
        throw new Error("a listener")
      }
    })
    announce(scripted, schemaChange("shop"))
    await new Promise<void>((resolve) =>
      client.transport.execute(select, [1], sendOptions(), {
        answered: () => {
          setImmediate(resolve)
          throw new Error("a callback")
        }
      })
    )
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.lengthOf(scripted.connections, 1)
  })
})
