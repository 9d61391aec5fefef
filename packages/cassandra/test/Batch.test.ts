import { assert, describe, it } from "@effect/vitest"
import { Batch, cql, Statement } from "effect-cassandra"

const plain = cql`INSERT INTO t (a) VALUES (${1})`
const safe = plain.pipe(Statement.idempotent)

describe("Batch", () => {
  it("keeps its statements in order, from any iterable", () => {
    const other = cql`DELETE FROM t WHERE a = ${2}`
    assert.deepStrictEqual(Batch.make("LOGGED", new Set([plain, other])).statements, [plain, other])
  })

  it("add and withOptions leave the batch itself as it is, piped or called", () => {
    const batch = Batch.make("UNLOGGED", [plain], { consistency: "ONE" })
    for (const more of [batch.pipe(Batch.add(safe)), Batch.add(batch, safe)]) {
      assert.deepStrictEqual(more.statements, [plain, safe])
      assert.strictEqual(more.type, "UNLOGGED")
      assert.deepStrictEqual(more.options, { consistency: "ONE" })
    }
    for (const changed of [
      batch.pipe(Batch.withOptions({ timestamp: 1n })),
      Batch.withOptions(batch, { timestamp: 1n })
    ]) {
      assert.deepStrictEqual(changed.options, { consistency: "ONE", timestamp: 1n })
    }
    assert.deepStrictEqual(batch.statements, [plain])
    assert.deepStrictEqual(batch.options, { consistency: "ONE" })
  })

  it("knows batches from anything else", () => {
    assert.isTrue(Batch.isBatch(Batch.make("LOGGED", [])))
    assert.isFalse(Batch.isBatch({ type: "LOGGED", statements: [] }))
  })

  const table: ReadonlyArray<readonly [string, Batch.Batch, boolean]> = [
    ["every member is", Batch.make("LOGGED", [safe, safe]), true],
    ["one member is not", Batch.make("LOGGED", [safe, plain]), false],
    ["one member says it is not", Batch.make("LOGGED", [safe, Statement.withIdempotent(plain, false)]), false],
    ["it says so itself", Batch.idempotent(Batch.make("LOGGED", [plain])), true],
    ["it says it is not", Batch.make("LOGGED", [safe], { idempotent: false }), false],
    ["it is a counter batch", Batch.make("COUNTER", [safe]), false],
    ["it is a counter batch that says so", Batch.idempotent(Batch.make("COUNTER", [plain])), true],
    ["it is unlogged and every member is", Batch.make("UNLOGGED", [safe]), true]
  ]
  for (const [when, batch, expected] of table) {
    it(`is ${expected ? "" : "not "}idempotent when ${when}`, () => {
      assert.strictEqual(Batch.isIdempotent(batch), expected)
    })
  }
})
