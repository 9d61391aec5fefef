import { assert, layer } from "@effect/vitest"
import { Batch, cql, type Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { cluster, connect, schema, sessionLayer } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"

const setup = Layer.effectDiscard(schema("CREATE TABLE t (id int PRIMARY KEY, v text)")).pipe(
  Layer.provideMerge(sessionLayer("closing"))
)

const select = cql`SELECT id FROM t WHERE id = ${1}`
const insert = (id: number) => cql`INSERT INTO t (id, v) VALUES (${id}, ${"v"})`

const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), until(condition))))

const expectClosed = (session: Session.Session) =>
  Effect.forEach(
    [
      session.execute(select),
      session.execute(cql`TRUNCATE t`),
      session.execute(cql`SELECT never_prepared FROM t`),
      session.one(select),
      session.rows(select),
      Stream.runDrain(session.stream(select)),
      Stream.runDrain(session.pages(select.pipe(Statement.withPrefetch(0)))),
      session.prepare(select.query),
      session.prepare("SELECT v FROM t"),
      session.batch(Batch.make("LOGGED", [insert(1)])),
      session.execute(select.pipe(Statement.withKeyspace("system")))
    ],
    (effect) =>
      Effect.map(Effect.flip(effect as Effect.Effect<unknown, { readonly _tag: string }>), (error) =>
        assert.strictEqual(error._tag, "SessionClosedError")
      ),
    { discard: true }
  )

/** A session whose requests of the table can be held on their way to the server. */
const held = (options = {}) =>
  Effect.gen(function* () {
    const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
    const session = yield* connect({ ...Proxy.through(proxy), ...options })
    yield* session.execute(insert(0))
    const released = yield* Deferred.make<void>()
    let waiting = 0
    proxy.onRequest = (frame) => {
      if (frame.opcode !== Proxy.opcodes.execute) return "forward"
      waiting++
      return Effect.runPromise(Effect.as(Deferred.await(released), "forward" as const))
    }
    return { proxy, session, release: Deferred.succeed(released, undefined), waiting: () => waiting }
  })

