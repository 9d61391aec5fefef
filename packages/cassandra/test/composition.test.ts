import { assert, describe, it } from "@effect/vitest"
import { Columns, cql, PagingState, RetryPolicy, SpeculativeExecution, Statement } from "effect-cassandra"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { problemOf } from "../src/internal/request/statement.ts"
import type { StatementOptions, Values } from "../src/Statement.ts"

const bytes = (...values: ReadonlyArray<number>) => new Uint8Array(values)

/** Every option, with two values that differ, and a second form of the first that is the same. */
const options: {
  readonly [K in keyof Required<StatementOptions>]: readonly [one: unknown, other: unknown, again?: unknown]
} = {
  idempotent: [true, false],
  prepared: [true, false],
  profile: ["olap", "cart"],
  timestamp: [1n, 2n],
  nowInSeconds: [1, 2],
  pagingState: [PagingState.fromBytes(bytes(1)), PagingState.fromBytes(bytes(2))],
  tracing: [true, false],
  customPayload: [{ a: bytes(1) }, { a: bytes(2) }, { a: bytes(1) }],
  host: ["10.0.0.1:9042", "10.0.0.2:9042"],
  keyspace: ["a", "b"],
  executeAs: ["ada", "bob"],
  consistency: ["ONE", "ALL"],
  serialConsistency: ["SERIAL", "LOCAL_SERIAL"],
  pageSize: [1, 2],
  timeout: ["1 second", "2 seconds", 1000],
  deadline: ["1 second", "2 seconds", 1000],
  retryPolicy: [RetryPolicy.never, RetryPolicy.standard],
  prefetch: [0, 1],
  loadBalancing: [{ _tag: "DcAware" }, { _tag: "DcAware", localDataCenter: "dc1" }, { _tag: "DcAware" }],
  speculativeExecution: [
    SpeculativeExecution.constant({ delay: 10 }),
    SpeculativeExecution.constant({ delay: 20 }),
    SpeculativeExecution.constant({ delay: 10 })
  ]
}

const part = (given: StatementOptions) => Statement.make("a = ?", [1], given)

describe("options of a statement in a template", () => {
  for (const [name, [one, other, again = one]] of Object.entries(options)) {
    it(`${name} is carried over, and two that disagree are refused`, () => {
      const set = { [name]: one }
      assert.deepStrictEqual(cql`SELECT * FROM t WHERE ${part(set)} AND ${cql`b = ${2}`}`.options, set)
      assert.deepStrictEqual(cql`SELECT * FROM t WHERE ${cql`x ${part(set)}`}`.options, set)
      const agreed = cql`SELECT * FROM t WHERE ${part(set)} AND ${part({ [name]: again })}`
      assert.deepStrictEqual(agreed.options, set)
      assert.isUndefined(problemOf(agreed))
      const problem = problemOf(cql`SELECT * FROM t WHERE ${part(set)} AND ${part({ [name]: other })}`)
      assert.strictEqual(problem?._tag, "ConfigurationError")
      assert.include(problem?.message, `statement.${name}`)
    })
  }

  it("payloads with other keys go together", () => {
    const both = cql`${part({ customPayload: { a: bytes(1) } })} ${part({ customPayload: { b: bytes(2) } })}`
    assert.deepStrictEqual(both.options.customPayload, { a: bytes(1), b: bytes(2) })
  })

  it("options set on the whole win, and a problem stays with every copy of it", () => {
    const whole = cql`${part({ consistency: "ONE" })}`.pipe(Statement.withConsistency("ALL"))
    assert.strictEqual(whole.options.consistency, "ALL")
    const wrong = cql`${part({ consistency: "ONE" })} ${part({ consistency: "ALL" })}`
    for (const copy of [cql`x ${wrong}`, Statement.idempotent(wrong), Statement.withValues(wrong, [1])]) {
      assert.include(problemOf(copy)?.message, "statement.consistency")
    }
  })

  it("a schema for the rows is refused: it is the whole statement that has rows", () => {
    const typed = Statement.as(cql`SELECT a FROM t`, Schema.Struct({ a: Schema.Int }))
    assert.include(problemOf(cql`${typed} WHERE b = ${1}`)?.message, "Statement.as on the whole statement")
  })
})

