import * as Redacted from "effect/Redacted"
import { assert, describe, it } from "vitest"
import { isWireError } from "../../src/internal/protocol/errors.ts"
import { ServerResponseError } from "../../src/internal/protocol/serverError.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "../wire/body.ts"
import { type Incoming, skipsMetadata } from "../wire/ScriptedServer.ts"
import { batch, execute, failure, isSelect, prepare, select, setup } from "../wire/support.ts"

describe("a v5 server", () => {
  it("is spoken to in v5, with metadata skipped once it is known", async () => {
    const { client, scripted } = await setup()
    assert.strictEqual(client.topology.version, 5)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.isTrue(scripted.requests.filter(isSelect).every(skipsMetadata))
    assert.isTrue(scripted.requests.every((r) => r.version === 5))
    assert.strictEqual(scripted.count(Opcode.prepare), 1)
  })

  it("is spoken to with LZ4", async () => {
    const { client, scripted } = await setup({}, { compression: "lz4" })
    const long = `SELECT v FROM t WHERE k = ? -- ${"a".repeat(5000)}`
    assert.deepStrictEqual((await execute(client, long, [1])).rows, [{ v: 42 }])
    assert.strictEqual(client.transport.compression(), "lz4")
    assert.isDefined(scripted.open[0]!.lz4)
    const { counters } = client.settings
    assert.isBelow(counters.bytesAfterCompression, counters.bytesBeforeCompression)
  })

  it("asks for a password in segments", async () => {
    const credentials = { username: "u", password: Redacted.make("p") }
    const { client } = await setup({ password: "p" }, { credentials })
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    const error = await failure(setup({ password: "other" }, { credentials }))
    const [inner] = Object.values(error["innerErrors"] as object) as Array<object>
    assert.include(inner, { code: 0x0100 })
  })

  it("takes envelopes larger than a segment, and gives them", async () => {
    const value = "x".repeat(700_000)
    const { client, scripted } = await setup({
      script: (r) => {
        if (r.opcode !== Opcode.query || !r.query?.startsWith("BIG")) return
        const answer = Body.rows([["v", 13]], [[Body.text(r.query.slice(4))]])
        r.connection.answer(r, Opcode.result, answer)
        return true
      }
    })
    const { rows } = await execute(client, `BIG ${value}`, [], { prepare: false })
    assert.isTrue(rows?.[0]?.["v"] === value)
    assert.isAbove(scripted.requests.length, 3)
  })

  it("that has much to say lets everything else in the process have its turn", async () => {
    const held: Array<Incoming> = []
    const answer = Body.rows([["v", 13]], [[Body.text("x".repeat(100_000))]])
    const { client } = await setup({
      script: (r) => {
        if (r.opcode !== Opcode.query || r.query !== "BIG") return
        held.push(r)
        if (held.length === 40) {
          for (const h of held) h.connection.answer(h, Opcode.result, answer)
        }
        return true
      }
    })
    let turn = 0
    let counting = true
    const turns = new Set<number>()
    const count = (): void => {
      turn++
      if (counting) setImmediate(count)
    }
    count()
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        await execute(client, "BIG", [], { prepare: false })
        turns.add(turn)
      })
    )
    counting = false
    assert.isAtLeast(turns.size, 8)
  })

  it("answers out of order", async () => {
    const held: Array<Incoming> = []
    const { client, scripted } = await setup({
      script: (r) => {
        if (!isSelect(r)) return
        held.push(r)
        if (held.length === 20) {
          const bytes = held.toReversed().map((h) => {
            const k = h.body.readInt32BE(h.body.indexOf(Buffer.from([0, 1, 0, 0, 0, 4])) + 6)
            return h.connection.envelope(h.streamId, Opcode.result, scripted.executed(h, k))
          })
          r.connection.write(r.connection.frame(Buffer.concat(bytes)))
        }
        return true
      }
    })
    const results = await Promise.all(Array.from({ length: 20 }, (_, k) => execute(client, select, [k])))
    assert.deepStrictEqual(
      results.map((r) => r.rows?.[0]?.["v"]),
      Array.from({ length: 20 }, (_, k) => k)
    )
  })

  it("changes a table under a prepared statement", async () => {
    const changedId = Buffer.alloc(16, 9)
    let changed = false
    const { client, scripted } = await setup({
      script: (r) => {
        if (!isSelect(r)) return
        const afterId = 2 + r.body.readUInt16BE(0)
        const sent = r.body.subarray(afterId + 2, afterId + 2 + r.body.readUInt16BE(afterId))
        if (!changed) return
        const specs = [
          ["v", 9],
          ["w", 13]
        ] as const
        const row = [[Body.int(1), Body.text("new")]]
        const known = sent.equals(changedId)
        const options = known ? { skipMetadata: skipsMetadata(r) } : { changedId }
        r.connection.answer(r, Opcode.result, Body.rows(specs, row, options))
        return true
      }
    })
    const prepared = await prepare(client, select)
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    changed = true
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 1, w: "new" }])
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 1, w: "new" }])
    assert.deepStrictEqual(
      prepared.result.shape?.columns.map((c) => c.name),
      ["v", "w"]
    )
    assert.strictEqual(scripted.count(Opcode.prepare), 1)
  })

  it("is sent the keyspace, the time and ANY", async () => {
    const { client, scripted } = await setup()
    await execute(client, "INSERT INTO t", [], {
      prepare: false,
      keyspace: "ks1",
      nowInSeconds: 77,
      consistency: 0,
      timestamp: 5n
    })
    const { body } = scripted.requests.at(-1)!
    const at = 4 + body.readInt32BE(0)
    assert.strictEqual(body.readUInt16BE(at), 0)
    assert.strictEqual(body.readInt32BE(at + 2) & 0x1a0, 0x1a0)
    assert.strictEqual(body.readInt32BE(body.length - 4), 77)
    assert.isTrue(body.includes("ks1"))
    await prepare(client, select, { keyspace: "ks2" })
    assert.isTrue(scripted.requests.at(-1)!.body.includes("ks2"))
    assert.isFalse(scripted.requests.some((r) => r.query?.startsWith("USE") === true))
    await batch(client, [["INSERT INTO t (k) VALUES (?)", [1]]], { keyspace: "ks3" })
    assert.isTrue(scripted.requests.at(-1)!.body.includes("ks3"))
  })
})

