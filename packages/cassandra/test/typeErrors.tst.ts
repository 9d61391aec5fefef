import { type Cluster, Columns, cql, CqlType, Statement } from "effect-cassandra"
import type * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "tstyche"

declare const strings: TemplateStringsArray
declare const maybe: number | Effect.Effect<number>
declare const promised: string | Promise<string>
type Any = ReturnType<typeof JSON.parse>
declare const anything: Any
declare const something: unknown
declare const decimal: BigDecimal.BigDecimal
declare const values: ReadonlyArray<unknown>
declare const ids: ReadonlyArray<string>
declare const symbol: symbol
declare const config: Cluster.ClusterOptions

class User extends Schema.Class<User>("User")({ id: CqlType.uuid, at: CqlType.timestamp }) {
  greet(): string {
    return this.id
  }
}
class WithDate extends Schema.Class<WithDate>("WithDate")({ id: CqlType.uuid, at: Schema.Date }) {}

describe("values of a template", () => {
  it("are what can be bound", () => {
    expect(cql).type.toBeCallableWith(strings, 1, "a", 1n, true, null, undefined, new Date(), new Uint8Array())
    expect(cql).type.toBeCallableWith(strings, ids, new Set([1]), new Map([["a", 1]]), { a: 1 }, [[1], [2]])
    expect(cql).type.toBeCallableWith(strings, decimal, CqlType.unset, DateTime.unsafeMake(0), new User(anything))
    expect(cql).type.toBeCallableWith(strings, cql.id("a"), cql``, Columns.select(User), anything, something, config)
    expect(cql).type.toBeCallableWith(strings)
    expect(cql).type.toBeCallableWith(strings, ...values)
  })

  it("are no effects, promises, functions, classes, symbols and options, nor arrays or unions of them", () => {
    expect(cql).type.not.toBeCallableWith(strings, Effect.succeed(1))
    expect(cql).type.not.toBeCallableWith(strings, Effect.fail("no"))
    expect(cql).type.not.toBeCallableWith(strings, Either.right(1))
    expect(cql).type.not.toBeCallableWith(strings, Option.some(1))
    expect(cql).type.not.toBeCallableWith(strings, Option.none())
    expect(cql).type.not.toBeCallableWith(strings, Promise.resolve(1))
    expect(cql).type.not.toBeCallableWith(strings, () => 1)
    expect(cql).type.not.toBeCallableWith(strings, function () {})
    expect(cql).type.not.toBeCallableWith(strings, Date)
    expect(cql).type.not.toBeCallableWith(strings, User)
    expect(cql).type.not.toBeCallableWith(strings, symbol)
    expect(cql).type.not.toBeCallableWith(strings, Symbol.iterator)
    expect(cql).type.not.toBeCallableWith(strings, maybe)
    expect(cql).type.not.toBeCallableWith(strings, promised)
    expect(cql).type.not.toBeCallableWith(strings, [Effect.succeed(1)])
    expect(cql).type.not.toBeCallableWith(strings, [Promise.resolve(1)])
    expect(cql).type.not.toBeCallableWith(strings, 1, Effect.succeed(1), 2)
  })
})

