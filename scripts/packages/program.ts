/** The program that every runtime, bundler and agent gets: it connects, writes, reads, streams, and is refused. */

/** How many rows it writes and streams. */
const ROWS = 300

/** Its clusters: our own connections, or a client of `cassandra-driver`. */
const clusters = {
  native: `import * as Cluster from "effect-cassandra/Cluster"
const clusterLayer = Cluster.layerEnv()`,
  driver: `import { Cluster } from "effect-cassandra"
import { DriverCluster } from "effect-cassandra/driver"
const { CASSANDRA_CONTACT_POINTS, CASSANDRA_PORT, CASSANDRA_LOCAL_DC, CASSANDRA_USERNAME, CASSANDRA_PASSWORD } = process.env
const clusterLayer = DriverCluster.layer({
  contactPoints: CASSANDRA_CONTACT_POINTS.split(","),
  protocolOptions: { port: Number(CASSANDRA_PORT) },
  localDataCenter: CASSANDRA_LOCAL_DC,
  ...(CASSANDRA_USERNAME && { credentials: { username: CASSANDRA_USERNAME, password: CASSANDRA_PASSWORD } })
})`
}

/** The program as an ECMAScript module. `done` is settled when it has ended; it prints one line of JSON. */
export const program = (engine: keyof typeof clusters): string => `
${clusters[engine]}
import { cql, Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

const { PLACE } = process.env

/** Whether LZ4 can be had where this runs. */
const compressed = Cluster.layerEnv({ compression: "lz4" }).pipe(
  Layer.build,
  Effect.as("LZ4"),
  Effect.catchTag("ConfigurationError", (error) => Effect.succeed(error.option)),
  Effect.scoped
)

const program = Effect.gen(function* () {
  const cluster = yield* Cluster.Cluster
  const session = yield* Session.Session
  yield* Effect.forEach(
    Array.from({ length: ${ROWS} }, (_, n) => n),
    (n) =>
      session.execute(
        cql\`INSERT INTO rows (place, n, word, at) VALUES (\${PLACE}, \${n}, \${"row " + n}, \${new Date(n)})\`.pipe(
          Statement.idempotent
        )
      ),
    { concurrency: 32, discard: true }
  )
  const row = yield* session.one(cql\`SELECT word FROM rows WHERE place = \${PLACE} AND n = \${7}\`)
  const streamed = yield* session
    .stream(cql\`SELECT n, word, at FROM rows WHERE place = \${PLACE}\`.pipe(Statement.withPageSize(50)))
    .pipe(Stream.runFold(0, (sum, { n, at }) => sum + n + at.getTime()))
  const refused = yield* session.execute(cql\`SELEKT 1\`).pipe(
    Effect.as("accepted"),
    Effect.catchTag("CqlSyntaxError", (error) => Effect.succeed(error._tag))
  )
  const { protocolVersion } = yield* cluster.state
  console.log(
    JSON.stringify({
      protocolVersion,
      read: Option.getOrUndefined(row)?.word,
      streamed,
      refused,
      compression: yield* compressed
    })
  )
})

export const done = Effect.runPromise(
  program.pipe(Effect.provide(Layer.provideMerge(Session.layer({ keyspace: process.env.KEYSPACE }), clusterLayer)))
)
`

/** The table that it writes to. */
export const table = "CREATE TABLE rows (place text, n int, word text, at timestamp, PRIMARY KEY (place, n))"

/** What it prints where all is well. LZ4 is an optional package, and not in bundles. */
export const answer = (engine: keyof typeof clusters, hasLz4: boolean): string =>
  JSON.stringify({
    protocolVersion: engine === "native" ? 5 : 4,
    read: "row 7",
    streamed: ROWS * (ROWS - 1),
    refused: "CqlSyntaxError",
    compression: hasLz4 ? "LZ4" : "compression"
  })
