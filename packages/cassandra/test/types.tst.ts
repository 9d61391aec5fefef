import {
  AuthProvider,
  Batch,
  type CassandraError,
  Cluster,
  cql,
  PagingState,
  type PreparedStatement,
  type ResultSet,
  Session,
  Statement,
  TimestampGenerator
} from "effect-cassandra"
import type { ConfigError } from "effect/ConfigError"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import { describe, expect, test } from "tstyche"

type Error = CassandraError.CassandraError

interface Service {
  readonly service: "a service the schema needs"
}

declare const session: Session.Session
declare const cluster: Cluster.Cluster
declare const NeedsService: Schema.Schema<number, string, Service>

class User extends Schema.Class<User>("User")({ id: Schema.UUID, name: Schema.String }) {}

const plain = cql`SELECT * FROM users WHERE id = ${1}`
const typed = plain.pipe(Statement.as(User))
const needy = plain.pipe(Statement.as(Schema.Struct({ a: NeedsService })))
interface Needy {
  readonly a: number
}

describe("statements", () => {
  test("are plain until a schema is given", () => {
    expect(plain).type.toBe<Statement.Statement<Statement.Row, never, never>>()
    expect(Statement.make("SELECT 1")).type.toBe<Statement.Statement<Statement.Row, never, never>>()
  })

  test("take their type, ParseError and requirements from the schema", () => {
    expect(typed).type.toBe<Statement.Statement<User, never, ParseError>>()
    expect(Statement.as(plain, User)).type.toBe<Statement.Statement<User, never, ParseError>>()
    expect(needy).type.toBe<Statement.Statement<{ readonly a: number }, Service, ParseError>>()
  })

  test("keep them through every option", () => {
    expect(
      needy.pipe(
        Statement.idempotent,
        Statement.withConsistency("QUORUM"),
        Statement.withPageSize(10),
        Statement.withTimeout("1 second"),
        Statement.withValues([2])
      )
    ).type.toBe<Statement.Statement<{ readonly a: number }, Service, ParseError>>()
    expect(Statement.withConsistency(plain, "ONE")).type.toBe<Statement.Statement<Statement.Row, never, never>>()
  })

  test("refuse what is no consistency level", () => {
    expect(Statement.withConsistency).type.not.toBeCallableWith(plain, "ANY")
    expect(Statement.withConsistency).type.not.toBeCallableWith(plain, "quorum")
    expect(Statement.withSerialConsistency).type.not.toBeCallableWith(plain, "QUORUM")
  })

  test("can be bound values of any kind", () => {
    expect(cql`${1}${"a"}${null}${new Map()}${cql.id("a")}${plain}`).type.toBe<
      Statement.Statement<Statement.Row, never, never>
    >()
  })
})

describe("a session", () => {
  test("with a plain statement fails with CassandraError only, and needs nothing", () => {
    expect(session.execute(plain)).type.toBe<Effect.Effect<ResultSet.ResultSet<Statement.Row>, Error>>()
    expect(session.one(plain)).type.toBe<Effect.Effect<Option.Option<Statement.Row>, Error>>()
    expect(session.rows(plain)).type.toBe<Effect.Effect<ReadonlyArray<Statement.Row>, Error>>()
    expect(session.stream(plain)).type.toBe<Stream.Stream<Statement.Row, Error>>()
    expect(session.pages(plain)).type.toBe<Stream.Stream<ResultSet.ResultSet<Statement.Row>, Error>>()
  })

  test("with a schema fails with ParseError as well", () => {
    expect(session.execute(typed)).type.toBe<Effect.Effect<ResultSet.ResultSet<User>, Error | ParseError>>()
    expect(session.one(typed)).type.toBe<Effect.Effect<Option.Option<User>, Error | ParseError>>()
    expect(session.rows(typed)).type.toBe<Effect.Effect<ReadonlyArray<User>, Error | ParseError>>()
    expect(session.stream(typed)).type.toBe<Stream.Stream<User, Error | ParseError>>()
    expect(session.pages(typed)).type.toBe<Stream.Stream<ResultSet.ResultSet<User>, Error | ParseError>>()
  })

  test("with a schema that needs a service needs it", () => {
    expect(session.execute(needy)).type.toBeAssignableTo<
      Effect.Effect<ResultSet.ResultSet<Needy>, Error | ParseError, Service>
    >()
    expect(session.rows(needy)).type.not.toBeAssignableTo<Effect.Effect<unknown, unknown, never>>()
    expect(session.stream(needy)).type.not.toBeAssignableTo<Stream.Stream<unknown, unknown, never>>()
  })

  test("prepares, batches and closes", () => {
    expect(session.prepare("SELECT 1")).type.toBe<Effect.Effect<PreparedStatement.PreparedStatement, Error>>()
    expect(session.batch(Batch.make("LOGGED", [plain, typed, needy]))).type.toBe<
      Effect.Effect<ResultSet.ResultSet<Statement.Row>, Error>
    >()
    expect(session.close).type.toBe<Effect.Effect<void>>()
    expect(session.isClosed).type.toBe<Effect.Effect<boolean>>()
    expect(session.execute).type.not.toBeCallableWith("SELECT 1")
  })

  test("is opened from a cluster", () => {
    expect(Session.make()).type.toBe<Effect.Effect<Session.Session, Error, Cluster.Cluster | Scope.Scope>>()
    expect(Session.layer()).type.toBe<Layer.Layer<Session.Session, Error, Cluster.Cluster>>()
    expect(Session.layerConfig({ keyspace: Config.string("KEYSPACE") })).type.toBe<
      Layer.Layer<Session.Session, Error | ConfigError, Cluster.Cluster>
    >()
    expect(Session.layerEnv()).type.toBe<Layer.Layer<Session.Session, Error | ConfigError, Cluster.Cluster>>()
  })

  test("withDefaults leaves the effect's channels as they are", () => {
    expect(session.rows(typed).pipe(Session.withDefaults({ consistency: "ONE" }))).type.toBe<
      Effect.Effect<ReadonlyArray<User>, Error | ParseError>
    >()
    expect(Session.withDefaults).type.not.toBeCallableWith({ consistency: "ANY" })
  })
})

