/** Ours, used as the README shows. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { Batch, Cluster, cql, Session, Statement } from "effect-cassandra"
import { type Done, serve } from "../contender.ts"
import { recorder } from "../histogram.ts"
import { atRate } from "../pacer.ts"
import {
  anyBatchedPartition,
  anyLargeRow,
  anyPartition,
  anyUser,
  anyWideRow,
  batchSize,
  keyspace,
  pageSize,
  readingValues,
  touchLarge,
  touchReading,
  touchUser,
  touchWide,
  userId,
  userValues,
  writes
} from "../workloads.ts"

// Written out, as an application would, rather than taken from the workloads: the template is part of what is measured.
const selectUser = (id: string) =>
  cql`SELECT id, name, email, visits, balance, active, created_at FROM users WHERE id = ${id}`
const insertUser = ([id, name, email, visits, balance, active, createdAt]: ReadonlyArray<unknown>) => cql`
  INSERT INTO inserted (id, name, email, visits, balance, active, created_at)
  VALUES (${id}, ${name}, ${email}, ${visits}, ${balance}, ${active}, ${createdAt})`
const selectReadings = cql`SELECT station, seq, at, sensor, celsius FROM readings`.pipe(
  Statement.withPageSize(pageSize)
)
const selectFew = (station: number) =>
  cql`SELECT station, seq, at, sensor, celsius FROM readings WHERE station = ${station} AND seq < 20`
const insertReading = ([station, seq, at, sensor, celsius]: ReadonlyArray<unknown>) => cql`
  INSERT INTO batched (station, seq, at, sensor, celsius) VALUES (${station}, ${seq}, ${at}, ${sensor}, ${celsius})`
const selectWide = (id: number) => cql`SELECT * FROM wide WHERE id = ${id}`
const selectLarge = (id: number) => cql`SELECT data FROM large WHERE id = ${id}`

const batch = (station: number) =>
  Batch.make(
    "UNLOGGED",
    Array.from({ length: batchSize }, (_, seq) => insertReading(readingValues(station, seq)))
  )

const SessionLive = Session.layer({ keyspace }).pipe(Layer.provide(Cluster.layerEnv()))

const pointRead = (session: Session.Session) =>
  Effect.map(session.execute(selectUser(userId(anyUser()))), ({ rows }) => touchUser(rows[0]))

const insert = (session: Session.Session) => Effect.asVoid(session.execute(insertUser(userValues(anyUser(), BigInt))))

const counted = (count: number, row: Statement.Row) => {
  touchReading(row)
  return count + 1
}

/** One operation of the workloads that count operations, not rows. */
const operation = (session: Session.Session, workload: string) => {
  switch (workload) {
    case "point-read":
    case "concurrency":
    case "latency":
      return () => pointRead(session)
    case "insert":
      return () => insert(session)
    case "mixed":
      return () => (writes() ? insert(session) : pointRead(session))
    case "batch":
      return () => Effect.asVoid(session.batch(batch(anyBatchedPartition())))
    case "small-streams":
      return () => Effect.asVoid(Stream.runFold(session.stream(selectFew(anyPartition())), 0, counted))
    case "wide-rows":
      return () => Effect.map(session.execute(selectWide(anyWideRow())), ({ rows }) => touchWide(rows[0]))
    case "large-cells":
      return () => Effect.map(session.execute(selectLarge(anyLargeRow())), ({ rows }) => touchLarge(rows[0]))
    default:
      throw new Error(`Unknown workload: ${workload}`)
  }
}

/** As many fibers as requests are to be in flight, each sending one after the other. */
const concurrently = <E>(concurrency: number, end: number, once: () => Effect.Effect<void, E>) =>
  Effect.suspend(() => {
    let operations = 0
    const worker = Effect.gen(function* () {
      while (performance.now() < end) {
        yield* once()
        operations++
      }
    })
    const workers = Array.from({ length: concurrency }, () => worker)
    return Effect.map(Effect.all(workers, { concurrency: "unbounded", discard: true }), () => operations)
  })

const scan = (session: Session.Session, end: number) =>
  Effect.gen(function* () {
    let rows = 0
    while (performance.now() < end) {
      rows = yield* Stream.runFold(session.stream(selectReadings), rows, counted)
    }
    return rows
  })

const scans = (session: Session.Session, concurrency: number, end: number) =>
  Effect.map(
    Effect.all(
      Array.from({ length: concurrency }, () => scan(session, end)),
      { concurrency: "unbounded" }
    ),
    (rows) => rows.reduce((sum, n) => sum + n, 0)
  )

/** A cluster and a session of its own each time, closed before the next one is opened. */
const connections = (end: number) =>
  Effect.gen(function* () {
    const { histogram, record } = recorder()
    let operations = 0
    while (performance.now() < end) {
      const start = performance.now()
      yield* Effect.provide(
        Effect.andThen(Effect.flatMap(Session.Session, pointRead), () => record(performance.now() - start)),
        Layer.fresh(SessionLive)
      )
      operations++
    }
    return { operations, latency: histogram() }
  })

const runtime = ManagedRuntime.make(SessionLive)
const session = await runtime.runPromise(Effect.tap(Session.Session, pointRead))
const workload = process.argv[2] ?? ""

await serve("effect-cassandra", async ({ concurrency, milliseconds, rate }, end): Promise<Done> => {
  if (workload === "connect") return Effect.runPromise(connections(end))
  if (workload === "scan") return { operations: await runtime.runPromise(scan(session, end)) }
  if (workload === "streams") return { operations: await runtime.runPromise(scans(session, concurrency, end)) }
  const once = operation(session, workload)
  return rate === undefined
    ? { operations: await runtime.runPromise(concurrently<unknown>(concurrency, end, once)) }
    : atRate(milliseconds, rate, () => runtime.runPromise(once()))
})
await runtime.dispose()
