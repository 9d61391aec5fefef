import { assert, describe, it } from "@effect/vitest"
import { CqlType } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as FastCheck from "fast-check"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { canonicalOf } from "../src/internal/typed/canonical.ts"
import { canonicalRequest } from "../src/internal/typed/canonicalRequest.ts"
import { type CqlTypeTree, parseCqlType } from "../src/internal/cql/typeText.ts"
import { byBytes, byValue, structuralKey } from "../src/internal/typed/structuralKey.ts"
import { ByteWriter } from "../src/internal/protocol/byteWriter.ts"
import { type ColumnType, TypeCode } from "../src/internal/protocol/columnType.ts"
import { makeReader } from "../src/internal/protocol/decodeValue.ts"
import { makeWriter } from "../src/internal/protocol/encodeValue.ts"

const types = (name: string) =>
  name === "pair"
    ? [
        { name: "a", type: parseCqlType("uuid") },
        { name: "b", type: parseCqlType("float") }
      ]
    : undefined

const columnType = ({ dimension, name, parameters }: CqlTypeTree): ColumnType => {
  const inner = parameters.map(columnType)
  const fields = types(name)
  return (
    fields !== undefined
      ? {
          code: TypeCode.udt,
          info: { keyspace: "k", name, fields: fields.map((f) => ({ ...f, type: columnType(f.type) })) }
        }
      : name === "vector"
        ? { code: TypeCode.custom, customTypeName: "vector", info: [inner[0], dimension] }
        : {
            code: TypeCode[name as keyof typeof TypeCode],
            info: name === "list" || name === "set" ? inner[0] : inner.length === 0 ? null : inner
          }
  ) as ColumnType
}

/** The bytes of a value, without the length before them. */
const bytesOf = (type: string, value: unknown): Buffer => {
  const writer = new ByteWriter()
  writer.pos = writer.start
  makeWriter(columnType(parseCqlType(type)))(writer, value)
  return Buffer.from(writer.buf.subarray(writer.start + 4, writer.pos))
}

/** What a row has after the value was written. */
const read = (type: string, bytes: Buffer): unknown =>
  makeReader(columnType(parseCqlType(type)))(bytes, 0, bytes.length)

const canonical = (type: string, value: unknown) => canonicalOf(parseCqlType(type), types)(value)

const upper = (text: string) => text.replace(/[a-f]/g, (c) => c.toUpperCase())
const uuid = FastCheck.uuid().chain((text) => FastCheck.constantFrom(text, upper(text)))
const double = FastCheck.oneof(FastCheck.constantFrom(0, -0, NaN, Infinity, -Infinity, 0.1), FastCheck.double())
const float = FastCheck.oneof(FastCheck.constantFrom(0, -0, NaN, 0.1, 1.1), FastCheck.double({ min: -1e30, max: 1e30 }))
const decimal = FastCheck.tuple(
  FastCheck.bigInt({ min: -200n, max: 200n }),
  FastCheck.integer({ min: -3, max: 3 })
).map(([value, scale]) => BigDecimal.make(value, scale))
const inet = FastCheck.oneof(
  FastCheck.ipV4(),
  FastCheck.ipV6(),
  FastCheck.ipV4().map((text) => `::ffff:${text}`),
  FastCheck.constantFrom(
    "::1",
    "0:0:0:0:0:0:0:1",
    "FE80::0",
    "2001:DB8:0:0:0:0:0:1",
    "::ffff:0a00:0001",
    "::FFFF:10.0.0.1"
  )
)
const time = FastCheck.tuple(
  FastCheck.constantFrom("00:00:00", "13:30:54"),
  FastCheck.constantFrom("", ".5", ".50", ".500000000", ".000000001")
).map(([seconds, fraction]) => seconds + fraction)

