/** Types and values at random: the plain ones that rows are made of, and the driver's that stand for the same. */
import * as driver from "cassandra-driver"
import * as BigDecimal from "effect/BigDecimal"
import * as fc from "fast-check"
import { decimals } from "../../src/internal/protocol/decimals.ts"
import { type ColumnType, TypeCode } from "../../src/internal/protocol/columnType.ts"
import { parseDate, formatDate } from "../../src/internal/protocol/scalars.ts"
import { timeText } from "../../src/internal/protocol/decodeTime.ts"
import { split64 } from "../../src/internal/protocol/scratch.ts"

const { types } = driver
// As the client has it.
decimals.make = BigDecimal.make

/** Also takes days since 1970, which its types do not say. */
const LocalDate = types.LocalDate as unknown as new (days: number) => object
/** A type, its CQL name, plain values of it, and what the driver has for them. */
export interface Typed {
  readonly type: ColumnType
  readonly cql: string
  readonly value: fc.Arbitrary<unknown>
  readonly toDriver: (value: never) => unknown
}

const same = (v: unknown): unknown => v

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const anyBigInt = fc.oneof(
  int64,
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.bigInt({ min: -300n, max: 300n })
)
const text = fc.string({ unit: "grapheme", maxLength: 40 })
const double = fc.double().map((d) => (Object.is(d, -0) ? 0 : d))
const uuid = fc.uuid()
const inet4 = fc.ipV4()
const day = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 })
const nanos = fc.bigInt({ min: 0n, max: 86_399_999_999_999n })

const inet6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((b) => canonical(Buffer.from(b)))
/** RFC 5952 by another route: the URL parser's. */
const canonical = (b: Buffer): string => {
  const groups = Array.from({ length: 8 }, (_, i) => b.readUInt16BE(i * 2).toString(16)).join(":")
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1)
}

const duration = fc
  .tuple(fc.nat(2_147_483_647), fc.nat(2_147_483_647), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }), fc.boolean())
  .map(([months, days, nanoseconds, negative]) =>
    negative ? { months: -months || 0, days: -days || 0, nanoseconds: -nanoseconds } : { months, days, nanoseconds }
  )

const long = (v: bigint) => types.Long.fromString(String(v))

const scalar = (
  cql: string,
  code: number,
  value: fc.Arbitrary<unknown>,
  toDriver: (value: never) => unknown = same
): Typed => ({ cql, type: { code }, value, toDriver })

export const scalars: ReadonlyArray<Typed> = [
  scalar("ascii", TypeCode.ascii, fc.string({ unit: "grapheme-ascii", maxLength: 40 })),
  scalar("text", TypeCode.varchar, text),
  scalar("bigint", TypeCode.bigint, int64, long),
  scalar("varint", TypeCode.varint, anyBigInt, (v: bigint) => types.Integer.fromString(String(v))),
  scalar("boolean", TypeCode.boolean, fc.boolean()),
  scalar("int", TypeCode.int, fc.integer()),
  scalar("smallint", TypeCode.smallint, fc.integer({ min: -32_768, max: 32_767 })),
  scalar("tinyint", TypeCode.tinyint, fc.integer({ min: -128, max: 127 })),
  scalar(
    "float",
    TypeCode.float,
    fc.float().map((f) => (Object.is(f, -0) ? 0 : f))
  ),
  scalar("double", TypeCode.double, double),
  scalar(
    "blob",
    TypeCode.blob,
    fc.uint8Array({ maxLength: 60 }).map((b) => Buffer.from(b))
  ),
  scalar("uuid", TypeCode.uuid, uuid, (v: string) => types.Uuid.fromString(v)),
  scalar("timeuuid", TypeCode.timeuuid, fc.uuid({ version: 1 }), (v: string) => types.TimeUuid.fromString(v)),
  scalar("timestamp", TypeCode.timestamp, fc.date({ noInvalidDate: true })),
  scalar("date", TypeCode.date, day.map(formatDate), (v: string) => new LocalDate(parseDate(v)!)),
  scalar(
    "time",
    TypeCode.time,
    nanos.map((n) => timeText(split64(n).high, split64(n).low))
  ),
  scalar(
    "duration",
    TypeCode.duration,
    duration,
    (v: { months: number; days: number; nanoseconds: bigint }) =>
      new types.Duration(v.months, v.days, long(v.nanoseconds))
  ),
  scalar("inet", TypeCode.inet, fc.oneof(inet4, inet6), (v: string) => types.InetAddress.fromString(v)),
  scalar(
    "decimal",
    TypeCode.decimal,
    fc.tuple(anyBigInt, fc.integer({ min: -20, max: 40 })).map(([v, s]) => BigDecimal.make(v, s)),
    (v: BigDecimal.BigDecimal) => new types.BigDecimal(types.Integer.fromString(String(v.value)) as never, v.scale)
  )
]

