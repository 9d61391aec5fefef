/**
 * What a scope guarantees: sessions and clusters close however their scope ends, what is abandoned stops at once, and one failure
 * leaves everyone else alone.
 *
 * Prints:
 *   a session of a scope that failed: closed
 *   using it afterwards: SessionClosedError (may it have been written? NotApplied)
 *   a session of a fiber that was interrupted: closed
 *   of 100 requests, 99 succeeded and 1 failed: InvalidQueryError
 *   giving up after 1 row of a stream left 0 requests in flight
 *   closing waited for the write that was under way: true
 */
import { Cluster, cql, Session, Statement } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"

const describe = (session: Session.Session) => Effect.map(session.isClosed, (closed) => (closed ? "closed" : "open"))

const insert = (id: number) => cql`INSERT INTO numbers (id) VALUES (${id})`.pipe(Statement.idempotent)

const failingScope = Effect.gen(function* () {
  const cluster = yield* Cluster.Cluster
  // `connect` needs a scope: this session lives as long as the one that `Effect.scoped` makes, which ends with a failure.
  const leaked = yield* Deferred.make<Session.Session>()
  yield* Effect.gen(function* () {
    const session = yield* cluster.connect()
    yield* Deferred.succeed(leaked, session)
    return yield* Effect.fail("something else went wrong")
  }).pipe(Effect.scoped, Effect.ignore)

  const session = yield* Deferred.await(leaked)
  yield* Console.log(`a session of a scope that failed: ${yield* describe(session)}`)
  yield* session
    .execute(insert(1))
    .pipe(
      Effect.catchAll(({ _tag, writeState }) =>
        Console.log(`using it afterwards: ${_tag} (may it have been written? ${writeState})`)
      )
    )
})

const interruptedFiber = Effect.gen(function* () {
  const cluster = yield* Cluster.Cluster
  const opened = yield* Deferred.make<Session.Session>()
  const fiber = yield* cluster.connect().pipe(
    Effect.tap((session) => Deferred.succeed(opened, session)),
    Effect.zipRight(Effect.never),
    Effect.scoped,
    Effect.fork
  )
  const session = yield* Deferred.await(opened)
  yield* Fiber.interrupt(fiber)
  yield* Console.log(`a session of a fiber that was interrupted: ${yield* describe(session)}`)
})

const oneOfMany = Effect.gen(function* () {
  const session = yield* Session.Session
  const outcomes = yield* Effect.forEach(
    Array.from({ length: 100 }, (_, id) => id),
    (id) => Effect.either(session.execute(id === 50 ? cql`INSERT INTO nonsense (id) VALUES (${id})` : insert(id))),
    { concurrency: "unbounded" }
  )
  const failures = outcomes.filter(Either.isLeft).map(({ left }) => left._tag)
  yield* Console.log(
    `of 100 requests, ${outcomes.length - failures.length} succeeded and ${failures.length} failed: ${failures.join()}`
  )
})

const abandonedStream = Effect.gen(function* () {
  const { state } = yield* Cluster.Cluster
  const session = yield* Session.Session
  yield* session
    .stream(cql`SELECT id FROM numbers`.pipe(Statement.withPageSize(10)))
    .pipe(Stream.take(1), Stream.runDrain)
  yield* Console.log(`giving up after 1 row of a stream left ${(yield* state).inFlight} requests in flight`)
})

const orderlyClosing = Effect.gen(function* () {
  const cluster = yield* Cluster.Cluster
  const session = yield* Session.Session
  const keyspace = Option.getOrUndefined(session.keyspace)
  // The scope ends while the write is on its way: closing waits for what is in flight, up to `shutdownTimeout`.
  const write = yield* Effect.scoped(
    Effect.gen(function* () {
      const short = yield* cluster.connect({ keyspace })
      const fiber = yield* Effect.forkDaemon(short.execute(insert(1000)))
      yield* Effect.yieldNow()
      return fiber
    })
  )
  yield* Fiber.join(write)
  const written = yield* session.one(cql`SELECT id FROM numbers WHERE id = 1000`)
  yield* Console.log(`closing waited for the write that was under way: ${Option.isSome(written)}`)
})

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE numbers (id int PRIMARY KEY)`)
  yield* failingScope
  yield* interruptedFiber
  yield* oneOfMany
  yield* abandonedStream
  yield* orderlyClosing
})

run(program.pipe(Effect.provide(SessionLive)))
