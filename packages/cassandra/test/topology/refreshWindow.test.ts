import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { RefreshWindow } from "../../src/internal/topology/refreshWindow.ts"

/** A window, and what it acted on. */
const open = (width: number | undefined) => {
  const acted: Array<ReadonlyArray<number>> = []
  return { acted, window: new RefreshWindow<number>(width, (gathered) => void acted.push(gathered)) }
}

describe("a refresh window", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it("gathers from the first announcement on, for a random part of its width", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.25)
    const { acted, window } = open(1000)
    window.add(1)
    vi.advanceTimersByTime(200)
    window.add(2)
    vi.advanceTimersByTime(49)
    assert.deepStrictEqual(acted, [])
    vi.advanceTimersByTime(1)
    assert.deepStrictEqual(acted, [[1, 2]])
    window.add(3)
    vi.advanceTimersByTime(250)
    assert.deepStrictEqual(acted, [[1, 2], [3]])
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("takes no longer than its width, and not forever", () => {
    vi.spyOn(Math, "random").mockReturnValue(1 - Number.EPSILON)
    const { acted, window } = open(1000)
    window.add(1)
    vi.advanceTimersByTime(1000)
    assert.deepStrictEqual(acted, [[1]])
    // A timer of Node's that is too long goes off at once.
    const wide = open(Number.POSITIVE_INFINITY)
    wide.window.add(1)
    vi.advanceTimersByTime(1_000_000)
    assert.deepStrictEqual(wide.acted, [])
    wide.window.stop()
  })

  it("of no width acts at once, and none does not act", () => {
    const { acted, window } = open(0)
    window.add(1)
    window.add(2)
    assert.deepStrictEqual(acted, [[1], [2]])
    const none = open(undefined)
    none.window.add(1)
    vi.runAllTimers()
    assert.deepStrictEqual(none.acted, [])
  })

  it("gathers anew what is announced while it acts", () => {
    const acted: Array<ReadonlyArray<number>> = []
    const window = new RefreshWindow<number>(10, (gathered) => {
      acted.push(gathered)
      if (acted.length === 1) window.add(2)
    })
    window.add(1)
    vi.runAllTimers()
    assert.deepStrictEqual(acted, [[1], [2]])
  })

  it("that is stopped acts on nothing any more", () => {
    const { acted, window } = open(1000)
    window.add(1)
    window.stop()
    window.add(2)
    assert.strictEqual(vi.getTimerCount(), 0)
    vi.runAllTimers()
    assert.deepStrictEqual(acted, [])
  })
})
