import { assert, describe, it } from "@effect/vitest"
import { operationOf } from "../src/internal/telemetry/operations.ts"
import { tableOf, withoutValues } from "../src/internal/cql/queryText.ts"
import { StatementTable } from "../src/internal/telemetry/statements.ts"

const table: ReadonlyArray<readonly [string, string]> = [
  ["SELECT * FROM shop.users WHERE id = ? AND n = :n", "SELECT * FROM shop.users WHERE id = ? AND n = :n"],
  ["SELECT  *\n  FROM t1 -- 'secret'\n WHERE a1 = 42", "SELECT * FROM t1 WHERE a1 = ?"],
  ["INSERT INTO t (a, b) VALUES ('se''cret', -1.5e-3)", "INSERT INTO t (a, b) VALUES (?, ?)"],
  ['INSERT INTO t JSON \'{"a": "secret"}\'', "INSERT INTO t JSON ?"],
  ["UPDATE t SET a = $$it's secret$$ WHERE b = 0xCAFE", "UPDATE t SET a = ? WHERE b = ?"],
  ["SELECT a FROM t WHERE b IN (1, 2,3) AND c IN ('x')", "SELECT a FROM t WHERE b IN (?) AND c IN (?)"],
  ["SELECT a FROM t WHERE id = beefcafe-0000-4000-8000-00000000beef", "SELECT a FROM t WHERE id = ?"],
  ['SELECT "it\'s 1" FROM "T 2" WHERE d = 1h30m', 'SELECT "it\'s 1" FROM "T 2" WHERE d = ?'],
  ["SELECT a /* 'secret' */ FROM t // 'secret'\nLIMIT 10", "SELECT a FROM t LIMIT ?"],
  ["CREATE ROLE r WITH PASSWORD = 'secret", "CREATE ROLE r WITH PASSWORD = ?"],
  ["SELECT a FROM t WHERE d = P1Y2M", "SELECT a FROM t WHERE d = ?"],
  ["SELECT a FROM t /* never closed 'secret'", "SELECT a FROM t"]
]

describe("the text without values", () => {
  for (const [text, expected] of table) {
    it(text, () => assert.strictEqual(withoutValues(text), expected))
  }

  it("is cut where it is very long, and made in time", () => {
    assert.isBelow(withoutValues(`SELECT ${"a, ".repeat(5000)} FROM t`).length, 2100)
    assert.strictEqual(withoutValues(`SELECT '${"x".repeat(100_000)}`), "SELECT ?")
    assert.isBelow(withoutValues(`SELECT ${"'".repeat(99_999)}`).length, 2100)
  })

  it("tells the table and the operation", () => {
    assert.deepStrictEqual(
      [
        "SELECT a FROM shop.users WHERE b = ?",
        'INSERT INTO "T 2" (a) VALUES (?)',
        "UPDATE t SET a = ?",
        "DELETE a FROM t WHERE b = ?",
        "CREATE TABLE t (a int PRIMARY KEY)"
      ].map(tableOf),
      ["shop.users", '"T 2"', "t", "t", undefined]
    )
    assert.deepStrictEqual(
      ["select 1", "BEGIN BATCH", "CREATE TABLE", "frobnicate", ""].map((text) => operationOf(text).name),
      ["SELECT", "BATCH", "CREATE", "OTHER", "OTHER"]
    )
  })
})

describe("the query table", () => {
  it("is one statement for texts that differ in values", () => {
    const statements = new StatementTable(10)
    for (let i = 0; i < 100; i++) statements.of(`SELECT a FROM t WHERE id = ${i}`).add(0.001, i % 10 === 0)
    assert.deepStrictEqual(
      statements.all().map(({ count, errors, text }) => ({ count, errors, text })),
      [{ count: 100, errors: 10, text: "SELECT a FROM t WHERE id = ?" }]
    )
  })

  it("is bounded: what took the most time stays, and nothing is lost of the sums", () => {
    const statements = new StatementTable(10)
    statements.of("SELECT costly FROM t").add(60, false)
    for (let i = 0; i < 1000; i++) statements.of(`SELECT column${i} FROM t`).add(0.001, false)
    const all = statements.all()
    assert.isAtMost(all.length, 10)
    assert.include(
      all.map(({ text }) => text),
      "SELECT costly FROM t"
    )
    assert.strictEqual(
      all.reduce((sum, { count }) => sum + count, statements.dropped.count),
      1001
    )
  })
})
