/** Every error of a request says which statement it is about, wherever it is printed, and never a value. */
import { assert, layer } from "@effect/vitest"
import { Batch, cql, CqlType, PagingState, Query, RetryPolicy, Session, Statement } from "effect-cassandra"
import { TestKeyspace } from "effect-cassandra-testkit"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { inspect } from "node:util"
import { schema, sessionLayer } from "./support/client.ts"

const setup = Layer.effectDiscard(
  schema(
    "CREATE TYPE address (street text, zip int)",
    "CREATE TABLE t (id int PRIMARY KEY, c int, v text, big bigint, l list<int>, a frozen<address>, at timestamp)",
    "INSERT INTO t (id, c, v) VALUES (1, 1, 'planted-row')",
    "INSERT INTO t (id, v, l) VALUES (2, 'planted-row', [1])"
  )
).pipe(Layer.provideMerge(sessionLayer("sites")))

const planted = "planted-value"
const never = Statement.withRetryPolicy(RetryPolicy.never)
const badInsert = cql`INSERT INTO t (id, c) VALUES (${1}, ${planted})`
const goodInsert = cql`INSERT INTO t (id, c) VALUES (${1}, ${1})`
const state = PagingState.fromBytes(Buffer.from("planted-state"))
const Row = Schema.Struct({ v: Schema.NumberFromString })

interface Case {
  readonly run: (session: Session.Session) => Effect.Effect<unknown, unknown, Session.Session>
  readonly tag: string
  /** The text that the error has. */
  readonly query: string
  /** Default: `t`. */
  readonly table?: string | undefined
}

const select = (table: string) => `SELECT * FROM ${table} WHERE id = ?`

