/** `nulls: "check"`: which columns it says may be null, and which the server does give as null. */
import { assert, layer } from "@effect/vitest"
import { CqlType, Query, Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { schema, sessionLayer } from "./support/client.ts"

// Partition 1 has static columns only, 2 a row of its key only, 3 everything.
const tables = Layer.effectDiscard(
  schema(
    "CREATE TABLE t (p int, c int, d int, s int static, v int, l list<int>, PRIMARY KEY (p, c, d))",
    "CREATE TABLE plain (p int, c int, v int, PRIMARY KEY (p, c))",
    "CREATE TABLE empty (p int, c int, s int static, v int, PRIMARY KEY (p, c))",
    'CREATE TABLE named (p int, "Order" int, s int static, v int, PRIMARY KEY (p, "Order"))',
    "CREATE TABLE counters (p int PRIMARY KEY, n counter, m counter)",
    "INSERT INTO t (p, s) VALUES (1, 1)",
    "INSERT INTO t (p, c, d) VALUES (2, 2, 2)",
    "INSERT INTO t (p, c, d, s, v, l) VALUES (3, 3, 3, 3, 3, [3])",
    "INSERT INTO plain (p, c) VALUES (1, 1)",
    "INSERT INTO named (p, s) VALUES (1, 1)",
    "UPDATE counters SET n = n + 1 WHERE p = 1"
  )
).pipe(Layer.provideMerge(sessionLayer("null_columns")))

/** A query and the columns that may be null: those of the data are, unless they are told apart by a `?`. */
const queries: ReadonlyArray<readonly [query: string, nulls: ReadonlyArray<string>]> = [
  ["SELECT p, c, d, s, v, l FROM t", ["c", "d", "s", "v", "l"]],
  ["SELECT * FROM t", ["c", "d", "s", "v", "l"]],
  ["SELECT p, c, s FROM t WHERE p = 1", ["c", "s?"]],
  ["SELECT p, c, d, v FROM t WHERE p = 2 AND c = 2", ["v"]],
  ["SELECT p, c, d, v FROM t WHERE p = 2 AND (c, d) = (2, 2)", ["v"]],
  ["SELECT p, c, d FROM t WHERE c > 0 ALLOW FILTERING", []],
  ["SELECT p, c, d FROM t WHERE v = 3 ALLOW FILTERING", []],
  ["SELECT p, c, d FROM t WHERE s = 1 ALLOW FILTERING", ["c", "d"]],
  ["SELECT p, c, d FROM t WHERE p = 1 ORDER BY c", ["c", "d"]],
  ["SELECT p, c FROM t WHERE p = 1 -- AND c = 1\n", ["c"]],
  ["SELECT p, c AS other FROM t WHERE p = 1", ["other"]],
  ["SELECT DISTINCT p, s FROM t", ["s"]],
  ["SELECT p, c FROM t WHERE token(p) > -9223372036854775808", ["c"]],
  ["SELECT p, c, v FROM plain", ["v"]],
  ['SELECT p, "Order" FROM named', ["Order"]],
  ['SELECT p, "Order" FROM named WHERE p = 1 AND "Order" = 1', []],
  ["SELECT p, n, m FROM counters", ["n?", "m"]],
  // Aggregates of nothing.
  ["SELECT count(*) AS a, count(v) AS b FROM empty", []],
  ["SELECT p, c, s, count(*) AS a FROM empty", ["p", "c", "s"]],
  ["SELECT max(p) AS a, min(c) AS b, sum(v) AS e, avg(v) AS f FROM empty", ["a", "b"]],
  ["SELECT p, c, max(c) AS a, count(v) AS b FROM plain GROUP BY p, c", []],
  ["SELECT p, max(v) AS a FROM plain GROUP BY p", ["a"]],
  ["SELECT p, c, max(c) AS a FROM t GROUP BY p, c", ["c", "a"]],
  // Functions and other expressions.
  ["SELECT token(p) AS a, toTimestamp(now()) AS b, CAST(p AS text) AS e, p + 1 AS f, (int) 1 AS g FROM t", []],
  [
    "SELECT CAST(v AS text) AS a, v + 1 AS b, writetime(v) AS e, ttl(v) AS f, CAST(c AS text) AS g FROM t",
    ["a", "b", "e", "f", "g"]
  ],
  ["SELECT ttl(v) AS a, writetime(s) AS b FROM t WHERE p = 3 AND c = 3", ["a", "b?"]]
]

layer(tables, { excludeTestServices: true, timeout: 120_000 })("the check for nulls", (it) => {
  for (const [query, expected] of queries) {
    it.effect(query, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const { columns, rows } = yield* session.execute(Statement.make(query))
        const given = columns.map(({ name }) => name).filter((name) => rows.some((row) => row[name] === null))
        assert.deepStrictEqual(given.toSorted(), expected.filter((name) => !name.endsWith("?")).toSorted())
        const prepared = (names: ReadonlyArray<string>) =>
          Query.prepare(
            Query.findAll({
              Request: Schema.Void,
              Result: Schema.Struct(
                Object.fromEntries(
                  columns.map(({ name, type }) => [
                    name,
                    names.includes(name)
                      ? Schema.Unknown
                      : type.includes("list")
                        ? Schema.Array(Schema.Number)
                        : typed(type)
                  ])
                )
              ),
              nulls: "check",
              execute: () => Statement.make(query)
            })
          )
        const may = expected.map((name) => name.replace("?", ""))
        if (may.length > 0) {
          const error = yield* Effect.flip(prepared([]))
          if (error._tag !== "SchemaMismatchError") return assert.fail(error.message)
          assert.deepStrictEqual(error.mismatches.map(({ field }) => field).toSorted(), may.toSorted())
          assert.isTrue(error.mismatches.every(({ problem }) => problem === "Nullable"))
        }
        // With those that may be null taken for anything, it reads what there is.
        assert.strictEqual((yield* (yield* prepared(may))()).length, rows.length)
      })
    )
  }

  it.effect("says why a clustering key may be null", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Query.prepare(
          Query.findAll({
            Request: CqlType.int,
            Result: Schema.Struct({ c: CqlType.int }),
            nulls: "check",
            execute: (p) => Statement.make("SELECT c FROM t WHERE p = ?", [p])
          })
        )
      )
      assert.include(
        error.message,
        `column "c" is a clustering key, which is null in a partition that has static columns only`
      )
    })
  )
})

const typed = (type: string): Schema.Schema.AnyNoContext =>
  type === "text"
    ? CqlType.text
    : type === "timestamp"
      ? CqlType.timestamp
      : ["bigint", "counter"].includes(type)
        ? Schema.BigIntFromSelf
        : Schema.Number
