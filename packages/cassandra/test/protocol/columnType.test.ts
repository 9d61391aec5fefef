import { assert, describe, it } from "@effect/vitest"
import driver from "cassandra-driver"
import { cqlName, type ColumnType, resolve } from "../../src/internal/protocol/columnType.ts"

const { dataTypes } = driver.types
const marshal = "org.apache.cassandra.db.marshal."
const custom = (info: string): ColumnType => ({ code: dataTypes.custom, info })
const hex = (text: string) => Buffer.from(text).toString("hex")

const scalars: Readonly<Record<string, string>> = {
  AsciiType: "ascii",
  LongType: "bigint",
  BytesType: "blob",
  BooleanType: "boolean",
  CounterColumnType: "counter",
  DecimalType: "decimal",
  DoubleType: "double",
  FloatType: "float",
  Int32Type: "int",
  UTF8Type: "text",
  TimestampType: "timestamp",
  UUIDType: "uuid",
  IntegerType: "varint",
  TimeUUIDType: "timeuuid",
  InetAddressType: "inet",
  SimpleDateType: "date",
  TimeType: "time",
  ShortType: "smallint",
  ByteType: "tinyint",
  DurationType: "duration"
}

const m = (name: string) => `${marshal}${name}`

const composed: ReadonlyArray<readonly [className: string, cql: string]> = [
  [`${m("ListType")}(${m("Int32Type")})`, "list<int>"],
  [`${m("SetType")}(${m("UTF8Type")})`, "set<text>"],
  [`${m("MapType")}(${m("UTF8Type")},${m("LongType")})`, "map<text, bigint>"],
  [
    `${m("MapType")}(${m("TupleType")}(${m("Int32Type")},${m("UTF8Type")}),${m("ListType")}(${m("UUIDType")}))`,
    "map<tuple<int, text>, list<uuid>>"
  ],
  [`${m("FrozenType")}(${m("ListType")}(${m("Int32Type")}))`, "list<int>"],
  [`${m("ReversedType")}(${m("TimestampType")})`, "timestamp"],
  [`${m("VectorType")}(${m("FloatType")} , 3)`, "vector<float, 3>"],
  [`${m("VectorType")}(${m("VectorType")}(${m("Int32Type")}, 2), 4)`, "vector<vector<int, 2>, 4>"],
  [
    `${m("UserType")}(ks,${hex("address")},${hex("street")}:${m("UTF8Type")},${hex("zip")}:${m("Int32Type")})`,
    "address"
  ]
]

describe("CQL types", () => {
  for (const [className, name] of Object.entries(scalars)) {
    it(`${className} is ${name}, with the package's name or without`, () => {
      assert.strictEqual(cqlName(custom(marshal + className)), name)
      assert.strictEqual(cqlName(custom(className)), name)
    })
  }

  for (const [className, name] of composed) {
    it(`${name} is read from its class name`, () => {
      assert.strictEqual(cqlName(custom(className)), name)
      assert.strictEqual(cqlName(custom(className.replaceAll(marshal, ""))), name)
    })
  }

  it("a UDT's fields come with their types, colons and commas inside notwithstanding", () => {
    const type = resolve(
      custom(
        `${m("UserType")}(shop,${hex("Ünï")},${hex("a:b")}:${m("MapType")}(${m("Int32Type")},${m("UTF8Type")}),${hex("c,d")}:${m("Int32Type")})`
      )
    )
    assert.strictEqual(type.code, dataTypes.udt)
    const { fields, keyspace, name } = type.info as {
      keyspace: string
      name: string
      fields: Array<{ name: string; type: ColumnType }>
    }
    assert.strictEqual(keyspace, "shop")
    assert.strictEqual(name, "Ünï")
    assert.deepStrictEqual(
      fields.map((field) => [field.name, cqlName(field.type)]),
      [
        ["a:b", "map<int, text>"],
        ["c,d", "int"]
      ]
    )
  })

  it("a class that nobody knows stays a custom type, named as the server names it", () => {
    assert.strictEqual(cqlName(custom("com.acme.MoneyType")), "'com.acme.MoneyType'")
    assert.strictEqual(
      cqlName({ code: dataTypes.list, info: custom("com.acme.MoneyType") }),
      "list<'com.acme.MoneyType'>"
    )
  })

  it("what the driver describes by code has the name that CQL gives it", () => {
    assert.strictEqual(cqlName({ code: dataTypes.varchar }), "text")
    assert.strictEqual(cqlName({ code: dataTypes.text }), "text")
    assert.strictEqual(
      cqlName({ code: dataTypes.map, info: [{ code: dataTypes.int }, { code: dataTypes.date }] }),
      "map<int, date>"
    )
    assert.strictEqual(cqlName({ code: 0x7f }), "unknown (127)")
  })
})
