import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { publicApi } from "../coverage/api.ts"
import { problemsOf, type Repository } from "../coverage/check.ts"
import { coveragePage } from "../coverage/markdown.ts"
import { ids, type Row } from "../coverage/rows.ts"
import { testProblems, titlesIn } from "../coverage/titles.ts"
import { programOf, root } from "../sources.ts"

const repository: Repository = {
  hasApi: (name) => name === "Cluster.make",
  testProblem: (test) => (test === "a.test.ts: works" ? undefined : `there is no ${test}`)
}

const done = { what: "it", api: ["Cluster.make"], tests: ["a.test.ts: works"] }

/** A table that is right, but for what stands in place of its first row. */
const withFirst = (...first: ReadonlyArray<unknown>): ReadonlyArray<unknown> => [
  ...first,
  ...ids.slice(1).map((id) => ({ id, ...done }))
]

describe("the coverage table", () => {
  it("has 366 rows", () => {
    assert.strictEqual(new Set(ids).size, 366)
  })

  it("that tells the truth has no problem", () => {
    for (const row of [done, { what: "it", notApplicable: "no threads" }, { what: "it", elsewhere: "bulk" }]) {
      assert.deepStrictEqual(problemsOf(withFirst({ id: "CL-01", ...row }), repository, true), [])
    }
  })

  const lies: ReadonlyArray<readonly [lie: string, rows: ReadonlyArray<unknown>, problem: string]> = [
    [
      "an API that does not exist",
      [{ ...done, id: "CL-01", api: ["Cluster.mkae"] }],
      "there is no Cluster.mkae in the public API"
    ],
    ["a test that does not exist", [{ ...done, id: "CL-01", tests: ["b.test.ts: x"] }], "there is no b.test.ts: x"],
    ["no API", [{ ...done, id: "CL-01", api: [] }], "must name the API that it is done by"],
    ["no test", [{ id: "CL-01", what: "it", api: ["Cluster.make"] }], "must name the test that proves it"],
    ["an empty test", [{ ...done, id: "CL-01", tests: [" "] }], "must name the test that proves it"],
    ["no capability", [{ ...done, id: "CL-01", what: "" }], "does not say what it is"],
    [
      "no state",
      [{ id: "CL-01", what: "it" }],
      "must be either done, or not applicable, or elsewhere, and is 0 of them"
    ],
    [
      "two states",
      [{ id: "CL-01", ...done, elsewhere: "bulk" }],
      "must be either done, or not applicable, or elsewhere, and is 2 of them"
    ],
    ["no reason", [{ id: "CL-01", what: "it", notApplicable: "" }], "must say why it is not applicable"],
    [
      "an issue that is not open",
      [{ id: "CL-01", what: "it", elsewhere: "later" }],
      'there is no open issue about "later"'
    ],
    ["a key that nobody knows", [{ id: "CL-01", ...done, test: "x" }], "has what no row has: test"],
    ["a row that is missing", [], "is missing"],
    [
      "a row that is there twice",
      [
        { id: "CL-01", ...done },
        { id: "CL-01", ...done }
      ],
      "is there twice"
    ]
  ]
  for (const [lie, rows, problem] of lies) {
    it(`is refused with ${lie}`, () => {
      assert.deepStrictEqual(problemsOf(withFirst(...rows), repository, false), [`CL-01: ${problem}`])
    })
  }

  it("is refused with a row that nobody asked for", () => {
    const rows = withFirst({ id: "CL-01", ...done }, { id: "CL-84", ...done }, { ...done })
    assert.deepStrictEqual(problemsOf(rows, repository, false), [
      "CL-84: no such row is asked for",
      "undefined: no such row is asked for"
    ])
  })

  it("may have rows that wait for something, but not in the end", () => {
    const rows = withFirst({ id: "CL-01", what: "it", pending: "config" })
    assert.deepStrictEqual(problemsOf(rows, repository, false), [])
    assert.deepStrictEqual(problemsOf(rows, repository, true), ["CL-01: still waits for config"])
  })

  it("that is no array is refused", () => {
    assert.deepStrictEqual(problemsOf({}, repository, false), ["The table is no array of rows"])
  })

  it("as a page has every row, with what would break a table escaped", () => {
    const page = coveragePage(withFirst({ id: "CL-01", ...done, what: "a | b <c>" }) as ReadonlyArray<Row>)
    for (const id of ids) assert.include(page, `| ${id} |`)
    assert.include(page, "a \\| b &lt;c>")
    assert.include(page, "[a.test.ts](../packages/cassandra/test/a.test.ts): works")
  })
})

