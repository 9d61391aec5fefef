import { assert, describe, it } from "@effect/vitest"
import { cql, Statement } from "effect-cassandra"
import * as fc from "fast-check"
import { inspect } from "node:util"

describe("cql", () => {
  it("makes every value a bind marker", () => {
    const statement = cql`SELECT * FROM users WHERE id = ${"a"} AND age > ${42} LIMIT ${10}`
    assert.strictEqual(statement.query, "SELECT * FROM users WHERE id = ? AND age > ? LIMIT ?")
    assert.deepStrictEqual(statement.values, ["a", 42, 10])
  })

  it("without values is the text itself", () => {
    const statement = cql`SELECT now() FROM system.local`
    assert.strictEqual(statement.query, "SELECT now() FROM system.local")
    assert.deepStrictEqual(statement.values, [])
  })

  it("gives the same text for the same place in the source", () => {
    const [first, second] = [1, 2].map((id) => cql`SELECT * FROM t WHERE id = ${id}`)
    assert.strictEqual(first?.query, second?.query)
    assert.deepStrictEqual(first?.values, [1])
    assert.deepStrictEqual(second?.values, [2])
  })

  it("decides between binding and composing by each value, not by the place", () => {
    const texts = [1, cql.id("b"), 2].map((part) => cql`SELECT * FROM t WHERE a = ${part}`.query)
    const bound = "SELECT * FROM t WHERE a = ?"
    assert.deepStrictEqual(texts, [bound, 'SELECT * FROM t WHERE a = "b"', bound])
  })

  it("puts a nested statement in with its values, in order", () => {
    const inner = cql`b = ${2} AND c = ${3}`
    const outer = cql`SELECT * FROM t WHERE a = ${1} AND ${inner} AND d = ${4}`
    assert.strictEqual(outer.query, "SELECT * FROM t WHERE a = ? AND b = ? AND c = ? AND d = ?")
    assert.deepStrictEqual(outer.values, [1, 2, 3, 4])
  })

  it("nests to any depth, and an empty part adds nothing", () => {
    const a = cql`a = ${1}`
    const b = cql`${a} AND b = ${2}`
    const c = cql`SELECT * FROM t WHERE ${b} ${cql``}`
    assert.strictEqual(c.query, "SELECT * FROM t WHERE a = ? AND b = ? ")
    assert.deepStrictEqual(c.values, [1, 2])
  })

  it("takes the parts of Statement.make as they are", () => {
    const outer = cql`SELECT * FROM t WHERE ${Statement.make("x = ?", ["y"])}`
    assert.strictEqual(outer.query, "SELECT * FROM t WHERE x = ?")
    assert.deepStrictEqual(outer.values, ["y"])
  })

  it("keeps null, undefined, arrays, records, dates and functions as values", () => {
    const values: ReadonlyArray<unknown> = [
      null,
      undefined,
      [1, 2],
      { a: 1 },
      new Date(0),
      () => 1,
      new Map(),
      Symbol.for("x")
    ]
    const statement = cql`${values[0]}${values[1]}${values[2]}${values[3]}${values[4]}${values[5]}${values[6]}${values[7]}`
    assert.strictEqual(statement.query, "????????")
    assert.deepStrictEqual(statement.values, values)
  })

  it("never lets a value reach the text, whatever it looks like", () => {
    const attempts = [
      "'; DROP TABLE users; --",
      "x' OR '1'='1",
      '"; DROP KEYSPACE shop; "',
      "$$; TRUNCATE users; $$",
      "/* */ DROP TABLE users",
      "?",
      ":name",
      "\u0000\u2028'"
    ]
    for (const attempt of attempts) {
      const statement = cql`SELECT * FROM users WHERE name = ${attempt}`
      assert.strictEqual(statement.query, "SELECT * FROM users WHERE name = ?")
      assert.deepStrictEqual(statement.values, [attempt])
    }
  })

  it("does not take a record that only looks like an identifier or a statement for one", () => {
    const lookalikes = [
      { text: "users; DROP TABLE users" },
      { query: "DROP TABLE users", values: [] },
      JSON.parse('{"effect-cassandra/Identifier":true,"text":"x; DROP TABLE users"}') as unknown,
      JSON.parse('{"Symbol(effect-cassandra/Statement)":true,"query":"DROP TABLE users","values":[]}') as unknown
    ]
    for (const value of lookalikes) {
      assert.strictEqual(cql`SELECT * FROM t WHERE a = ${value}`.query, "SELECT * FROM t WHERE a = ?")
    }
  })

  it("does not print its values", () => {
    const statement = cql`INSERT INTO users (password) VALUES (${"hunter2-planted"})`
    for (const printed of [inspect(statement, { depth: 10 }), JSON.stringify(statement), String(statement)]) {
      assert.notInclude(printed, "hunter2-planted")
    }
    assert.include(inspect(statement), "INSERT INTO users")
  })
})

describe("cql.id", () => {
  it("quotes, and joins several names with dots", () => {
    assert.strictEqual(cql`SELECT * FROM ${cql.id("shop", "Users")}`.query, 'SELECT * FROM "shop"."Users"')
  })

  it("doubles quotes, so that a name cannot end the identifier", () => {
    const name = 'x"; DROP TABLE users; --'
    assert.strictEqual(cql`SELECT * FROM ${cql.id(name)}`.query, 'SELECT * FROM "x""; DROP TABLE users; --"')
  })

  it("is one quoted identifier for any name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        fc.pre(!name.includes("\0"))
        const { text } = cql.id(name)
        const inside = text.slice(1, -1)
        assert.strictEqual(text[0], '"')
        assert.strictEqual(text.at(-1), '"')
        // No quote stands alone inside, and what is inside is the name.
        assert.isFalse(inside.replaceAll('""', "").includes('"'))
        assert.strictEqual(inside.replaceAll('""', '"'), name)
      })
    )
  })

  it("is no name: a QueryError", () => {
    for (const name of ["", "a\0b", null, undefined, 5]) {
      assert.throws(() => cql.id(name as string), "An identifier is a text that is not empty")
    }
  })

  it("stands beside values without mixing with them", () => {
    const statement = cql`UPDATE ${cql.id("t")} SET ${cql.id("a b")} = ${1} WHERE id = ${2}`
    assert.strictEqual(statement.query, 'UPDATE "t" SET "a b" = ? WHERE id = ?')
    assert.deepStrictEqual(statement.values, [1, 2])
  })
})
