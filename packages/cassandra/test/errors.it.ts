import { assert, layer } from "@effect/vitest"
import { type CassandraError as E, Batch, cql, PagingState, Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { inspect } from "node:util"
import { connect, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const setup = Layer.effectDiscard(
  schema(
    "CREATE TABLE t (p int, c int, v text, big bigint, raw blob, PRIMARY KEY (p, c))",
    "CREATE FUNCTION fails(x int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'throw new RuntimeException(\"no\");'"
  )
).pipe(Layer.provideMerge(sessionLayer("errors")))

const failure = <F extends { readonly _tag: string }, T extends F["_tag"]>(
  effect: Effect.Effect<unknown, F, Session.Session>,
  tag: T
) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.strictEqual(error._tag, tag)
    return error as Extract<F, { readonly _tag: T }>
  })

const execute = (statement: Statement.Statement<Statement.Row, never, never>) =>
  Effect.flatMap(Session.Session, (session) => session.execute(statement))

layer(setup, { excludeTestServices: true })("errors", (it) => {
  it.effect("an unknown table is an InvalidQueryError with the text and the host", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      for (const statement of [cql`SELECT * FROM missing_table WHERE id = ${1}`, cql`TRUNCATE missing_table`]) {
        const error = yield* failure(execute(statement), "InvalidQueryError")
        assert.include(error.message, "missing_table")
        assert.strictEqual(error.query, statement.query)
        assert.strictEqual(error.writeState, "NotApplied")
        assert.isFalse(error.isRetryable)
        assert.instanceOf(error.cause, Error)
        assert.strictEqual((error.cause as Error).message, error.message)
        assert.isTrue(error.host?.endsWith(`:${server.port}`))
      }
    })
  )

  it.effect("a syntax error is a CqlSyntaxError with the text and the host, prepared or not, and from prepare", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const [effect, query] of [
        [execute(cql`SELEKT * FROM t`), "SELEKT * FROM t"],
        [execute(cql`SELECT * FRM t WHERE p = ${1}`), "SELECT * FRM t WHERE p = ?"],
        [session.prepare("SELECT FROM WHERE"), "SELECT FROM WHERE"],
        [session.batch(Batch.make("LOGGED", [cql`INSERT INT t (p) VALUES (${1})`])), "INSERT INT t (p) VALUES (?)"]
      ] as const) {
        const error = yield* failure(
          effect as Effect.Effect<unknown, E.CassandraError, Session.Session>,
          "CqlSyntaxError"
        )
        assert.strictEqual(error.query, query)
        assert.isDefined(error.host)
        assert.strictEqual(error.writeState, "NotApplied")
      }
    })
  )

  it.effect("an existing table is an AlreadyExistsError with keyspace and table", () =>
    Effect.gen(function* () {
      const { name: keyspace } = yield* TestKeyspace.TestKeyspace
      const error = yield* failure(execute(cql`CREATE TABLE t (p int PRIMARY KEY)`), "AlreadyExistsError")
      assert.deepInclude(error, { keyspace, table: "t" })
    })
  )

  it.effect("an existing keyspace is an AlreadyExistsError with the keyspace alone", () =>
    Effect.gen(function* () {
      const { name: keyspace } = yield* TestKeyspace.TestKeyspace
      const text = `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
      const error = yield* failure(execute(Statement.make(text)), "AlreadyExistsError")
      assert.deepInclude(error, { keyspace, table: undefined })
    })
  )

  it.effect("a function that throws is a FunctionFailureError that names it", () =>
    Effect.gen(function* () {
      const { name: keyspace } = yield* TestKeyspace.TestKeyspace
      yield* execute(cql`INSERT INTO t (p, c) VALUES (${1}, ${1})`)
      const error = yield* failure(execute(cql`SELECT fails(c) FROM t WHERE p = ${1}`), "FunctionFailureError")
      assert.deepInclude(error, { keyspace, functionName: "fails", argumentTypes: ["int"] })
    })
  )

  it.effect("too few replicas is an UnavailableError with the counts", () =>
    Effect.gen(function* () {
      const write = cql`INSERT INTO t (p, c) VALUES (${1}, ${1})`.pipe(Statement.withConsistency("THREE"))
      const error = yield* failure(execute(write), "UnavailableError")
      assert.deepInclude(error, { consistency: "THREE", required: 3, alive: 1 })
      assert.strictEqual(error.writeState, "NotApplied")
    })
  )

  it.effect("a condition the server does not allow is an InvalidQueryError", () =>
    failure(execute(cql`SELECT * FROM t WHERE v = ${"x"}`), "InvalidQueryError")
  )

  it.effect("a paging state that the server did not make is refused by the server, and not shown", () =>
    Effect.gen(function* () {
      const state = Either.getOrThrow(PagingState.fromText(Buffer.from("planted-state").toString("base64url")))
      const error = yield* Effect.flip(execute(cql`SELECT * FROM t`.pipe(Statement.withPagingState(state))))
      assert.include(["ProtocolError", "InvalidQueryError", "ServerError"], error._tag)
      const shown = inspect(error, { depth: 10 })
      for (const form of ["planted", Buffer.from("planted-state").toString("hex")]) assert.notInclude(shown, form)
    })
  )

  it.effect("a value that does not fit names column and type, never the value, and nothing is sent", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const cases: ReadonlyArray<readonly [column: string, type: string, value: unknown]> = [
        ["c", "int", "planted"],
        ["c", "int", 2 ** 31],
        ["c", "int", 1.5],
        ["v", "text", 424_242],
        ["v", "text", { planted: true }],
        ["big", "bigint", "planted"],
        ["big", "bigint", 2n ** 63n],
        ["raw", "blob", "planted"]
      ]
      for (const [column, type, value] of cases) {
        const row: Readonly<Record<string, unknown>> = {
          c: 1,
          v: "v",
          big: 1n,
          raw: new Uint8Array(1),
          [column]: value
        }
        const statement = cql`INSERT INTO t (p, c, v, big, raw) VALUES (${77}, ${row["c"]}, ${row["v"]}, ${row["big"]}, ${row["raw"]})`
        for (const effect of [
          session.execute(statement),
          session.batch(Batch.make("UNLOGGED", [cql`INSERT INTO t (p, c) VALUES (${78}, ${1})`, statement]))
        ]) {
          const error = yield* failure(effect, "QueryError")
          assert.include(error.message, `"${column}"`)
          assert.include(error.message, type)
          assert.strictEqual(error.writeState, "NotApplied")
          const shown = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${error.stack}`
          for (const secret of ["planted", "424242", "424_242", String(2n ** 63n), "9_223_372"])
            assert.notInclude(shown, secret)
        }
      }
      assert.deepStrictEqual(yield* session.rows(cql`SELECT p FROM t WHERE p IN (${77}, ${78})`), [])
    })
  )

  it.effect("too few and too many values are a QueryError", () =>
    Effect.gen(function* () {
      for (const values of [[1], [1, 2, 3], { p: 1 }]) {
        const statement = Statement.make("SELECT * FROM t WHERE p = ? AND c = ?", values)
        yield* failure(execute(statement), "QueryError")
      }
    })
  )

  it.effect("values for a statement without markers are a QueryError", () =>
    failure(execute(Statement.make("SELECT * FROM t", [1])), "QueryError")
  )

  it.scoped("no error shows a password, a bound value or a paging state", () =>
    Effect.gen(function* () {
      const server = yield* CassandraServer.CassandraServer
      const proxy = yield* Proxy.make(server)
      const session = yield* connect(Proxy.through(proxy))
      const insert = cql`INSERT INTO t (p, c, v) VALUES (${1}, ${1}, ${"planted-value"})`
      yield* session.execute(insert)
      for (const [make, tag] of [
        [Proxy.errors.overloaded, "OverloadedError"],
        [Proxy.errors.server, "ServerError"],
        [(frame: Proxy.Frame) => Proxy.errors.writeTimeout(frame, "SIMPLE"), "WriteTimeoutError"]
      ] as const) {
        proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? make(frame) : "forward")
        const error = yield* Effect.flip(session.execute(insert))
        assert.strictEqual(error._tag, tag)
        const shown = `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${String(error)}`
        assert.notInclude(shown, "planted")
        assert.notInclude(shown, Buffer.from("planted").toString("hex"))
        assert.include(shown, "INSERT INTO t")
      }
    })
  )

  it.effect("errors of one request leave the session as it was", () =>
    Effect.gen(function* () {
      yield* Effect.flip(execute(cql`SELECT * FROM missing_table`))
      yield* execute(cql`INSERT INTO t (p, c, v) VALUES (${5}, ${5}, ${"ok"})`)
      const session = yield* Session.Session
      assert.deepStrictEqual(yield* session.one(cql`SELECT v FROM t WHERE p = ${5}`), Option.some({ v: "ok" }))
    })
  )
})
