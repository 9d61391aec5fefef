/** Values of other packages' classes, known by their shape. */
import * as driverPackage from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as fc from "fast-check"
import { createRequire } from "node:module"
import { assert, describe, it } from "vitest"
import { ByteWriter } from "../../src/internal/protocol/byteWriter.ts"
import { type ColumnType, TypeCode } from "../../src/internal/protocol/columnType.ts"
import { decimalOfNumber } from "../../src/internal/protocol/decimals.ts"
import { parseDuration } from "../../src/internal/protocol/durationText.ts"
import { makeWriter } from "../../src/internal/protocol/encodeValue.ts"
import { Misfit } from "../../src/internal/protocol/misfit.ts"
import { isUnset, unset } from "../../src/internal/protocol/valueClasses.ts"
import { scalars } from "./values.ts"

type Driver = typeof driverPackage

const isPart = (file: string): boolean => /[\\/]node_modules[\\/](?:cassandra-driver|long)[\\/]/.test(file)

/** Another copy of the driver: its classes are not those of the first. */
const anotherDriver = (): Driver => {
  const require = createRequire(import.meta.url)
  const kept = Object.entries(require.cache).filter(([file]) => isPart(file))
  for (const [file] of kept) delete require.cache[file]
  try {
    return require("cassandra-driver") as Driver
  } finally {
    for (const file of Object.keys(require.cache).filter(isPart)) delete require.cache[file]
    for (const [file, module] of kept) require.cache[file] = module
  }
}

const second = anotherDriver()
const copies: ReadonlyArray<readonly [string, Driver]> = [
  ["the driver", driverPackage],
  ["another copy of the driver", second]
]

const write = (type: ColumnType, value: unknown): Buffer => {
  const w = new ByteWriter()
  makeWriter(type)(w, value)
  return Buffer.from(w.take())
}

/** Behind the length. */
const body = (code: number, value: unknown): Buffer => write({ code }, value).subarray(4)

const refuses = (code: number, value: unknown): void =>
  assert.throws(() => write({ code }, value), Misfit, undefined, `${code}`)

const UNSET = Buffer.from("fffffffe", "hex")
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

it("the copies are two", () => {
  assert.notStrictEqual(second.types.Long, driverPackage.types.Long)
  assert.notStrictEqual(second.types.Uuid, driverPackage.types.Uuid)
  assert.notStrictEqual(second.types.unset, driverPackage.types.unset)
})

for (const [name, { types }] of copies) {
  const long = (v: bigint) => types.Long.fromString(String(v))

  describe(name, () => {
    it("Long", () => {
      fc.assert(
        fc.property(int64, (v) => {
          for (const code of [TypeCode.bigint, TypeCode.counter, TypeCode.varint]) {
            assert.deepStrictEqual(body(code, long(v)), body(code, v))
          }
        })
      )
      refuses(TypeCode.bigint, types.Long.MAX_UNSIGNED_VALUE)
      refuses(TypeCode.int, types.Long.ONE)
    })

    it("Integer", () => {
      fc.assert(
        fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (v) => {
          assert.deepStrictEqual(body(TypeCode.varint, types.Integer.fromString(String(v))), body(TypeCode.varint, v))
        })
      )
      refuses(TypeCode.bigint, types.Integer.fromString(String(2n ** 63n)))
    })

    it("BigDecimal", () => {
      fc.assert(
        fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), int32, (v, scale) => {
          const value = new types.BigDecimal(types.Integer.fromString(String(v)) as never, scale)
          assert.deepStrictEqual(body(TypeCode.decimal, value), types.BigDecimal.toBuffer(value))
          assert.deepStrictEqual(body(TypeCode.decimal, value), body(TypeCode.decimal, BigDecimal.make(v, scale)))
        })
      )
    })

    it("Uuid, TimeUuid and InetAddress, each where it belongs", () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
          const buffer = Buffer.from(bytes)
          assert.deepStrictEqual(body(TypeCode.uuid, new types.Uuid(buffer)), buffer)
          const address = new types.InetAddress(buffer)
          assert.deepStrictEqual(body(TypeCode.inet, address), buffer)
          assert.deepStrictEqual(
            body(TypeCode.inet, new types.InetAddress(buffer.subarray(0, 4))),
            buffer.subarray(0, 4)
          )
          refuses(TypeCode.uuid, address)
          refuses(TypeCode.inet, new types.Uuid(buffer))
        })
      )
      const now = types.TimeUuid.now()
      assert.deepStrictEqual(body(TypeCode.timeuuid, now), now.getBuffer())
      assert.deepStrictEqual(body(TypeCode.uuid, now), now.getBuffer())
      refuses(TypeCode.timeuuid, types.Uuid.fromString("00000000-0000-4000-8000-000000000000"))
    })

    it("LocalDate and LocalTime", () => {
      const LocalDate = types.LocalDate as unknown as new (days: number) => { toBuffer(): Buffer }
      fc.assert(
        fc.property(int32, (days) => {
          const date = new LocalDate(days)
          assert.deepStrictEqual(body(TypeCode.date, date), date.toBuffer())
          refuses(TypeCode.time, date)
        })
      )
      fc.assert(
        fc.property(fc.bigInt({ min: 0n, max: 86_399_999_999_999n }), (nanoseconds) => {
          const time = new types.LocalTime(long(nanoseconds))
          assert.deepStrictEqual(body(TypeCode.time, time), time.toBuffer())
          refuses(TypeCode.date, time)
        })
      )
    })

    it("Duration", () => {
      fc.assert(
        fc.property(fc.nat(), fc.nat(), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), (months, days, nanoseconds) => {
          const value = new types.Duration(months, days, long(nanoseconds))
          assert.deepStrictEqual(body(TypeCode.duration, value), value.toBuffer())
        })
      )
      refuses(TypeCode.duration, new types.Duration(1, -1, types.Long.ZERO))
    })

    it("Tuple and Vector", () => {
      const int = { code: TypeCode.int }
      const pair = { code: TypeCode.tuple, info: [int, { code: TypeCode.bigint }] }
      assert.deepStrictEqual(write(pair, new types.Tuple(1, types.Long.ONE)), write(pair, [1, 1n]))
      assert.throws(() => write(pair, new types.Tuple(1)), Misfit)
      const floats: ColumnType = { code: 0, customTypeName: "vector", info: [{ code: TypeCode.float }, 3] }
      for (const vector of [new types.Vector([1, 2, 3]), new types.Vector(Float32Array.of(1, 2, 3), "float")]) {
        assert.deepStrictEqual(write(floats, vector), write(floats, [1, 2, 3]))
      }
      assert.throws(() => write(floats, new types.Vector([1, 2])), Misfit)
      const list = { code: TypeCode.list, info: int }
      assert.deepStrictEqual(write(list, new types.Vector([1, 2])), write(list, [1, 2]))
    })

    it("unset", () => {
      for (const { type } of scalars) assert.deepStrictEqual(write(type, types.unset), UNSET)
      const list = { code: TypeCode.list, info: { code: TypeCode.int } }
      assert.deepStrictEqual(write(list, types.unset), UNSET)
      assert.throws(() => write(list, [types.unset]), /unset/)
    })
  })
}

