import { assert, describe, it } from "@effect/vitest"
import { kindOf } from "../src/internal/cql/text.ts"

const reads = [
  "SELECT * FROM t",
  "select * from t",
  "  \n\tSeLeCt 1",
  "-- comment\nSELECT 1",
  "// comment\nSELECT 1",
  "/* SELECT */ /* more\nlines */ SELECT 1"
]
const writes = ["INSERT INTO t (a) VALUES (?)", "update t set a = 1", "/* SELECT */ DELETE FROM t"]
const others = [
  "CREATE TABLE t (a int)",
  "TRUNCATE t",
  "BEGIN BATCH SELECT",
  "",
  "?",
  "-- SELECT",
  "selection",
  "/* never closed SELECT"
]

describe("the kind of a statement", () => {
  for (const text of reads) {
    it(`${JSON.stringify(text)} is a read, and prepared`, () => {
      assert.deepStrictEqual(kindOf(text), { read: true, prepared: true, use: false })
    })
  }
  for (const text of writes) {
    it(`${JSON.stringify(text)} is no read, and prepared`, () => {
      assert.deepStrictEqual(kindOf(text), { read: false, prepared: true, use: false })
    })
  }
  for (const text of others) {
    it(`${JSON.stringify(text)} is neither read nor prepared`, () => {
      assert.deepStrictEqual(kindOf(text), { read: false, prepared: false, use: false })
    })
  }

  it("USE is recognised behind comments and in any case", () => {
    for (const text of ["USE shop", "use shop", "/* x */ Use shop"]) assert.isTrue(kindOf(text).use)
    assert.isFalse(kindOf("users").use)
  })

  it("takes no longer for a text made to be slow", () => {
    const text = `${"/*".repeat(5_000)}${" --".repeat(5_000)}${"\n ".repeat(5_000)}`
    assert.isFalse(kindOf(text).read)
    assert.isFalse(kindOf(`${" ".repeat(50_000)}!`).read)
  })
})
