/**
 * What a program can see of its own requests, without any tool beside it: a snapshot, the statements that cost the most, a sink
 * that is told of every operation, and a log of the slow ones.
 *
 * Prints:
 *   INSERT: 200, half within … ms, 99% within … ms
 *   SELECT InvalidQueryError: 1
 *   the most frequent: INSERT INTO words (id, word) VALUES (?, ?), 200 times
 *   1 connection, … kB sent, … of … statements were prepared already
 *   the sink was told of … operations
 */
import { CassandraMetrics, cql, Session } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { run } from "./support/main.ts"
import { sessionWith } from "./support/server.ts"

const sink = CassandraMetrics.memorySink()

/** Everything is always measured; what may be chosen is who else is told, and what is slow. */
const Measured = sessionWith({ metrics: { sinks: [sink] }, slowQueryThreshold: "1 second" })

const millis = (seconds: number) => (seconds * 1000).toFixed(1)

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE words (id int PRIMARY KEY, word text)`)
  const write = (id: number) => session.execute(cql`INSERT INTO words (id, word) VALUES (${id}, ${`word ${id}`})`)
  yield* Effect.forEach(
    Array.from({ length: 200 }, (_, id) => id),
    write,
    { concurrency: 20, discard: true }
  )
  yield* Effect.ignore(session.execute(cql`SELECT nothing FROM words`))

  const { hosts, io, operations, preparedStatements } = yield* CassandraMetrics.snapshot
  for (const { count, error, operation, p50, p99 } of operations) {
    if (operation === "INSERT") {
      yield* Console.log(`INSERT: ${count}, half within ${millis(p50)} ms, 99% within ${millis(p99)} ms`)
    }
    if (error !== undefined) yield* Console.log(`${operation} ${error}: ${count}`)
  }
  const [frequent] = yield* CassandraMetrics.topStatements({ by: "count", limit: 1 })
  yield* Console.log(`the most frequent: ${frequent?.query}, ${frequent?.count} times`)
  const { hits, misses } = preparedStatements
  yield* Console.log(
    `${hosts[0]?.connections} connection, ${Math.ceil(io.bytesWritten / 1000)} kB sent, ${hits} of ${hits + misses} statements were prepared already`
  )
  yield* Console.log(`the sink was told of ${sink.operations.length} operations`)
})

run(program.pipe(Effect.provide(Measured)))
