/**
 * A cache in Cassandra behind `KeyValueStore` of @effect/platform: entries expire by themselves, all instances of a service share
 * them, and code that uses a KeyValueStore does not know the difference.
 *
 * Prints:
 *   asked the slow service for Lisbon
 *   Lisbon: 21 °C
 *   Lisbon: 21 °C
 *   entries: 1
 *   after the time to live: none
 *   asked the slow service for Lisbon
 *   Lisbon: 21 °C
 */
import * as PlatformError from "@effect/platform/Error"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { type CassandraError, cql, CqlType, Session, Statement } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"

const Entry = Schema.Struct({ value: CqlType.blob })
const Size = Schema.Struct({ size: CqlType.bigint })

const decoder = new TextDecoder()

/** What a KeyValueStore fails with; the tag and all the rest is its cause. */
const failed = (method: string) => (cause: CassandraError.CassandraError | ParseError) =>
  new PlatformError.SystemError({
    reason: cause._tag === "OperationTimedOutError" ? "TimedOut" : "Unknown",
    module: "KeyValueStore",
    method,
    description: cause.message,
    cause
  })

/** A KeyValueStore whose entries live as long as `timeToLive`, in a table of the session's keyspace. */
const layerCassandra = (table: string, timeToLive: Duration.DurationInput) =>
  Layer.effect(
    KeyValueStore.KeyValueStore,
    Effect.gen(function* () {
      const session = yield* Session.Session
      const name = cql.id(table)
      const seconds = Math.ceil(Duration.toSeconds(timeToLive))
      yield* session.execute(cql`CREATE TABLE IF NOT EXISTS ${name} (key text PRIMARY KEY, value blob)`)

      const getUint8Array = (key: string) =>
        session
          .one(cql`SELECT value FROM ${name} WHERE key = ${key}`.pipe(Statement.as(Entry)))
          .pipe(Effect.map(Option.map(({ value }) => value)), Effect.mapError(failed("get")))
      const set = (key: string, value: string | Uint8Array) =>
        session
          .execute(
            cql`INSERT INTO ${name} (key, value) VALUES (${key}, ${Buffer.from(value)}) USING TTL ${seconds}`.pipe(
              Statement.idempotent
            )
          )
          .pipe(Effect.asVoid, Effect.mapError(failed("set")))

      return KeyValueStore.make({
        get: (key) =>
          Effect.map(
            getUint8Array(key),
            Option.map((bytes) => decoder.decode(bytes))
          ),
        getUint8Array,
        set,
        remove: (key) =>
          session
            .execute(cql`DELETE FROM ${name} WHERE key = ${key}`.pipe(Statement.idempotent))
            .pipe(Effect.asVoid, Effect.mapError(failed("remove"))),
        clear: session.execute(cql`TRUNCATE ${name}`).pipe(Effect.asVoid, Effect.mapError(failed("clear"))),
        // Reads the whole table: for tests and small caches.
        size: session
          .one(cql`SELECT count(*) AS size FROM ${name}`.pipe(Statement.as(Size)))
          .pipe(
            Effect.map(Option.match({ onNone: () => 0, onSome: ({ size }) => Number(size) })),
            Effect.mapError(failed("size"))
          )
      })
    })
  )

class Weather extends Schema.Class<Weather>("Weather")({ city: Schema.String, celsius: Schema.Number }) {}

const slowService = (city: string) =>
  Effect.zipRight(Console.log(`asked the slow service for ${city}`), Effect.succeed(new Weather({ city, celsius: 21 })))

/** Knows nothing of Cassandra. A cache that cannot answer is as good as an empty one. */
const weather = (city: string) =>
  Effect.gen(function* () {
    const cache = (yield* KeyValueStore.KeyValueStore).forSchema(Weather)
    const cached = yield* Effect.orElseSucceed(cache.get(city), Option.none<Weather>)
    if (Option.isSome(cached)) return cached.value
    const fresh = yield* slowService(city)
    yield* Effect.ignoreLogged(cache.set(city, fresh))
    return fresh
  })

const show = (city: string) => Effect.flatMap(weather(city), ({ celsius }) => Console.log(`${city}: ${celsius} °C`))

const program = Effect.gen(function* () {
  const cache = yield* KeyValueStore.KeyValueStore
  yield* show("Lisbon")
  yield* show("Lisbon")
  yield* Console.log(`entries: ${yield* cache.size}`)
  yield* Effect.sleep("3 seconds")
  yield* Console.log(`after the time to live: ${Option.isNone(yield* cache.get("Lisbon")) ? "none" : "still there"}`)
  yield* show("Lisbon")
})

run(program.pipe(Effect.provide(layerCassandra("weather", "2 seconds")), Effect.provide(SessionLive)))
