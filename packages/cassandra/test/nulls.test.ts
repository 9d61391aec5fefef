/** What becomes of a null that the server sends, by what the schema says of it. */
import { assert, describe, it } from "@effect/vitest"
import { Columns, cql, CqlType, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const collections: ReadonlyArray<readonly [string, Schema.Schema.Any, unknown, unknown]> = [
  ["list", CqlType.list(CqlType.int), [], [1]],
  ["set", CqlType.set(CqlType.int), new Set(), new Set([1])],
  ["map", CqlType.map(CqlType.int, CqlType.int), new Map(), new Map([[1, 2]])],
  ["list of a minimum", CqlType.list(CqlType.int).pipe(Schema.filter(() => true)), [], [1]],
  ["nested list", CqlType.list(CqlType.list(CqlType.int)), [], [[1]]]
]

type Codec = Schema.Schema<unknown, unknown>

const absent = Symbol("absent")

/** How a schema says that a field may be missing, what it makes of null, and what of that is written back. */
const ways: ReadonlyArray<
  readonly [
    name: string,
    field: (schema: Codec, value: unknown) => Schema.Struct.Field,
    read: (empty: unknown, value: unknown) => unknown,
    written: (empty: unknown) => unknown
  ]
> = [
  ["alone", (schema) => schema, (empty) => empty, (empty) => empty],
  ["CqlType.nullable", CqlType.nullable, () => null, () => null],
  ["CqlType.option", CqlType.option, () => Option.none(), () => null],
  ["CqlType.optional", CqlType.optional, () => absent, () => absent],
  ["Schema.NullOr", Schema.NullOr, () => null, () => null],
  ["Schema.NullishOr", Schema.NullishOr, () => null, () => null],
  ["Schema.Union with null last", (schema) => Schema.Union(schema, Schema.Null), () => null, () => null],
  ["Schema.OptionFromNullOr", Schema.OptionFromNullOr, () => Option.none(), () => null],
  ["Schema.optional", Schema.optional, () => absent, () => absent],
  ["Schema.optionalWith exact", (schema) => Schema.optionalWith(schema, { exact: true }), () => absent, () => absent],
  ["Schema.optional of NullOr", (schema) => Schema.optional(Schema.NullOr(schema)), () => null, () => null],
  [
    "Schema.optionalWith nullable",
    (schema) => Schema.optionalWith(schema, { nullable: true }),
    () => absent,
    () => absent
  ],
  [
    "Schema.optionalWith nullable, exact",
    (schema) => Schema.optionalWith(schema, { nullable: true, exact: true }),
    () => absent,
    () => absent
  ],
  [
    "Schema.optionalWith nullable, as Option",
    (schema) => Schema.optionalWith(schema, { nullable: true, as: "Option" }),
    () => Option.none(),
    () => absent
  ],
  [
    "Schema.optionalWith nullable, exact, as Option",
    (schema) => Schema.optionalWith(schema, { nullable: true, exact: true, as: "Option" }),
    () => Option.none(),
    () => absent
  ],
  [
    "Schema.optionalWith nullable, default",
    (schema, value) => Schema.optionalWith(schema, { nullable: true, default: () => value }),
    (_, value) => value,
    () => undefined
  ]
]

const select = cql`SELECT l FROM t`

/** Rows as a statement decodes them. */
const read = (schema: Schema.Schema.Any, row: Statement.Row): Record<string, unknown> => {
  const decode = Statement.as(select, schema as Schema.Schema<unknown, unknown>).decode
  if (decode === undefined) throw new Error("not typed")
  return Effect.runSync(decode([row]))[0] as Record<string, unknown>
}

const fieldOf = (row: unknown, name: string): unknown =>
  Object.hasOwn(row as object, name) ? (row as Record<string, unknown>)[name] : absent

describe("null", () => {
  for (const [way, field, reads, writes] of ways) {
    it(`is read and written back by ${way}`, () => {
      for (const [name, collection, empty, value] of collections) {
        const label = `${name}, ${way}`
        const l = field(collection as Codec, value) as Schema.Schema.Any
        const plain = Schema.Struct({ id: Schema.Number, l })
        class Item extends Schema.Class<Item>("Item")({ id: Schema.Number, l }) {}
        for (const schema of [plain, Item, Schema.mutable(plain)]) {
          const row = read(schema as Schema.Schema.Any, { id: 1, l: null })
          assert.deepStrictEqual(fieldOf(row, "l"), reads(empty, value), label)
          if (way.includes("default")) continue
          const back = Schema.encodeSync(schema as unknown as Codec)(row)
          assert.deepStrictEqual(fieldOf(back, "l"), writes(empty), label)
        }
        // A value is read as it was.
        const full = read(plain, { id: 1, l: value })["l"]
        assert.deepStrictEqual(Option.isOption(full) ? Option.getOrThrow(full) : full, value, label)

        // Inside of a UDT, of a list of them, and of a tuple.
        const udt = CqlType.udt("u", plain as unknown as Schema.Schema<unknown, object>)
        const holder = Schema.Struct({ one: udt, many: CqlType.list(udt) })
        const inside = { id: 1, l: null }
        const { many, one } = read(holder, { one: inside, many: [inside] }) as { one: unknown; many: [unknown] }
        for (const record of [one, many[0]]) assert.deepStrictEqual(fieldOf(record, "l"), reads(empty, value), label)
        if (!way.includes("optional")) {
          const pair = Schema.Struct({ pair: CqlType.tuple(Schema.Number, l as unknown as Codec) })
          assert.deepStrictEqual(
            (read(pair, { pair: [1, null] })["pair"] as [1, unknown])[1],
            reads(empty, value),
            label
          )
        }
      }
    })
  }

  it("stays null in a schema that refers to itself", () => {
    interface Tree {
      readonly children: ReadonlyArray<Tree> | null
    }
    const Tree: Schema.Schema<Tree> = Schema.Struct({
      children: Schema.NullOr(CqlType.list(Schema.suspend((): Schema.Schema<Tree> => Tree)))
    }) as unknown as Schema.Schema<Tree>
    assert.deepStrictEqual(read(Tree, { children: [{ children: null }] }), { children: [{ children: null }] })
  })

  it("is absent for a schema alone, without a statement, too", () => {
    const Item = Schema.Struct({ l: CqlType.optional(CqlType.list(CqlType.int)) })
    assert.deepStrictEqual(Schema.decodeSync(Item)({ l: null }), {})
    assert.deepStrictEqual(Schema.decodeSync(Item)({}), {})
    assert.deepStrictEqual(Schema.decodeSync(Item)({ l: [] }), { l: [] })
    assert.isFalse(Schema.is(Item)({ l: null }))
    const udt = CqlType.udt("u", Schema.Struct({ l: Schema.optional(CqlType.list(CqlType.int)) }))
    assert.deepStrictEqual(Schema.decodeSync(udt)({ l: null } as never), {})
  })

  it("is not written where the field is absent", () => {
    const Item = Schema.Struct({ id: CqlType.int, l: CqlType.optional(CqlType.list(CqlType.int)) })
    const row = read(Item, { id: 1, l: null })
    const { values } = cql`INSERT INTO t ${Columns.insert(Item, Schema.encodeSync(Item)(row as never))}`
    assert.deepStrictEqual(values, [1, CqlType.unset])
  })
})
