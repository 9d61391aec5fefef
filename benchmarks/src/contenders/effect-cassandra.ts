/** Ours, used as the README shows. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { Cluster, cql, Session, Statement } from "effect-cassandra"
import { serve } from "../contender.ts"
import {
  anyUser,
  concurrency,
  keyspace,
  pageSize,
  streamsAtOnce,
  touchReading,
  touchUser,
  userId,
  userValues
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

/** As many fibers as requests are to be in flight, each sending one after the other. */
const concurrently = <E>(end: number, operation: () => Effect.Effect<void, E>) =>
  Effect.suspend(() => {
    let operations = 0
    const worker = Effect.gen(function* () {
      while (performance.now() < end) {
        yield* operation()
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
      rows = yield* Stream.runFold(session.stream(selectReadings), rows, (count, row) => {
        touchReading(row)
        return count + 1
      })
    }
    return rows
  })

const run = Effect.map(Session.Session, (session) => (workload: string | undefined, end: number) => {
  switch (workload) {
    case "point-read":
      return concurrently(end, () =>
        Effect.map(session.execute(selectUser(userId(anyUser()))), ({ rows }) => touchUser(rows[0]))
      )
    case "insert":
      return concurrently(end, () => Effect.asVoid(session.execute(insertUser(userValues(anyUser(), BigInt)))))
    case "scan":
      return scan(session, end)
    case "streams":
      return Effect.map(
        Effect.all(
          Array.from({ length: streamsAtOnce }, () => scan(session, end)),
          { concurrency: "unbounded" }
        ),
        (rows) => rows.reduce((sum, n) => sum + n, 0)
      )
    default:
      return Effect.dieMessage(`Unknown workload: ${workload}`)
  }
})

const runtime = ManagedRuntime.make(Session.layer({ keyspace }).pipe(Layer.provide(Cluster.layerEnv())))
const workload = process.argv[2]
const start = await runtime.runPromise(run)
await serve((end) => runtime.runPromise(start(workload, end)))
await runtime.dispose()
