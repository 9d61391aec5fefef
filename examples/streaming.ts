/**
 * Streaming a large result: memory for two pages however large it is, pages fetched only as they are consumed, and a place to
 * continue from.
 *
 * Prints:
 *   inserted 20,000 rows
 *   streamed 20,000 rows in 34 pages, sum 199990000
 *   the first 10 rows needed 1 page
 *   two processes, one after the other: 9,600 rows and 10,400 rows
 */
import { cql, PagingState, Session, Statement } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"
import { count } from "./support/terminal.ts"

const total = 20_000
const Event = Schema.Struct({ id: Schema.Int, value: Schema.Int })
const events = cql`SELECT id, value FROM events`.pipe(Statement.as(Event), Statement.withPageSize(600))

const insertAll = (session: Session.Session) =>
  Effect.forEach(
    Array.from({ length: total }, (_, id) => id),
    (id) => session.execute(cql`INSERT INTO events (id, value) VALUES (${id}, ${id})`.pipe(Statement.idempotent)),
    { concurrency: 128, discard: true }
  )

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE events (id int PRIMARY KEY, value int)`)
  yield* insertAll(session)
  yield* Console.log(`inserted ${count(total)} rows`)

  // A page, 600 rows here, is one chunk of the stream. What is done for each chunk is done 34 times, not 20,000 times.
  const whole = yield* session.stream(events).pipe(
    Stream.chunks,
    Stream.runFold({ rows: 0, pages: 0, sum: 0 }, (all, page) => ({
      rows: all.rows + page.length,
      pages: all.pages + 1,
      sum: Chunk.reduce(page, all.sum, (sum, { value }) => sum + value)
    }))
  )
  yield* Console.log(`streamed ${count(whole.rows)} rows in ${whole.pages} pages, sum ${whole.sum}`)

  // Who takes ten rows does not pay for 20,000: no page is fetched before it is needed, but one that is prefetched.
  let needed = 0
  yield* session.pages(events).pipe(
    Stream.tap(() => Effect.sync(() => needed++)),
    Stream.flatMap(({ rows }) => Stream.fromIterable(rows)),
    Stream.take(10),
    Stream.runDrain
  )
  yield* Console.log(`the first 10 rows needed ${needed} page`)

  // A job that stops half-way writes down where it was, as text, and another process goes on from there.
  const begun = yield* session.pages(events).pipe(Stream.take(16), Stream.runCollect)
  const bookmark = Chunk.last(begun).pipe(
    Option.flatMap(({ pagingState }) => pagingState),
    Option.map(PagingState.toText),
    Option.getOrElse(() => "")
  )
  const rest = events.pipe(Statement.withPagingState(yield* PagingState.fromText(bookmark)))
  const resumed = yield* Stream.runCount(session.stream(rest))
  const before = Chunk.reduce(begun, 0, (sum, { rows }) => sum + rows.length)
  yield* Console.log(`two processes, one after the other: ${count(before)} rows and ${count(resumed)} rows`)
})

run(program.pipe(Effect.provide(SessionLive)))
