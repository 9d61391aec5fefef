import { assert, layer } from "@effect/vitest"
import { cql, CqlType, Session, Statement } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { schema, sessionLayer } from "./support/client.ts"
import { since } from "./support/release.ts"

const Address = Schema.Struct({ street: CqlType.text, zip: CqlType.optional(CqlType.int) })
const Person = Schema.Struct({
  name: CqlType.text,
  home: CqlType.nullable(CqlType.udt("address", Address)),
  phones: CqlType.map(CqlType.text, CqlType.list(CqlType.text))
})

const uuid = "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"
const timeuuid = "9f1c1f00-51a2-11ee-8c99-0242ac120002"
const decimal = (unscaled: bigint, scale: number) => BigDecimal.make(unscaled, scale)

/** A type as CQL writes it, its schema, and values at the limits as the application has them. */
interface Case<A, I> {
  readonly type: string
  readonly codec: Schema.Schema<A, I>
  readonly values: ReadonlyArray<A>
}

const limits = <A, I>(type: string, codec: Schema.Schema<A, I>, values: ReadonlyArray<A>): Case<unknown, unknown> =>
  ({ type, codec, values }) as unknown as Case<unknown, unknown>

const float = Math.fround(0.1)

const vectors = since("5.0", "the type vector")

/** What the server has of these. */
const here = <A extends { readonly type: string }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  vectors ? all : all.filter(({ type }) => !type.includes("vector<"))