/** Values of a type in the forms in which rows have them, more or less well written. */
const written: Record<string, FastCheck.Arbitrary<unknown>> = {
  text: FastCheck.string({ unit: "binary" }),
  ascii: FastCheck.string({ unit: "binary-ascii" }),
  boolean: FastCheck.boolean(),
  blob: FastCheck.uint8Array({ maxLength: 4 }).chain((some) => FastCheck.constantFrom(some, Buffer.from(some))),
  uuid,
  timeuuid: FastCheck.uuid({ version: 1 }).chain((text) => FastCheck.constantFrom(text, upper(text))),
  inet,
  tinyint: FastCheck.oneof(FastCheck.constant(-0), FastCheck.integer({ min: -128, max: 127 })),
  smallint: FastCheck.integer({ min: -32768, max: 32767 }),
  int: FastCheck.oneof(FastCheck.constant(-0), FastCheck.integer()),
  bigint: FastCheck.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  varint: FastCheck.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  float,
  double,
  decimal,
  date: FastCheck.constantFrom("2026-05-01", "0001-01-01", "+12026-05-01"),
  time,
  timestamp: FastCheck.date({ noInvalidDate: true })
}
written["list<uuid>"] = FastCheck.array(uuid, { maxLength: 3 })
written["set<float>"] = FastCheck.array(float, { maxLength: 3 }).map((some) => new Set(some))
written["set<text>"] = FastCheck.array(FastCheck.constantFrom("a", "b", "c"), { minLength: 1 }).map(
  (some) => new Set(some)
)
written["map<text, time>"] = FastCheck.array(FastCheck.tuple(FastCheck.constantFrom("x", "y"), time)).map(
  (some) => new Map(some)
)
written["vector<float, 2>"] = FastCheck.tuple(float, float)
written["tuple<inet, decimal>"] = FastCheck.tuple(FastCheck.option(inet), FastCheck.option(decimal))
written["pair"] = FastCheck.record({ a: uuid, b: FastCheck.option(float) })
written["list<frozen<set<uuid>>>"] = FastCheck.array(
  FastCheck.array(uuid, { minLength: 1, maxLength: 2 }).map((some) => new Set(some)),
  {
    maxLength: 2
  }
)

