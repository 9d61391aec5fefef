/** The corners of the types: what CqlType.it.ts leaves out. */
import { assert, layer } from "@effect/vitest"
import { Columns, cql, CqlType, Query, Session, Statement } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { schema, sessionLayer } from "./support/client.ts"
import { since } from "./support/release.ts"

class Point extends Schema.Class<Point>("Point")({
  x: CqlType.double,
  y: CqlType.option(CqlType.double),
  label: Schema.optional(CqlType.text)
}) {}
const point = CqlType.udt("point", Point)

const Shape = Schema.Struct({
  corners: CqlType.list(point),
  named: CqlType.map(CqlType.text, point),
  size: CqlType.nullable(CqlType.tuple(CqlType.nullable(CqlType.int), CqlType.nullable(point)))
})
const shape = CqlType.udt("shape", Shape)

interface Case {
  readonly type: string
  readonly codec: Schema.Schema<unknown, unknown>
  readonly values: ReadonlyArray<unknown>
}

const comesBack = <A, I>(type: string, codec: Schema.Schema<A, I>, values: ReadonlyArray<A>): Case =>
  ({ type, codec, values }) as unknown as Case

const { list, map, nullable, option, set, tuple, vector } = CqlType
const uuid = "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"
const timeuuid = "9f1c1f00-51a2-11ee-8c99-0242ac120002"
const decimal = BigDecimal.make
const origin = new Point({ x: -0, y: Option.none() })
const far = new Point({ x: 1e300, y: Option.some(2), label: "" })

const vectors = since("5.0", "the type vector")