const cases = here<Case<unknown, unknown>>([
  limits("ascii", CqlType.ascii, ["", "plain", "\0\x7f"]),
  limits("text", CqlType.text, ["", "Žluťoučký 🐴", "\0", "x".repeat(70_000)]),
  limits("boolean", CqlType.boolean, [true, false]),
  limits("blob", CqlType.blob, [new Uint8Array(), Uint8Array.of(0, 255), new Uint8Array(70_000).fill(7)]),
  limits("tinyint", CqlType.tinyint, [-128, 0, 127]),
  limits("smallint", CqlType.smallint, [-32768, 0, 32767]),
  limits("int", CqlType.int, [-2147483648, 0, 2147483647]),
  limits("bigint", CqlType.bigint, [-(2n ** 63n), -1n, 0n, 2n ** 53n + 1n, 2n ** 63n - 1n]),
  limits("varint", CqlType.varint, [0n, 127n, 128n, -128n, -129n, 255n, 256n, 2n ** 64n, -(2n ** 200n), 10n ** 300n]),
  limits("float", CqlType.float, [
    0,
    -0,
    float,
    3.4028234663852886e38,
    1.401298464324817e-45,
    Infinity,
    -Infinity,
    NaN
  ]),
  limits("double", CqlType.double, [0, -0, 0.1, Number.MAX_VALUE, Number.MIN_VALUE, Infinity, -Infinity, NaN]),
  limits("decimal", CqlType.decimal, [
    decimal(0n, 0),
    decimal(1n, 0),
    decimal(-123456789012345678901234567890n, 10),
    decimal(5n, -3),
    decimal(1n, 2147483647),
    decimal(1n, -2147483648),
    decimal(1000n, 3)
  ]),
  limits("uuid", CqlType.uuid, [uuid, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]),
  limits("timeuuid", CqlType.timeuuid, [timeuuid, "00000000-0000-1000-8080-808080808080"]),
  limits("inet", CqlType.inet, ["0.0.0.0", "255.255.255.255", "::1", "::", "2001:db8::8a2e:370:7334", "fe80::"]),
  limits("timestamp", CqlType.timestampDate, [new Date(0), new Date(8.64e15), new Date(-8.64e15), new Date(-1)]),
  limits("date", CqlType.date, [
    "1970-01-01",
    "0000-01-01",
    "9999-12-31",
    "-0044-03-15",
    "+12026-05-01",
    "2024-02-29",
    "-5877641-06-23",
    "+5881580-07-11"
  ]),
  limits("time", CqlType.time, ["00:00:00.000000000", "13:30:54.000000001", "23:59:59.999999999"]),
  limits("duration", CqlType.duration, [
    { months: 0, days: 0, nanoseconds: 0n },
    { months: 2147483647, days: 2147483647, nanoseconds: 2n ** 63n - 1n },
    { months: -1, days: -2, nanoseconds: -3n },
    { months: -2147483648, days: -2147483648, nanoseconds: -(2n ** 63n) }
  ]),
  limits("list<int>", CqlType.list(CqlType.int), [[], [1], [3, 1, 3]]),
  limits("set<text>", CqlType.set(CqlType.text), [new Set(), new Set([""]), new Set(["a", "b"])]),
  limits("map<text, bigint>", CqlType.map(CqlType.text, CqlType.bigint), [
    new Map(),
    new Map([
      ["", 2n ** 63n - 1n],
      ["b", -1n]
    ])
  ]),
  limits("map<timestamp, decimal>", CqlType.map(CqlType.timestampDate, CqlType.decimal), [
    new Map([[new Date(5), decimal(15n, 1)]])
  ]),
  limits("frozen<list<frozen<list<int>>>>", CqlType.list(CqlType.list(CqlType.int)), [[], [[]], [[1, 2], [], [3]]]),
  limits(
    "frozen<map<text, frozen<set<frozen<tuple<int, text>>>>>>",
    CqlType.map(CqlType.text, CqlType.set(CqlType.tuple(CqlType.int, CqlType.nullable(CqlType.text)))),
    [new Map([["k", new Set([[1, "x"] as const])]]), new Map([["none", new Set<readonly [number, null]>()]])]
  ),
  limits(
    "tuple<int, text, frozen<list<uuid>>>",
    CqlType.tuple(
      CqlType.nullable(CqlType.int),
      CqlType.nullable(CqlType.text),
      CqlType.nullable(CqlType.list(CqlType.uuid))
    ),
    [
      [1, "x", [uuid]],
      [null, "", null],
      [null, null, []]
    ]
  ),
  limits("frozen<address>", CqlType.udt("address", Address), [{ street: "High St", zip: 1 }, { street: "" }]),
  limits("person", CqlType.udt("person", Person), [
    { name: "Ada", home: { street: "High St", zip: 5 }, phones: new Map([["work", ["1", "2"]]]) },
    { name: "", home: null, phones: new Map() }
  ]),
  limits("list<frozen<person>>", CqlType.list(CqlType.udt("person", Person)), [
    [{ name: "A", home: { street: "s" }, phones: new Map([["x", []]]) }]
  ]),
  limits("vector<float, 3>", CqlType.vector(CqlType.float, 3), [
    [0, -1.5, float],
    [NaN, Infinity, -Infinity]
  ]),
  limits("vector<text, 2>", CqlType.vector(CqlType.text, 2), [
    ["", "x".repeat(300)],
    ["ž", "b"]
  ]),
  limits("vector<double, 1>", CqlType.vector(CqlType.double, 1), [[0.1]]),
  limits("vector<bigint, 2>", CqlType.vector(CqlType.bigint, 2), [[-(2n ** 63n), 2n ** 63n - 1n]]),
  limits("vector<smallint, 2>", CqlType.vector(CqlType.smallint, 2), [[-32768, 32767]]),
  limits("vector<date, 2>", CqlType.vector(CqlType.date, 2), [["1970-01-01", "-0044-03-15"]]),
  limits("vector<frozen<vector<float, 2>>, 2>", CqlType.vector(CqlType.vector(CqlType.float, 2), 2), [
    [
      [1, 2],
      [3, 4]
    ]
  ]),
  limits("vector<frozen<vector<text, 2>>, 2>", CqlType.vector(CqlType.vector(CqlType.text, 2), 2), [
    [
      ["a", ""],
      ["", "d"]
    ]
  ]),
  limits("vector<frozen<list<int>>, 2>", CqlType.vector(CqlType.list(CqlType.int), 2), [[[1, 2], []]]),
  limits("vector<frozen<address>, 1>", CqlType.vector(CqlType.udt("address", Address), 1), [[{ street: "s", zip: 2 }]]),
  limits("frozen<list<vector<float, 2>>>", CqlType.list(CqlType.vector(CqlType.float, 2)), [[[1, 2]]])
])

const tables = Layer.effectDiscard(
  schema(
    "CREATE TYPE address (street text, zip int)",
    "CREATE TYPE person (name text, home frozen<address>, phones frozen<map<text, frozen<list<text>>>>)",
    `CREATE TABLE every (id int PRIMARY KEY, ${cases.map(({ type }, i) => `c${i} ${type}`).join(", ")})`,
    "CREATE TABLE counters (id int PRIMARY KEY, n counter)",
    "CREATE TABLE plain (id int PRIMARY KEY, t text, b blob, n int, l list<int>, fl frozen<list<int>>, fm frozen<map<int, int>>)",
    "CREATE TYPE growing (a int)",
    "CREATE TABLE grown (id int PRIMARY KEY, g growing, f frozen<growing>)"
  )
).pipe(Layer.provideMerge(sessionLayer("types")))

