import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import { resolve } from "../../src/internal/options/resolve.ts"
import { delays } from "../../src/internal/cluster/reconnection.ts"

const silent = () => assert.fail("it warned")

const first = (count: number, schedule: Schedule.Schedule<unknown>) => {
  const all = delays(schedule, silent)
  return Array.from({ length: count }, () => Math.round(all.next().value))
}

describe("the delays of a schedule", () => {
  it("grow by default from a second to ten minutes, with jitter, and go on", () => {
    const all = first(2000, Either.getOrThrow(resolve({})).reconnection)
    for (let i = 0; i < 10; i++) {
      const least = Math.min(1000 * 2 ** i * 0.8, 600_000)
      assert.isAtLeast(all[i]!, least - 5)
      assert.isAtMost(all[i]!, Math.min(1000 * 2 ** i * 1.2 + 5, 600_000))
    }
    assert.isTrue(all.slice(12).every((delay) => delay === 600_000))
  })

  it("repeat the last one when it has ended, but none below a second", () => {
    assert.deepStrictEqual(first(4, Schedule.recurs(2)), [0, 0, 1000, 1000])
    assert.deepStrictEqual(first(2, Schedule.stop), [1000, 1000])
    const slow = Schedule.spaced("5 seconds").pipe(Schedule.intersect(Schedule.recurs(1)))
    assert.deepStrictEqual(first(3, slow), [5000, 5000, 5000])
  })

  it("that has to be waited for are not, and there is a warning", () => {
    const warnings: Array<string> = []
    const waits = Schedule.spaced("1 second").pipe(Schedule.mapEffect(() => Effect.sleep("1 hour")))
    const all = delays(waits, (message) => void warnings.push(message))
    assert.strictEqual(all.next().value, 1000)
    assert.strictEqual(warnings.length, 1)
  })
})
