/**
 * `npm run quickstart`: a tour of the client against a real Cassandra, the one that `CASSANDRA_CONTACT_POINTS` names or one that is
 * started for it and gone afterwards.
 *
 * Weather stations send their readings: they are inserted concurrently, a station is read back as a typed value and updated on a
 * condition, all readings are streamed while the event loop stays free, and an error is handled by its tag.
 */
import { Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { run } from "./support/main.ts"
import { ClusterLive } from "./support/server.ts"
import { bold, count, dim, done, heading, line, progress, seconds, withHeartbeat } from "./support/terminal.ts"

class Station extends Schema.Class<Station>("Station")({
  id: Schema.UUID,
  name: Schema.String,
  country: Schema.String,
  elevation: Schema.Int,
  status: Schema.Literal("active", "maintenance")
}) {}

const Reading = Schema.Struct({
  station: Schema.UUID,
  at: Schema.ValidDateFromSelf,
  celsius: Schema.Number,
  humidity: Schema.Int
})
type Reading = typeof Reading.Type

const places: ReadonlyArray<readonly [name: string, country: string, elevation: number, celsius: number]> = [
  ["Reykjavík", "Iceland", 52, 5],
  ["Tromsø", "Norway", 100, 3],
  ["Edinburgh", "Scotland", 41, 9],
  ["Lisbon", "Portugal", 77, 17],
  ["Zermatt", "Switzerland", 1638, 4],
  ["Naples", "Italy", 88, 16],
  ["Vilnius", "Lithuania", 162, 7],
  ["Athens", "Greece", 110, 19],
  ["Nairobi", "Kenya", 1795, 18],
  ["Windhoek", "Namibia", 1700, 20],
  ["Cairo", "Egypt", 75, 22],
  ["Mumbai", "India", 14, 27],
  ["Kathmandu", "Nepal", 1337, 18],
  ["Hanoi", "Vietnam", 16, 24],
  ["Sapporo", "Japan", 17, 9],
  ["Hobart", "Australia", 51, 13],
  ["Queenstown", "New Zealand", 357, 10],
  ["La Paz", "Bolivia", 3640, 8],
  ["Punta Arenas", "Chile", 34, 6],
  ["Yellowknife", "Canada", 206, -4]
]

const stations = places.map(
  ([name, country, elevation]) => new Station({ id: randomUUID(), name, country, elevation, status: "active" })
)

const days = ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05"]
const readingsPerDay = 2_400
const total = stations.length * days.length * readingsPerDay

/** The readings of a station on a day, one every 36 seconds: warmest in the afternoon, and some noise. */
function* readings(station: Station, day: string): Generator<Reading> {
  const midnight = Date.parse(`${day}T00:00:00Z`)
  const mean = places.find(([name]) => name === station.name)?.[3] ?? 10
  for (let i = 0; i < readingsPerDay; i++) {
    const hour = (24 * i) / readingsPerDay
    const celsius = mean + 5 * Math.sin(((hour - 9) / 12) * Math.PI) + 2 * (Math.random() - 0.5)
    yield {
      station: station.id,
      at: new Date(midnight + hour * 3_600_000),
      celsius: Math.round(celsius * 10) / 10,
      humidity: Math.round(60 - 2 * (celsius - mean) + 10 * (Math.random() - 0.5))
    }
  }
}

/** A keyspace with a name that nobody else has, dropped at the end. */
const keyspace = Effect.gen(function* () {
  const cluster = yield* Cluster.Cluster
  const session = yield* cluster.connect()
  const name = `quickstart_${randomUUID().slice(0, 8)}`
  yield* Effect.acquireRelease(
    session.execute(
      cql`CREATE KEYSPACE ${cql.id(name)} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
    ),
    () => Effect.ignoreLogged(session.execute(cql`DROP KEYSPACE ${cql.id(name)}`))
  )
  return name
})

const createTables = (session: Session.Session) =>
  Effect.all([
    session.execute(
      cql`CREATE TABLE stations (id uuid PRIMARY KEY, name text, country text, elevation int, status text)`
    ),
    session.execute(cql`
      CREATE TABLE readings (
        station uuid, day date, at timestamp, celsius double, humidity int, PRIMARY KEY ((station, day), at))`)
  ])

const insertStation = ({ country, elevation, id, name, status }: Station) =>
  cql`INSERT INTO stations (id, name, country, elevation, status)
      VALUES (${id}, ${name}, ${country}, ${elevation}, ${status})`.pipe(Statement.idempotent)

const insertReading = (day: string, { at, celsius, humidity, station }: Reading) =>
  cql`INSERT INTO readings (station, day, at, celsius, humidity)
      VALUES (${station}, ${day}, ${at}, ${celsius}, ${humidity})`.pipe(Statement.idempotent)

const insertAll = (session: Session.Session) =>
  Effect.gen(function* () {
    yield* Effect.forEach(stations, (station) => session.execute(insertStation(station)), { concurrency: "unbounded" })
    const { add } = yield* progress(total)
    const partitions = stations.flatMap((station) => days.map((day) => [station, day] as const))
    // A fiber for each partition, so that a hundred inserts are on their way at any time.
    yield* Effect.forEach(
      partitions,
      ([station, day]) =>
        Effect.forEach(
          readings(station, day),
          (reading) => Effect.map(session.execute(insertReading(day, reading)), () => add(1)),
          { discard: true }
        ),
      { concurrency: "unbounded", discard: true }
    )
  }).pipe(Effect.scoped)

const stationById = (id: string) =>
  cql`SELECT id, name, country, elevation, status FROM stations WHERE id = ${id}`.pipe(Statement.as(Station))

/** Takes a station out of service, if it is in service. */
const startMaintenance = (session: Session.Session, id: string) =>
  Effect.gen(function* () {
    const { rows, wasApplied } = yield* session.execute(
      cql`UPDATE stations SET status = 'maintenance' WHERE id = ${id} IF status = 'active'`
    )
    return Option.contains(wasApplied, true)
      ? "applied: it is in maintenance now"
      : `not applied: its status is ${JSON.stringify(rows[0]?.["status"])} already`
  })

const streamAll = (session: Session.Session) =>
  Effect.gen(function* () {
    let rows = 0
    let sum = 0
    let coldest = Number.POSITIVE_INFINITY
    let warmest = Number.NEGATIVE_INFINITY
    const summary = () =>
      rows === 0 ? "" : `mean ${(sum / rows).toFixed(2)} °C, from ${coldest.toFixed(1)} to ${warmest.toFixed(1)} °C`
    const { add } = yield* progress(total, summary)
    const all = cql`SELECT station, at, celsius, humidity FROM readings`.pipe(
      Statement.as(Reading),
      Statement.withPageSize(1000)
    )
    // Rows come in chunks of up to 1,000: what is done for each chunk is done a few hundred times, not a few hundred thousand.
    yield* session.stream(all).pipe(
      Stream.runForEachChunk((chunk) =>
        Effect.sync(() => {
          for (const { celsius } of chunk) {
            sum += celsius
            coldest = Math.min(coldest, celsius)
            warmest = Math.max(warmest, celsius)
          }
          rows += chunk.length
          add(chunk.length)
        })
      )
    )
    return rows
  }).pipe(Effect.scoped)

const tour = Effect.gen(function* () {
  const cluster = yield* Cluster.Cluster
  const server = yield* CassandraServer.CassandraServer
  const { protocolVersion } = yield* cluster.state
  yield* heading("Connected")
  yield* line(`Cassandra ${server.version}, data centre ${server.localDataCenter}, native protocol v${protocolVersion}`)

  const session = yield* Session.make({ keyspace: yield* keyspace })
  yield* createTables(session)
  yield* line(`keyspace ${Option.getOrElse(session.keyspace, () => "")} with the tables stations and readings`)

  yield* heading(`Inserting ${count(total)} readings of ${stations.length} stations over ${days.length} days`)
  const [insertion] = yield* Effect.timed(insertAll(session))
  yield* done(`${count(total)} inserts in ${seconds(insertion)}`)

  yield* heading("Reading one station, decoded by a Schema")
  const id = stations[4]?.id ?? ""
  const found = yield* session.one(stationById(id))
  yield* Option.match(found, {
    onNone: () => line(`no station has the id ${id}`),
    onSome: ({ country, elevation, name, status }) =>
      done(`${bold(name)} in ${country}, ${count(elevation)} m above the sea, ${status}`)
  })

  yield* heading("Taking it out of service, twice, on the condition that it is active")
  yield* line(`first   ${yield* startMaintenance(session, id)}`)
  yield* line(`second  ${yield* startMaintenance(session, id)}`)

  yield* heading(`Streaming all ${count(total)} readings, a page at a time`)
  const [duration, [rows, pulse]] = yield* Effect.timed(withHeartbeat(streamAll(session)))
  yield* done(`${count(rows)} rows in ${seconds(duration)}`)
  yield* done(
    `meanwhile a heartbeat of 10 ms beat ${count(pulse.beats)} times; its largest gap was ${pulse.largestGap.toFixed(0)} ms`
  )

  yield* heading("Handling an error by its tag")
  yield* session.execute(cql`SELECT * FROM raedings`).pipe(
    Effect.flatMap(() => line("there is a table called raedings")),
    Effect.catchTag("InvalidQueryError", (error) =>
      done(
        `${error._tag}: ${error.message} ${dim(`(worth a retry: ${error.isRetryable ? "yes" : "no"}; write: ${error.writeState})`)}`
      )
    )
  )
  yield* heading("Closing")
})

const program = tour.pipe(
  Effect.scoped,
  Effect.zipLeft(done("keyspace dropped, session closed")),
  Effect.provide(ClusterLive),
  Effect.timed,
  Effect.flatMap(([duration]) => done(`everything closed; the whole tour took ${seconds(duration)}`)),
  Effect.zipLeft(Console.log(""))
)

run(Effect.zipRight(Console.log(`\n${bold("effect-cassandra")} quickstart`), program))