layer(tables, { excludeTestServices: true, timeout: 60_000 })("CqlType", (it) => {
  cases.forEach(({ codec, type, values }, i) => {
    it.effect(`${type} comes back as it was written, at its limits`, () =>
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

  it.effect("a counter reaches beyond 2^53", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(cql`UPDATE counters SET n = n + ${2n ** 62n + 1n} WHERE id = ${1}`)
      const row = yield* session.one(
        cql`SELECT n FROM counters WHERE id = ${1}`.pipe(Statement.as(Schema.Struct({ n: CqlType.counter })))
      )
      assert.deepStrictEqual(row, Option.some({ n: 2n ** 62n + 1n }))
    })
  )

  it.effect("a timestamp is a DateTime.Utc, and one may be bound as it is", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const at = DateTime.unsafeMake("2026-05-01T10:00:00.123Z")
      const column = cql.id(`c${cases.findIndex(({ type }) => type === "timestamp")}`)
      yield* session.execute(cql`INSERT INTO every (id, ${column}) VALUES (${-1}, ${at})`)
      const row = yield* session.one(
        cql`SELECT ${column} AS at FROM every WHERE id = ${-1}`.pipe(
          Statement.as(Schema.Struct({ at: CqlType.timestamp }))
        )
      )
      assert.isTrue(Option.isSome(row) && DateTime.Equivalence(row.value.at, at))
    })
  )

  it.effect("empty is not null, and null is not unset", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const read = Effect.map(session.one(cql`SELECT t, b, n FROM plain WHERE id = ${1}`), Option.getOrNull)
      yield* session.execute(cql`INSERT INTO plain (id, t, b, n) VALUES (${1}, ${""}, ${new Uint8Array()}, ${5})`)
      const empty = yield* read
      assert.strictEqual(empty?.["t"], "")
      assert.deepStrictEqual(new Uint8Array(empty?.["b"] as Uint8Array), new Uint8Array())

      yield* session.execute(
        cql`INSERT INTO plain (id, t, b, n) VALUES (${1}, ${CqlType.unset}, ${CqlType.unset}, ${CqlType.unset})`
      )
      assert.deepStrictEqual((yield* read)?.["n"], 5)
      assert.deepStrictEqual((yield* read)?.["t"], "")

      yield* session.execute(cql`INSERT INTO plain (id, t, b, n) VALUES (${1}, ${null}, ${null}, ${null})`)
      assert.deepStrictEqual(yield* read, { t: null, b: null, n: null })
    })
  )

  it.effect("an empty collection is null unless it is frozen", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(cql`INSERT INTO plain (id, l, fl, fm) VALUES (${2}, ${[]}, ${[]}, ${new Map()})`)
      const row = yield* session.one(cql`SELECT l, fl, fm FROM plain WHERE id = ${2}`)
      assert.deepStrictEqual(row, Option.some({ l: null, fl: [], fm: new Map() }))
      const decoded = yield* session.one(
        cql`SELECT l, fl FROM plain WHERE id = ${2}`.pipe(
          Statement.as(Schema.Struct({ l: CqlType.list(CqlType.int), fl: CqlType.nullable(CqlType.list(CqlType.int)) }))
        )
      )
      assert.deepStrictEqual(decoded, Option.some({ l: [], fl: [] }))
    })
  )

  it.effect("a UDT has nulls for fields that were added after it was written", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const before = Schema.Struct({ a: CqlType.int })
      const after = Schema.Struct({ a: CqlType.int, b: Schema.optional(CqlType.text), c: CqlType.option(CqlType.int) })
      yield* session.execute(cql`INSERT INTO grown (id, g, f) VALUES (${1}, ${{ a: 1 }}, ${{ a: 1 }})`)
      yield* session.execute(cql`ALTER TYPE growing ADD b text`)
      yield* session.execute(cql`ALTER TYPE growing ADD c int`)
      // Another text, so that it is prepared with the new type.
      const row = yield* session.one(
        cql`SELECT g, f, id FROM grown WHERE id = ${1}`.pipe(
          Statement.as(Schema.Struct({ g: CqlType.udt("growing", after), f: CqlType.udt("growing", before) }))
        )
      )
      assert.deepStrictEqual(row, Option.some({ g: { a: 1, c: Option.none() }, f: { a: 1 } }))
      yield* session.execute(cql`UPDATE grown SET f = ${{ a: 2 }}, g = ${{ a: 2, b: "new", c: null }} WHERE id = ${1}`)
      const plain = yield* session.one(cql`SELECT f, g FROM grown WHERE id = ${1}`)
      assert.deepStrictEqual(plain, Option.some({ f: { a: 2, b: null, c: null }, g: { a: 2, b: "new", c: null } }))
    })
  )

  const secret = "do not print me"
  const refusals = here(
    (
      [
        ["int", 2 ** 31, /type int: expected an integer/],
        ["int", 1.5, /expected an integer/],
        ["int", secret, /expected an integer/],
        ["int", Uint8Array.of(1, 2, 3, 4), /expected an integer/],
        ["tinyint", 128, /from -128 to 127/],
        ["smallint", -32769, /from -32768 to 32767/],
        ["bigint", 2n ** 63n, /bigint of 64 bits/],
        ["bigint", 1.5, /a bigint/],
        ["bigint", secret, /a bigint/],
        ["varint", NaN, /a bigint/],
        ["decimal", Infinity, /a BigDecimal/],
        ["float", 1e39, /range of a float/],
        ["double", secret, /a number/],
        ["boolean", 1, /a boolean/],
        ["text", 5, /a string/],
        ["text", "\ud800", /lone surrogates/],
        ["text", new Uint8Array(2), /a string/],
        ["ascii", "é", /ASCII/],
        ["blob", secret, /a Uint8Array/],
        ["uuid", secret, /a uuid/],
        ["uuid", "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f1g", /a uuid/],
        ["timeuuid", uuid, /version 1/],
        ["inet", "300.1.1.1", /an IPv4 or IPv6 address/],
        ["inet", "fe80::1%eth0", /an IPv4 or IPv6 address/],
        ["timestamp", new Date(NaN), /a valid Date/],
        ["timestamp", secret, /a Date/],
        ["date", "2026-02-30", /a date like/],
        ["date", new Date(0), /a date like/],
        ["time", "24:00:00", /a time like/],
        ["duration", { months: 1, days: -1, nanoseconds: 0n }, /of the same sign/],
        ["duration", { months: 2 ** 31, days: 0, nanoseconds: 0n }, /of the same sign/],
        ["list<int>", [1, null], /no null within a collection, at c\d+\[1\]/],
        ["list<int>", [1, CqlType.unset], /no unset within a collection/],
        ["list<int>", secret, /an array or a Set/],
        ["set<text>", new Set(["a", 5]), /a string, at c\d+\[1\]/],
        ["map<text, bigint>", new Map([["k", secret]]), /a bigint, at c\d+ \(a value\)/],
        ["map<text, bigint>", [secret], /a Map or a record/],
        ["frozen<list<frozen<list<int>>>>", [[1], [2, secret]], /an integer.*, at c\d+\[1\]\[1\]/],
        ["tuple<int, text, frozen<list<uuid>>>", [1, "x"], /an array of 3 elements/],
        ["tuple<int, text, frozen<list<uuid>>>", [1, CqlType.unset, null], /not unset, at c\d+\[1\]/],
        ["frozen<address>", { street: "s", zpi: 5 }, /fields all are in the type address/],
        ["frozen<address>", { street: "s", zip: secret }, /an integer.*, at c\d+\.zip/],
        ["frozen<address>", ["s", 5], /a record/],
        ["vector<float, 3>", [1, 2], /an array of 3 elements/],
        ["vector<float, 3>", [1, 2, null], /at c\d+\[2\]/],
        ["vector<float, 3>", [1, 2, secret], /at c\d+\[2\]/],
        ["vector<text, 2>", ["a", null], /no null within a collection/]
      ] as ReadonlyArray<readonly [type: string, value: unknown, expected: RegExp]>
    ).map(([type, value, expected]) => ({ type, value, expected }))
  )

  refusals.forEach(({ expected, type, value }, at) => {
    it.effect(`${type} refuses a value that does not fit before it is sent (${at})`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const column = `c${cases.findIndex((candidate) => candidate.type === type)}`
        const error = yield* Effect.flip(
          session.execute(cql`INSERT INTO every (id, ${cql.id(column)}) VALUES (${1000}, ${value})`)
        )
        assert.strictEqual(error._tag, "QueryError")
        assert.strictEqual(error.writeState, "NotApplied")
        assert.include(error.message, `The value for "${column}" does not fit its type `)
        assert.match(error.message, expected)
        assert.notInclude(String(error.stack) + JSON.stringify(error), secret)
      })
    )
  })
})