const answering = (code: number, rest: Buffer = Buffer.alloc(0)) =>
  setup({ script: (r) => (isSelect(r) ? (r.connection.error(r, code, "message", rest), true) : undefined) })

describe("errors of the server", () => {
  it("CAS_WRITE_UNKNOWN has its fields", async () => {
    const { client } = await answering(0x1700, Buffer.concat([Body.short(8), Body.int(1), Body.int(2)]))
    const error = await failure(execute(client, select, [1]))
    assert.include(error, { code: 0x1700, consistencies: 8, received: 1, blockFor: 2, message: "message" })
  })

  it("CDC_WRITE_FAILURE has its code", async () => {
    const { client } = await answering(0x1600)
    const error = await failure(execute(client, select, [1]))
    assert.include(error, { code: 0x1600, message: "message" })
    assert.instanceOf(error, ServerResponseError)
  })

  it("failures say what each replica answered", async () => {
    const reasons = Buffer.concat([Body.int(1), Buffer.from([4, 127, 0, 0, 9]), Body.short(3)])
    const rest = Buffer.concat([Body.short(6), Body.int(0), Body.int(1), reasons, Buffer.from([0])])
    const { client } = await answering(0x1300, rest)
    const error = await failure(execute(client, select, [1]))
    assert.deepStrictEqual(error["reasons"], { "127.0.0.9": 3 })
  })

  it("a CAS write timeout counts the contentions", async () => {
    const rest = Buffer.concat([Body.short(8), Body.int(0), Body.int(1), Body.string("CAS"), Body.short(4)])
    const { client } = await answering(0x1100, rest)
    assert.include(await failure(execute(client, select, [1])), { code: 0x1100, writeType: "CAS", contentions: 4 })
  })

  it("ALREADY_EXISTS of a keyspace has an empty text in the place of the table", async () => {
    const { client } = await answering(0x2400, Buffer.concat([Body.string("ks"), Body.string("")]))
    const error = await failure(execute(client, select, [1]))
    assert.include(error, { code: 0x2400, keyspace: "ks", table: "" })
  })

  it("say which statement it was, and who answered; so do those of preparing", async () => {
    const { client, scripted } = await answering(0x2200)
    const facts = { coordinator: `127.0.0.1:${scripted.port}`, query: select }
    assert.include(await failure(execute(client, select, [1])), facts)
    scripted.script = (r) => r.opcode === Opcode.prepare && (r.connection.error(r, 0x2200, "message"), true)
    const other = `${select} -- other`
    assert.include(await failure(prepare(client, other)), { ...facts, query: other })
  })

  it("UNPREPARED may be dealt with while a speculative execution finds no other node", async () => {
    let forgotten = false
    const { client, scripted } = await setup()
    await prepare(client, select)
    scripted.script = (r) => {
      if (r.opcode === Opcode.prepare) {
        setTimeout(() => scripted.defaultAnswer(r), 60)
        return true
      }
      if (!isSelect(r) || forgotten) return
      forgotten = true
      r.connection.error(r, 0x2500, "not prepared", r.body.subarray(0, 2 + r.body.readUInt16BE(0)))
      return true
    }
    const { rows } = await execute(client, select, [1], { speculation: (started) => (started < 2 ? 20 : undefined) })
    assert.deepStrictEqual(rows, [{ v: 42 }])
    assert.strictEqual(client.native.counters.reprepared, 1)
  })

  it("UNPREPARED is prepared again, but not without end", async () => {
    const { client, scripted } = await answering(0x2500, Body.shortBytes(Buffer.alloc(16, 1)))
    const error = await failure(execute(client, select, [1]))
    assert.isTrue(isWireError(error))
    assert.include(error, { reason: "UnpreparedLoop" })
    assert.strictEqual(scripted.count(Opcode.prepare), 4)
  })
})
