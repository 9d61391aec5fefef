import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { bigintFromBytes, formatDate, formatTime, parseDate } from "../../src/internal/protocol/scalars.ts"

const days = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

describe("dates", () => {
  it("come back from their text over the whole range of the type", () => {
    fc.assert(fc.property(days, (n) => assert.strictEqual(parseDate(formatDate(n)), n)))
    for (const edge of [-(2 ** 31), 2 ** 31 - 1, 0, -1, -719_528, -719_529, 2_932_896, 2_932_897]) {
      assert.strictEqual(parseDate(formatDate(edge)), edge)
    }
  })

  it("agree with Date, where Date reaches", () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_528, max: 2_932_896 }), (n) => {
        assert.strictEqual(formatDate(n), new Date(n * 86_400_000).toISOString().slice(0, 10))
      })
    )
  })

  it("follow one another in the order of their days", () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_528, max: 2_932_895 }), (n) => {
        assert.isTrue(formatDate(n) < formatDate(n + 1))
      })
    )
  })

  it("are written with a sign outside the years 0 to 9999", () => {
    assert.strictEqual(formatDate(0), "1970-01-01")
    assert.strictEqual(formatDate(-719_528), "0000-01-01")
    assert.strictEqual(formatDate(-719_529), "-0001-12-31")
    assert.strictEqual(formatDate(2_932_896), "9999-12-31")
    assert.strictEqual(formatDate(2_932_897), "+10000-01-01")
    assert.strictEqual(formatDate(2 ** 31 - 1), "+5881580-07-11")
    assert.strictEqual(formatDate(-(2 ** 31)), "-5877641-06-23")
  })

  it("that do not exist, or are not written so, are refused", () => {
    const bad = [
      "",
      "today",
      "2026-02-29",
      "2026-04-31",
      "2026-13-01",
      "2026-00-10",
      "2026-01-00",
      "2026-1-1",
      "20260101",
      "2026-01-01T00:00:00Z",
      " 2026-01-01",
      "+5881580-07-12",
      "-5877641-06-22",
      "99999999-01-01"
    ]
    for (const text of bad) assert.isUndefined(parseDate(text), text)
    assert.strictEqual(parseDate("2024-02-29"), 19_782)
  })
})

describe("times", () => {
  it("are written with nine digits of fraction", () => {
    assert.strictEqual(formatTime(0n), "00:00:00.000000000")
    assert.strictEqual(formatTime(86_399_999_999_999n), "23:59:59.999999999")
    assert.strictEqual(formatTime(48_654_000_000_001n), "13:30:54.000000001")
  })

  it("tell every nanosecond of a day apart, in order", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 86_399_999_999_998n }), (n) => {
        const text = formatTime(n)
        assert.match(text, /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{9}$/)
        const [hours, minutes, seconds, fraction] = text.split(/[:.]/).map(BigInt) as [bigint, bigint, bigint, bigint]
        assert.strictEqual(((hours * 60n + minutes) * 60n + seconds) * 1_000_000_000n + fraction, n)
        assert.isTrue(text < formatTime(n + 1n))
      })
    )
  })
})

describe("integers of any length", () => {
  it("come back from two's complement", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 0, max: 3 }), (n, padding) => {
        const length = Math.ceil((n.toString(2).length + 1) / 8) + padding
        const hex = BigInt.asUintN(length * 8, n)
          .toString(16)
          .padStart(length * 2, "0")
        assert.strictEqual(bigintFromBytes(Buffer.from(hex, "hex")), n)
      })
    )
  })

  it("of no bytes are zero, and a view into a larger buffer is read at its place", () => {
    assert.strictEqual(bigintFromBytes(new Uint8Array()), 0n)
    assert.strictEqual(bigintFromBytes(new Uint8Array([9, 255, 9]).subarray(1, 2)), -1n)
  })
})