const scalarType = fc.constantFrom(...scalars)
/** Types that a set or a map can have as keys and still be compared. */
const keyType = fc.constantFrom(...scalars.filter((s) => ["text", "bigint", "int", "uuid", "date"].includes(s.cql)))

const list = (of: Typed): Typed => ({
  cql: `list<${of.cql}>`,
  type: { code: TypeCode.list, info: of.type },
  value: fc.array(of.value, { minLength: 1, maxLength: 4 }),
  toDriver: (v: ReadonlyArray<never>) => v.map(of.toDriver)
})

const set = (of: Typed): Typed => ({
  cql: `set<${of.cql}>`,
  type: { code: TypeCode.set, info: of.type },
  value: fc.uniqueArray(of.value, { minLength: 1, maxLength: 4 }).map((a) => new Set(a)),
  toDriver: (v: ReadonlySet<never>) => [...v].map(of.toDriver)
})

const map = (key: Typed, of: Typed): Typed => ({
  cql: `map<${key.cql},${of.cql}>`,
  type: { code: TypeCode.map, info: [key.type, of.type] },
  value: fc
    .uniqueArray(fc.tuple(key.value, of.value), { minLength: 1, maxLength: 4, selector: ([k]) => k })
    .map((a) => new Map(a)),
  toDriver: (v: ReadonlyMap<never, never>) => new Map([...v].map(([k, x]) => [key.toDriver(k), of.toDriver(x)]))
})

const tuple = (of: ReadonlyArray<Typed>): Typed => ({
  cql: `tuple<${of.map((t) => t.cql).join(",")}>`,
  type: { code: TypeCode.tuple, info: of.map((t) => t.type) },
  value: fc.tuple(...of.map((t) => t.value)),
  toDriver: (v: ReadonlyArray<never>) => new types.Tuple(...v.map((x, i) => of[i]!.toDriver(x)))
})

const MARSHAL = "org.apache.cassandra.db.marshal"
const classOf: Readonly<Record<string, string>> = {
  float: "FloatType",
  int: "Int32Type",
  text: "UTF8Type",
  uuid: "UUIDType"
}

const vector = (of: Typed, size: number): Typed => ({
  cql: `vector<${of.cql},${size}>`,
  type: { code: TypeCode.custom, info: `${MARSHAL}.VectorType(${MARSHAL}.${classOf[of.cql]!} , ${size})` },
  value: fc.array(of.value, { minLength: size, maxLength: size }),
  toDriver: (v: ReadonlyArray<never>) => new types.Vector(v.map(of.toDriver) as Array<number>, of.cql)
})

const vectorType = fc
  .tuple(fc.constantFrom(...scalars.filter((s) => s.cql in classOf)), fc.integer({ min: 1, max: 5 }))
  .map(([of, size]) => vector(of, size))

/** Any type, two levels deep; without vectors, for the servers that have none. */
export const typedWith = (vectors: boolean): fc.Arbitrary<Typed> =>
  fc.oneof(
    { weight: 6, arbitrary: scalarType },
    { weight: 1, arbitrary: scalarType.map(list) },
    { weight: 1, arbitrary: keyType.map(set) },
    { weight: 1, arbitrary: fc.tuple(keyType, scalarType).map(([k, v]) => map(k, v)) },
    { weight: 1, arbitrary: fc.array(scalarType, { minLength: 1, maxLength: 3 }).map(tuple) },
    { weight: vectors ? 1 : 0, arbitrary: vectorType },
    { weight: 1, arbitrary: scalarType.map((t) => list(list(t))) },
    { weight: 1, arbitrary: fc.tuple(keyType, scalarType).map(([k, v]) => map(k, tuple([v, list(v)]))) }
  )

export const typed = typedWith(true)

/** A type with a value, plain and as the driver has it. */
export const columnWithValues = typed.chain((t) =>
  t.value.map((value) => ({ type: t.type, value, driverValue: t.toDriver(value as never) }))
)

export const plainValue = typed.chain((t) => t.value)
