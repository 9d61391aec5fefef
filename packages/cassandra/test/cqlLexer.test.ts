/** One notion of what CQL text is made of, wherever text is looked at. */
import { assert, describe, it } from "@effect/vitest"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { skipBlanks, tokensOf, wordAt } from "../src/internal/cql/lexer.ts"
import { kindOf } from "../src/internal/cql/text.ts"
import { parseCqlType } from "../src/internal/cql/typeText.ts"
import { canonical, split } from "../src/internal/migrator/script.ts"
import { readSelect } from "../src/internal/cql/selectList.ts"
import { operationOf } from "../src/internal/telemetry/operations.ts"
import { tableOf, withoutValues } from "../src/internal/cql/queryText.ts"
import { resolve } from "../src/internal/protocol/columnType.ts"

const textOf = (query: string): ReadonlyArray<readonly [string, string]> =>
  [...tokensOf(query)].filter(({ kind }) => kind !== "blank").map(({ kind, text }) => [kind, text] as const)

describe("tokens", () => {
  const table: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, string]>]> = [
    [
      "a--b\rc--d\ne",
      [
        ["word", "a"],
        ["word", "c"],
        ["word", "e"]
      ]
    ],
    ["//a\r\nb", [["word", "b"]]],
    ["/* a /* b */c", [["word", "c"]]],
    ["/*/ a */b", [["word", "b"]]],
    ["/* a", []],
    ["--a", []],
    [
      "- -a/b",
      [
        ["symbol", "-"],
        ["symbol", "-"],
        ["word", "a"],
        ["symbol", "/"],
        ["word", "b"]
      ]
    ],
    [
      `'it''s --a' "b""--" $$c 'd' -- $$`,
      [
        ["string", "'it''s --a'"],
        ["name", '"b""--"'],
        ["string", "$$c 'd' -- $$"]
      ]
    ],
    ["'a", [["string", "'a"]]]
  ]
  for (const [query, expected] of table) {
    it(JSON.stringify(query), () => assert.deepStrictEqual(textOf(query), expected))
  }

  it("together are the text", () => {
    const parts = FastCheck.constantFrom(
      "'",
      '"',
      "$$",
      "--",
      "//",
      "/*",
      "*/",
      "\r",
      "\n",
      " ",
      "a",
      "é",
      "1",
      ";",
      "\uFEFF"
    )
    FastCheck.assert(
      FastCheck.property(FastCheck.array(parts, { maxLength: 30 }), (all) => {
        const query = all.join("")
        assert.strictEqual([...tokensOf(query)].map(({ text }) => text).join(""), query)
      })
    )
  })
})

const blank = FastCheck.constantFrom(
  " ",
  "\t",
  "\n",
  "\r",
  "\r\n",
  "\f",
  "\u00A0",
  "\uFEFF",
  "\u2028",
  "\u3000",
  "--select\n",
  "--select\r",
  "-- use x\r\n",
  "//\r",
  "//insert 'x\n",
  "--/*\r",
  "/*select*/",
  "/**/",
  "/*/ -- \n*/",
  "/* ' */"
)
const blanks = FastCheck.array(blank, { maxLength: 12 }).map((all) => all.join(""))

