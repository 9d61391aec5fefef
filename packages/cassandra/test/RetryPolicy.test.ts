import { assert, describe, it } from "@effect/vitest"
import { CassandraError as E, type Consistency, RetryPolicy } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { consistencies, table } from "./retryTable.ts"

const decisions: Readonly<Record<string, string>> = { r: "rethrow", s: "same host", n: "next host" }

const nameOf = (decision: RetryPolicy.RetryDecision): string => {
  if (decision._tag !== "Retry") return decision._tag.toLowerCase()
  assert.isUndefined(decision.consistency, "the standard policy names a consistency")
  return `${decision.host} host`
}

const context = (
  retries: number,
  idempotent: boolean,
  consistency: Consistency.Consistency = "QUORUM"
): RetryPolicy.RetryContext => ({ retries, idempotent, consistency, query: "INSERT" })

describe("RetryPolicy.standard", () => {
  for (const { error, idempotent, name, notIdempotent } of table) {
    it(`${name}: after 0 to 4 retries ${idempotent} when idempotent, ${notIdempotent} when not`, () => {
      for (const consistency of consistencies) {
        for (const [isIdempotent, expected] of [
          [true, idempotent],
          [false, notIdempotent]
        ] as const) {
          for (let retries = 0; retries < expected.length; retries++) {
            const decision = RetryPolicy.standard.decide(
              error(consistency),
              context(retries, isIdempotent, consistency)
            )
            assert.strictEqual(nameOf(decision), decisions[expected[retries] as string])
          }
        }
      }
    })
  }

  it("has every tag in the table", () => {
    const tags = new Set(table.map(({ error }) => error("ONE")._tag))
    const exported = Object.keys(E).filter((name) => name.endsWith("Error") && /^[A-Z]/.test(name))
    assert.deepStrictEqual(
      [...tags].toSorted(),
      exported.filter((name) => name !== "CassandraError").toSorted() as Array<E.CassandraErrorTag>
    )
  })

  it("never retries a write that may have been applied and is not idempotent", () => {
    for (const { error, name } of table) {
      const failed = error("QUORUM")
      // The policy is not told that it is a batch: this one is for the gate behind the policy.
      if (failed.writeState === "NotApplied" || failed._tag === "UnavailableError") continue
      assert.strictEqual(RetryPolicy.standard.decide(failed, context(0, false))._tag, "Rethrow", name)
    }
  })
})

const timeout = new E.WriteTimeoutError({
  message: "m",
  consistency: "QUORUM",
  received: 1,
  required: 2,
  writeType: "SIMPLE"
})
const decide = (maxRetries: number, retries: number) =>
  RetryPolicy.standardWith({ maxRetries }).decide(timeout, context(retries, true))._tag

describe("RetryPolicy", () => {
  it("standardWith changes the limit", () => {
    assert.strictEqual(decide(0, 0), "Rethrow")
    assert.strictEqual(decide(1, 0), "Retry")
    assert.strictEqual(decide(1, 1), "Rethrow")
    assert.strictEqual(decide(10, 9), "Retry")
  })

  it("never decides to retry nothing", () => {
    for (const { error } of table) {
      assert.strictEqual(RetryPolicy.never.decide(error("ONE"), context(0, true))._tag, "Rethrow")
    }
  })

  it("make takes the default schedule when none is given", () => {
    assert.strictEqual(RetryPolicy.make({ decide: () => RetryPolicy.ignore }).schedule, RetryPolicy.defaultSchedule)
  })

  it.effect("the default schedule starts at 25 ms, doubles up to a second, and jitters by a fifth", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const driver = yield* Schedule.driver(
        RetryPolicy.defaultSchedule.pipe(
          Schedule.delayed((delay) => {
            seen.push(Duration.toMillis(delay))
            return delay
          })
        )
      )
      const fiber = yield* Effect.fork(Effect.repeatN(driver.next(timeout), 9))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      const nominal = [25, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000]
      assert.strictEqual(seen.length, nominal.length)
      seen.forEach((delay, i) => {
        assert.isAtLeast(delay, (nominal[i] as number) * 0.8 - 1)
        assert.isAtMost(delay, (nominal[i] as number) * 1.2 + 1)
      })
    })
  )

  it.effect("the schedule of a policy ends the retries when it ends", () =>
    Effect.gen(function* () {
      const { schedule } = RetryPolicy.standardWith({ schedule: Schedule.recurs(2) })
      const delays = yield* Schedule.run(schedule, 0, Chunk.make(timeout, timeout, timeout, timeout))
      assert.strictEqual(Chunk.size(delays), 3)
      const driver = yield* Schedule.driver(schedule)
      yield* driver.next(timeout)
      yield* driver.next(timeout)
      assert.isTrue(Option.isNone(yield* Effect.option(driver.next(timeout))))
    })
  )
})
