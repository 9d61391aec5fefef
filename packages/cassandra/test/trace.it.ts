import { assert, layer } from "@effect/vitest"
import { cql, Session, Statement } from "effect-cassandra"
import * as Cause from "effect/Cause"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { fetchTrace } from "../src/internal/cluster/trace.ts"
import { schema, sessionLayer } from "./support/client.ts"

layer(sessionLayer("trace"), { excludeTestServices: true })("traces", (it) => {
  it.effect("tell what the servers did", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* schema("CREATE TABLE t (id int PRIMARY KEY, v text)")
      const before = Date.now()
      const result = yield* session.execute(
        cql`INSERT INTO t (id, v) VALUES (${1}, ${"a"})`.pipe(
          Statement.withTracing(true),
          Statement.withConsistency("ONE")
        )
      )
      const trace = yield* session.trace(result, { maxWait: "10 seconds", consistency: "ONE" })
      assert.strictEqual(trace.id, Option.getOrThrow(result.info.traceId))
      assert.strictEqual(`${trace.coordinator}:`, /^.*:/.exec(result.info.coordinator)?.[0])
      assert.match(trace.request, /Execute CQL3/)
      assert.strictEqual(trace.parameters["consistency_level"], "ONE")
      assert.match(trace.parameters["query"] ?? "", /INSERT INTO t/)
      assert.isAbove(trace.duration, 0)
      assert.isBelow(Math.abs(trace.startedAt.getTime() - before), 60_000)
      assert.isTrue(Option.isSome(trace.client))
      assert.isNotEmpty(trace.events)
      assert.isTrue(trace.events.some(({ activity }) => /memtable/.test(activity)))
      for (const event of trace.events) {
        assert.strictEqual(event.source, trace.coordinator)
        assert.isTrue(Option.isSome(event.elapsed))
        assert.isNotEmpty(event.thread)
      }
      // By its id alone it is the same.
      assert.deepStrictEqual((yield* session.trace(trace.id)).startedAt, trace.startedAt)
    })
  )

  it.effect("are there for every page", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* schema("CREATE TABLE pages (p int, c int, PRIMARY KEY (p, c))")
      for (const c of [1, 2, 3]) yield* session.execute(cql`INSERT INTO pages (p, c) VALUES (${1}, ${c})`)
      const traces = yield* session
        .pages(cql`SELECT c FROM pages WHERE p = ${1}`.pipe(Statement.withTracing(true), Statement.withPageSize(2)))
        .pipe(
          Stream.mapEffect((page) => session.trace(page, { maxWait: "10 seconds" })),
          Stream.runCollect
        )
      assert.strictEqual(Chunk.size(traces), 2)
      assert.strictEqual(new Set(Chunk.map(traces, ({ id }) => id)).size, 2)
    })
  )

  it.effect("cannot be had of what was not traced", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const result = yield* session.execute(cql`SELECT key FROM system.local`)
      const error = yield* Effect.flip(session.trace(result))
      assert.deepInclude(error, { _tag: "TraceUnavailableError", reason: "NotTraced", traceId: Option.none() })
    })
  )

  it.effect("are waited for as long as asked, and no longer", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const nobodys = "0d3d4a00-0000-1000-8000-000000000000"
      const started = Date.now()
      const error = yield* Effect.flip(session.trace(nobodys, { maxWait: "300 millis", interval: "50 millis" }))
      assert.deepInclude(error, {
        _tag: "TraceUnavailableError",
        reason: "NotComplete",
        traceId: Option.some(nobodys)
      })
      assert.isAtLeast(Date.now() - started, 290)
      const wrong = yield* Effect.flip(session.trace("not an id"))
      assert.strictEqual(wrong._tag, "QueryError")
    })
  )

  it.effect("are not taken before they are complete", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const result = yield* session.execute(cql`SELECT key FROM system.local`.pipe(Statement.withTracing(true)))
      // The row of a trace is there from the beginning, without its duration.
      let asked = 0
      const slow: Pick<Session.Session, "one" | "rows"> = {
        rows: session.rows,
        one: (statement) =>
          Effect.map(
            session.one(statement),
            Option.map((row) => (++asked < 3 ? { ...row, duration: null } : row))
          )
      }
      const trace = yield* fetchTrace(slow, result, { maxWait: "10 seconds" })
      assert.isAtLeast(asked, 3)
      assert.isAbove(trace.duration, 0)
    })
  )

  it.effect("are not waited for any more when interrupted", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const asked = yield* Deferred.make<void>()
      const watched: Pick<Session.Session, "one" | "rows"> = {
        rows: session.rows,
        one: (statement) => Effect.tap(session.one(statement), () => Deferred.succeed(asked, undefined))
      }
      const waiting = yield* Effect.fork(
        fetchTrace(watched, "0d3d4a00-0000-1000-8000-000000000000", { maxWait: "1 hour", interval: "1 hour" })
      )
      yield* Deferred.await(asked)
      const exit = yield* Fiber.interrupt(waiting)
      assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
    })
  )
})