describe("a cluster", () => {
  test("is made in a scope", () => {
    expect(Cluster.make()).type.toBe<Effect.Effect<Cluster.Cluster, Error, Scope.Scope>>()
    expect(Cluster.layer()).type.toBe<Layer.Layer<Cluster.Cluster, Error>>()
    expect(Cluster.layerConfig({ port: Config.integer("PORT") })).type.toBe<
      Layer.Layer<Cluster.Cluster, Error | ConfigError>
    >()
    expect(Cluster.layerEnv()).type.toBe<Layer.Layer<Cluster.Cluster, Error | ConfigError>>()
  })

  test("takes options from Config, those that are functions or schedules too, as a whole", () => {
    expect(Cluster.layerConfig).type.toBeCallableWith({
      reconnection: Config.succeed(Schedule.spaced("1 second")),
      addressTranslator: Config.succeed((node: Cluster.NodeAddress) => node),
      timestampGenerator: Config.succeed(TimestampGenerator.monotonic()),
      authentication: Config.succeed(AuthProvider.plainTextWith(Effect.never)),
      connectionsPerHost: Config.integer("CONNECTIONS"),
      schemaRefreshWindow: Config.duration("WINDOW"),
      socket: { noDelay: Config.boolean("NO_DELAY") },
      tls: Config.succeed({ serverName: "db" }),
      connectTimeout: Config.duration("CONNECT_TIMEOUT")
    })
    expect(Cluster.layerConfig).type.not.toBeCallableWith({ reconnection: Schedule.spaced("1 second") })
    expect(Cluster.layerConfig).type.not.toBeCallableWith({ reconnection: Config.string("RECONNECTION") })
    expect(Cluster.layerConfig).type.not.toBeCallableWith({ addressTranslator: Config.string("TRANSLATOR") })
    expect(Session.layerConfig).type.toBeCallableWith({
      timestampGenerator: Config.succeed(TimestampGenerator.serverSide),
      waitForAllPools: Config.boolean("WAIT")
    })
  })

  test("takes schedules, translators and logins that need nothing", () => {
    expect<Cluster.ClusterOptions["reconnection"]>().type.toBeAssignableFrom<Schedule.Schedule<number>>()
    expect<Cluster.ClusterOptions["reconnection"]>().type.not.toBeAssignableFrom<
      Schedule.Schedule<number, unknown, Service>
    >()
    expect<Cluster.ClusterOptions["addressTranslator"]>().type.not.toBeAssignableFrom<
      () => Effect.Effect<Cluster.NodeAddress, never, Service>
    >()
    expect(AuthProvider.plainTextWith).type.not.toBeCallableWith(Effect.succeed({ username: "u", password: "p" }))
    expect(Cluster.make).type.not.toBeCallableWith({ protocolVersion: 3 })
  })

  test("connects in a scope, and its state cannot fail", () => {
    expect(cluster.connect()).type.toBe<Effect.Effect<Session.Session, Error, Scope.Scope>>()
    expect(cluster.state).type.toBe<Effect.Effect<Cluster.ClusterState>>()
    expect(cluster.close).type.toBe<Effect.Effect<void>>()
  })

  test("takes a password only when it is Redacted", () => {
    expect(Cluster.make).type.not.toBeCallableWith({ credentials: { username: "u", password: "p" } })
    expect(Cluster.make).type.not.toBeCallableWith({ consistency: "ANY" })
  })
})

describe("errors", () => {
  test("are a union by tag", () => {
    expect<CassandraError.CassandraErrorTag>().type.toBeAssignableFrom<"WriteTimeoutError">()
    expect<CassandraError.CassandraErrorTag>().type.not.toBeAssignableFrom<"ParseError">()
    expect<Error["writeState"]>().type.toBe<"NotApplied" | "Unknown">()
    expect<Error["isRetryable"]>().type.toBe<boolean>()
  })

  test("a text that is no paging state is in the Either", () => {
    expect(PagingState.fromText("")).type.toBe<Either.Either<PagingState.PagingState, CassandraError.QueryError>>()
  })
})
