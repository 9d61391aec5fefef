import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { awaitAgreement, inAgreement } from "../src/internal/request/schemaAgreement.ts"
import type { ClusterView } from "../src/internal/request/engine.ts"

/** A cluster whose nodes answer this about their agreement, each time they are asked. */
const viewOf = (answer: (times: number) => Promise<boolean>) => {
  const asked = { times: 0 }
  const view = { checkAgreement: () => answer(++asked.times) }
  return { asked, view: view as unknown as ClusterView }
}

describe("schema agreement", () => {
  it.live("is asked for until it is there", () =>
    Effect.gen(function* () {
      const { asked, view } = viewOf((times) => Promise.resolve(times === 3))
      yield* awaitAgreement(view, Duration.seconds(30))
      assert.strictEqual(asked.times, 3)
    })
  )

  it.live("is an error when it is not there in time, nobody could be asked or nobody answers", () =>
    Effect.gen(function* () {
      for (const answer of [
        () => Promise.resolve(false),
        () => Promise.reject(new Error("no connection")),
        () => new Promise<boolean>(() => undefined)
      ]) {
        const error = yield* Effect.flip(awaitAgreement(viewOf(answer).view, Duration.millis(50)))
        assert.deepInclude(error, { _tag: "SchemaAgreementError", waited: 50 })
        assert.match(error.message, /within 50ms/)
      }
      assert.isFalse(yield* inAgreement(viewOf(() => Promise.reject(new Error("no connection"))).view))
    })
  )

  it.effect("is not waited for any more when interrupted, even while a node does not answer", () =>
    Effect.gen(function* () {
      const { view } = viewOf(() => new Promise<boolean>(() => undefined))
      const waiting = yield* Effect.fork(awaitAgreement(view, Duration.infinity))
      yield* TestClock.adjust("1 hour")
      const exit = yield* Fiber.interrupt(waiting)
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
    })
  )
})
