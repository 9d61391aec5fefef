import { assert, layer } from "@effect/vitest"
import {
  Columns,
  cql,
  CqlType,
  PagingState,
  Query,
  Resolver,
  SchemaMismatchError,
  Session,
  Statement
} from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { schema, sessionLayer } from "./support/client.ts"

const Address = Schema.Struct({ street: CqlType.text, zip: Schema.optional(CqlType.int) })

class User extends Schema.Class<User>("User")({
  id: CqlType.uuid,
  displayName: Schema.propertySignature(CqlType.text).pipe(Schema.fromKey("display_name")),
  visits: CqlType.bigint,
  tags: CqlType.list(CqlType.text),
  address: CqlType.option(CqlType.udt("address", Address)),
  nick: CqlType.optional(CqlType.text),
  seen: CqlType.timestamp
}) {}

const tables = Layer.effectDiscard(
  schema(
    "CREATE TYPE address (street text, zip int)",
    "CREATE TABLE users (id uuid PRIMARY KEY, display_name text, visits bigint, tags list<text>, address address, nick text, seen timestamp)",
    "CREATE TABLE lines (tenant text, invoice int, text text, PRIMARY KEY (tenant, invoice))",
    "CREATE TABLE hits (id text PRIMARY KEY, n counter)",
    "CREATE TABLE wide (id int, at int, label text static, v int, PRIMARY KEY (id, at))"
  )
).pipe(Layer.provideMerge(sessionLayer("queries")))

const ada = new User({
  id: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10",
  displayName: "Ada",
  visits: 2n ** 53n + 1n,
  tags: [],
  address: Option.some({ street: "High St" }),
  seen: DateTime.unsafeMake("2026-05-01T10:00:00Z")
})

const insertUser = Query.void({
  Request: User,
  execute: (user) => cql`INSERT INTO users ${Columns.insert(User, user)}`
})

const userById = Query.findOne({
  Request: CqlType.uuid,
  Result: User,
  execute: (id) => cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
})

const Wide = Schema.Struct({ id: CqlType.int, at: CqlType.int, v: CqlType.int })
const wideById = {
  Request: CqlType.int,
  Result: Wide,
  execute: (id: number) => cql`SELECT id, at, v FROM wide WHERE id = ${id}`.pipe(Statement.withPageSize(10))
}

/** The one row of a table of another keyspace. */
const local = (Result: Schema.Schema<unknown, unknown>) =>
  Query.single({
    Request: CqlType.text,
    Result,
    execute: (key) => cql`SELECT * FROM local WHERE key = ${key}`.pipe(Statement.withKeyspace("system"))
  })

const mismatch = <Request, Out, OutWithSession>(query: Query.Query<Request, Out, OutWithSession>) =>
  Effect.map(Effect.flip(Query.prepare(query)), (error) => {
    if (!(error instanceof SchemaMismatchError)) throw error
    return error
  })

