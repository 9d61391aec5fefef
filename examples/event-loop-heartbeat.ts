/**
 * Streaming does not block the event loop: while a large table is read with typed rows, a heartbeat goes on beating, and requests
 * of others are answered.
 *
 * Prints:
 *   inserted 20,000 rows
 *   streamed 20,000 typed rows in …
 *   meanwhile a heartbeat of 10 ms beat … times; its largest gap was … ms
 *   and … point reads were answered, half of them within … ms
 */
import { cql, Session, Statement } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"
import { count, seconds, withHeartbeat } from "./support/terminal.ts"

const total = 20_000

const Event = Schema.Struct({ id: Schema.Int, at: Schema.ValidDateFromSelf, text: Schema.String })

const insert = (id: number) =>
  cql`INSERT INTO events (id, at, text) VALUES (${id}, ${new Date(id * 1000)}, ${`event ${id}`})`.pipe(
    Statement.idempotent
  )

/** One point read after the other, until it is interrupted: how long each took, in milliseconds. */
const reads = Effect.gen(function* () {
  const session = yield* Session.Session
  const latencies: Array<number> = []
  const one = Effect.suspend(() => session.one(cql`SELECT text FROM events WHERE id = ${latencies.length % total}`))
  const fiber = yield* Effect.forkScoped(
    Effect.forever(Effect.map(Effect.timed(one), ([duration]) => latencies.push(Duration.toMillis(duration))))
  )
  return Effect.as(Fiber.interrupt(fiber), latencies)
})

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE events (id int PRIMARY KEY, at timestamp, text text)`)
  yield* Effect.forEach(
    Array.from({ length: total }, (_, id) => id),
    (id) => session.execute(insert(id)),
    { concurrency: 256, discard: true }
  )
  yield* Console.log(`inserted ${count(total)} rows`)

  const stop = yield* reads
  const events = cql`SELECT id, at, text FROM events`.pipe(Statement.as(Event), Statement.withPageSize(1000))
  const [duration, [rows, pulse]] = yield* session.stream(events).pipe(Stream.runCount, withHeartbeat, Effect.timed)
  const latencies = (yield* stop).toSorted((a, b) => a - b)

  yield* Console.log(`streamed ${count(rows)} typed rows in ${seconds(duration)}`)
  yield* Console.log(
    `meanwhile a heartbeat of 10 ms beat ${count(pulse.beats)} times; its largest gap was ${pulse.largestGap.toFixed(0)} ms`
  )
  const median = latencies[Math.floor(latencies.length / 2)] ?? Number.NaN
  yield* Console.log(
    `and ${count(latencies.length)} point reads were answered, half of them within ${median.toFixed(1)} ms`
  )
})

run(program.pipe(Effect.scoped, Effect.provide(SessionLive)))