describe("unset", () => {
  it("is ours, the driver's, or another copy's", () => {
    for (const mark of [unset, Object.freeze({ unset: true }), driverPackage.types.unset]) assert.isTrue(isUnset(mark))
  })

  it("is no record that has a field of that name", () => {
    const values = [{ unset: true }, Object.freeze({ unset: false }), Object.freeze({ unset: true, other: 1 }), "unset"]
    for (const value of [...values, null, undefined, true, []]) assert.isFalse(isUnset(value))
    const map = { code: TypeCode.map, info: [{ code: TypeCode.text }, { code: TypeCode.boolean }] }
    assert.deepStrictEqual(write(map, { unset: true }), write(map, new Map([["unset", true]])))
  })
})

describe("Effect's", () => {
  it("BigDecimal, of any copy", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), int32, (value, scale) => {
        const bytes = body(TypeCode.decimal, BigDecimal.make(value, scale))
        assert.strictEqual(bytes.readInt32BE(0), scale)
        assert.deepStrictEqual(body(TypeCode.decimal, { value, scale }), bytes)
      })
    )
    refuses(TypeCode.decimal, { value: 1n, scale: 0.5 })
    refuses(TypeCode.decimal, { value: 1n, scale: 2 ** 31 })
    refuses(TypeCode.decimal, { value: 1, scale: 1 })
    refuses(TypeCode.decimal, { value: 1n })
  })

  it("numbers are the decimals that BigDecimal makes of them", () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
        const { scale, value } = BigDecimal.unsafeFromNumber(number)
        assert.deepStrictEqual(decimalOfNumber(number), { value, scale })
      }),
      { examples: [[0], [-0], [1e21], [1.5e-7], [5e-324], [1.7976931348623157e308], [-1e-7]] }
    )
  })

  it("DateTime, of either version", () => {
    const millis = 1_700_000_000_123
    const expected = body(TypeCode.timestamp, new Date(millis))
    const utc = DateTime.unsafeMake(millis)
    const zoned = DateTime.unsafeMakeZoned(millis, { timeZone: "Europe/Berlin" })
    for (const value of [utc, zoned, { _tag: "Utc", epochMilliseconds: millis }]) {
      assert.deepStrictEqual(body(TypeCode.timestamp, value), expected)
    }
    refuses(TypeCode.timestamp, { epochMillis: millis })
    refuses(TypeCode.timestamp, { _tag: "Utc", epochMillis: "1" })
  })
})