layer(tables, { excludeTestServices: true, timeout: 60_000 })("Query", (it) => {
  it.effect("writes and reads a class with renamed fields, absent ones and a UDT", () =>
    Effect.gen(function* () {
      yield* insertUser(ada)
      const found = yield* userById(ada.id)
      assert.isTrue(Option.isSome(found) && found.value instanceof User)
      assert.deepStrictEqual(Option.getOrThrow(found), ada)
      assert.deepStrictEqual(yield* userById("00000000-0000-0000-0000-000000000000"), Option.none())
    })
  )

  it.effect("leaves a column as it is when its field is absent", () =>
    Effect.gen(function* () {
      const id = "00000000-0000-0000-0000-000000000001"
      yield* insertUser(new User({ ...ada, id, nick: "the first" }))
      const update = Query.void({
        Request: User,
        execute: (user) => cql`
          UPDATE users SET ${Columns.set(User, user, { except: ["id"] })} WHERE ${Columns.where(User, user, ["id"])}`
      })
      yield* update(new User({ ...ada, id, displayName: "Countess", tags: ["maths"] }))
      const user = Option.getOrThrow(yield* userById(id))
      assert.strictEqual(user.displayName, "Countess")
      assert.strictEqual(user.nick, "the first")
      assert.deepStrictEqual(user.tags, ["maths"])
    })
  )

  it.effect("finds all over many pages, streams them, and the first", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* Effect.forEach(
        Array.from({ length: 35 }, (_, at) => at),
        (at) => session.execute(cql`INSERT INTO wide (id, at, v) VALUES (${1}, ${at}, ${at * 2})`),
        { concurrency: 10 }
      )
      const all = yield* Query.findAll(wideById)(1)
      assert.deepStrictEqual(
        all.map(({ at }) => at),
        Array.from({ length: 35 }, (_, at) => at)
      )
      const streamed = yield* Stream.runCollect(Query.stream(wideById)(1))
      assert.deepStrictEqual(Chunk.toReadonlyArray(streamed), all)
      assert.deepStrictEqual(yield* Query.single(wideById)(1), { id: 1, at: 0, v: 0 })
      const none = yield* Effect.flip(Query.single(wideById)(99))
      assert.strictEqual(none._tag, "NoSuchElementException")
      const sparse = Query.findOne({
        Request: Schema.Void,
        Result: Wide,
        execute: () => cql`SELECT id, at, v FROM wide WHERE v = 68 ALLOW FILTERING`.pipe(Statement.withPageSize(1))
      })
      assert.deepStrictEqual(yield* sparse(), Option.some({ id: 1, at: 34, v: 68 }))
    })
  )

  it.effect("tells whether a conditional write was applied, and true for one without a condition", () =>
    Effect.gen(function* () {
      const Line = Schema.Struct({ tenant: CqlType.text, invoice: CqlType.int, text: CqlType.text })
      const queries = yield* Query.prepareAll({
        create: Query.applied({
          Request: Line,
          execute: (line) => cql`INSERT INTO lines ${Columns.insert(Line, line)} IF NOT EXISTS`
        }),
        write: Query.applied({
          Request: Line,
          execute: (line) => cql`INSERT INTO lines ${Columns.insert(Line, line)}`
        })
      })
      const line = { tenant: "conditional", invoice: 1, text: "first" }
      assert.isTrue(yield* queries.create(line))
      assert.isFalse(yield* queries.create({ ...line, text: "second" }))
      assert.isTrue(yield* queries.write({ ...line, text: "third" }))
    })
  )

  it.effect("gives a page and where the next one starts, also when the state went through text", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (let at = 0; at < 5; at++)
        yield* session.execute(cql`INSERT INTO wide (id, at, v) VALUES (${2}, ${at}, ${at})`)
      const page = yield* Query.prepare(Query.page(wideById))
      const first = yield* page({ request: 2, pageSize: 3 })
      const cursor = PagingState.toText(Option.getOrThrow(first.pagingState))
      const after = Either.getRight(PagingState.fromText(cursor))
      const second = yield* Query.page(wideById)({ request: 2, pageSize: 3, after })
      assert.deepStrictEqual(
        [first, second].map(({ rows }) => rows.map(({ at }) => at)),
        [
          [0, 1, 2],
          [3, 4]
        ]
      )
      assert.deepStrictEqual(second.pagingState, Option.none())
      // By the statement's own page size there is but one.
      assert.strictEqual((yield* page({ request: 2, after: Option.none() })).rows.length, 5)
      assert.strictEqual(
        (yield* mismatch(Query.page({ ...wideById, Result: Schema.Struct({ v: CqlType.text }) }))).table,
        "wide"
      )
    })
  )

  it.effect("fails with a ParseError for a request that does not fit its schema, and sends nothing", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(userById("no uuid"))
      assert.strictEqual(error._tag, "ParseError")
    })
  )

  it.effect("prepares what fits, and gives it with its session", () =>
    Effect.gen(function* () {
      const { all, byId, insert } = yield* Query.prepareAll({
        byId: userById,
        insert: insertUser,
        all: Query.stream(wideById)
      })
      yield* Effect.gen(function* () {
        yield* insert(ada)
        assert.isTrue(Option.isSome(yield* byId(ada.id)))
        assert.strictEqual(yield* Stream.runCount(all(-1)), 0)
      }).pipe(Effect.provide(Layer.empty))
    })
  )

  it.effect("sees that a table was made anew with other types", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const write = Query.void({
        Request: Schema.Struct({ id: CqlType.int, v: CqlType.int }),
        execute: ({ id, v }) => cql`INSERT INTO remade (id, v) VALUES (${id}, ${v})`
      })
      yield* session.execute(cql`CREATE TABLE remade (id int PRIMARY KEY, v int)`)
      yield* (yield* Query.prepare(write))({ id: 1, v: 1 })
      yield* session.execute(cql`DROP TABLE remade`)
      yield* session.execute(cql`CREATE TABLE remade (id int PRIMARY KEY, v text)`)
      const error = yield* mismatch(write)
      assert.deepStrictEqual(
        error.mismatches.map(({ database, field }) => [field, database]),
        [["v", "text"]]
      )
    })
  )

  it.effect("shows both sides of everything that does not match", () =>
    Effect.gen(function* () {
      const error = yield* mismatch(
        Query.findAll({
          Request: Schema.Struct({ id: Schema.NullOr(Schema.String) }),
          Result: Schema.Struct({
            id: Schema.Number,
            displayName: Schema.String,
            visits: CqlType.int,
            tags: Schema.Array(Schema.String),
            address: CqlType.nullable(
              CqlType.udt("address", Schema.Struct({ street: CqlType.int, country: CqlType.text }))
            ),
            seen: Schema.Date,
            missing: Schema.String,
            nick: Schema.optional(Schema.String)
          }),
          execute: ({ id }) => cql`SELECT * FROM users WHERE id = ${id}`
        })
      )
      assert.strictEqual(error.table, "users")
      assert.deepStrictEqual(
        error.mismatches.map(({ field, problem, side }) => `${side} ${field} ${problem}`),
        [
          "Request id Nullable",
          "Result id WrongType",
          "Result displayName MissingColumn",
          "Result visits WrongType",
          "Result tags Nullable",
          "Result address WrongType",
          "Result seen WrongType",
          "Result missing MissingColumn",
          "Result nick Nullable"
        ]
      )
      assert.include(
        error.message,
        `Result field "visits" expects CqlType int, but column "visits" has the type bigint. Use CqlType.bigint.`
      )
      assert.include(error.message, `Schema.fromKey("display_name")`)
      assert.include(
        error.message,
        `Result field "seen" expects a JavaScript string, but column "seen" has the type timestamp, which is read as a JavaScript Date. Use CqlType.timestamp.`
      )
      assert.include(error.message, "Use CqlType.list, which reads null as empty.")
      assert.include(error.message, "SELECT * FROM users WHERE id = ?")
    })
  )

  it.effect("compares the request with the variables it is bound to", () =>
    Effect.gen(function* () {
      const error = yield* mismatch(
        Query.void({
          Request: Schema.Struct({ key: Schema.Number, tags: CqlType.set(CqlType.text), visits: Schema.Number }),
          execute: ({ key, tags, visits }) => cql`UPDATE users SET tags = ${tags}, visits = ${visits} WHERE id = ${key}`
        })
      )
      assert.deepStrictEqual(
        error.mismatches.map(({ database, field, problem }) => [field, problem, database]),
        [
          ["tags", "WrongType", "list<text>"],
          ["key", "WrongType", "uuid"]
        ]
      )
    })
  )

  it.effect("knows aliases, functions and casts, and trusts what it cannot know", () =>
    Effect.gen(function* () {
      const select = cql`
        SELECT count(*), max(v) AS most, CAST(id AS text) AS label, toTimestamp(now()) AS "Now", at AS "When", min(v)
        FROM wide WHERE id = ${1}`
      const fits = Schema.Struct({
        count: CqlType.bigint,
        most: CqlType.nullable(CqlType.int),
        label: CqlType.nullable(CqlType.text),
        Now: CqlType.timestamp,
        When: CqlType.nullable(CqlType.int)
      })
      yield* Query.prepare(Query.single({ Request: Schema.Void, Result: fits, execute: () => select }))
      const wrong = Schema.Struct({ count: CqlType.int, label: CqlType.int, Now: CqlType.text, When: CqlType.text })
      const error = yield* mismatch(Query.single({ Request: Schema.Void, Result: wrong, execute: () => select }))
      assert.deepStrictEqual(
        error.mismatches.map(({ database, field }) => [field, database]),
        [
          ["count", "bigint"],
          ["label", "text"],
          ["Now", "timestamp"],
          ["When", "int"]
        ]
      )
    })
  )

  it.effect("reads the text and the table where the server does not tell the columns", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const untold: Session.Session = {
        ...session,
        prepare: (query, options) =>
          Effect.map(session.prepare(query, options), (prepared) => ({ ...prepared, columns: Option.none() }))
      }
      const Result = Schema.Struct({ id: CqlType.uuid, shown: CqlType.int, visits: CqlType.int, nothing: CqlType.text })
      const mismatches = (list: Statement.Statement.Any) =>
        mismatch(Query.findAll({ Request: Schema.Void, Result, execute: () => list })).pipe(
          Effect.map((error) => error.mismatches.map(({ database, field }) => [field, database])),
          Effect.provideService(Session.Session, untold)
        )
      const all = "address, display_name, id, nick, seen, tags, visits"
      assert.deepStrictEqual(yield* mismatches(cql`SELECT * FROM users`), [
        ["shown", all],
        ["visits", "bigint"],
        ["nothing", all]
      ])
      assert.deepStrictEqual(yield* mismatches(cql`SELECT id, display_name AS shown, visits, count(*) FROM users`), [
        ["shown", "text"],
        ["visits", "bigint"],
        ["nothing", "id, shown, visits, count"]
      ])
    })
  )

  it.effect("finds columns that may be null, when asked to", () =>
    Effect.gen(function* () {
      const error = yield* mismatch(Query.findAll({ ...wideById, nulls: "check" }))
      assert.deepStrictEqual(
        error.mismatches.map(({ field, problem }) => [field, problem]),
        // The table has a static column: its clustering key is null in a partition that has nothing else.
        [
          ["at", "Nullable"],
          ["v", "Nullable"]
        ]
      )
    })
  )

  it.effect("fails when a layer is built", () =>
    Effect.gen(function* () {
      const bad = Query.findAll({ ...wideById, Result: Schema.Struct({ v: CqlType.text }) })
      const built = yield* Effect.exit(Layer.build(Layer.effectDiscard(Query.prepareAll({ bad })))).pipe(Effect.scoped)
      assert.isTrue(Exit.isFailure(built))
      assert.include(String(built), "SchemaMismatchError")
    })
  )

  it.effect("prepares in the keyspace of the statement", () =>
    Effect.gen(function* () {
      const prepared = yield* Query.prepare(
        local(Schema.Struct({ host_id: CqlType.uuid, tokens: CqlType.set(CqlType.text) }) as never)
      )
      assert.hasAllKeys(yield* prepared("local"), ["host_id", "tokens"])
      const error = yield* mismatch(local(Schema.Struct({ host_id: CqlType.int }) as never))
      assert.strictEqual(error.keyspace, "system")
    })
  )

  it.effect("reports a table that does not exist as the server does", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Query.prepare(
          Query.void({ Request: CqlType.int, execute: (id) => cql`DELETE FROM nothing_there WHERE id = ${id}` })
        )
      )
      assert.strictEqual(error._tag, "InvalidQueryError")
    })
  )

  it.effect("asks for a sample when execute cannot do with made-up values", () =>
    Effect.gen(function* () {
      const options = {
        Request: CqlType.text,
        execute: (json: string) => cql`DELETE FROM wide WHERE id = ${(JSON.parse(json) as { id: number }).id}`
      }
      const error = yield* Effect.flip(Query.prepare(Query.void(options)))
      assert.strictEqual(error._tag, "QueryError")
      assert.include(error.message, "Give the query a `sample`")
      yield* Query.prepare(Query.void({ ...options, sample: `{"id":1}` }))
    })
  )
})

