import { assert, describe, it } from "@effect/vitest"
import driver from "cassandra-driver"
import { inspect } from "node:util"
import { QueryError } from "../src/CassandraError.ts"
import { cqlName, type ColumnType } from "../src/internal/protocol/columnType.ts"
import { encoderOf } from "../src/internal/request/boundValues.ts"
import type { Values } from "../src/Statement.ts"
import { fromEngineError } from "../src/internal/request/engineErrors.ts"
import { unset } from "../src/internal/typed/unset.ts"

const { dataTypes } = driver.types
const cqlType = (name: keyof typeof dataTypes, info?: ColumnType["info"]): ColumnType => ({
  code: dataTypes[name] as number,
  info
})
const int = cqlType("int")
const text = cqlType("text")

const errorOf = (run: () => unknown): QueryError => {
  try {
    run()
  } catch (thrown) {
    const error = fromEngineError(thrown, { timeout: 0, batch: false, sent: false })
    if (error instanceof QueryError) return error
    throw error
  }
  return assert.fail("nothing was thrown")
}

const encodeOne = (type: ColumnType, value: unknown) => encoderOf([{ name: "v", type }])([value])[0]

const misfits: ReadonlyArray<readonly [type: ColumnType, value: unknown]> = [
  [cqlType("bigint"), 2 ** 53],
  [cqlType("bigint"), 1.5],
  [cqlType("counter"), Number.NaN],
  [cqlType("blob"), "planted"],
  [cqlType("blob"), [1, 2]],
  [cqlType("date"), "planted"],
  [cqlType("date"), "2026-02-30"],
  [cqlType("list", int), "planted"],
  [cqlType("list", int), 5],
  [cqlType("list", cqlType("blob")), ["planted"]],
  [cqlType("set", text), 5],
  [cqlType("map", [text, int]), "planted"],
  [cqlType("tuple", [int, text]), [1]],
  [cqlType("tuple", [int, text]), { planted: 1 }],
  [cqlType("udt", { keyspace: "k", name: "address", fields: [{ name: "zip", type: int }] }), "planted"],
  [
    cqlType("udt", { keyspace: "k", name: "address", fields: [{ name: "raw", type: cqlType("blob") }] }),
    { raw: "planted" }
  ],
  [{ code: dataTypes.custom, customTypeName: "vector", info: [cqlType("float"), 3] }, [1, 2]],
  [{ code: dataTypes.custom, customTypeName: "vector", info: [cqlType("float"), 3] }, "planted"]
]

/** An encoder of ints by these names. */
const encodeInts = (names: ReadonlyArray<string>) => encoderOf(names.map((name) => ({ name, type: int })))

describe("values for the driver", () => {
  for (const [type, value] of misfits) {
    it(`${inspect(value)} for ${cqlName(type)} is a QueryError that names the column and the type, never the value`, () => {
      const error = errorOf(() => encoderOf([{ name: "the_column", type }])([value]))
      assert.strictEqual(error.writeState, "NotApplied")
      assert.include(error.message, "the_column")
      assert.include(error.message, cqlName(type))
      for (const shown of [error.message, inspect(error, { depth: 10 }), JSON.stringify(error)]) {
        assert.notInclude(shown, "planted")
      }
    })
  }

  it("are counted", () => {
    const columns = [
      { name: "a", type: int },
      { name: "b", type: text }
    ]
    assert.include(errorOf(() => encoderOf(columns)([1])).message, "2 values, not 1")
    assert.include(errorOf(() => encoderOf(columns)([1, "x", "planted"])).message, "2 values, not 3")
    assert.notInclude(errorOf(() => encoderOf(columns)([1, "x", "planted"])).message, "planted")
    assert.include(errorOf(() => encoderOf(columns.slice(1))([])).message, "1 value, not 0")
  })

  it("given by name are put in order, whatever the case of a name that is not quoted", () => {
    const columns = [
      { name: "first", type: int },
      { name: "Quoted", type: text }
    ]
    const encode = encoderOf(columns)
    assert.deepStrictEqual(encode({ Quoted: "q", FIRST: 1 }), encode([1, "q"]))
    const missing = errorOf(() => encoderOf(columns)({ first: 1, quoted: "planted" }))
    assert.include(missing.message, "Quoted")
    assert.notInclude(missing.message, "planted")
  })

  it("given by name that nothing takes are refused, as surplus ones by position are", () => {
    const refused: ReadonlyArray<readonly [names: ReadonlyArray<string>, values: object, surplus: string]> = [
      [["a", "b"], { a: 1, b: 2, extra: 3 }, "extra"],
      [["a", "b"], { extra: 3, b: 2, a: 1 }, "extra"],
      [["a", "b"], { a: 1, b: 2, extra: undefined }, "extra"],
      // As many values as markers, of which two are one variable.
      [["a", "a"], { a: 1, extra: 2 }, "extra"],
      // Of two spellings of a name one is taken.
      [["a"], { A: 1, a: 2 }, "A"],
      [["Quoted"], { Quoted: 1, quoted: 2 }, "quoted"],
      [[], { a: 1 }, "a"]
    ]
    for (const [names, values, surplus] of refused) {
      assert.include(errorOf(() => encodeInts(names)(values as Values)).message, `"${surplus}"`)
    }
    const taken: ReadonlyArray<readonly [names: ReadonlyArray<string>, values: object]> = [
      [["a", "b"], { b: 2, a: 1 }],
      [["a", "a"], { a: 1 }],
      [["a", "b", "a"], { b: 2, A: 1 }],
      [["a", "A"], { A: 1 }]
    ]
    for (const [names, values] of taken) assert.strictEqual(encodeInts(names)(values as Values).length, names.length)
  })

  it("do not come from what every object inherits", () => {
    assert.include(errorOf(() => encoderOf([{ name: "constructor", type: text }])({})).message, "constructor")
  })

  it("may be null, or unset, for every type", () => {
    for (const [type] of misfits) {
      assert.strictEqual(encodeOne(type, null), null)
      for (const leave of [undefined, unset, driver.types.unset]) {
        assert.strictEqual(encodeOne(type, leave), unset)
      }
    }
  })

  it("leave what was given as it was", () => {
    const given = { list: [1, 2], map: new Map([["a", 1]]) }
    const values = [given.list, given.map]
    encoderOf([
      { name: "l", type: cqlType("list", cqlType("bigint")) },
      { name: "m", type: cqlType("map", [text, cqlType("bigint")]) }
    ])(values)
    assert.deepStrictEqual(given, { list: [1, 2], map: new Map([["a", 1]]) })
    assert.strictEqual(values[0], given.list)
  })
})
