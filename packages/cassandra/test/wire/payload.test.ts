import { assert, it } from "@effect/vitest"
import { Cluster, cql, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Opcode } from "../../src/internal/wire/stockResponse.ts"
import * as Body from "./body.ts"
import { ScriptedServer } from "./ScriptedServer.ts"

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