describe("what a text says about itself, behind any blanks and comments", () => {
  it("USE is always seen", () => {
    FastCheck.assert(
      FastCheck.property(blanks, FastCheck.constantFrom("USE", "use", "uSe"), blank, (before, word, after) => {
        assert.isTrue(kindOf(`${before}${word}${after}b`).use)
      })
    )
    for (const query of ["--c\rUSE b", "//c\rUSE b", '/*c*/USE"b"', "\uFEFFUSE b", "--\r\rUSE/**/b"]) {
      assert.isTrue(kindOf(query).use, query)
    }
  })

  it("a read is what begins with SELECT, for all who look", () => {
    FastCheck.assert(
      FastCheck.property(
        blanks,
        FastCheck.constantFrom(
          "SELECT a FROM t",
          "INSERT INTO t (a) VALUES (1)",
          "UPDATE t SET a = 1",
          "DELETE FROM t",
          "TRUNCATE t"
        ),
        blanks,
        (before, text, after) => {
          const query = `${before}${text}${after}`
          const [word = ""] = text.split(" ")
          assert.strictEqual(kindOf(query).read, word === "SELECT")
          assert.strictEqual(operationOf(withoutValues(query)).name, word)
          assert.strictEqual(readSelect(query)?.table, word === "SELECT" ? "t" : undefined)
          assert.strictEqual(wordAt(query, skipBlanks(query)), word)
        }
      )
    )
  })

  it("a write behind a comment with a SELECT on what looks like its next line is a write", () => {
    assert.isFalse(kindOf("--a\rINSERT INTO t (a) VALUES (1) --\nselect").read)
    assert.isFalse(kindOf("--\rDELETE FROM t --\nSELECT").read)
    assert.isFalse(kindOf("/*\n*/--\r/*\nselect*/DELETE FROM t").read)
    assert.isTrue(kindOf("--DELETE\rSELECT a FROM t").read)
  })

  it("migrations have the same comments", () => {
    const comments = FastCheck.array(
      FastCheck.constantFrom(" ", "\t", "\n", "\r", "--select;\n", "--select\r", "//\r", "/*;*/", "/**/"),
      { maxLength: 12 }
    )
    FastCheck.assert(
      FastCheck.property(comments, (before) => {
        const query = `${before.join("")}DELETE FROM t`
        assert.deepStrictEqual(Either.getOrThrow(split(query)), ["DELETE FROM t"])
        assert.strictEqual(canonical(query), "DELETE FROM t")
      })
    )
  })
})

describe("the columns of a SELECT", () => {
  it("are found behind comments and in any form", () => {
    const select = readSelect(
      'SELECT--a\rDISTINCT a, "B c" AS b /* from x */, CAST(a AS text) AS c, count(*), toDate(d) e_, "x,y" from--x\nks . "T" WHERE'
    )
    assert.deepStrictEqual(select, {
      keyspace: "ks",
      table: "T",
      selectors: [
        { name: "a", column: "a" },
        { name: "b", column: "B c" },
        { name: "c", type: "text" },
        { name: "count", type: "bigint" },
        { name: undefined, type: "date" },
        { name: "x,y", column: "x,y" }
      ]
    })
    // Neither word is reserved.
    assert.deepInclude(readSelect("SELECT json FROM t"), { selectors: [{ name: "json", column: "json" }] })
    assert.deepInclude(readSelect("SELECT distinct, a FROM t"), {
      selectors: [
        { name: "distinct", column: "distinct" },
        { name: "a", column: "a" }
      ]
    })
    assert.isUndefined(readSelect("SELECT DISTINCT json"))
  })
})