/** Counts the requests of a session's queries. */
const counting = Effect.map(Session.Session, (session) => {
  const texts: Array<string> = []
  const counted: Session.Session = {
    ...session,
    prepare: session.prepare,
    rows: (statement) => {
      texts.push(statement.query)
      return session.rows(statement)
    }
  }
  return { texts, counted }
})

layer(tables, { excludeTestServices: true, timeout: 60_000 })("Resolver", (it) => {
  it.effect("asks once for each id, all at the same time", () =>
    Effect.gen(function* () {
      const { counted, texts } = yield* counting
      yield* insertUser(ada)
      const users = yield* Resolver.findById("User", {
        Id: CqlType.uuid,
        Result: User,
        ResultId: (user) => user.id,
        execute: ([id]) => cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
      }).pipe(Effect.provideService(Session.Session, counted))
      texts.length = 0
      const missing = "00000000-0000-0000-0000-00000000ffff"
      const found = yield* Effect.forEach([ada.id, missing, ada.id, ada.id], users.execute, { batching: true })
      assert.deepStrictEqual(
        found.map((user) => Option.isSome(user)),
        [true, false, true, true]
      )
      assert.strictEqual(texts.length, 2)
    })
  )

  it.effect("caches where the fiber says so", () =>
    Effect.gen(function* () {
      const { counted, texts } = yield* counting
      const users = yield* Resolver.findById("CachedUser", {
        Id: CqlType.uuid,
        Result: User,
        ResultId: (user) => user.id,
        execute: ([id]) => cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
      }).pipe(Effect.provideService(Session.Session, counted))
      texts.length = 0
      yield* Effect.gen(function* () {
        yield* users.execute(ada.id)
        yield* users.execute(ada.id)
        assert.strictEqual(texts.length, 1)
        yield* users.cacheInvalidate(ada.id)
        yield* users.execute(ada.id)
        assert.strictEqual(texts.length, 2)
        const id = "00000000-0000-0000-0000-00000000eeee"
        yield* users.cachePopulate(id, Option.some(ada))
        assert.deepStrictEqual(yield* users.execute(id), Option.some(ada))
        assert.strictEqual(texts.length, 2)
      }).pipe(Effect.withRequestCaching(true))
    })
  )

  it.effect("puts requests of one partition in one statement", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const [tenant, invoice] of [
        ["a", 1],
        ["a", 2],
        ["b", 1]
      ] as const) {
        yield* session.execute(
          cql`INSERT INTO lines (tenant, invoice, text) VALUES (${tenant}, ${invoice}, ${`${tenant}${invoice}`})`
        )
      }
      const { counted, texts } = yield* counting
      const lines = yield* Resolver.grouped("Lines", {
        Request: Schema.Struct({ tenant: CqlType.text, invoice: CqlType.int }),
        RequestGroupKey: ({ invoice, tenant }) => [tenant, invoice],
        Result: Schema.Struct({ tenant: CqlType.text, invoice: CqlType.int, text: CqlType.text }),
        ResultGroupKey: ({ invoice, tenant }) => [tenant, invoice],
        partition: ({ tenant }) => tenant,
        execute: (requests) => cql`
          SELECT tenant, invoice, text FROM lines
          WHERE tenant = ${requests[0].tenant} AND invoice IN ${requests.map(({ invoice }) => invoice)}`
      }).pipe(Effect.provideService(Session.Session, counted))
      texts.length = 0
      const found = yield* Effect.forEach(
        [
          { tenant: "a", invoice: 2 },
          { tenant: "b", invoice: 1 },
          { tenant: "a", invoice: 1 },
          { tenant: "a", invoice: 3 }
        ],
        lines.execute,
        { batching: true }
      )
      assert.deepStrictEqual(
        found.map((group) => group.map(({ text }) => text)),
        [["a2"], ["b1"], ["a1"], []]
      )
      assert.strictEqual(texts.length, 2)
    })
  )

  it.effect("sends every write, equal ones too", () =>
    Effect.gen(function* () {
      const hit = yield* Resolver.void("Hit", {
        Request: CqlType.text,
        execute: (id) => cql`UPDATE hits SET n = n + 1 WHERE id = ${id}`
      })
      const hits = yield* Resolver.ordered("Hits", {
        Request: CqlType.text,
        Result: Schema.Struct({ n: CqlType.counter }),
        execute: (id) => cql`SELECT n FROM hits WHERE id = ${id}`
      })
      yield* Effect.forEach(["x", "x", "y"], hit.execute, { batching: true }).pipe(Effect.withRequestCaching(true))
      const counts = yield* Effect.forEach(["x", "y"], hits.execute, { batching: true })
      assert.deepStrictEqual(
        counts.map(({ n }) => n),
        [2n, 1n]
      )
      const none = yield* Effect.flip(hits.execute("nobody"))
      assert.strictEqual(none._tag, "NoSuchElementException")
    })
  )

  it.effect("fails the requests of the statement that fails, and no others", () =>
    Effect.gen(function* () {
      const lines = yield* Resolver.ordered("Failing", {
        Request: Schema.String,
        Result: Schema.Struct({ invoice: CqlType.int }),
        execute: (tenant) => cql`SELECT invoice FROM lines WHERE tenant = ${tenant === "bad" ? 5 : tenant}`
      })
      const [good, bad] = yield* Effect.all([Effect.exit(lines.execute("a")), Effect.exit(lines.execute("bad"))], {
        batching: true,
        concurrency: "unbounded"
      })
      assert.isTrue(Exit.isSuccess(good))
      assert.isTrue(Exit.isFailure(bad))
    })
  )

  it.effect("does not start when its schemas do not match the table", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Resolver.ordered("Wrong", {
          Request: CqlType.text,
          Result: Schema.Struct({ n: CqlType.text }),
          execute: (id) => cql`SELECT n FROM hits WHERE id = ${id}`
        })
      )
      assert.strictEqual(error._tag, "SchemaMismatchError")
    })
  )

  it.effect("finds columns that may be null, when asked to", () =>
    Effect.gen(function* () {
      const options = {
        Request: CqlType.text,
        Result: Schema.Struct({ n: CqlType.counter }),
        execute: (id: string) => cql`SELECT n FROM hits WHERE id = ${id}`
      }
      yield* Resolver.ordered("Trusting", options)
      const error = yield* Effect.flip(Resolver.ordered("Checking", { ...options, nulls: "check" }))
      assert.strictEqual(error._tag, "SchemaMismatchError")
      assert.include(error.message, `column "n" is no part of the primary key and may be null`)
    })
  )
})