const everywhere: ReadonlyArray<Case> = [
  comesBack("varchar", CqlType.text, ["", "ž"]),
  comesBack("varint", CqlType.varint, [
    2n ** 63n,
    -(2n ** 63n) - 1n,
    2n ** 8000n,
    -(2n ** 8000n),
    -(2n ** 8007n) - 1n,
    65535n,
    32768n,
    -32769n
  ]),
  comesBack("decimal", CqlType.decimal, [
    decimal(10n ** 2000n + 1n, 1000),
    decimal(-(10n ** 2000n), -1000),
    decimal(0n, 5)
  ]),
  comesBack("inet", CqlType.inet, ["::ffff:192.0.2.1", "2001:db8:0:1:1:1:1:1", "1::", "::2:0:0:1"]),
  comesBack("timestamp", CqlType.timestampMillis, [
    0n,
    8_640_000_000_000_000n,
    8_640_000_000_000_001n,
    -8_640_000_000_000_001n,
    2n ** 63n - 1n,
    -(2n ** 63n)
  ]),
  comesBack("tuple<int, text>", nullable(tuple(nullable(CqlType.int), nullable(CqlType.text))), [null, [null, null]]),
  comesBack("frozen<point>", point, [origin, far]),
  comesBack("point", nullable(point), [null, far]),
  comesBack("frozen<shape>", shape, [
    { corners: [], named: new Map(), size: null },
    { corners: [origin, far], named: new Map([["", far]]), size: [null, origin] },
    { corners: [far], named: new Map(), size: [1, null] }
  ]),
  comesBack("set<frozen<point>>", set(point), [new Set(), new Set([origin, far])]),
  comesBack("map<frozen<point>, frozen<set<frozen<point>>>>", map(point, set(point)), [
    new Map([[origin, new Set([far])]]),
    new Map([[far, new Set<Point>()]])
  ]),
  comesBack(
    "map<uuid, frozen<tuple<int, frozen<list<text>>>>>",
    map(CqlType.uuid, tuple(CqlType.int, list(CqlType.text))),
    [new Map([[uuid, [1, ["a", ""]] as const]])]
  ),
  comesBack("map<frozen<tuple<int, text>>, boolean>", map(tuple(CqlType.int, CqlType.text), CqlType.boolean), [
    new Map([[[1, "a"] as const, true]])
  ]),
  comesBack("map<inet, duration>", map(CqlType.inet, CqlType.duration), [
    new Map([["::1", { months: -1, days: 0, nanoseconds: -1n }]])
  ]),
  comesBack("map<date, time>", map(CqlType.date, CqlType.time), [new Map([["-0001-12-31", "23:59:59.999999999"]])]),
  comesBack(
    "map<timeuuid, frozen<map<int, frozen<list<double>>>>>",
    map(CqlType.timeuuid, map(CqlType.int, list(CqlType.double))),
    [new Map([[timeuuid, new Map([[-1, [-0, NaN]]])]])]
  ),
  comesBack("set<blob>", set(CqlType.blob), [new Set([Buffer.from(""), Buffer.from([1])])]),
  comesBack("list<duration>", list(CqlType.duration), [[{ months: 0, days: -2147483648, nanoseconds: 0n }]]),
  comesBack("list<timestamp>", list(CqlType.timestampMillis), [[2n ** 63n - 1n, 0n]]),
  comesBack("vector<ascii, 2>", vector(CqlType.ascii, 2), [["", "a"]]),
  comesBack("vector<blob, 2>", vector(CqlType.blob, 2), [[Buffer.alloc(0), Buffer.alloc(200, 1)]]),
  comesBack("vector<boolean, 3>", vector(CqlType.boolean, 3), [[true, false, true]]),
  comesBack("vector<decimal, 2>", vector(CqlType.decimal, 2), [[decimal(10n ** 400n, -7), decimal(-1n, 2147483647)]]),
  comesBack("vector<duration, 1>", vector(CqlType.duration, 1), [[{ months: 1, days: 2, nanoseconds: 3n }]]),
  comesBack("vector<inet, 2>", vector(CqlType.inet, 2), [["127.0.0.1", "::1"]]),
  comesBack("vector<int, 2>", vector(CqlType.int, 2), [[-2147483648, 2147483647]]),
  comesBack("vector<time, 1>", vector(CqlType.time, 1), [["23:59:59.999999999"]]),
  comesBack("vector<timestamp, 2>", vector(CqlType.timestampDate, 2), [[new Date(-1), new Date(8.64e15)]]),
  comesBack("vector<timeuuid, 1>", vector(CqlType.timeuuid, 1), [[timeuuid]]),
  comesBack("vector<tinyint, 2>", vector(CqlType.tinyint, 2), [[-128, 127]]),
  comesBack("vector<uuid, 2>", vector(CqlType.uuid, 2), [[uuid, uuid]]),
  comesBack("vector<varint, 2>", vector(CqlType.varint, 2), [[2n ** 1100n, -1n]]),
  comesBack("vector<frozen<set<text>>, 2>", vector(set(CqlType.text), 2), [[new Set(["a"]), new Set<string>()]]),
  comesBack("vector<frozen<map<int, text>>, 1>", vector(map(CqlType.int, CqlType.text), 1), [[new Map([[1, ""]])]]),
  comesBack("vector<frozen<tuple<int, text>>, 1>", vector(tuple(CqlType.int, nullable(CqlType.text)), 1), [
    [[1, null]]
  ]),
  comesBack("vector<frozen<point>, 2>", vector(point, 2), [[origin, far]]),
  comesBack(
    "frozen<map<text, frozen<list<frozen<map<int, frozen<set<text>>>>>>>>",
    map(CqlType.text, list(map(CqlType.int, set(CqlType.text)))),
    [new Map([["", [new Map(), new Map([[1, new Set(["x"])]])]]])]
  ),
  comesBack(
    "list<frozen<tuple<frozen<list<int>>, frozen<tuple<int>>>>>",
    list(tuple(option(list(CqlType.int)), nullable(tuple(nullable(CqlType.int))))),
    [
      [
        [Option.none(), null],
        [Option.some([]), [null]],
        [Option.some([1]), [1]]
      ]
    ]
  )
]

const cases = vectors ? everywhere : everywhere.filter(({ type }) => !type.includes("vector<"))

/** Types of which the server stores a value of no bytes, unlike null. */
const emptiable = [
  "int",
  "bigint",
  "boolean",
  "double",
  "float",
  "decimal",
  "varint",
  "inet",
  "timestamp",
  "uuid",
  "timeuuid"
]

