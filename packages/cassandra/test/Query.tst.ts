import {
  type CassandraError,
  Columns,
  cql,
  CqlType,
  Query,
  Resolver,
  type ResultSet,
  type SchemaMismatchError,
  type Session
} from "effect-cassandra"
import type * as BigDecimal from "effect/BigDecimal"
import type { NoSuchElementException } from "effect/Cause"
import type * as DateTime from "effect/DateTime"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { describe, expect, it } from "tstyche"

type E = CassandraError.CassandraError | ParseError

const User = Schema.Struct({
  id: CqlType.uuid,
  name: Schema.propertySignature(CqlType.text).pipe(Schema.fromKey("user_name")),
  nick: CqlType.optional(CqlType.text)
})
type User = typeof User.Type

const select = {
  Request: CqlType.uuid,
  Result: User,
  execute: (id: string) => cql`SELECT * FROM users WHERE id = ${id}`
}

describe("CqlType", () => {
  it("has a type side for applications and an encoded side for rows", () => {
    expect(CqlType.decimal).type.toBe<Schema.Schema<BigDecimal.BigDecimal>>()
    expect(CqlType.timestamp).type.toBe<Schema.Schema<DateTime.Utc, Date>>()
    expect(CqlType.list(CqlType.timestamp)).type.toBe<
      Schema.Schema<ReadonlyArray<DateTime.Utc>, ReadonlyArray<Date> | null>
    >()
    expect(CqlType.option(CqlType.int)).type.toBe<Schema.Schema<Option.Option<number>, number | null>>()
    expect(CqlType.tuple(CqlType.int, CqlType.nullable(CqlType.text))).type.toBe<
      Schema.Schema<readonly [number, string | null]>
    >()
    expect<User>().type.toBe<{ readonly id: string; readonly name: string; readonly nick?: string | undefined }>()
  })
})

describe("Query", () => {
  it("asks for a session until it is prepared", () => {
    expect(Query.findAll(select)("")).type.toBe<Effect.Effect<ReadonlyArray<User>, E, Session.Session>>()
    expect(Query.findOne(select)("")).type.toBe<Effect.Effect<Option.Option<User>, E, Session.Session>>()
    expect(Query.single(select)("")).type.toBe<Effect.Effect<User, E | NoSuchElementException, Session.Session>>()
    expect(Query.stream(select)("")).type.toBe<Stream.Stream<User, E, Session.Session>>()
    expect(Query.void(select)("")).type.toBe<Effect.Effect<void, E, Session.Session>>()
    expect(Query.applied(select)("")).type.toBe<Effect.Effect<boolean, E, Session.Session>>()
    expect(Query.page(select)({ request: "" })).type.toBe<
      Effect.Effect<ResultSet.ResultSet<User>, E, Session.Session>
    >()
  })

  it("fails to prepare with a SchemaMismatchError, and needs nothing more after that", () => {
    expect(Query.prepare(Query.findOne(select))).type.toBe<
      Effect.Effect<
        (request: string) => Effect.Effect<Option.Option<User>, E>,
        CassandraError.CassandraError | SchemaMismatchError,
        Session.Session
      >
    >()
    expect(Query.prepareAll({ all: Query.stream(select), write: Query.void(select) })).type.toBe<
      Effect.Effect<
        {
          readonly all: (request: string) => Stream.Stream<User, E>
          readonly write: (request: string) => Effect.Effect<void, E>
        },
        CassandraError.CassandraError | SchemaMismatchError,
        Session.Session
      >
    >()
    expect(Query.prepare(Query.page(select))).type.toBe<
      Effect.Effect<
        (request: Query.PageRequest<string>) => Effect.Effect<ResultSet.ResultSet<User>, E>,
        CassandraError.CassandraError | SchemaMismatchError,
        Session.Session
      >
    >()
  })

  it("refuses a request of another type", () => {
    expect(Query.findAll(select)).type.not.toBeCallableWith(5)
    expect(Query.page(select)).type.not.toBeCallableWith("")
  })
})

describe("Columns", () => {
  it("knows the columns of the encoded side", () => {
    expect(Columns.names(User)).type.toBe<ReadonlyArray<"id" | "user_name" | "nick">>()
    expect(Columns.select).type.not.toBeCallableWith(User, { only: ["name"] })
    expect(Columns.insert).type.not.toBeCallableWith(User, { id: "" })
  })
})

describe("Resolver", () => {
  it("gives at most one, or any number", () => {
    expect(
      Resolver.findById("User", {
        Id: CqlType.uuid,
        Result: User,
        ResultId: (user) => user.id,
        execute: ([id]) => cql`SELECT * FROM users WHERE id = ${id}`
      })
    ).type.toBe<
      Effect.Effect<
        Resolver.Resolver<string, Option.Option<User>, never, never>,
        CassandraError.CassandraError | SchemaMismatchError,
        Session.Session
      >
    >()
  })
})