layer(setup, { excludeTestServices: true })("closing", (it) => {
  it.scoped("a session twice, or several times at once, is harmless", () =>
    Effect.gen(function* () {
      const session = yield* connect()
      assert.isFalse(yield* session.isClosed)
      yield* session.close
      assert.isTrue(yield* session.isClosed)
      yield* session.close
      yield* Effect.all([session.close, session.close, session.close], { concurrency: "unbounded" })
      assert.isTrue(yield* session.isClosed)
    })
  )

  it.scoped("a cluster twice, or several times at once, is harmless", () =>
    Effect.gen(function* () {
      const one = yield* cluster()
      yield* Effect.all([one.close, one.close], { concurrency: "unbounded" })
      yield* one.close
      assert.isTrue(yield* one.isClosed)
      const error = yield* Effect.flip(Effect.scoped(one.connect()))
      assert.strictEqual(error._tag, "SessionClosedError")
      assert.strictEqual((yield* one.state).inFlight, 0)
      assert.isArray(yield* one.hosts)
    })
  )

  it.scoped("makes every use of the session a SessionClosedError", () =>
    Effect.gen(function* () {
      const session = yield* connect()
      yield* session.execute(select)
      yield* session.close
      yield* expectClosed(session)
    })
  )

  it.scoped("a cluster closes its sessions", () =>
    Effect.gen(function* () {
      const one = yield* cluster()
      const { name } = yield* TestKeyspace.TestKeyspace
      const session = yield* one.connect({ keyspace: name })
      yield* session.execute(select)
      yield* one.close
      assert.isTrue(yield* session.isClosed)
      yield* expectClosed(session)
    })
  )

  it.scoped("one session leaves the others of its cluster open", () =>
    Effect.gen(function* () {
      const one = yield* cluster()
      const { name } = yield* TestKeyspace.TestKeyspace
      const [a, b] = yield* Effect.all([one.connect({ keyspace: name }), one.connect({ keyspace: name })])
      yield* a.close
      yield* b.execute(select)
      const c = yield* one.connect({ keyspace: name })
      yield* c.execute(select)
    })
  )

  it.scoped("an idle cluster takes less than half a second, and leaves no connection", () =>
    Effect.gen(function* () {
      const proxy = yield* Proxy.make(yield* CassandraServer.CassandraServer)
      const scope = yield* Scope.make()
      const session = yield* Scope.extend(connect(Proxy.through(proxy)), scope)
      yield* session.execute(insert(1))
      yield* Stream.runDrain(Stream.take(session.stream(cql`SELECT * FROM t`), 1))
      const started = yield* Clock.currentTimeMillis
      yield* Scope.close(scope, Exit.void)
      assert.isBelow((yield* Clock.currentTimeMillis) - started, 500)
      yield* until(() => proxy.open() === 0)
    })
  )

  it.scoped("waits for requests in flight, which succeed, and admits no more", () =>
    Effect.gen(function* () {
      const { release, session, waiting } = yield* held()
      const requests = yield* Effect.fork(
        Effect.forEach([1, 2, 3], (id) => session.execute(insert(id)), { concurrency: "unbounded" })
      )
      yield* until(() => waiting() === 3)
      const closing = yield* Effect.fork(session.close)
      yield* Effect.sleep("50 millis")
      assert.isTrue(yield* session.isClosed)
      assert.isNull(closing.unsafePoll())
      yield* expectClosed(session)
      yield* release
      yield* Fiber.join(requests)
      yield* Fiber.join(closing)
    })
  )

  it.scoped(
    "fails what takes longer than shutdownTimeout with a SessionClosedError that leaves open whether it was written",
    () =>
      Effect.gen(function* () {
        const { session, waiting } = yield* held({ shutdownTimeout: "100 millis", maxConcurrentRequests: 2 })
        const requests = yield* Effect.fork(
          Effect.forEach([1, 2, 3], (id) => Effect.flip(session.execute(insert(id).pipe(Statement.idempotent))), {
            concurrency: "unbounded"
          })
        )
        yield* until(() => waiting() === 2)
        yield* session.close
        const errors = yield* Fiber.join(requests)
        for (const error of errors) assert.strictEqual(error._tag, "SessionClosedError")
        // Two had left, one was waiting to be admitted.
        assert.deepStrictEqual(errors.map((error) => error.writeState).toSorted(), ["NotApplied", "Unknown", "Unknown"])
      })
  )

  it.scoped("with a shutdownTimeout of zero does not wait", () =>
    Effect.gen(function* () {
      const { session, waiting } = yield* held({ shutdownTimeout: 0 })
      const request = yield* Effect.fork(Effect.flip(session.execute(insert(1))))
      yield* until(() => waiting() === 1)
      yield* session.close
      assert.strictEqual((yield* Fiber.join(request))._tag, "SessionClosedError")
    })
  )

  it.scoped("ends a stream in the middle with a SessionClosedError, after the rows before it", () =>
    Effect.gen(function* () {
      const session = yield* connect()
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, id) => id),
        (id) => session.execute(insert(id))
      )
      let rows = 0
      const error = yield* Effect.flip(
        Stream.runForEach(session.stream(cql`SELECT id FROM t`.pipe(Statement.withPageSize(5))), () =>
          ++rows === 5 ? session.close : Effect.void
        )
      )
      assert.strictEqual(error._tag, "SessionClosedError")
      assert.isAtLeast(rows, 5)
    })
  )

  it.scoped("does not wait for requests that were interrupted", () =>
    Effect.gen(function* () {
      const { session, waiting } = yield* held({ shutdownTimeout: "1 hour" })
      const request = yield* Effect.fork(session.execute(insert(1)))
      yield* until(() => waiting() === 1)
      yield* Fiber.interrupt(request)
      yield* session.close
    })
  )

  it.scoped("ends the wait between retries with the session closed", () =>
    Effect.gen(function* () {
      const { proxy, session } = yield* held()
      proxy.onRequest = (frame) => (frame.opcode === Proxy.opcodes.execute ? Proxy.errors.overloaded(frame) : "forward")
      const request = yield* Effect.fork(Effect.flip(session.execute(select)))
      yield* until(() => proxy.count(Proxy.opcodes.execute) > 1)
      yield* session.close
      const error = yield* Fiber.join(request)
      assert.include(["SessionClosedError", "OverloadedError"], error._tag)
    })
  )
})
