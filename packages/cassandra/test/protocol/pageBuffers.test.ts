import * as fc from "fast-check"
import { assert, it } from "vitest"
import { borrowCopy, giveBack } from "../../src/internal/protocol/pageBuffers.ts"

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 9000 }),
  fc.constantFrom(4095, 4096, 4097, 65_536, 1 << 20, (1 << 20) + 1)
)

it("nobody gets a buffer that another one still has", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(lengths, fc.constant("give back" as const)), { maxLength: 40 }), (steps) => {
      const held: Array<{ readonly buffer: Buffer; readonly expected: Buffer }> = []
      steps.forEach((step, n) => {
        if (step === "give back") {
          const [returned] = held.splice(n % Math.max(held.length, 1), 1)
          if (returned !== undefined) giveBack(returned.buffer)
        } else {
          const expected = Buffer.alloc(step, n + 1)
          held.push({ buffer: borrowCopy(expected), expected })
        }
        for (const { buffer, expected } of held) assert.isTrue(buffer.subarray(0, expected.length).equals(expected))
      })
      for (const { buffer } of held) giveBack(buffer)
    }),
    { numRuns: 200 }
  )
})

it("a page's buffer is used again for the next one", () => {
  const first = borrowCopy(Buffer.alloc(200_000, 1))
  giveBack(first)
  const second = borrowCopy(Buffer.alloc(190_000, 2))
  assert.strictEqual(second, first)
  giveBack(second)
})

it("what is kept is bounded", () => {
  const borrowed = Array.from({ length: 12 }, (_, n) => borrowCopy(Buffer.alloc(1 << 20, n)))
  borrowed.forEach(giveBack)
  const again = borrowed.map(() => borrowCopy(Buffer.alloc(1 << 20)))
  assert.strictEqual(again.filter((buffer) => borrowed.includes(buffer)).length, 2)
})