const tables = Layer.effectDiscard(
  schema(
    "CREATE TYPE point (x double, y double, label text)",
    "CREATE TYPE shape (corners frozen<list<frozen<point>>>, named frozen<map<text, frozen<point>>>, size frozen<tuple<int, frozen<point>>>)",
    `CREATE TABLE every (id int PRIMARY KEY, ${cases.map(({ type }, i) => `c${i} ${type}`).join(", ")})`,
    "CREATE TABLE counters (id int PRIMARY KEY, n counter, m counter)",
    `CREATE TABLE empties (id int PRIMARY KEY, ${emptiable.map((type) => `c_${type} ${type}`).join(", ")}, l list<int>)`,
    `CREATE TYPE "Cased" ("Field" int, "select" text, "with ""quotes""" int)`,
    `CREATE TABLE cased (id int PRIMARY KEY, v frozen<"Cased">)`,
    "CREATE TABLE absent (id int PRIMARY KEY, l frozen<list<int>>, s frozen<set<int>>, m frozen<map<int, int>>)"
  )
).pipe(Layer.provideMerge(sessionLayer("edges")))

layer(tables, { excludeTestServices: true, timeout: 60_000 })("CqlType", (it) => {
  cases.forEach(({ codec, type, values }, i) => {
    it.effect(`${type} comes back as it was written, in the corners too`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const column = cql.id(`c${i}`)
        for (const value of values) {
          const encoded = yield* Schema.encode(codec)(value)
          yield* session.execute(cql`INSERT INTO every (id, ${column}) VALUES (${i}, ${encoded})`)
          const [row] = yield* session.rows(
            cql`SELECT ${column} AS v FROM every WHERE id = ${i}`.pipe(Statement.as(Schema.Struct({ v: codec })))
          )
          assert.deepStrictEqual(row?.v, value)
        }
      })
    )
  })

  it.effect("an empty value, which is not null to the server, is null", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const columns = emptiable.map((type) => `c_${type}`)
      const empty = emptiable.map((type) => `blobAs${type.charAt(0).toUpperCase()}${type.slice(1)}(0x)`)
      yield* session.execute(
        Statement.make(
          `INSERT INTO empties (id, ${columns.join(", ")}, l) VALUES (1, ${empty.join(", ")}, [blobAsInt(0x), 1])`
        )
      )
      const row = Option.getOrThrow(yield* session.one(cql`SELECT * FROM empties WHERE id = ${1}`))
      assert.deepStrictEqual(row, { id: 1, l: [null, 1], ...Object.fromEntries(columns.map((name) => [name, null])) })
      // A column that was never written has no such value.
      const [counted] = yield* session.rows(Statement.make("SELECT count(c_int) AS n FROM empties WHERE id = 1"))
      assert.deepStrictEqual(counted, { n: 1n })
    })
  )

  it.effect("counters add up to the limits of 64 bits, and take null and unset as any other", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const add = (n: bigint) => session.execute(cql`UPDATE counters SET n = n + ${n} WHERE id = ${1}`)
      const N = Schema.Struct({ n: CqlType.counter, m: nullable(CqlType.counter) })
      const read = session.one(cql`SELECT n, m FROM counters WHERE id = ${1}`.pipe(Statement.as(N)))
      yield* add(2n ** 63n - 1n)
      assert.deepStrictEqual(yield* read, Option.some({ n: 2n ** 63n - 1n, m: null }))
      // As Java counts on.
      yield* add(1n)
      assert.deepStrictEqual(yield* read, Option.some({ n: -(2n ** 63n), m: null }))
      const tooMuch = yield* Effect.flip(add(2n ** 63n))
      assert.include(tooMuch.message, "a bigint of 64 bits")
    })
  )

  it.effect("names of types and fields are told apart by case, and may be anything", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const Cased = CqlType.udt(
        "Cased",
        Schema.Struct({ Field: CqlType.int, select: CqlType.text, 'with "quotes"': nullable(CqlType.int) })
      )
      const value = { Field: 1, select: "s", 'with "quotes"': null }
      yield* session.execute(cql`INSERT INTO cased (id, v) VALUES (${1}, ${value})`)
      const row = yield* session.one(
        cql`SELECT v FROM cased WHERE id = ${1}`.pipe(Statement.as(Schema.Struct({ v: Cased })))
      )
      assert.deepStrictEqual(row, Option.some({ v: value }))
      const wrong = yield* Effect.flip(session.execute(cql`INSERT INTO cased (id, v) VALUES (${1}, ${{ field: 1 }})`))
      assert.include(wrong.message, "fields all are in the type Cased")
    })
  )

  it.effect("a timestamp that no Date can be is a bigint in a row, and refused by the schemas of a Date", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const column = cql.id(`c${cases.findIndex(({ type }) => type === "timestamp")}`)
      yield* session.execute(cql`INSERT INTO every (id, ${column}) VALUES (${-1}, ${2n ** 62n})`)
      const statement = cql`SELECT ${column} AS at FROM every WHERE id = ${-1}`
      assert.deepStrictEqual(yield* session.one(statement), Option.some({ at: 2n ** 62n }))
      const error = yield* Effect.flip(
        session.one(statement.pipe(Statement.as(Schema.Struct({ at: CqlType.timestamp }))))
      )
      assert.strictEqual(error._tag, "ParseError")
    })
  )

  it.effect(
    "a user defined type that does not exist is an error of the server, or a mismatch when a query is prepared",
    () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const refused = yield* Effect.flip(
          session.execute(cql`CREATE TABLE of_nothing (id int PRIMARY KEY, v nothing)`)
        )
        assert.strictEqual(refused._tag, "InvalidQueryError")
        assert.include(refused.message, "nothing")
        const error = yield* Effect.flip(
          Query.prepare(
            Query.findAll({
              Request: CqlType.int,
              Result: Schema.Struct({
                v: CqlType.nullable(CqlType.udt("nothing", Schema.Struct({ Field: CqlType.int })))
              }),
              execute: (id) => cql`SELECT v FROM cased WHERE id = ${id}`
            })
          )
        )
        assert.strictEqual(error._tag, "SchemaMismatchError")
        assert.include(error.message, 'expects CqlType nothing, but column "v" has the type Cased')
      })
  )

  it.effect("a duration in a key is refused by the server, as its error says", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const columns of [
        "d duration PRIMARY KEY",
        "id int, d duration, PRIMARY KEY (id, d)",
        "id int PRIMARY KEY, s set<duration>"
      ]) {
        const error = yield* Effect.flip(session.execute(Statement.make(`CREATE TABLE refused (${columns})`)))
        assert.strictEqual(error._tag, "InvalidQueryError")
        assert.match(error.message, /[Dd]uration/)
      }
    })
  )

  it.effect("a collection that is null stays null when its row is read and written back", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const { optional } = CqlType
      const ways = [
        optional,
        CqlType.nullable,
        Schema.NullOr,
        (one: Schema.Schema.Any) => Schema.optionalWith(one, { nullable: true }),
        Schema.OptionFromNullOr
      ] as unknown as ReadonlyArray<(one: Schema.Schema.Any) => Schema.Schema<unknown>>
      for (const [id, way] of ways.entries()) {
        const Item = Schema.Struct({
          id: CqlType.int,
          l: way(list(CqlType.int)),
          s: way(set(CqlType.int)),
          m: way(map(CqlType.int, CqlType.int))
        })
        yield* session.execute(cql`INSERT INTO absent (id) VALUES (${id})`)
        const query = cql`SELECT * FROM absent WHERE id = ${id}`
        const row = Option.getOrThrow(yield* session.one(query.pipe(Statement.as(Item))))
        yield* session.execute(cql`INSERT INTO absent ${Columns.insert(Item, yield* Schema.encode(Item)(row))}`)
        assert.deepStrictEqual(yield* session.one(query), Option.some({ id, l: null, m: null, s: null }))
      }
    })
  )
})