describe("values by name in a template", () => {
  const composed: ReadonlyArray<readonly [text: string, values: Values, query: string, bound: ReadonlyArray<unknown>]> =
    [
      ["c = :c, d = :d", { d: 40, c: 30 }, "c = ?, d = ?", [30, 40]],
      ["c = :x, d = :x", { x: 1 }, "c = ?, d = ?", [1, 1]],
      ["c = :C", { c: 1 }, "c = ?", [1]],
      ["c = :c", { C: 1 }, "c = ?", [1]],
      [`c = :"My ""C"`, { 'My "C': 1 }, "c = ?", [1]],
      ["c = : c", { c: 1 }, "c = ?", [1]],
      ["c = ':c', d = :d", { d: 1 }, "c = ':c', d = ?", [1]],
      ["c = 'it''s :c', d = :d", { d: 1 }, "c = 'it''s :c', d = ?", [1]],
      ["c = $$ :c 'x $$, d = :d", { d: 1 }, "c = $$ :c 'x $$, d = ?", [1]],
      ['":c" = :c', { c: 1 }, '":c" = ?', [1]],
      ["-- :x ?\nc = :c", { c: 1 }, "-- :x ?\nc = ?", [1]],
      ["// :x ?\rc = :c", { c: 1 }, "// :x ?\rc = ?", [1]],
      ["/* :x ' ? */ c = :c", { c: 1 }, "/* :x ' ? */ c = ?", [1]],
      ["c = {'a': 1, 'b': :b, x:y}", { b: 2 }, "c = {'a': 1, 'b': ?, x:y}", [2]],
      ["c = {:k : :v}", { v: 2, k: 1 }, "c = {? : ?}", [1, 2]],
      ["c = {a:f(:x), b::y}", { y: 2, x: 1 }, "c = {a:f(?), b:?}", [1, 2]],
      ["c = {:a, :b + :c}", { c: 3, b: 2, a: 1 }, "c = {?, ? + ?}", [1, 2, 3]],
      ["c = [:a, :b]", { b: 2, a: 1 }, "c = [?, ?]", [1, 2]],
      ["a IN :ids LIMIT :n", { n: 5, ids: [1] }, "a IN ? LIMIT ?", [[1], 5]],
      ["a = 1", {}, "a = 1", []],
      // An array is by position, whatever the markers are called.
      ["c = :c", [1], "c = :c", [1]]
    ]
  for (const [text, values, query, bound] of composed) {
    it(`${text} with ${JSON.stringify(values)}`, () => {
      const whole = cql`UPDATE t SET ${Statement.make(text, values)} WHERE id = ${"id"}`
      assert.isUndefined(problemOf(whole))
      assert.strictEqual(whole.query, `UPDATE t SET ${query} WHERE id = ?`)
      assert.deepStrictEqual(whole.values, [...bound, "id"])
    })
  }

  const refused: ReadonlyArray<readonly [text: string, values: Values, message: string]> = [
    ["c = :c, d = :d", { c: 1 }, '"d"'],
    ["c = :c", { c: 1, extra: 2 }, '"extra"'],
    ["c = :c, d = ?", { c: 1, d: 2 }, "by name or by position"],
    ["c = ?", { c: 1 }, "by name or by position"],
    [`c = :"C"`, { c: 1 }, '"C"'],
    ["c = ':c'", { c: 1 }, '"c"'],
    ["c = :constructor", {}, '"constructor"']
  ]
  for (const [text, values, message] of refused) {
    it(`${text} with ${JSON.stringify(values)} is refused`, () => {
      const problem = problemOf(cql`UPDATE t SET ${Statement.make(text, values)} WHERE id = ${"id"}`)
      assert.strictEqual(problem?._tag, "QueryError")
      assert.include(problem?.message, message)
    })
  }

  it("the same name has another value in another part", () => {
    const whole = cql`${Statement.make("a = :v", { v: 1 })} AND ${Statement.make("b = :v", { v: 2 })} AND c = ${3}`
    assert.strictEqual(whole.query, "a = ? AND b = ? AND c = ?")
    assert.deepStrictEqual(whole.values, [1, 2, 3])
  })

  it("each value is where its name was, whatever the order of the record and the parts around it", () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/)
    const values = fc
      .uniqueArray(name, { minLength: 1, maxLength: 8 })
      .chain((names) =>
        fc.tuple(
          fc.array(fc.constantFrom(...names), { minLength: 1 }),
          fc.shuffledSubarray(names, { minLength: names.length })
        )
      )
    fc.assert(
      fc.property(fc.array(values, { minLength: 1, maxLength: 4 }), (parts) => {
        const made = parts.map(([used, order], i) =>
          Statement.make(
            used.map((one) => `${one} = :${one}`).join(", "),
            Object.fromEntries(order.filter((one) => used.includes(one)).map((one) => [one, `${i} ${one}`]))
          )
        )
        const whole = made.reduce((before, next) => cql`${before}; ${next} ${0}`, cql`--\n`)
        assert.isUndefined(problemOf(whole))
        assert.deepStrictEqual(
          whole.values,
          parts.flatMap(([used], i) => [...used.map((one) => `${i} ${one}`), 0])
        )
        assert.strictEqual(whole.query.split("?").length - 1, (whole.values as ReadonlyArray<unknown>).length)
      })
    )
  })

  it("the fragments of Columns go with values by position", () => {
    const T = Schema.Struct({ a: Schema.Int, b: Schema.Int })
    const whole = cql`UPDATE t SET ${Columns.set(T, { a: 1, b: 2 }, {})} WHERE ${Statement.make("c = :c", { c: 3 })}`
    assert.deepStrictEqual(whole.values, [1, 2, 3])
  })
})
