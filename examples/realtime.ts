/**
 * Sensor analytics while the readings come in: four sensors write concurrently, and every 200 ms the last second of each is read
 * back as a sliding window over time. A second window, over the last windows, tells a trend from noise.
 *
 * Prints:
 *   watching 4 sensors
 *   alert: boiler rises, … °C to … °C within … windows
 *   … readings are in the table
 *   no alert for attic, cellar and garden
 */
import { cql, CqlType, Session, Statement } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"
import { count } from "./support/terminal.ts"

/** Each has a mean, and by how much that rises a second. */
const sensors = [
  { name: "attic", mean: 24, rise: 0 },
  { name: "boiler", mean: 60, rise: 4 },
  { name: "cellar", mean: 12, rise: 0 },
  { name: "garden", mean: 17, rise: 0 }
] as const
type Sensor = (typeof sensors)[number]

const Reading = Schema.Struct({ celsius: CqlType.double })

/** Writes the readings of a sensor, one each 10 ms. */
const write = ({ mean, name, rise }: Sensor) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const start = yield* Clock.currentTimeMillis
    const reading = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const celsius = mean + (rise * (now - start)) / 1000 + (yield* Random.nextRange(-1, 1))
      yield* session.execute(
        cql`INSERT INTO readings (sensor, at, celsius) VALUES (${name}, ${new Date(now)}, ${celsius}) USING TTL 3600`.pipe(
          Statement.idempotent
        )
      )
    })
    return yield* Effect.repeat(reading, Schedule.fixed("10 millis"))
  })

const writeAll = Effect.forEach(sensors, write, { concurrency: "unbounded", discard: true })

/** The last second of a sensor, read from the table. */
const lastSecond = ({ name }: Sensor) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const since = new Date((yield* Clock.currentTimeMillis) - 1000)
    const readings = yield* session.rows(
      cql`SELECT celsius FROM readings WHERE sensor = ${name} AND at > ${since}`.pipe(Statement.as(Reading))
    )
    const sum = readings.reduce((total, { celsius }) => total + celsius, 0)
    return { sensor: name, readings: readings.length, mean: sum / readings.length }
  })

/** The windows of a sensor, one each 200 ms. They overlap: each has four fifths of the one before. */
const windows = (sensor: Sensor) =>
  Stream.repeatEffectWithSchedule(lastSecond(sensor), Schedule.spaced("200 millis")).pipe(
    Stream.filter(({ readings }) => readings > 0)
  )

const trendLength = 6

/** An alert when the mean has risen by two degrees over the last windows: noise of one degree is not enough. */
const alerts = (sensor: Sensor) =>
  windows(sensor).pipe(
    Stream.sliding(trendLength),
    Stream.filterMap((trend) =>
      Chunk.head(trend).pipe(
        Option.zipWith(Chunk.last(trend), (from, to) => ({ sensor: sensor.name, from: from.mean, to: to.mean })),
        Option.filter(({ from, to }) => to - from > 2)
      )
    )
  )

const Count = Schema.Struct({ readings: CqlType.bigint })

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`
    CREATE TABLE readings (sensor text, at timestamp, celsius double, PRIMARY KEY (sensor, at))
    WITH CLUSTERING ORDER BY (at DESC)`)

  yield* Console.log(`watching ${sensors.length} sensors`)
  const watch = Stream.mergeAll(sensors.map(alerts), { concurrency: "unbounded" }).pipe(
    Stream.tap(({ from, sensor, to }) =>
      Console.log(`alert: ${sensor} rises, ${from.toFixed(1)} °C to ${to.toFixed(1)} °C within ${trendLength} windows`)
    ),
    Stream.take(3),
    Stream.runCollect
  )
  // The sensors write as long as they are watched. One that cannot write any more ends the watching with its failure.
  const raised = yield* Effect.raceFirst(watch, Effect.zipRight(writeAll, Effect.never))
  const { readings } = yield* Effect.flatten(
    session.one(cql`SELECT count(*) AS readings FROM readings`.pipe(Statement.as(Count)))
  )
  yield* Console.log(`${count(Number(readings))} readings are in the table`)
  const quiet = sensors.map(({ name }) => name).filter((name) => !Chunk.some(raised, ({ sensor }) => sensor === name))
  yield* Console.log(`no alert for ${new Intl.ListFormat("en-GB").format(quiet)}`)
})

run(program.pipe(Effect.provide(SessionLive)))
