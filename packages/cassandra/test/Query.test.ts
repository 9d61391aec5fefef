import { assert, describe, it } from "@effect/vitest"
import { CqlType } from "effect-cassandra"
import * as Schema from "effect/Schema"
import { parseCqlType } from "../src/internal/cql/typeText.ts"
import { fieldOf, sampleOf } from "../src/internal/typed/sample.ts"
import { type Direction, fieldsOf, unfitOf } from "../src/internal/typed/schemaFit.ts"
import { readSelect } from "../src/internal/cql/selectList.ts"
import { structuralKey } from "../src/internal/typed/structuralKey.ts"

const names = (query: string) => {
  const select = readSelect(query)
  return select === undefined || select.selectors === "*" ? select?.selectors : select.selectors.map(({ name }) => name)
}

describe("the text of a SELECT", () => {
  it("tells the table, quoted or qualified or neither", () => {
    assert.deepInclude(readSelect("SELECT * FROM Users"), { keyspace: undefined, table: "users", selectors: "*" })
    assert.deepInclude(readSelect(`select a from shop.users where x = 1`), { keyspace: "shop", table: "users" })
    assert.deepInclude(readSelect(`SELECT a FROM "Shop" . "a ""b"" FROM c"`), {
      keyspace: "Shop",
      table: `a "b" FROM c`
    })
  })

  it("tells the names of columns, and not those the server makes up", () => {
    assert.deepStrictEqual(names(`SELECT DISTINCT A, "B", c AS d, f(a, b) AS "E", max(x) FROM t`), [
      "a",
      "B",
      "d",
      "E",
      undefined
    ])
    assert.deepStrictEqual(names("SELECT count(*) FROM t"), ["count"])
    assert.deepStrictEqual(names("SELECT (int) 1 AS n, m['from t'] AS v, [a, b] AS l FROM t"), ["n", "v", "l"])
  })

  it("is not confused by comments, line breaks and names that hold FROM", () => {
    assert.deepStrictEqual(names("SELECT a, -- the FROM x\n  /* b, */ from_date,\n  c\nFROM t"), [
      "a",
      "from_date",
      "c"
    ])
    assert.deepStrictEqual(names(`SELECT "a FROM b", c FROM t`), ["a FROM b", "c"])
  })

  it("gives up on what it cannot tell", () => {
    assert.isUndefined(readSelect("SELECT JSON * FROM t"))
    assert.isUndefined(readSelect("INSERT INTO t (a) VALUES (1)"))
  })
})

const fits = (schema: Schema.Schema.Any, type: string, direction: Direction = "read") =>
  unfitOf(schema.ast, parseCqlType(type), {
    direction,
    types: (name) => (name === "address" ? [{ name: "zip", type: parseCqlType("int") }] : undefined)
  })

