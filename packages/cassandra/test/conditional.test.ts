import { assert, describe, it } from "@effect/vitest"
import { isConditional } from "../src/internal/cql/conditional.ts"

const conditional = [
  "INSERT INTO t (id) VALUES (?) IF NOT EXISTS",
  "insert into t (id) values (?) if not exists using ttl 5",
  "UPDATE t SET v = 1 WHERE id = 1 IF v = 2",
  "UPDATE t SET v = 1 WHERE id = 1 IF EXISTS",
  "UPDATE t SET v = 1 WHERE id = 1IF EXISTS",
  "UPDATE t SET v = 1 WHERE id = 0xabIF EXISTS",
  "UPDATE t SET v = 'a'IF v = 'b'",
  'DELETE FROM t WHERE id = ?\nIF\t"IF" = 1',
  "DELETE FROM t WHERE id = ?/**/IF/**/EXISTS",
  "-- a comment\r\nDELETE FROM t WHERE id = ? -- another\rIF EXISTS",
  "// a comment\rDELETE FROM t WHERE id = ? IF EXISTS",
  "/* UPDATE */ DELETE FROM t WHERE s = 'it''s' IF EXISTS",
  "UPDATE t SET v = $$ ' $$ WHERE id = 1 IF v IN (1, 2)",
  "BEGIN BATCH UPDATE t SET v = 1 WHERE id = 1 IF EXISTS; DELETE FROM t WHERE id = 2 APPLY BATCH",
  "BEGIN TRANSACTION LET a = (SELECT v FROM t WHERE id = 1); IF a.v = 1 THEN UPDATE t SET v = 2 WHERE id = 1; END IF COMMIT TRANSACTION"
]

const unconditional = [
  "",
  "IF",
  "SELECT v FROM t WHERE id = 1",
  'SELECT "if" FROM t',
  "INSERT INTO t (id) VALUES (?)",
  "INSERT INTO t (id) VALUES ('IF NOT EXISTS')",
  "INSERT INTO t (id) VALUES ('it''s IF')",
  "INSERT INTO t (id) VALUES ($$IF ' NOT EXISTS$$)",
  "INSERT INTO t (id) VALUES (1) -- IF NOT EXISTS",
  "INSERT INTO t (id) VALUES (1) // IF NOT EXISTS",
  "INSERT INTO t (id) VALUES (1) /* IF NOT EXISTS */",
  "INSERT INTO t (id) VALUES (1) /* IF NOT EXISTS",
  'INSERT INTO t ("if", "a""IF b") VALUES (1, 2)',
  "UPDATE t SET notif = 1, iffy = 2, a_if = 3 WHERE id = 1",
  "CREATE TABLE IF NOT EXISTS t (id int PRIMARY KEY)",
  "DROP KEYSPACE IF EXISTS k",
  "ALTER TABLE t ADD IF NOT EXISTS v int",
  "-- INSERT\rCREATE INDEX IF NOT EXISTS ON t (v)",
  "BEGIN BATCH UPDATE t SET v = 1 WHERE id = 1; APPLY BATCH"
]

describe("a conditional write", () => {
  for (const text of conditional) it(`is ${JSON.stringify(text)}`, () => assert.isTrue(isConditional(text)))
  for (const text of unconditional) it(`is not ${JSON.stringify(text)}`, () => assert.isFalse(isConditional(text)))

  it("is told in linear time", () => {
    const started = performance.now()
    for (const piece of ["/*", "'", '"', "$$", "--", " ", "//", "a'", "$$'"]) {
      isConditional(`INSERT INTO t ${piece.repeat(200_000)}`)
    }
    assert.isBelow(performance.now() - started, 2000)
  })
})