describe("what only looks like one of them", () => {
  it("is refused for every type, or taken as what it is", () => {
    const strange: ReadonlyArray<unknown> = [
      { __isLong__: true },
      { bits_: [], toString: () => "secret" },
      { _intVal: 1, _scale: 1 },
      { getBuffer: () => Buffer.alloc(16) },
      { getBuffer: () => Buffer.alloc(16), buffer: Buffer.alloc(15) },
      { buffer: Buffer.alloc(16) },
      { getBuffer: () => 1, buffer: Buffer.alloc(4), version: 6 },
      { date: new Date(0), toBuffer: () => Buffer.alloc(3) },
      { date: "today", toBuffer: () => Buffer.alloc(4) },
      { hour: 1, value: 5 },
      {},
      new Map(),
      Symbol("s"),
      () => 1
    ]
    for (const { type } of scalars) for (const value of strange) refuses(type.code, value)
  })

  it("throws nothing of its own, whatever its properties throw", () => {
    const variable = { name: "v", type: { code: TypeCode.bigint } }
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error("secret")
        },
        has: () => {
          throw new Error("secret")
        }
      }
    )
    for (const { type } of scalars) {
      assert.throws(() => makeWriter(type, { ...variable, type })(new ByteWriter(), hostile), Misfit)
    }
  })
})

describe("durations as text", () => {
  const part = fc.nat(200)

  it("are what the driver reads", () => {
    const quantities = fc
      .tuple(part, part, part, part, part, part, part, part, part, part, fc.nat(1023))
      .map(([y, mo, w, d, h, m, s, ms, us, ns, which]) =>
        [`${y}y`, `${mo}mo`, `${w}w`, `${d}d`, `${h}h`, `${m}m`, `${s}s`, `${ms}ms`, `${us}us`, `${ns}ns`]
          .filter((_, i) => ((which >> i) & 1) === 1)
          .join("")
      )
      .filter((text) => text !== "")
    const some = (letters: string) =>
      fc
        .tuple(
          fc.array(part, { minLength: letters.length, maxLength: letters.length }),
          fc.nat(2 ** letters.length - 1)
        )
        .map(([n, which]) =>
          [...letters].map((letter, i) => (((which >> i) & 1) === 1 ? `${n[i]}${letter}` : "")).join("")
        )
    const iso = fc
      .tuple(some("YMD"), some("HMS"))
      .filter(([days, time]) => days + time !== "")
      .map(([days, time]) => `P${days}${time === "" ? "" : `T${time}`}`)
    const two = fc.nat(99).map((n) => String(n).padStart(2, "0"))
    const alternative = fc
      .tuple(fc.nat(9999), two, two, two, two, two)
      .map(([y, mo, d, h, m, s]) => `P${String(y).padStart(4, "0")}-${mo}-${d}T${h}:${m}:${s}`)
    const weeks = part.map((n) => `P${n}W`)
    const text = fc
      .tuple(fc.constantFrom("", "-"), fc.oneof(quantities, iso, alternative, weeks))
      .map(([sign, rest]) => sign + rest)
    fc.assert(
      fc.property(text, (given) => {
        const { days, months, nanoseconds } = driverPackage.types.Duration.fromString(given) as unknown as {
          readonly months: number
          readonly days: number
          readonly nanoseconds: object
        }
        const read = parseDuration(given)
        assert.deepStrictEqual(read, {
          months: months || 0,
          days: days || 0,
          nanoseconds: BigInt(String(nanoseconds))
        })
        assert.deepStrictEqual(body(TypeCode.duration, given), body(TypeCode.duration, read))
      }),
      { numRuns: 1000 }
    )
  })

  it("of either micro, and in capitals", () => {
    const expected = { months: 0, days: 0, nanoseconds: 7000n }
    for (const text of ["7us", "7\u00b5s", "7\u03bcs", "7US"]) assert.deepStrictEqual(parseDuration(text), expected)
    assert.strictEqual(parseDuration("1M")!.nanoseconds, 60_000_000_000n)
    assert.strictEqual(parseDuration("P1M")!.months, 1)
  })

  it("that are none are refused", () => {
    const texts = ["", "-", "1", "1x", "y", "1y1y", "1d1w", "P", "PT", "P1", "P1YT", "P1D1Y", "p1y", "P1W1D", "1h 2m"]
    for (const text of [...texts, "--1d", "+1d", " 1d", "1.5h", "P1-1-1T1:1:1", "P0001-01-01", "1d\n"]) {
      assert.isUndefined(parseDuration(text), text)
      refuses(TypeCode.duration, text)
    }
  })

  it("end at the limits of the type", () => {
    assert.deepStrictEqual(parseDuration("-2147483647mo2147483647d9223372036854775807ns"), {
      months: -2_147_483_647,
      days: -2_147_483_647,
      nanoseconds: -9_223_372_036_854_775_807n
    })
    for (const text of ["2147483648mo", "178956971y", "2147483648d", "9223372036854775808ns", `${"9".repeat(40)}h`]) {
      assert.isUndefined(parseDuration(text), text)
    }
  })
})
