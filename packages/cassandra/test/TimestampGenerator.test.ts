import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import { TimestampGenerator } from "effect-cassandra"

afterEach(() => {
  vi.restoreAllMocks()
})

const silent = () => assert.fail("it warned")

describe("timestamps", () => {
  it("are microseconds of the clock, each higher than the one before", () => {
    const { next } = TimestampGenerator.monotonic()
    const before = BigInt(Date.now()) * 1000n
    const all = Array.from({ length: 5000 }, () => next(silent) as bigint)
    const after = BigInt(Date.now()) * 1000n
    for (let i = 1; i < all.length; i++) assert.isTrue(all[i]! > all[i - 1]!)
    assert.isTrue(all[0]! >= before)
    assert.isTrue(all[0]! <= after)
  })

  it("never go back when the clock does, and there is a warning, not more often than told", () => {
    const warnings: Array<string> = []
    const warn = (message: string) => void warnings.push(message)
    const { next } = TimestampGenerator.monotonic({ warnAfter: "2 seconds", warnEvery: "1 hour" })
    const clock = vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_000)
    assert.strictEqual(next(warn), 1_700_000_000_000_000n)
    assert.strictEqual(next(warn), 1_700_000_000_000_001n)
    clock.mockReturnValue(1_699_999_999_000)
    assert.strictEqual(next(warn), 1_700_000_000_000_002n)
    assert.deepStrictEqual(warnings, [])
    clock.mockReturnValue(1_699_999_990_000)
    assert.strictEqual(next(warn), 1_700_000_000_000_003n)
    assert.strictEqual(next(warn), 1_700_000_000_000_004n)
    assert.strictEqual(warnings.length, 1)
    assert.include(warnings[0], "10000 ms ahead")
    clock.mockReturnValue(1_700_000_000_001)
    assert.strictEqual(next(warn), 1_700_000_000_001_000n)
  })

  it("warn every time when told so", () => {
    let warnings = 0
    const { next } = TimestampGenerator.monotonic({ warnAfter: 0, warnEvery: 0 })
    vi.spyOn(Date, "now").mockReturnValue(1_700_000_000_000)
    for (let i = 0; i < 5; i++) next(() => warnings++)
    assert.strictEqual(warnings, 4)
  })

  it("of two generators know nothing of each other", () => {
    const clock = vi.spyOn(Date, "now").mockReturnValue(2000)
    const [first, second] = [TimestampGenerator.monotonic(), TimestampGenerator.monotonic()]
    first.next(silent)
    clock.mockReturnValue(1000)
    assert.strictEqual(second.next(silent), 1_000_000n)
  })

  it("of the wall clock go back with it, and the server's are none", () => {
    const clock = vi.spyOn(Date, "now").mockReturnValue(2000)
    assert.strictEqual(TimestampGenerator.wallClock.next(silent), 2_000_000n)
    clock.mockReturnValue(1000)
    assert.strictEqual(TimestampGenerator.wallClock.next(silent), 1_000_000n)
    assert.isUndefined(TimestampGenerator.serverSide.next(silent))
  })
})