/** Texts that made something quadratic, of a given size. */
const slow: Readonly<Record<string, (size: number) => string>> = {
  blanks: (n) => `SELECT a${" ".repeat(n)}FROM t`,
  "blanks in a list": (n) => `SELECT a${" ".repeat(n)}, b FROM t`,
  "blanks before an alias": (n) => `SELECT f(a)${" ".repeat(n)}AS b FROM t`,
  "blanks at the end": (n) => `SELECT a FROM t${" ".repeat(n)}x`,
  "line feeds": (n) => `SELECT a${"\n".repeat(n)}FROM t`,
  "comments of a line": (n) => `${"--\r".repeat(n / 3)}SELECT a FROM t`,
  "comments that do not end": (n) => `SELECT ${"/*".repeat(n / 2)}`,
  "comments that end": (n) => `SELECT ${"/**/".repeat(n / 4)} a FROM t`,
  quotes: (n) => `SELECT ${"'".repeat(n)}`,
  "double quotes": (n) => `SELECT ${'"'.repeat(n + 1)} FROM t`,
  "double quotes apart": (n) => `SELECT ${'" '.repeat(n / 2)}" FROM t`,
  dollars: (n) => `SELECT ${"$".repeat(n)}`,
  digits: (n) => `SELECT a${"1".repeat(n)} FROM t WHERE b = ${"1".repeat(n)}`,
  "digits and dashes": (n) => `SELECT ${"1-".repeat(n / 2)} FROM t`,
  hexadecimal: (n) => `SELECT ${"beefcafe-".repeat(n / 9)} FROM t`,
  letters: (n) => `SELECT${"a".repeat(n)} FROM t`,
  "letters and FROM": (n) => `SELECT ${"a from ".repeat(n / 7)}`,
  "AS in a row": (n) => `SELECT ${"a as ".repeat(n / 5)} FROM t`,
  parentheses: (n) => `SELECT ${"(".repeat(n / 2)}${")".repeat(n / 2)} FROM t`,
  casts: (n) => `SELECT ${"CAST(".repeat(n / 5)} FROM t`,
  "casts with blanks": (n) => `SELECT CAST(a${" ".repeat(n)}AS ) FROM t`,
  lists: (n) => `SELECT a FROM t WHERE b IN (${"?,".repeat(n / 2)}`,
  "many lists": (n) => `SELECT a FROM t WHERE ${"b IN (?,".repeat(n / 8)}`,
  commas: (n) => `SELECT ${",".repeat(n)} FROM t`
}

describe("takes time in proportion to the text", () => {
  const users: Readonly<Record<string, (text: string) => unknown>> = {
    kindOf,
    readSelect,
    "withoutValues and tableOf": (text) => tableOf(withoutValues(text)),
    canonical,
    split
  }
  for (const [name, make] of Object.entries(slow)) {
    it(name, () => {
      const text = make(200_000)
      for (const [user, use] of Object.entries(users)) {
        const before = performance.now()
        use(text)
        // What is quadratic takes minutes.
        assert.isBelow(performance.now() - before, 3000, user)
      }
    })
  }

  it("types, as a server writes them", () => {
    for (const text of [
      `${"list<".repeat(40_000)}int${">".repeat(40_000)}`,
      `${"frozen<".repeat(40_000)}`,
      `tuple<${"int,".repeat(50_000)}int>`,
      `'${"a(".repeat(100_000)}'`,
      `${"ListType(".repeat(20_000)}Int32Type${")".repeat(20_000)}`,
      `TupleType(${"Int32Type,".repeat(20_000)}Int32Type)`,
      `UserType(ks,61,${"61:Int32Type,".repeat(15_000)}61:Int32Type)`,
      " ".repeat(200_000),
      "(".repeat(200_000),
      ")".repeat(200_000),
      ",".repeat(200_000)
    ]) {
      const before = performance.now()
      parseCqlType(text)
      resolve({ code: 0, info: text })
      assert.isBelow(performance.now() - before, 3000, text.slice(0, 20))
    }
  })
})

describe("the types of a table", () => {
  it("are read as they are written", () => {
    const int = { name: "int", parameters: [] }
    assert.deepStrictEqual(parseCqlType("map<int, frozen<list<varchar>>>"), {
      name: "map",
      parameters: [int, { name: "list", parameters: [{ name: "text", parameters: [] }] }]
    })
    assert.deepStrictEqual(parseCqlType("tuple<int, vector<int, 3>, int>"), {
      name: "tuple",
      parameters: [int, { name: "vector", parameters: [int], dimension: 3 }, int]
    })
    assert.deepStrictEqual(parseCqlType('frozen<"A,<b>""">'), { name: 'A,<b>"', parameters: [] })
    assert.deepStrictEqual(parseCqlType("'org.apache.X(a<b,c)'"), { name: "'org.apache.X(a<b,c)'", parameters: [] })
  })
})
