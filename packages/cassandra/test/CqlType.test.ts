import { assert, describe, it } from "@effect/vitest"
import { CqlType, TimeUuid } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/TestClock"

const accepts = (schema: Schema.Schema.AnyNoContext, value: unknown) => Schema.is(schema)(value)

const name = (schema: Schema.Schema.Any) => Option.getOrNull(CqlType.nameOf(schema))

describe("CqlType", () => {
  it("tells the CQL type of a schema", () => {
    const Address = Schema.Struct({ zip: CqlType.int })
    assert.strictEqual(name(CqlType.timestampDate), "timestamp")
    assert.strictEqual(name(CqlType.nullable(CqlType.uuid)), "uuid")
    assert.strictEqual(name(CqlType.option(CqlType.uuid.pipe(Schema.brand("UserId")))), "uuid")
    assert.strictEqual(name(CqlType.orUnset(CqlType.text)), "text")
    assert.strictEqual(
      name(CqlType.map(CqlType.text, CqlType.list(CqlType.vector(CqlType.float, 3)))),
      "map<text, list<vector<float, 3>>>"
    )
    assert.strictEqual(name(CqlType.tuple(CqlType.int, CqlType.udt("address", Address))), "tuple<int, address>")
    assert.strictEqual(name(CqlType.set(Schema.String)), "set<?>")
    assert.isNull(name(Schema.String))
  })

  it("holds integers to their range", () => {
    for (const [schema, bits] of [
      [CqlType.tinyint, 8],
      [CqlType.smallint, 16],
      [CqlType.int, 32]
    ] as const) {
      assert.isTrue(accepts(schema, -(2 ** (bits - 1))) && accepts(schema, 2 ** (bits - 1) - 1))
      assert.isFalse(accepts(schema, -(2 ** (bits - 1)) - 1) || accepts(schema, 2 ** (bits - 1)))
      assert.isFalse(accepts(schema, 0.5) || accepts(schema, "1") || accepts(schema, 1n))
    }
    assert.isTrue(accepts(CqlType.bigint, -(2n ** 63n)) && !accepts(CqlType.bigint, 2n ** 63n))
    assert.isTrue(accepts(CqlType.varint, 2n ** 200n))
  })

  it("holds texts to their form", () => {
    assert.isTrue(accepts(CqlType.date, "+12026-05-01") && !accepts(CqlType.date, "2026-02-29"))
    assert.isTrue(accepts(CqlType.time, "23:59:59.5") && !accepts(CqlType.time, "24:00:00"))
    assert.isTrue(accepts(CqlType.inet, "::1") && !accepts(CqlType.inet, "localhost"))
    assert.isTrue(accepts(CqlType.ascii, "a") && !accepts(CqlType.ascii, "é"))
    assert.isFalse(accepts(CqlType.timeuuid, "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"))
    assert.isFalse(accepts(CqlType.duration, { months: 1, days: -1, nanoseconds: 0n }))
  })

  it("reads null as an empty collection, unless it is nullable", () => {
    assert.deepStrictEqual(Schema.decodeSync(CqlType.list(CqlType.int))(null), [])
    assert.deepStrictEqual(Schema.decodeSync(CqlType.set(CqlType.int))(null), new Set())
    assert.deepStrictEqual(Schema.decodeSync(CqlType.map(CqlType.int, CqlType.int))(null), new Map())
    assert.isNull(Schema.decodeSync(CqlType.nullable(CqlType.list(CqlType.int)))(null))
    assert.deepStrictEqual(Schema.decodeSync(CqlType.option(CqlType.list(CqlType.int)))(null), Option.none())
    assert.isNull(Schema.encodeSync(CqlType.option(CqlType.list(CqlType.int)))(Option.none()))
  })

  it("reads null in a UDT as the absence of an optional field, and refuses it elsewhere", () => {
    const decode = Schema.decodeUnknownEither(
      CqlType.udt("address", Schema.Struct({ street: CqlType.text, zip: Schema.optional(CqlType.int) }))
    )
    assert.deepStrictEqual(Option.getOrNull(Option.getRight(decode({ street: "s", zip: null }))), { street: "s" })
    assert.deepStrictEqual(Option.getOrNull(Option.getRight(decode({ street: "s", zip: 1, later: 2 }))), {
      street: "s",
      zip: 1
    })
    assert.strictEqual(decode({ street: null, zip: 1 })._tag, "Left")
    assert.strictEqual(decode(null)._tag, "Left")
  })

  it("takes unset where it is asked for, and nowhere else", () => {
    assert.isTrue(accepts(CqlType.orUnset(CqlType.text), CqlType.unset))
    assert.isTrue(accepts(CqlType.orUnset(CqlType.text), "x"))
    assert.isFalse(accepts(CqlType.text, CqlType.unset))
    assert.isTrue(CqlType.isUnset(CqlType.unset) && !CqlType.isUnset(null))
  })
})

describe("TimeUuid", () => {
  it.effect("makes uuids of the Clock's time that all differ", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(new Date("2026-05-01T10:00:00.123Z"))
      const made = yield* Effect.replicateEffect(TimeUuid.make, 100)
      assert.strictEqual(new Set(made).size, 100)
      for (const one of made) {
        assert.isTrue(accepts(CqlType.timeuuid, one))
        assert.strictEqual(Option.getOrThrow(TimeUuid.timestamp(one)).toISOString(), "2026-05-01T10:00:00.123Z")
      }
    })
  )

  it("bounds a millisecond", () => {
    const at = new Date("2026-05-01T10:00:00.123Z")
    for (const bound of [TimeUuid.min(at), TimeUuid.max(at)]) {
      assert.strictEqual(Option.getOrThrow(TimeUuid.timestamp(bound)).getTime(), at.getTime())
    }
    assert.isTrue(TimeUuid.min(at) < TimeUuid.max(at))
    assert.deepStrictEqual(TimeUuid.timestamp("b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10"), Option.none())
  })
})