const cases: Readonly<Record<string, Case>> = {
  "a value that does not fit": {
    run: (session) => session.execute(badInsert),
    tag: "QueryError",
    query: badInsert.query
  },
  "a value missing": {
    run: (session) => session.execute(Statement.make(select("t"), [])),
    tag: "QueryError",
    query: select("t")
  },
  "a value that does not fit, in a batch": {
    run: (session) => session.batch(Batch.make("UNLOGGED", [goodInsert, badInsert])),
    tag: "QueryError",
    query: badInsert.query
  },
  "too few replicas": {
    run: (session) => session.execute(goodInsert.pipe(Statement.withConsistency("THREE"), never)),
    tag: "UnavailableError",
    query: goodInsert.query
  },
  "too few replicas, after retries": {
    run: (session) => session.execute(goodInsert.pipe(Statement.withConsistency("THREE"))),
    tag: "UnavailableError",
    query: goodInsert.query
  },
  "too few replicas, in a batch": {
    run: (session) =>
      session.batch(
        Batch.make("LOGGED", [goodInsert, goodInsert], { consistency: "THREE", retryPolicy: RetryPolicy.never })
      ),
    tag: "UnavailableError",
    query: `BEGIN BATCH ${goodInsert.query}; APPLY BATCH`
  },
  "an unknown column": {
    run: (session) => session.execute(cql`SELECT nope FROM t WHERE id = ${1}`),
    tag: "InvalidQueryError",
    query: "SELECT nope FROM t WHERE id = ?"
  },
  "an unknown column in a batch": {
    run: (session) => session.batch(Batch.make("LOGGED", [goodInsert, cql`UPDATE t SET nope = ${1} WHERE id = ${1}`])),
    tag: "InvalidQueryError",
    query: "UPDATE t SET nope = ? WHERE id = ?"
  },
  "a table in another keyspace": {
    run: (session) => session.execute(cql`SELECT * FROM "Other"."T" WHERE id = ${1}`),
    tag: "InvalidQueryError",
    query: 'SELECT * FROM "Other"."T" WHERE id = ?',
    table: "Other.T"
  },
  "bad syntax": {
    run: (session) => session.execute(cql`SELEKT * FROM t WHERE id = ${1}`),
    tag: "CqlSyntaxError",
    query: "SELEKT * FROM t WHERE id = ?",
    table: undefined
  },
  preparing: {
    run: (session) => session.prepare("SELECT nope FROM t"),
    tag: "InvalidQueryError",
    query: "SELECT nope FROM t"
  },
  "a page of a stream": {
    run: (session) => Stream.runDrain(session.stream(Statement.make("SELECT nope FROM t"))),
    tag: "InvalidQueryError",
    query: "SELECT nope FROM t"
  },
  "a paging state that is none": {
    run: (session) => session.execute(Statement.make("SELECT * FROM t").pipe(Statement.withPagingState(state))),
    tag: "ProtocolError",
    query: "SELECT * FROM t"
  },
  "a host that is none": {
    run: (session) => session.execute(Statement.make("SELECT * FROM t").pipe(Statement.withHost("192.0.2.1:9042"))),
    tag: "ConfigurationError",
    query: "SELECT * FROM t"
  },
  "an option that is none": {
    run: (session) => session.execute(Statement.make("SELECT * FROM t", [], { pageSize: -1 })),
    tag: "ConfigurationError",
    query: "SELECT * FROM t"
  },
  "a deadline": {
    run: (session) =>
      session.execute(
        goodInsert.pipe(
          Statement.withConsistency("THREE"),
          Statement.withRetryPolicy(
            RetryPolicy.make({ decide: () => RetryPolicy.retrySameHost, schedule: Schedule.spaced("10 seconds") })
          ),
          Statement.withDeadline("100 millis")
        )
      ),
    tag: "OperationTimedOutError",
    query: goodInsert.query
  },
  USE: { run: (session) => session.execute(cql`USE system`), tag: "QueryError", query: "USE system", table: undefined },
  "a table that exists": {
    run: (session) => session.execute(cql`CREATE TABLE t (id int PRIMARY KEY)`),
    tag: "AlreadyExistsError",
    query: "CREATE TABLE t (id int PRIMARY KEY)"
  },
  "a row that does not decode": {
    run: (session) => session.execute(cql`SELECT v FROM t WHERE id = ${1}`.pipe(Statement.as(Row))),
    tag: "ParseError",
    query: "SELECT v FROM t WHERE id = ?"
  },
  "a row of a stream that does not decode": {
    run: (session) => Stream.runDrain(session.stream(cql`SELECT v FROM t`.pipe(Statement.as(Row)))),
    tag: "ParseError",
    query: "SELECT v FROM t"
  },
  "a row of a query that does not decode": {
    run: () =>
      Query.findAll({ Request: Schema.Number, Result: Row, execute: (id) => cql`SELECT v FROM t WHERE id = ${id}` })(1),
    tag: "ParseError",
    query: "SELECT v FROM t WHERE id = ?"
  }
}

