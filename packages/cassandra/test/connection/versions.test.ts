import { assert, describe, it } from "vitest"
import { isWireError } from "../../src/internal/protocol/errors.ts"
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
  soon
} from "../wire/support.ts"

describe("versions", () => {
  for (const beta of [false, true]) {
    it(`an older server ${beta ? "that has v5 as a beta " : ""}is refused by default`, async () => {
      const error = await failure(setup({ versions: [3, 4], beta, releaseVersion: "3.11.19" }))
      const [inner] = Object.values(error["innerErrors"] as Record<string, unknown>)
      assert.isTrue(isWireError(inner))
      assert.include(inner as object, { reason: "UnsupportedVersion", version: 4 })
      assert.match((inner as Error).message, /v4.*v5.*Cassandra 4\.0/)
    })

    it(`an older server ${beta ? "that has v5 as a beta " : ""}is spoken to in v4 where that is allowed`, async () => {
      const { client, scripted } = await setup(
        { versions: [3, 4], beta, releaseVersion: "3.11.19" },
        { minimumProtocolVersion: 4, compression: "lz4" }
      )
      assert.strictEqual(client.topology.version, 4)
      // Each envelope by itself, as far as that makes it smaller.
      const long = `${select} -- ${"a".repeat(5000)}`
      assert.deepStrictEqual((await execute(client, long, [1])).rows, [{ v: 42 }])
      const prepare = scripted.requests.findLast(({ opcode }) => opcode === Opcode.prepare)!
      assert.strictEqual(prepare.flags & 1, 1)
      assert.include(prepare.query, long)
      assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
      const error = await failure(execute(client, select, [1], { keyspace: "other" }))
      assert.include(error, { reason: "NotSupportedByVersion" })
      assert.include(await failure(execute(client, select, [1], { nowInSeconds: 1 })), {
        reason: "NotSupportedByVersion"
      })
    })
  }

  const peers = [{ address: "127.0.0.99", releaseVersion: "3.11.19" }]

  it("a cluster with an older node is refused by default", async () => {
    const error = await failure(setup({ peers }))
    const [inner] = Object.values(error["innerErrors"] as Record<string, unknown>)
    assert.include(inner as object, { reason: "UnsupportedVersion" })
    assert.match((inner as Error).message, /127\.0\.0\.99/)
  })

  it("a cluster with an older node is spoken to in v4 where that is allowed", async () => {
    const { client, scripted } = await setup({ peers }, { minimumProtocolVersion: 4 })
    assert.strictEqual(client.topology.version, 4)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.strictEqual(scripted.requests.find(isSelect)!.version, 4)
  })

  it("a node that comes back older is spoken to in v4 where that is allowed", async () => {
    const scripted = await ScriptedServer.start()
    const client = makeClient(scripted.port, { minimumProtocolVersion: 4, ...soon })
    opened.push(() => shutdown(client))
    await connect(client)
    await execute(client, select, [1])
    const { port } = scripted
    await scripted.close()
    const older = await ScriptedServer.start({ port, versions: [3, 4], beta: true })
    opened.push(() => older.close())
    await eventually(() => older.count(Opcode.startup) >= 2)
    assert.deepStrictEqual((await executeSoon(client)).rows, [{ v: 42 }])
    assert.strictEqual(older.requests.find(isSelect)!.version, 4)
  })
})