describe("Statement.as", () => {
  it("takes schemas of rows", () => {
    expect(Statement.as).type.toBeCallableWith(User)
    expect(Statement.as).type.toBeCallableWith(cql``, User)
    expect(Statement.as).type.toBeCallableWith(Schema.Struct({ a: Schema.String, b: Schema.NumberFromString }))
    expect(Statement.as).type.toBeCallableWith(Schema.Struct({ a: Schema.UUID.pipe(Schema.brand("Id")) }))
    expect(Statement.as).type.toBeCallableWith(Schema.Record({ key: Schema.String, value: Schema.Unknown }))
    expect(Statement.as).type.toBeCallableWith(Schema.Union(User, Schema.Struct({ a: Schema.Int })))
    expect(Statement.as).type.toBeCallableWith(Schema.Unknown)
    expect(Statement.as).type.toBeCallableWith(Schema.Any)
    expect(Statement.as).type.toBeCallableWith(Schema.Struct({}))
    expect(Statement.as).type.toBeCallableWith(Schema.typeSchema(User))
    expect(Statement.as).type.toBeCallableWith(
      Schema.Struct({ a: Schema.parseJson(Schema.Struct({ at: Schema.Date })) })
    )
    expect(Statement.as).type.toBeCallableWith(
      Schema.Struct({ a: CqlType.optional(CqlType.text), b: CqlType.list(CqlType.timestamp), c: Schema.DateFromSelf })
    )
    expect(Statement.as).type.toBeCallableWith(
      Schema.Struct({
        at: CqlType.timestampDate,
        millis: CqlType.timestampMillis,
        or: CqlType.option(CqlType.timestamp)
      })
    )
    expect(Statement.as).type.toBeCallableWith(Schema.Struct({ at: Schema.Union(Schema.DateFromSelf, Schema.String) }))
    expect(Statement.as).type.toBeCallableWith(
      Schema.Struct({ name: Schema.propertySignature(CqlType.text).pipe(Schema.fromKey("user_name")) })
    )
  })

  it("takes no schema of a value, or of many rows", () => {
    expect(Statement.as).type.not.toBeCallableWith(Schema.String)
    expect(Statement.as).type.not.toBeCallableWith(cql``, Schema.String)
    expect(Statement.as).type.not.toBeCallableWith(Schema.Number)
    expect(Statement.as).type.not.toBeCallableWith(Schema.BigIntFromSelf)
    expect(Statement.as).type.not.toBeCallableWith(CqlType.uuid)
    expect(Statement.as).type.not.toBeCallableWith(CqlType.timestamp)
    expect(Statement.as).type.not.toBeCallableWith(Schema.Date)
    expect(Statement.as).type.not.toBeCallableWith(Schema.Null)
    expect(Statement.as).type.not.toBeCallableWith(Schema.Array(User))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Tuple(Schema.Int))
    expect(Statement.as).type.not.toBeCallableWith(CqlType.blob)
    expect(Statement.as).type.not.toBeCallableWith(CqlType.list(CqlType.int))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Union(User, Schema.String))
    expect(Statement.as).type.not.toBeCallableWith(Schema.NullOr(User))
  })

  it("takes no field that reads a time from a text, wherever it is", () => {
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: Schema.Date }))
    expect(Statement.as).type.not.toBeCallableWith(cql``, Schema.Struct({ id: CqlType.uuid, at: Schema.Date }))
    expect(Statement.as).type.not.toBeCallableWith(WithDate)
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: Schema.DateTimeUtc }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: Schema.NullOr(Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: Schema.optional(Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: CqlType.optional(Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: CqlType.option(Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: CqlType.list(Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: CqlType.set(Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(Schema.Struct({ at: CqlType.map(CqlType.text, Schema.Date) }))
    expect(Statement.as).type.not.toBeCallableWith(
      Schema.Struct({ in: CqlType.udt("u", Schema.Struct({ at: Schema.Date })) })
    )
  })

  it("says why, and takes a field of a text when it is told", () => {
    // @ts-expect-error has a field for each column
    Statement.as(Schema.String)
    // @ts-expect-error use CqlType.timestamp or CqlType.timestampDate
    Statement.as(Schema.Struct({ at: Schema.Date }))
    // @ts-expect-error An Effect is no value to bind
    void cql`${Effect.succeed(1)}`
    const ofText: Schema.Schema<{ readonly at: Date }, Any> = Schema.Struct({ at: Schema.Date })
    expect(Statement.as).type.toBeCallableWith(ofText)
    expect(cql``.pipe(Statement.as(ofText))).type.toBeAssignableTo<Statement.Statement<{ readonly at: Date }>>()
  })
})
