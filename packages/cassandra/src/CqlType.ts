/**
 * A schema for every CQL type. Its encoded side is the plain value of a row, its type side what an application works with,
 * and it carries the name of the CQL type, which `Query` compares with the server's when a query is prepared.
 *
 * @since 0.1.0
 */
import type * as BigDecimal_ from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { isIP } from "node:net"
import { annotate, findAnnotation, textOf } from "./internal/request/cqlAnnotation.ts"
import { parseDate, parseTime } from "./internal/protocol/scalars.ts"
import { isUnset, type Unset } from "./internal/typed/unset.ts"
import * as Argument from "./internal/options/arguments.ts"

export { list, map, nullable, option, optional, set, tuple, udt, vector } from "./internal/typed/collectionSchemas.ts"
export { isUnset, type Unset, unset } from "./internal/typed/unset.ts"

const scalar = <A, I>(name: string, schema: Schema.Schema<A, I>, title = name): Schema.Schema<A, I> =>
  annotate(schema.annotations({ identifier: `CqlType.${title}` }), { name, kind: "scalar", parameters: [] })

/**
 * The CQL type that a schema names, as CQL writes it; none for a schema that was not made here.
 *
 * @example
 * ```ts
 * import { CqlType } from "effect-cassandra"
 *
 * CqlType.nameOf(CqlType.map(CqlType.text, CqlType.bigint)) // Option.some("map<text, bigint>")
 * ```
 *
 * @since 0.1.0
 * @category getters
 */
export const nameOf = (schema: Schema.Schema.Any): Option.Option<string> =>
  Option.map(findAnnotation(Argument.schema("CqlType.nameOf", schema).ast), textOf)

/**
 * `text`, also called `varchar`.
 *
 * @since 0.1.0
 * @category text
 */
export const text: Schema.Schema<string> = scalar("text", Schema.String)

/**
 * `ascii`: a string of the 128 characters of ASCII.
 *
 * @since 0.1.0
 * @category text
 */
// oxlint-disable-next-line no-control-regex -- the characters of ASCII
export const ascii: Schema.Schema<string> = scalar("ascii", Schema.String.pipe(Schema.pattern(/^[\0-\x7f]*$/)))

/**
 * `boolean`.
 *
 * @since 0.1.0
 * @category scalars
 */
export const boolean: Schema.Schema<boolean> = scalar("boolean", Schema.Boolean)

/**
 * `blob`: a `Uint8Array`.
 *
 * @since 0.1.0
 * @category scalars
 */
export const blob: Schema.Schema<Uint8Array> = scalar("blob", Schema.Uint8ArrayFromSelf)

/**
 * `inet`: an IPv4 or IPv6 address as a string.
 *
 * @since 0.1.0
 * @category scalars
 */
export const inet: Schema.Schema<string> = scalar(
  "inet",
  Schema.String.pipe(Schema.filter((value) => isIP(value) !== 0 && !value.includes("%")))
)

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * `uuid`, as a string. Rows have it in lower case. Any string of the form will do, so that an identifier of your own brand
 * is `CqlType.uuid.pipe(Schema.brand("UserId"))`.
 *
 * @since 0.1.0
 * @category scalars
 */
export const uuid: Schema.Schema<string> = scalar("uuid", Schema.String.pipe(Schema.pattern(uuidPattern)))

/**
 * `timeuuid`: a uuid of version 1, as a string. See `TimeUuid` for making one and for its time.
 *
 * @since 0.1.0
 * @category scalars
 */
export const timeuuid: Schema.Schema<string> = scalar(
  "timeuuid",
  Schema.String.pipe(Schema.pattern(/^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/i))
)

const integer = (name: string, bits: number): Schema.Schema<number> =>
  scalar(name, Schema.Int.pipe(Schema.between(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)))

/**
 * `tinyint`: 8 bits.
 *
 * @since 0.1.0
 * @category numbers
 */
export const tinyint: Schema.Schema<number> = integer("tinyint", 8)

/**
 * `smallint`: 16 bits.
 *
 * @since 0.1.0
 * @category numbers
 */
export const smallint: Schema.Schema<number> = integer("smallint", 16)

/**
 * `int`: 32 bits.
 *
 * @since 0.1.0
 * @category numbers
 */
export const int: Schema.Schema<number> = integer("int", 32)

const bits64 = Schema.BigIntFromSelf.pipe(Schema.betweenBigInt(-(2n ** 63n), 2n ** 63n - 1n))

/**
 * `bigint`: 64 bits, as a JavaScript `bigint`.
 *
 * @since 0.1.0
 * @category numbers
 */
export const bigint: Schema.Schema<bigint> = scalar("bigint", bits64)

/**
 * `counter`: 64 bits, as a JavaScript `bigint`.
 *
 * @since 0.1.0
 * @category numbers
 */
export const counter: Schema.Schema<bigint> = scalar("counter", bits64)

