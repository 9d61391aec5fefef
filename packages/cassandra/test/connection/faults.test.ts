import { Cluster, cql } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { assert, describe, it } from "vitest"
import { isSocketClosed } from "../../src/internal/connection/errors.ts"
import { isWireError, type WireErrorReason } from "../../src/internal/protocol/errors.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "../wire/body.ts"
import type { Incoming, ServerOptions } from "../wire/ScriptedServer.ts"
import {
  type ClientOptions,
  eventually,
  execute,
  executeSoon,
  failure,
  isSelect,
  select,
  setup,
  soon
} from "../wire/support.ts"

/** Answers the first SELECT with `bytes`; the ones after it as they should be. */
const once = (bytes: (r: Incoming, good: Buffer) => Buffer | undefined): ServerOptions["script"] => {
  let done = false
  return (r) => {
    if (!isSelect(r) || done) return
    done = true
    const good = r.connection.frame(
      r.connection.envelope(r.streamId, Opcode.result, Body.rows([["v", 9]], [[Body.int(1)]]))
    )
    const out = bytes(r, good)
    if (out !== undefined) r.connection.write(out)
    return true
  }
}

const flipped = (offset: number) => (_: Incoming, good: Buffer) => {
  const bytes = Buffer.from(good)
  bytes[offset]! ^= 0x10
  return bytes
}

const brokenBy = async (script: ServerOptions["script"], reason: WireErrorReason, options: ClientOptions = {}) => {
  const { client, scripted } = await setup({ script: script! }, { ...soon, ...options })
  const error = await failure(execute(client, select, [1]))
  assert.isTrue(isSocketClosed(error))
  const { cause } = error
  assert.isTrue(isWireError(cause))
  assert.strictEqual(isWireError(cause) && cause.reason, reason)
  // The connection is replaced and the client goes on.
  await eventually(() => scripted.connections.length > 1 && scripted.connections[0]!.socket.destroyed)
  assert.deepStrictEqual((await executeSoon(client)).rows, [{ v: 42 }])
}

describe("corrupt bytes", () => {
  it("in a segment's header", () => brokenBy(once(flipped(1)), "CorruptHeader"))
  it("in a segment's payload", () => brokenBy(once(flipped(20)), "CorruptPayload"))
  it("in a segment's checksum", () =>
    brokenBy(
      once((r, good) => flipped(good.length - 1)(r, good)),
      "CorruptPayload"
    ))
  it("in a compressed segment's header", () => brokenBy(once(flipped(1)), "CorruptHeader", { compression: "lz4" }))
  it("in a compressed segment", () => brokenBy(once(flipped(14)), "CorruptPayload", { compression: "lz4" }))

  it("on the way to the server, which says so on stream 0, whoever has that", () =>
    brokenBy(
      once((r) => {
        const message = "127.0.0.1 invalid, unrecoverable CRC mismatch detected in frame body. Read 1, Computed 2"
        const body = Buffer.concat([Body.int(0x0a), Body.string(message)])
        return r.connection.frame(r.connection.envelope(r.streamId, Opcode.error, body))
      }),
      "CorruptPayload"
    ))

  it("an envelope larger than allowed", () =>
    brokenBy(
      once((r) => {
        const envelope = r.connection.envelope(r.streamId, Opcode.result, Buffer.alloc(20))
        envelope.writeUInt32BE(5000, 5)
        return r.connection.frame(envelope)
      }),
      "FrameTooLarge",
      { maxFrameLength: 4096 }
    ))

  it("a segment cut by the end of the connection", async () => {
    const script = once((r, good) => {
      r.connection.socket.end(good.subarray(0, 15))
      return undefined
    })
    const { client } = await setup({ script: script! })
    const error = await failure(execute(client, select, [1]))
    assert.isTrue(isSocketClosed(error))
  })

  it("a value that reaches beyond its row fails the request and not the connection", async () => {
    const script = once((r) => {
      const body = Body.rows([["v", 9]], [[Body.int(1)]])
      body.writeInt32BE(400, body.length - 8)
      return r.connection.frame(r.connection.envelope(r.streamId, Opcode.result, body))
    })
    const { client, scripted } = await setup({ script: script! })
    const error = await failure(execute(client, select, [1]))
    assert.include(error, { _tag: "WireError", reason: "Malformed" })
    assert.deepStrictEqual((await execute(client, select, [1])).rows, [{ v: 42 }])
    assert.strictEqual(scripted.connections.length, 1)
  })

  it("in the middle of a page fail a stream after the rows before it", () =>
    Effect.gen(function* () {
      const { scripted } = yield* Effect.promise(() => setup())
      scripted.script = (r) => {
        if (r.opcode !== Opcode.execute) return
        const rows = Array.from({ length: 2500 }, (_, i) => [Body.int(i)])
        const body = Body.rows([["v", 9]], rows)
        // The length of the last value: what comes before it is whole.
        body.writeInt32BE(400, body.length - 8)
        r.connection.answer(r, Opcode.result, body)
        return true
      }
      const cluster = yield* Cluster.make({ contactPoints: ["127.0.0.1"], port: scripted.port, localDataCenter: "dc1" })
      const session = yield* cluster.connect()
      const seen: Array<unknown> = []
      const error = yield* Effect.flip(
        Stream.runForEach(session.stream(cql`SELECT v FROM t WHERE k = ${1}`), ({ v }) =>
          Effect.sync(() => seen.push(v))
        )
      )
      assert.include(error, { _tag: "ProtocolError", writeState: "Unknown" })
      assert.include(error.cause, { _tag: "WireError", reason: "Malformed" })
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 2000 }, (_, i) => i)
      )
    }).pipe(Effect.scoped, Effect.runPromise))
})