describe("the titles of tests", () => {
  const titles = titlesIn(`
    describe("a group", () => {
      it("plain", () => {})
      it.live("with a method", () => {})
      it.effect.each([1])("for each", () => {})
      it(\`\${n} things and \${m}\`, () => {})
      it(\`\${n}\`, () => {})
      it(name, () => {})
      it.skip("skipped", () => {})
      it.todo("to do")
      describe("inner", () => { test("deep", () => {}) })
    })
    describe.skip("a skipped group", () => { it("inside", () => {}) })
    layer(live, { timeout: 1 })("a layer", (it) => { it.scoped("scoped", () => {}) })
    log("no test", () => {})
  `)

  it("are found in every kind of test and group", () => {
    for (const title of [
      "plain",
      "a group > plain",
      "with a method",
      "for each",
      "… things and …",
      "deep",
      "a group > inner > deep",
      "a layer > scoped"
    ]) {
      assert.isTrue(titles.has(title), title)
    }
  })

  it("are not of what is skipped, no test, or nothing but a placeholder", () => {
    for (const title of ["skipped", "to do", "inside", "no test", "…", "a group", "a layer", "name"]) {
      assert.isFalse(titles.has(title), title)
    }
  })

  it("are looked for in the file that is named", () => {
    const problem = testProblems((file) =>
      file === "packages/cassandra/test/x.test.ts" ? 'it("a: b", () => {})' : undefined
    )
    assert.isUndefined(problem("x.test.ts: a: b"))
    assert.isUndefined(problem("packages/cassandra/test/x.test.ts: a: b"))
    assert.strictEqual(problem("x.test.ts: c"), 'there is no test "c" in packages/cassandra/test/x.test.ts')
    assert.strictEqual(problem("y.test.ts: a"), "there is no file packages/cassandra/test/y.test.ts")
    assert.strictEqual(problem("x.ts: a"), "packages/cassandra/test/x.ts is no file of tests")
  })
})

describe("the examples", () => {
  const files: Readonly<Record<string, string>> = {
    "examples/basic.ts": "/**\n * The basics.\n *\n * Prints:\n *   one\n */\nimport 1",
    "examples/silent.ts": "/**\n * Says nothing.\n */\n/**\n * Prints:\n *   one\n */",
    "examples/empty.ts": "/**\n * Prints:\n */\n",
    "examples/support/main.ts": "/**\n * Prints:\n *   one\n */"
  }
  const problem = testProblems((file) => files[file])

  it("prove what they show when they say what they print", () => {
    assert.isUndefined(problem("examples/basic.ts"))
  })

  it("prove nothing otherwise, nor do files that are no examples", () => {
    assert.strictEqual(problem("examples/silent.ts"), "examples/silent.ts does not say what it prints")
    assert.strictEqual(problem("examples/empty.ts"), "examples/empty.ts does not say what it prints")
    assert.strictEqual(problem("examples/none.ts"), "there is no example examples/none.ts")
    assert.strictEqual(problem("examples/support/main.ts"), "examples/support/main.ts is no file of tests")
  })
})

describe("the public API", () => {
  const hasApi = publicApi(
    programOf(
      [],
      new Map([
        [
          join(root, "Session.ts"),
          `interface Base { readonly inherited?: number }
           export interface Session { readonly stream: () => void }
           export interface Options extends Base { readonly port?: number }
           export class Failure { readonly alive = 1 }
           export type Either = { readonly both: 1; readonly one: 2 } | { readonly both: 1 }
           export const make = (): Session => ({ stream: () => {} })
           const hidden = 1`
        ],
        [
          join(root, "index.ts"),
          `export * as Session from "./Session.ts"\nexport const cql = Object.assign(() => {}, { id: 1 })`
        ]
      ])
    ),
    join(root, "index.ts")
  )

  it("has exports of the package and of its modules, and members of their types", () => {
    for (const name of [
      "cql",
      "cql.id",
      "Session",
      "Session.make",
      "Session.Options",
      "Session#stream",
      "Options.port",
      "Options.inherited",
      "Failure#alive",
      "Either.both"
    ]) {
      assert.isTrue(hasApi(name), name)
    }
  })

  it("has nothing else", () => {
    for (const name of [
      "sql",
      "cql.ident",
      "Session.stream",
      "Session.hidden",
      "Session.mkae",
      "Session#make",
      "Options.prot",
      "Base.inherited",
      "Either.one",
      "Session.make()",
      "toString",
      ""
    ]) {
      assert.isFalse(hasApi(name), name)
    }
  })
})
