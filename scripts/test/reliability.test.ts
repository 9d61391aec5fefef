import { assert, describe, it } from "vitest"
import { columns, type Measured, type Row } from "../../packages/cassandra/test/reliability/matrix.ts"
import { problemsOf, reliabilityPage } from "../reliability/page.ts"

const cell = { operations: 10, failed: {}, recovered: 1_500, longest: 20 }
const each = <A>(value: A) => Object.fromEntries(Object.keys(columns).map((name) => [name, value]))

const row = {
  id: "killed",
  fault: "killed node",
  injected: "it is killed",
  answer: "goes on",
  path: "bytes",
  cells: { ...each("served"), others: "typed" },
  from: "start",
  within: 10,
  tests: ["a.it.ts: works"]
} as unknown as Row

const level = { heap: 20, sockets: 3, handles: 4 }
const soak = {
  minutes: 10,
  machine: "a machine",
  operations: { reads: 7 },
  faults: { killed: 1 },
  errors: {},
  looked: 5,
  lost: 0,
  duplicated: 0,
  before: level,
  after: { ...level, heap: 21.25 }
}
const measured = (changes: object, soaked: object = {}): Measured =>
  ({
    rows: { killed: { cells: { ...each(cell), ...changes }, whole: 2_300 } },
    soak: { ...soak, ...soaked }
  }) as unknown as Measured
const known = () => undefined

describe("the reliability page", () => {
  it("has no problem when what was measured is what was promised", () => {
    const failing = { ...cell, failed: { ConnectionError: 2 } }
    assert.deepStrictEqual(problemsOf([row], measured({ others: failing }), known), [])
  })

  const lies: ReadonlyArray<readonly [string, Measured, string]> = [
    ["a row that was not measured", { ...measured({}), rows: {} }, "killed: was not measured"],
    ["a soak that was not measured", { rows: measured({}).rows }, "the soak was not measured"],
    ["a soak that lost a write", measured({}, { lost: 1 }), "soak: 1 writes were lost"],
    ["a column that was not measured", measured({ reads: undefined }), "killed: reads was not measured"],
    [
      "failures where none may be",
      measured({ reads: { ...cell, failed: { X: 1 } } }),
      "killed: reads is not always served"
    ],
    [
      "a recovery that took too long",
      measured({ close: { ...cell, recovered: 10_001 } }),
      "killed: close took too long to recover"
    ]
  ]
  for (const [lie, results, problem] of lies) {
    it(`is refused with ${lie}`, () => assert.deepStrictEqual(problemsOf([row], results, known), [problem]))
  }

  it("is refused with a row or a test that does not exist", () => {
    const { rows, ...rest } = measured({})
    const flooded = { ...rest, rows: { ...rows, flooded: rows["killed"]! } }
    assert.deepStrictEqual(
      problemsOf([row], flooded, (test) => `there is no ${test}`),
      ["flooded: there is no such row", "killed: there is no a.it.ts: works"]
    )
  })

  it("has the promise and the time of every cell", () => {
    const page = reliabilityPage(
      [row],
      measured({ others: { ...cell, recovered: 40, failed: { ConnectionError: 2 } } })
    )
    assert.include(page, "| [killed node](#killed) | served 1.5 | served 1.5 | **typed** 0 |")
    assert.include(
      page,
      "failed: 2 `ConnectionError`; the last trouble ended 1.5 s after the start of the fault (allowed: 10 s)"
    )
    assert.include(page, "2.3 s after its end all connections were there")
    assert.include(page, "| live heap | 20.0 MB at the start, 21.3 MB at the end |")
  })
})