describe("whether a schema fits a CQL type", () => {
  it("takes schemas of Effect's own for what they read", () => {
    const read: ReadonlyArray<readonly [Schema.Schema.Any, string]> = [
      [Schema.UUID, "uuid"],
      [Schema.NonEmptyString, "text"],
      [Schema.Literal("a", "b"), "text"],
      [Schema.NumberFromString, "text"],
      [Schema.parseJson(Schema.Struct({ a: Schema.Int })), "text"],
      [Schema.Int, "smallint"],
      [Schema.BigIntFromSelf, "varint"],
      [Schema.DateFromSelf, "timestamp"],
      [Schema.NullOr(Schema.DateTimeUtcFromDate), "timestamp"],
      [Schema.Uint8ArrayFromSelf, "blob"],
      [Schema.BigDecimalFromSelf, "decimal"],
      [Schema.Array(Schema.Number), "frozen<list<int>>"],
      [Schema.Array(Schema.Number), "vector<float, 3>"],
      [Schema.ReadonlySetFromSelf(Schema.String), "set<text>"],
      [Schema.ReadonlyMapFromSelf({ key: Schema.String, value: Schema.BigIntFromSelf }), "map<text, bigint>"],
      [Schema.Tuple(Schema.Number, Schema.String), "frozen<tuple<int, text>>"],
      [Schema.Struct({ zip: Schema.Number }), "frozen<address>"],
      [Schema.Struct({ anything: Schema.Number }), "some_type_not_known"],
      [Schema.Unknown, "int"],
      [CqlType.int, "tinyint"],
      [CqlType.text, "ascii"]
    ]
    for (const [schema, type] of read) assert.isUndefined(fits(schema, type), `${schema.ast} ${type}`)
  })

  it("refuses what would fail on every row", () => {
    const refused: ReadonlyArray<readonly [Schema.Schema.Any, string]> = [
      [Schema.Date, "timestamp"],
      [Schema.BigInt, "bigint"],
      [Schema.Number, "bigint"],
      [Schema.String, "int"],
      [Schema.Uint8Array, "blob"],
      [Schema.Set(Schema.String), "set<text>"],
      [Schema.Record({ key: Schema.String, value: Schema.String }), "map<text, text>"],
      [Schema.Array(Schema.String), "list<int>"],
      [Schema.Tuple(Schema.Number), "tuple<int, int>"],
      [Schema.Struct({ zip: Schema.String }), "address"],
      [Schema.Struct({ street: Schema.String }), "address"],
      [CqlType.smallint, "int"],
      [CqlType.uuid, "text"],
      [CqlType.vector(CqlType.float, 4), "vector<float, 3>"],
      [CqlType.udt("person", Schema.Struct({})), "address"]
    ]
    for (const [schema, type] of refused) assert.isDefined(fits(schema, type), `${schema.ast} ${type}`)
  })

  it("lets wider schemas be read, and narrower ones be written", () => {
    assert.isUndefined(fits(CqlType.smallint, "int", "write"))
    assert.isDefined(fits(CqlType.int, "smallint", "write"))
    assert.isUndefined(fits(Schema.Number, "bigint", "write"))
  })

  it("tells where inside a type it does not fit", () => {
    const schema = CqlType.map(CqlType.text, CqlType.list(CqlType.udt("address", Schema.Struct({ zip: CqlType.text }))))
    assert.deepStrictEqual(fits(schema, "map<text, frozen<list<frozen<address>>>>"), {
      path: " (a value)[].zip",
      declared: "CqlType text",
      actual: "int"
    })
  })

  it("ends with schemas that hold themselves", () => {
    interface Tree {
      readonly zip: number
      readonly children: ReadonlyArray<Tree>
    }
    const Tree: Schema.Schema<Tree> = Schema.Struct({
      zip: Schema.Number,
      children: Schema.Array(Schema.suspend(() => Tree))
    })
    assert.isDefined(fits(Tree, "address"))
    assert.isDefined(sampleOf(Tree.ast, fieldsOf(Tree.ast)).value)
  })
})

describe("a made-up request", () => {
  it("fits its schema's encoded side, and tells its fields apart", () => {
    const Request = Schema.Struct({
      id: CqlType.uuid,
      n: CqlType.int,
      at: CqlType.timestamp,
      tags: CqlType.set(CqlType.text),
      on: Schema.Boolean,
      off: Schema.Boolean,
      address: CqlType.udt("address", Schema.Struct({ zip: CqlType.int }))
    })
    const sample = sampleOf(Request.ast, fieldsOf(Request.ast))
    const value = sample.value as typeof Request.Encoded
    assert.strictEqual(typeof value.id, "string")
    assert.instanceOf(value.at, Date)
    assert.instanceOf(value.tags, Set)
    assert.strictEqual(typeof value.address.zip, "number")
    for (const field of ["id", "n", "at", "tags", "address"] as const) {
      assert.strictEqual(fieldOf(sample, value[field], "other")?.name, field)
    }
    assert.isUndefined(fieldOf(sample, true, "other"))
    assert.strictEqual(fieldOf(sample, true, "off")?.name, "off")
    assert.isUndefined(fieldOf(sample, "made elsewhere", "id"))
  })
})

describe("a structural key", () => {
  it("is the same for the same value, and for no other", () => {
    const values: ReadonlyArray<unknown> = [
      1,
      1n,
      "1",
      true,
      null,
      undefined,
      [1, 2],
      [12],
      { a: 1, b: 2 },
      { a: 1 },
      new Date(1),
      new Date(2),
      Uint8Array.of(1),
      new Set([1]),
      new Map([[1, 2]]),
      { a: "}" },
      { "a:1": "x" }
    ]
    assert.strictEqual(new Set(values.map((value) => structuralKey(value))).size, values.length)
    assert.strictEqual(structuralKey({ a: 1, b: [new Date(5)] }), structuralKey({ b: [new Date(5)], a: 1 }))
  })
})