/**
 * `varint`: an integer of any size.
 *
 * @since 0.1.0
 * @category numbers
 */
export const varint: Schema.Schema<bigint> = scalar("varint", Schema.BigIntFromSelf)

/**
 * `float`: 32 bits. A number is rounded to them when it is written: 0.1 is read as 0.10000000149011612.
 *
 * @since 0.1.0
 * @category numbers
 */
export const float: Schema.Schema<number> = scalar("float", Schema.Number)

/**
 * `double`: 64 bits, every JavaScript number.
 *
 * @since 0.1.0
 * @category numbers
 */
export const double: Schema.Schema<number> = scalar("double", Schema.Number)

/**
 * `decimal`: Effect's `BigDecimal`, with its scale as it is stored.
 *
 * @since 0.1.0
 * @category numbers
 */
export const decimal: Schema.Schema<BigDecimal_.BigDecimal> = scalar("decimal", Schema.BigDecimalFromSelf)

/**
 * `timestamp`: a point in time in milliseconds, as Effect's `DateTime.Utc`. For a `Date` use {@link timestampDate}.
 *
 * Cassandra holds times far beyond the 8.64e15 milliseconds that a `Date` can: those are for {@link timestampMillis}.
 *
 * @since 0.1.0
 * @category times
 */
export const timestamp: Schema.Schema<DateTime.Utc, Date> = scalar("timestamp", Schema.DateTimeUtcFromDate)

/**
 * `timestamp`, as a valid `Date`.
 *
 * @since 0.1.0
 * @category times
 */
export const timestampDate: Schema.Schema<Date> = scalar("timestamp", Schema.ValidDateFromSelf, "timestampDate")

/**
 * `timestamp`, as milliseconds since 1970: every point in time that Cassandra can hold, 292 million years either way. A row
 * without a schema has a `Date`, and a `bigint` for what no `Date` can be.
 *
 * @since 0.1.0
 * @category times
 */
export const timestampMillis: Schema.Schema<bigint, Date | bigint> = scalar(
  "timestamp",
  Schema.transform(Schema.Union(Schema.ValidDateFromSelf, Schema.BigIntFromSelf), bits64, {
    strict: true,
    decode: (value) => (typeof value === "bigint" ? value : BigInt(value.getTime())),
    encode: (millis) => millis
  }),
  "timestampMillis"
)

/**
 * `date`: a day without a time or a zone, as ISO 8601 writes it: `2026-05-01`, and `+12026-05-01` or `-0044-03-15` outside
 * the years 0 to 9999. It reaches from `-5877641-06-23` to `+5881580-07-11`.
 *
 * @since 0.1.0
 * @category times
 */
export const date: Schema.Schema<string> = scalar(
  "date",
  Schema.String.pipe(Schema.filter((value) => parseDate(value) !== undefined))
)

/**
 * `time`: the time of a day, as `13:30:54.000000001`. Rows have nine digits of fraction; up to nine are written.
 *
 * @since 0.1.0
 * @category times
 */
export const time: Schema.Schema<string> = scalar(
  "time",
  Schema.String.pipe(Schema.filter((value) => parseTime(value) !== undefined))
)

/**
 * A CQL duration. Months and days have no fixed length, which is why it is not Effect's `Duration`.
 *
 * @since 0.1.0
 * @category models
 */
export interface CqlDuration {
  readonly months: number
  readonly days: number
  readonly nanoseconds: bigint
}

/**
 * `duration`: months, days and nanoseconds, all of the same sign.
 *
 * @since 0.1.0
 * @category times
 */
export const duration: Schema.Schema<CqlDuration> = scalar(
  "duration",
  Schema.Struct({ months: int, days: int, nanoseconds: bits64 }).pipe(
    Schema.filter(
      ({ days, months, nanoseconds }) =>
        (months >= 0 && days >= 0 && nanoseconds >= 0n) || (months <= 0 && days <= 0 && nanoseconds <= 0n)
    )
  )
)

/**
 * A value or {@link unset}, which leaves the column as it is. For requests: no row ever has it.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { cql, CqlType, Query } from "effect-cassandra"
 *
 * const rename = Query.void({
 *   Request: Schema.Struct({ id: CqlType.uuid, name: CqlType.orUnset(CqlType.text) }),
 *   execute: ({ id, name }) => cql`UPDATE users SET name = ${name} WHERE id = ${id}`
 * })
 * const nothing = rename({ id: "b6a1d5c0-93d3-4a5e-8d2c-0c1a5d3d7f10", name: CqlType.unset })
 * ```
 *
 * @since 0.1.0
 * @category unset
 */
export const orUnset = <A, I, R>(schema: Schema.Schema<A, I, R>): Schema.Schema<A | Unset, I | Unset, R> =>
  Schema.Union(UnsetFromSelf, Argument.schema("CqlType.orUnset", schema))

const UnsetFromSelf: Schema.Schema<Unset> = Schema.declare(isUnset, { identifier: "CqlType.Unset" })