layer(setup, { excludeTestServices: true, timeout: 60_000 })("an error says which statement it is about:", (it) => {
  for (const [name, { query, run, tag, table = "t", ...rest }] of Object.entries(cases)) {
    it.effect(name, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const own = (yield* TestKeyspace.TestKeyspace).name
        const exit = yield* Effect.exit(run(session).pipe(Effect.withSpan("checkout")))
        assert.isTrue(Exit.isFailure(exit))
        if (Exit.isSuccess(exit)) return
        const error = Cause.squash(exit.cause) as {
          readonly _tag: string
          readonly message: string
          readonly query?: string
          readonly keyspace?: string
          readonly table?: string
        }
        assert.strictEqual(error._tag, tag, error.message)
        const expected =
          "table" in rest || ("table" in cases[name]! && cases[name].table === undefined) ? undefined : table
        const [first = "", second] = expected?.split(".") ?? []
        assert.strictEqual(error.query, query)
        assert.strictEqual(error.keyspace, second === undefined ? own : first)
        assert.strictEqual(error.table, expected === undefined ? undefined : (second ?? first))

        const rejection = yield* Effect.promise(() =>
          Effect.runPromise(run(session).pipe(Effect.provideService(Session.Session, session))).then(
            () => assert.fail("it succeeded"),
            (rejected: unknown) => rejected
          )
        )
        const printed = [
          Cause.pretty(exit.cause),
          inspect(error, { depth: 20 }),
          inspect(rejection, { depth: 20 }),
          (rejection as Error).stack ?? ""
        ]
        for (const text of printed) {
          assert.include(text, query)
          if (expected !== undefined) assert.include(text, second ?? first)
          assert.notInclude(text, "planted")
          assert.notInclude(text, "src/internal")
          assert.isBelow(text.split(query).length, 4, text)
        }
        assert.include(Cause.pretty(exit.cause), "at checkout (")
        assert.include(Cause.pretty(exit.cause), "errorSite.it.ts")
        for (const text of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error)]) {
          assert.notInclude(text, "planted")
        }
      })
    )
  }

  it.effect("long texts are cut, and passwords are not in them", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const long = Statement.make(`SELECT ${"nope, ".repeat(5000)} nope FROM t`)
      const role = Statement.make("CREATE ROLE x WITH LOGIN = true AND PASSWORD = 'plan''ted' AND NOPE = 1")
      const many = Array.from({ length: 500 }, (_, i) =>
        Statement.make(`UPDATE t SET nope${i} = ? WHERE id = ?`, [1, 1])
      )
      for (const run of [
        session.execute(long),
        session.execute(role),
        session.batch(Batch.make("UNLOGGED", many, { consistency: "THREE", host: "192.0.2.1:9042" } as never))
      ]) {
        const error = yield* Effect.flip(run)
        assert.isBelow(error.query?.length ?? Infinity, 1100)
        assert.isBelow(Cause.pretty(Cause.fail(error)).length, 4000)
        assert.notInclude(error.query, "ted")
      }
    })
  )

  const misfits: ReadonlyArray<readonly [column: string, value: unknown, ...told: ReadonlyArray<string>]> = [
    ["c", "planted", 'The value for "c" does not fit its type int', "got a string", "(parameter 2)"],
    ["c", 1.5, "got a number with a fraction"],
    ["c", 1n, "got a bigint"],
    ["c", NaN, "got NaN"],
    ["c", true, "got a boolean"],
    ["c", new Date(0), "got a Date"],
    ["c", [1], "got an array"],
    ["c", { planted }, "got an object"],
    ["c", new Map([[planted, 1]]), "got a Map"],
    ["v", 5, "expected a string", "got a number"],
    ["v", Symbol(planted), "got a symbol"],
    ["v", () => planted, "got a function"],
    ["big", planted, "expected a bigint", "got a string"],
    ["l", planted, "got a string"],
    ["l", [1, planted], "got a string", "at l[1]"],
    ["l", [1, null], "no null within a collection", "at l[1]"],
    ["a", planted, "expected a record", "got a string"],
    ["a", { street: "s", zipp: planted }, 'got the field "zipp"', "street, zip"],
    ["a", { street: "s", zip: planted }, "got a string", "at a.zip"],
    ["at", new Date(NaN), "got an invalid Date"]
  ]
  for (const [column, value, ...told] of misfits) {
    it.effect(`${inspect(value)} for ${column} says what came in place of what`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const text = `INSERT INTO t (id, ${column}) VALUES (?, ?)`
        const named = `INSERT INTO t (id, ${column}) VALUES (:id, :given)`
        const byPlace = yield* Effect.flip(session.execute(Statement.make(text, [1, value])))
        for (const part of told) assert.include(byPlace.message, part)
        const byName = yield* Effect.flip(session.execute(Statement.make(named, { id: 1, given: value })))
        assert.include(byName.message, '"given"')
        for (const error of [byPlace, byName]) {
          assert.strictEqual(error._tag, "QueryError")
          assert.notInclude(inspect(error, { depth: 20, showHidden: true }), "planted")
        }
      })
    )
  }

  it.effect("which row, and what of it, and never the value", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const both = cql`SELECT id, c, v, l FROM t WHERE id IN ${[1, 2]}`
      const expected: ReadonlyArray<readonly [Schema.Schema.AnyNoContext, ...ReadonlyArray<string>]> = [
        [Schema.Struct({ c: Schema.Number }), "rows[1].c", "the column is null: use CqlType.optional"],
        [Schema.Struct({ c: CqlType.int }), "rows[1].c", "the column is null: use CqlType.optional"],
        [Schema.Struct({ c: Schema.NullOr(Schema.String) }), "rows[0].c", "a number"],
        [Schema.Struct({ v: Schema.Number }), "rows[0].v", "expected number", "a string"],
        [Schema.Struct({ v: Schema.NumberFromString }), "rows[0].v", "a string"],
        [Schema.Struct({ v: Schema.String.pipe(Schema.maxLength(3)) }), "rows[0].v", "maxLength(3)", "a string"],
        [Schema.Struct({ v: Schema.Literal("a", "b") }), "rows[0].v", '"a"', "a string"],
        [Schema.Struct({ v: Schema.Date }), "rows[0].v", "a string"],
        [Schema.Struct({ nope: Schema.String }), "rows[0].nope", "no such column"],
        [
          Schema.Struct({ l: Schema.NullOr(Schema.Array(Schema.String)) }),
          "rows[1].l[0]",
          "expected string",
          "a number"
        ]
      ]
      for (const [schemaOf, ...told] of expected) {
        const error = yield* Effect.flip(session.rows(both.pipe(Statement.as(schemaOf))))
        assert.strictEqual(error._tag, "ParseError")
        for (const part of told) assert.include(error.message, part)
        const shown = [error.message, String(error), JSON.stringify(error), inspect(error, { depth: 20 }), error.stack]
        for (const text of shown) assert.notInclude(text, "planted")
      }
    })
  )

  it.effect("which row of a page, however many were taken before", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(cql`CREATE TABLE long (p int, c int, v int, PRIMARY KEY (p, c))`)
      yield* Effect.forEach(
        Array.from({ length: 30 }, (_, i) => i),
        (i) =>
          session.batch(
            Batch.make(
              "UNLOGGED",
              Array.from({ length: 50 }, (_, j) => {
                const c = i * 50 + j
                return cql`INSERT INTO long (p, c, v) VALUES (${1}, ${c}, ${c === 1234 ? null : c})`
              })
            )
          ),
        { concurrency: 8 }
      )
      const statement = cql`SELECT c, v FROM long WHERE p = ${1}`.pipe(
        Statement.as(Schema.Struct({ v: Schema.Number })),
        Statement.withPageSize(5000)
      )
      for (const run of [Stream.runDrain(session.stream(statement)), session.rows(statement)]) {
        const error = yield* Effect.flip<unknown, { readonly message: string }, never>(run)
        assert.include(error.message, "rows[1234].v: the column is null")
      }
    })
  )

  it.effect("what is refused where it is written has the caller's frames, and none of ours", () =>
    Effect.sync(() => {
      const thrown = [
        () => Statement.make("SELECT", 5 as never),
        () => Statement.as(5 as never, Row),
        () => Batch.make("LOGGED", 5 as never),
        () => cql.id(""),
        () => PagingState.fromBytes(5 as never),
        () => RetryPolicy.make({ decide: 5 as never })
      ].flatMap((run) => {
        try {
          run()
          return []
        } catch (error) {
          return [error as Error]
        }
      })
      assert.isAtLeast(thrown.length, 5)
      for (const { stack = "" } of thrown) {
        assert.include(stack.split("\n")[1], "errorSite.it.ts")
        assert.notInclude(stack, "cassandra/src/")
      }
    })
  )
})
