import { types } from "cassandra-driver"
import { assert, describe, it, vi } from "vitest"
import * as Wire from "../../src/internal/wire/index.ts"
import { ScriptedServer } from "./ScriptedServer.ts"
import { asDriver, connect, execute, makeClient, prepare, select, sendOptions, setup, shutdown } from "./support.ts"

const run = async () => {
  const scripted = await ScriptedServer.start({ versions: [3, 4] })
  const client = makeClient(scripted.port, undefined, {
    id: types.Uuid.fromString("00000000-0000-0000-0000-000000000001")
  } as object)
  await connect(client)
  await asDriver(client).execute(select, [1], { prepare: true, timestamp: 1 })
  await asDriver(client).execute("INSERT INTO t", [], { timestamp: 1 })
  await shutdown(client)
  await scripted.close()
  return scripted.requests.map((r) => `${r.version} ${r.flags} ${r.opcode} ${r.body.toString("hex")}`)
}

describe("good neighbourliness", () => {
  it("a callback and a log handler that throw disturb nobody", async () => {
    const { client, scripted } = await setup()
    asDriver(client).on("log", () => {
      throw new Error("log")
    })
    await execute(client, select, [1])
    const prepared = await prepare(client, select)
    await new Promise<void>((resolve) =>
      Wire.execute(client, prepared, [1], sendOptions(), {
        answered: () => {
          setImmediate(resolve)
          throw new Error("callback")
        }
      })
    )
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.strictEqual(scripted.connections.length, 1)
  })

  it("another client sends what it always sent, and the driver's classes are untouched", async () => {
    const before = await run()
    const { client } = await setup()
    await execute(client, select, [1])
    assert.deepStrictEqual(await run(), before)
    assert.isTrue(before[0]!.startsWith("66 "))
    assert.strictEqual(Wire.wireStatus()._tag, "Available")
  })

  it("a second copy of the client in the process has its wire as well, and both speak v5", async () => {
    const { client } = await setup()
    vi.resetModules()
    const copy = await import("./support.ts")
    const Other: typeof Wire = await import("../../src/internal/wire/index.ts")
    assert.notStrictEqual(Other.attach, Wire.attach)
    assert.deepStrictEqual(Other.wireStatus(), { _tag: "Available" })
    const second = await copy.setup()
    assert.deepStrictEqual((await copy.execute(second.client, select, [1])).rows, [{ v: 42 }])
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.deepStrictEqual([Wire.protocolVersion(client), Other.protocolVersion(second.client)], [5, 5])
    for (const close of copy.opened.splice(0)) await close()
  })
})
