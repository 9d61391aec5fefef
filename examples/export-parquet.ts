/**
 * Exports a table with complex types to a Parquet file and reads it back: uuid, timestamp, decimal, list, map, vector and a user
 * defined type become the Parquet types that other tools know. A page is a row group, written before the next one is fetched.
 *
 * Prints:
 *   wrote 5,000 trips in 5 row groups
 *   columns: id, started, fare, stops, seats, position, driver
 *   a trip, read back: {"id":"…","started":"2026-05-0…Z","fare":12.5,"stops":["Rossio","Belém"],"seats":{"back":2,"front":1},…
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Columns, cql, CqlType, Query, Session, Statement } from "effect-cassandra"
import * as BigDecimal from "effect/BigDecimal"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet"
import { fileWriter, ParquetWriter } from "hyparquet-writer"
import { randomUUID } from "node:crypto"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"
import { count } from "./support/terminal.ts"

const Driver = Schema.Struct({ name: CqlType.text, phone: CqlType.option(CqlType.text) })

class Trip extends Schema.Class<Trip>("Trip")({
  id: CqlType.uuid,
  started: CqlType.timestampDate,
  fare: CqlType.decimal,
  stops: CqlType.list(CqlType.text),
  seats: CqlType.map(CqlType.text, CqlType.int),
  position: CqlType.vector(CqlType.float, 3),
  driver: CqlType.udt("driver", Driver)
}) {}

const rows = 5_000

const tables = [
  cql`CREATE TYPE driver (name text, phone text)`,
  cql`CREATE TABLE trips (id uuid PRIMARY KEY, started timestamp, fare decimal, stops list<text>, seats map<text, int>,
        position vector<float, 3>, driver frozen<driver>)`
]

const trips = Array.from(
  { length: rows },
  (_, i) =>
    new Trip({
      id: randomUUID(),
      started: new Date(Date.UTC(2026, 4, 1) + i * 60_000),
      fare: BigDecimal.unsafeFromString("12.50"),
      stops: ["Rossio", "Belém"],
      seats: new Map([
        ["front", 1],
        ["back", 2]
      ]),
      position: [38.5, -9.25, 12],
      driver: { name: "Ada", phone: Option.none() }
    })
)

const insert = Query.void({
  Request: Trip,
  execute: (trip) => cql`INSERT INTO trips ${Columns.insert(Trip, trip)}`.pipe(Statement.idempotent)
})

/** A column, with what each trip has in it. */
interface Column {
  readonly schema: ReadonlyArray<SchemaElement>
  readonly value: (trip: Trip) => unknown
}

const text = { type: "BYTE_ARRAY", converted_type: "UTF8" } as const

/** The columns in Parquet's words: nested types are groups, each followed by its members. */
const columns = {
  id: {
    schema: [{ name: "id", type: "FIXED_LEN_BYTE_ARRAY", type_length: 16, logical_type: { type: "UUID" } }],
    value: ({ id }) => id
  },
  started: {
    schema: [{ name: "started", type: "INT64", converted_type: "TIMESTAMP_MILLIS" }],
    value: ({ started }) => started
  },
  fare: {
    schema: [{ name: "fare", type: "INT64", converted_type: "DECIMAL", precision: 18, scale: 2 }],
    // The digits without the point, as many after it as the column has.
    value: ({ fare }) => BigDecimal.scale(fare, 2).value
  },
  stops: {
    schema: [
      { name: "stops", repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", ...text }
    ],
    value: ({ stops }) => stops
  },
  seats: {
    schema: [
      { name: "seats", repetition_type: "OPTIONAL", converted_type: "MAP", num_children: 1 },
      { name: "key_value", repetition_type: "REPEATED", num_children: 2 },
      { name: "key", ...text },
      { name: "value", type: "INT32" }
    ],
    value: ({ seats }) => seats
  },
  position: {
    schema: [
      { name: "position", repetition_type: "OPTIONAL", converted_type: "LIST", num_children: 1 },
      { name: "list", repetition_type: "REPEATED", num_children: 1 },
      { name: "element", type: "FLOAT" }
    ],
    value: ({ position }) => position
  },
  driver: {
    schema: [
      { name: "driver", repetition_type: "OPTIONAL", num_children: 2 },
      { name: "name", ...text },
      { name: "phone", ...text, repetition_type: "OPTIONAL" }
    ],
    value: ({ driver }) => ({ name: driver.name, phone: Option.getOrUndefined(driver.phone) })
  }
} satisfies Record<keyof typeof Trip.fields, Column>

const required = (element: SchemaElement): SchemaElement => ({ repetition_type: "REQUIRED", ...element })

const schema: Array<SchemaElement> = [
  { name: "trips", num_children: Object.keys(columns).length },
  ...Object.values<Column>(columns).flatMap((column) => column.schema.map(required))
]

class ParquetError extends Data.TaggedError("ParquetError")<{ readonly message: string; readonly cause: unknown }> {}

const attempt = <A>(evaluate: () => A | Promise<A>) =>
  Effect.tryPromise({
    try: async () => evaluate(),
    catch: (cause) => new ParquetError({ message: String(cause), cause })
  })

const exportTo = (file: string) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const writer = yield* attempt(() => new ParquetWriter({ writer: fileWriter(file), schema }))
    const all = cql`SELECT ${Columns.select(Trip)} FROM trips`.pipe(Statement.as(Trip), Statement.withPageSize(1000))
    yield* session.stream(all).pipe(
      Stream.chunks,
      Stream.filter(Chunk.isNonEmpty),
      Stream.runForEach((page) =>
        attempt(() =>
          writer.write({
            columnData: Object.entries<Column>(columns).map(([name, { value }]) => ({
              name,
              data: Array.from(page, value)
            })),
            rowGroupSize: page.length
          })
        )
      )
    )
    // The footer comes last: a file whose export failed has none, and nobody takes it for a whole one.
    yield* attempt(() => writer.finish())
  })

const program = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const session = yield* Session.Session
  yield* Effect.forEach(tables, session.execute)
  const save = yield* Query.prepare(insert)
  yield* Effect.forEach(trips, save, { concurrency: 128, discard: true })

  const path = `${yield* fs.makeTempDirectoryScoped()}/trips.parquet`
  yield* exportTo(path)

  const file = yield* attempt(() => asyncBufferFromFile(path))
  const metadata = yield* attempt(() => parquetMetadataAsync(file))
  yield* Console.log(`wrote ${count(Number(metadata.num_rows))} trips in ${metadata.row_groups.length} row groups`)
  yield* Console.log(`columns: ${Object.keys(columns).join(", ")}`)
  const [trip] = yield* attempt(() => parquetReadObjects({ file, rowEnd: 1 }))
  yield* Console.log(`a trip, read back: ${JSON.stringify(trip)}`)
})

run(program.pipe(Effect.scoped, Effect.provide([SessionLive, NodeFileSystem.layer])))
