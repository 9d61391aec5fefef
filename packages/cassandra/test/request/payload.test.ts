import { assert, it } from "@effect/vitest"
import { Cluster, cql, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "../wire/body.ts"
import { ScriptedServer } from "../wire/ScriptedServer.ts"

const payloadFlag = 4

const payload = (key: string, value: string): Buffer =>
  Buffer.concat([Body.short(1), Body.string(key), Body.int(value.length), Buffer.from(value)])

it.live("a custom payload goes with the request, and that of the answer comes back", () =>
  Effect.gen(function* () {
    const scripted = yield* Effect.acquireRelease(
      Effect.promise(() => ScriptedServer.start()),
      (server) => Effect.promise(() => server.close())
    )
    scripted.script = (request) => {
      if (request.opcode !== Opcode.execute || (request.flags & payloadFlag) === 0) return
      const rows = Body.rows([["v", 9]], [[Body.int(42)]])
      request.connection.answer(request, Opcode.result, Buffer.concat([payload("said", "pong"), rows]), payloadFlag)
      return true
    }
    const cluster = yield* Cluster.make({
      contactPoints: ["127.0.0.1"],
      port: scripted.port,
      localDataCenter: "dc1"
    })
    const session = yield* cluster.connect()
    const select = cql`SELECT v FROM t WHERE k = ${1}`
    assert.deepStrictEqual((yield* session.execute(select)).info.customPayload, Option.none())

    const { info, rows } = yield* session.execute(
      select.pipe(Statement.withCustomPayload({ asked: new TextEncoder().encode("ping") }))
    )
    assert.deepStrictEqual(rows, [{ v: 42 }])
    const received = Option.getOrThrow(info.customPayload)
    assert.strictEqual(new TextDecoder().decode(received["said"] as Uint8Array), "pong")
    const sent = scripted.requests.at(-1)!
    const expected = payload("asked", "ping")
    assert.isTrue(sent.body.subarray(0, expected.length).equals(expected))
  }).pipe(Effect.scoped)
)

it.live(
  "a custom payload goes with preparing, again where the statement is prepared again; and preparing has a time limit",
  () =>
    Effect.gen(function* () {
      const scripted = yield* Effect.acquireRelease(
        Effect.promise(() => ScriptedServer.start()),
        (server) => Effect.promise(() => server.close())
      )
      let forgotten = false
      scripted.script = (request) => {
        if (request.opcode === Opcode.prepare && request.body.includes("slow")) return true
        if (request.opcode !== Opcode.execute || forgotten) return
        forgotten = true
        // UNPREPARED, with the id that was asked for.
        const id = request.content.subarray(0, 2 + request.content.readUInt16BE(0))
        request.connection.answer(
          request,
          Opcode.error,
          Buffer.concat([Body.int(0x2500), Body.string("not prepared"), id])
        )
        return true
      }
      const cluster = yield* Cluster.make({ contactPoints: ["127.0.0.1"], port: scripted.port, localDataCenter: "dc1" })
      const session = yield* cluster.connect()
      const sentPrepares = () => scripted.requests.filter(({ opcode }) => opcode === Opcode.prepare)

      const plain = "SELECT v FROM t WHERE k = ? AND plain = 1"
      yield* session.prepare(plain)
      const query = "SELECT v FROM t WHERE k = ?"
      const prepared = yield* session.prepare(query, { customPayload: { asked: new TextEncoder().encode("ping") } })
      yield* session.execute(prepared.bind([1]))
      assert.isTrue(forgotten)
      // What is bound belongs to the payload that it was prepared with.
      const executed = scripted.requests.findLast(({ opcode }) => opcode === Opcode.execute)!
      const asked = payload("asked", "ping")
      assert.strictEqual(executed.flags & payloadFlag, payloadFlag)
      assert.isTrue(executed.body.subarray(0, asked.length).equals(asked))

      const [first, ...others] = sentPrepares()
      assert.strictEqual(first!.flags & payloadFlag, 0)
      assert.strictEqual(others.length, 2)
      const expected = Buffer.concat([payload("asked", "ping"), Body.int(query.length), Buffer.from(query)])
      for (const { body, flags } of others) {
        assert.strictEqual(flags & payloadFlag, payloadFlag)
        assert.isTrue(body.subarray(0, expected.length).equals(expected))
      }

      const error = yield* Effect.flip(session.prepare("SELECT slow FROM t", { timeout: "50 millis" }))
      assert.strictEqual(error._tag, "OperationTimedOutError")
      assert.include(error.message, "not prepared before timeout 50 ms")
      assert.strictEqual(error.writeState, "NotApplied")
    }).pipe(Effect.scoped)
)