describe("a canonical value", () => {
  for (const [type, values] of Object.entries(written)) {
    it(`of ${type} is what its row has, and has the same bytes`, () => {
      FastCheck.assert(
        FastCheck.property(values, (value) => {
          const bytes = bytesOf(type, value)
          const key = structuralKey(canonical(type, value), byBytes)
          const row = read(type, bytes)
          // An empty list, set or map has no bytes of an element, and is not null where it is frozen.
          assert.strictEqual(key, structuralKey(row, byBytes))
          assert.deepStrictEqual(bytesOf(type, canonical(type, value)).length <= bytes.length, true)
        }),
        { numRuns: 200 }
      )
    })

    it(`of ${type} has the key of another if and only if it has its bytes`, () => {
      FastCheck.assert(
        FastCheck.property(values, values, (a, b) => {
          // The server puts elements in order.
          if (/set|map/.test(type)) return
          const same = bytesOf(type, a).equals(bytesOf(type, b))
          const keys = [a, b].map((value) => structuralKey(canonical(type, value), byBytes))
          assert.strictEqual(keys[0] === keys[1], same)
        }),
        { numRuns: 300 }
      )
    })
  }

  const forms: ReadonlyArray<readonly [type: string, value: unknown, canonical: unknown]> = [
    ["uuid", "B6A1D5C0-93D3-4A5E-8D2C-0C1A5D3D7F10", "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"],
    ["time", "13:30:54", "13:30:54.000000000"],
    ["time", 5n, 5n],
    ["inet", "2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["inet", "::ffff:a00:1", "::ffff:10.0.0.1"],
    ["inet", "10.0.0.1", "10.0.0.1"],
    ["float", 0.1, Math.fround(0.1)],
    ["int", -0, 0],
    ["double", -0, -0],
    ["bigint", 5, 5],
    ["varint", -0, 0],
    ["timestamp", 1_000, 1_000],
    ["timestamp", new Date(5), new Date(5)],
    ["timestamp", 5n, 5n],
    ["decimal", 1.5, 1.5],
    ["duration", "1h", "1h"],
    ["date", "not a date", "not a date"],
    ["int", "of another type", "of another type"],
    ["nobody's", { A: 1 }, { A: 1 }],
    ["uuid", null, null],
    ["set<uuid>", ["B6A1D5C0-93D3-4A5E-8D2C-0C1A5D3D7F10"], ["b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"]]
  ]
  for (const [type, value, expected] of forms) {
    it(`of ${type} keeps its form: ${String(value)} is ${String(expected)}`, () => {
      const found = canonical(type, value)
      if (typeof expected === "number") assert.isTrue(Object.is(found, expected))
      else assert.deepStrictEqual(found, expected)
    })
  }

  it("is made by the types of the variables, or those of the schema", () => {
    const Request = Schema.Struct({
      id: CqlType.uuid,
      at: Schema.String,
      f: CqlType.double,
      more: Schema.optional(CqlType.inet)
    })
    const change = canonicalRequest(Request.ast, {
      fields: new Map([
        ["at", parseCqlType("time")],
        ["f", parseCqlType("float")]
      ]),
      types
    })
    assert.deepStrictEqual(change({ id: upper("b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"), at: "13:30:54", f: 0.1 }), {
      id: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10",
      at: "13:30:54.000000000",
      f: Math.fround(0.1)
    })
    const nothing = { fields: new Map(), types }
    assert.strictEqual(canonicalRequest(CqlType.inet.ast, nothing)("::FFFF:10.0.0.1"), "::ffff:10.0.0.1")
    assert.strictEqual(
      canonicalRequest(
        CqlType.uuid.pipe(Schema.brand("Id")).ast,
        nothing
      )(upper("b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f1a")),
      "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f1a"
    )
    assert.strictEqual(canonicalRequest(Schema.String.ast, nothing)("A"), "A")
    const Pair = CqlType.udt("pair", Schema.Struct({ a: CqlType.uuid, b: CqlType.double }))
    assert.deepStrictEqual(canonicalRequest(Pair.ast, nothing)({ a: "x", b: 0.1 }), { a: "x", b: Math.fround(0.1) })
  })
})

/** 1.5 with so many digits behind the point. */
const onePointFive = (scale: number) => BigDecimal.make(15n * 10n ** BigInt(scale - 1), scale)

const zoned = (zone: string) => DateTime.unsafeMakeZoned(5, { timeZone: zone })

describe("a structural key", () => {
  it("knows decimals by value, or by value and scale, whatever was done to them", () => {
    for (const touch of [
      BigDecimal.format,
      BigDecimal.normalize,
      String,
      JSON.stringify,
      (one: BigDecimal.BigDecimal) => one === one
    ]) {
      const [a, b] = [onePointFive(1), onePointFive(3)] as const
      touch(b)
      touch(a)
      for (const wrap of [(one: unknown) => one, (one: unknown) => [one], (one: unknown) => ({ id: one })]) {
        assert.strictEqual(structuralKey(wrap(a), byValue), structuralKey(wrap(b), byValue))
        assert.notStrictEqual(structuralKey(wrap(a), byBytes), structuralKey(wrap(b), byBytes))
        assert.strictEqual(structuralKey(wrap(a), byBytes), structuralKey(wrap(onePointFive(1)), byBytes))
      }
    }
  })

  it("knows values of Effect by what they are", () => {
    const shown = DateTime.unsafeMake(5)
    DateTime.formatIso(shown)
    DateTime.toParts(shown)
    const same: ReadonlyArray<readonly [unknown, unknown]> = [
      [shown, DateTime.unsafeMake(5)],
      [zoned("UTC"), shown],
      [Redacted.make("a"), Redacted.make("a")],
      [Chunk.make(1, 2), Chunk.append(Chunk.make(1), 2)],
      [HashSet.make("a", "b"), HashSet.make("b", "a")],
      [HashMap.make(["a", 1], ["b", 2]), HashMap.make(["b", 2], ["a", 1])],
      [Option.some("a"), Option.some("a")],
      [new URL("http://a/b"), new URL("http://a/b")],
      [{ a: undefined, b: 1 }, { b: 1 }],
      [Buffer.from("a"), Uint8Array.of(97)]
    ]
    for (const [a, b] of same) assert.strictEqual(structuralKey(a), structuralKey(b))
    const other: ReadonlyArray<readonly [unknown, unknown]> = [
      [Redacted.make("a"), Redacted.make("b")],
      [new URL("http://a/b"), new URL("http://a/c")],
      [Option.some("a"), Option.none()],
      [0, -0],
      [1, 1n],
      ["1", 1],
      [/a/, /b/],
      [HashSet.make("a"), HashSet.make("b")]
    ]
    for (const [a, b] of other) assert.notStrictEqual(structuralKey(a), structuralKey(b))
  })
})
