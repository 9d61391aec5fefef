/**
 * A pipeline into a time series: readings are checked, gathered by partition and written, with back-pressure all the way. The
 * source is held back while Cassandra is busy, so nothing piles up in memory and nothing is dropped.
 *
 * Prints:
 *   20,000 readings came in: 19,980 were written, 20 refused
 *   never more than 16 writes were under way, nor the source more than … readings ahead
 *   sensor 3 has 1,980 readings of that day, the last at 01:59:56
 */
import { Batch, cql, CqlType, Session, Statement } from "effect-cassandra"
import * as Array from "effect/Array"
import type * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"
import { count } from "./support/terminal.ts"

const sensors = 10
const total = 20_000

/** A reading as it comes in, one a line of JSON. */
const Reading = Schema.parseJson(
  Schema.Struct({ sensor: Schema.Int, at: Schema.DateTimeUtc, celsius: Schema.Finite.pipe(Schema.between(-90, 60)) })
)
type Reading = typeof Reading.Type

/** What the sensors send, in order of time. Now and then one of them is broken. */
const incoming = Stream.range(0, total - 1).pipe(
  Stream.map((i) =>
    JSON.stringify({
      sensor: i % sensors,
      at: new Date(Date.UTC(2026, 4, 1) + Math.floor(i / sensors) * 3600).toISOString(),
      celsius: i % 1000 === 3 ? 999 : 20 + (i % 7)
    })
  )
)

/** A batch of one partition, the readings of a sensor on a day, is one write for the server. */
const insertAll = (readings: ReadonlyArray<Reading>) =>
  Batch.make(
    "UNLOGGED",
    Array.map(
      readings,
      ({ at, celsius, sensor }) =>
        cql`INSERT INTO readings (sensor, day, at, celsius)
            VALUES (${sensor}, ${DateTime.formatIsoDateUtc(at)}, ${DateTime.toDateUtc(at)}, ${celsius})`
    )
  ).pipe(Batch.idempotent)

const byPartition = (readings: Iterable<Reading>) =>
  Object.values(Array.groupBy(readings, ({ at, sensor }) => `${sensor} ${DateTime.formatIsoDateUtc(at)}`))

const decode = Schema.decodeEither(Reading)

const pipeline = Effect.gen(function* () {
  const session = yield* Session.Session
  const seen = { in: 0, refused: 0, written: 0, underWay: 0, mostUnderWay: 0, furthestAhead: 0 }

  const write = (readings: Array.NonEmptyArray<Reading>) =>
    Effect.gen(function* () {
      seen.underWay++
      seen.mostUnderWay = Math.max(seen.mostUnderWay, seen.underWay)
      yield* session.batch(insertAll(readings))
      seen.underWay--
      seen.written += readings.length
    })

  /** What is refused is counted, and could be written to a table of its own. */
  const check = (lines: Chunk.Chunk<string>) => {
    const [refused, readings] = Array.partitionMap(lines, (line) => decode(line))
    seen.in += lines.length
    seen.refused += refused.length
    seen.furthestAhead = Math.max(seen.furthestAhead, seen.in - seen.refused - seen.written)
    return readings
  }

  yield* incoming.pipe(
    // Twenty readings of each sensor. What is done for each line is done without an effect, and so costs next to nothing.
    Stream.grouped(20 * sensors),
    Stream.map(check),
    Stream.mapConcat(byPartition),
    // The next group is asked for when there is room: this is what holds the source back.
    Stream.mapEffect(write, { concurrency: 16, unordered: true }),
    Stream.runDrain
  )
  return seen
})

const Summary = Schema.Struct({ readings: CqlType.bigint, last: CqlType.timestamp })

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  // A partition for each sensor and day, so that none grows without a bound; the window for compaction is the day as well.
  yield* session.execute(cql`
    CREATE TABLE readings (sensor int, day date, at timestamp, celsius double, PRIMARY KEY ((sensor, day), at))
    WITH CLUSTERING ORDER BY (at DESC)
    AND compaction = {'class': 'TimeWindowCompactionStrategy', 'compaction_window_unit': 'DAYS', 'compaction_window_size': 1}
    AND default_time_to_live = 2592000`)

  const seen = yield* pipeline
  yield* Console.log(
    `${count(seen.in)} readings came in: ${count(seen.written)} were written, ${count(seen.refused)} refused`
  )
  yield* Console.log(
    `never more than ${seen.mostUnderWay} writes were under way, nor the source more than ${count(seen.furthestAhead)} readings ahead`
  )
  const { last, readings } = yield* Effect.flatten(
    session.one(
      cql`SELECT count(*) AS readings, max(at) AS last FROM readings WHERE sensor = 3 AND day = '2026-05-01'`.pipe(
        Statement.as(Summary)
      )
    )
  )
  yield* Console.log(
    `sensor 3 has ${count(Number(readings))} readings of that day, the last at ${DateTime.formatIso(last).slice(11, 19)}`
  )
})

run(program.pipe(Effect.provide(SessionLive)))
