/** Traffic of every kind at once, and a record of what became of each operation. */
import { Batch, type CassandraError, Cluster, cql, type Session, Statement } from "effect-cassandra"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Supervisor from "effect/Supervisor"
import type { Column } from "./matrix.ts"

/** Milliseconds: one attempt, one request with its retries, and what an operation may take on top of that. */
export const timeout = 3_000
export const deadline = 20_000
const slack = 1_500

/** Milliseconds after an operation: the nodes share the machine with the client, and have to start on it. */
const pause = 20

/** What an operation may take. A stream is many requests; connecting asks every contact point, and then for rows. */
export const limits: Readonly<Record<Column, number>> = {
  reads: deadline + slack,
  writes: deadline + slack,
  others: deadline + slack,
  conditional: deadline + slack,
  batches: deadline + slack,
  streams: 4 * deadline,
  prepare: deadline + slack,
  connect: 2 * deadline,
  close: 1_000 + slack
}

export interface Failure {
  /** `Defect` is what no operation may end in. */
  readonly tag: string
  readonly writeState: string
  readonly message: string
}

/** An operation that has ended. Times are of `performance.now()`: the clock may be one of the faults. */
export interface Done {
  readonly column: Column
  readonly start: number
  readonly end: number
  readonly failure: Failure | undefined
}

type Outcome = "applied" | "unknown" | "not applied"

/** What was said about the writes, to be compared with what the server has. */
export interface Writes {
  /** By key, the last version that was acknowledged, and the last that was sent. */
  readonly versions: Map<number, { acknowledged: number; sent: number }>
  /** By element. */
  readonly appended: Map<number, Outcome>
  /** By key of a counter. */
  readonly counted: Map<number, { applied: number; unknown: number }>
  readonly inserted: Map<number, Outcome>
  /** Keys of batches that were acknowledged. */
  readonly batched: Set<number>
  /** Answers that contradict each other, as they came. */
  readonly lies: Array<string>
}

export interface Record_ {
  readonly done: Array<Done>
  readonly writes: Writes
  /** Operations that have begun and not ended. */
  readonly running: Map<object, { readonly column: Column; readonly start: number }>
}

export const tables = [
  "CREATE TABLE versions (run int, id int, v int, PRIMARY KEY ((run, id)))",
  "CREATE TABLE lists (run int, id int, v list<int>, PRIMARY KEY ((run, id)))",
  "CREATE TABLE hits (run int, id int, n counter, PRIMARY KEY ((run, id)))",
  "CREATE TABLE once (run int, id int, v int, PRIMARY KEY ((run, id)))",
  "CREATE TABLE pairs (run int, id int, v int, PRIMARY KEY ((run, id)))",
  "CREATE TABLE scanned (p int, c int, v int, PRIMARY KEY (p, c))"
]

export const lists = 64
const counters = 16
const scanned = 400

/** The rows that are streamed. */
export const fill = (session: Session.Session) =>
  Effect.forEach(
    Array.from({ length: scanned }, (_, c) => c),
    (c) => session.execute(cql`INSERT INTO scanned (p, c, v) VALUES (1, ${c}, ${c})`.pipe(Statement.idempotent)),
    { concurrency: 16, discard: true }
  )

const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const error = Option.getOrUndefined(Cause.failureOption(cause)) as Partial<CassandraError.CassandraError> | undefined
  return typeof error?._tag === "string" && error.writeState !== undefined
    ? { tag: error._tag, writeState: error.writeState, message: String(error.message) }
    : { tag: "Defect", writeState: "", message: Cause.pretty(cause) }
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome =>
  Exit.isSuccess(exit) ? "applied" : failureOf(exit.cause).writeState === "NotApplied" ? "not applied" : "unknown"

export interface Traffic {
  readonly record: Record_
  /** Lets what is under way end, and gives the fibers that are left after it: none. */
  readonly stop: Effect.Effect<number>
}

export interface Options {
  readonly session: Session.Session
  /** What tells the keys of this run from those of others. */
  readonly run: number
  /** For the clients that connect anew. */
  readonly connect: Cluster.ClusterOptions
  readonly keyspace: string
  /** Reads that are wanted at any time. Default: 4. */
  readonly readers?: number | undefined
}

/** Starts the traffic; it goes on until it is stopped. */
export const run = (options: Options): Effect.Effect<Traffic, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { keyspace, readers = 4, run: which, session } = options
    const writes: Writes = {
      versions: new Map(),
      appended: new Map(),
      counted: new Map(),
      inserted: new Map(),
      batched: new Set(),
      lies: []
    }
    const record: Record_ = { done: [], writes, running: new Map() }
    let stopping = false
    let next = 0

    const recorded = <A, E>(column: Column, effect: Effect.Effect<A, E>): Effect.Effect<Exit.Exit<A, E>> =>
      Effect.suspend(() => {
        const start = performance.now()
        const key = {}
        record.running.set(key, { column, start })
        return Effect.map(Effect.exit(effect), (exit) => {
          record.running.delete(key)
          const failure = Exit.isSuccess(exit) ? undefined : failureOf(exit.cause)
          record.done.push({ column, start, end: performance.now(), failure })
          return exit
        })
      })

    /** One operation after the other, with a pause after each, a longer one after a failure. */
    const repeated = (column: Column, wait: number, operation: () => Effect.Effect<Exit.Exit<unknown, unknown>>) =>
      Effect.whileLoop({
        while: () => !stopping,
        body: () => Effect.flatMap(operation(), (exit) => Effect.sleep(Exit.isSuccess(exit) ? wait : wait + 50)),
        step: () => undefined
      }).pipe(Effect.withSpan(column))

    const read = () =>
      recorded("reads", session.execute(cql`SELECT * FROM versions WHERE run = ${which} AND id = ${next++ % 200}`))

    /** Each writer has keys of its own, which it writes again and again, each time with a higher version. */
    const writer = (first: number) => {
      let n = 0
      return repeated("writes", pause, () => {
        const id = first + (n % 50)
        const known = writes.versions.get(id) ?? { acknowledged: 0, sent: 0 }
        writes.versions.set(id, known)
        const version = ++known.sent
        n++
        const update = cql`UPDATE versions SET v = ${version} WHERE run = ${which} AND id = ${id}`
        return Effect.tap(recorded("writes", session.execute(update.pipe(Statement.idempotent))), (exit) => {
          if (Exit.isSuccess(exit)) known.acknowledged = version
          return Effect.void
        })
      })
    }

    const append = () => {
      const element = next++
      const update = cql`UPDATE lists SET v = v + ${[element]} WHERE run = ${which} AND id = ${element % lists}`
      writes.appended.set(element, "unknown")
      return Effect.tap(recorded("others", session.execute(update)), (exit) =>
        Effect.sync(() => writes.appended.set(element, outcomeOf(exit)))
      )
    }

    const count = () => {
      const id = next++ % counters
      const known = writes.counted.get(id) ?? { applied: 0, unknown: 0 }
      writes.counted.set(id, known)
      const update = cql`UPDATE hits SET n = n + 1 WHERE run = ${which} AND id = ${id}`
      return Effect.tap(recorded("others", session.execute(update)), (exit) => {
        const outcome = outcomeOf(exit)
        if (outcome === "applied") known.applied++
        if (outcome === "unknown") known.unknown++
        return Effect.void
      })
    }

    const insertOnce = () => {
      const id = next++
      const insert = cql`INSERT INTO once (run, id, v) VALUES (${which}, ${id}, ${id}) IF NOT EXISTS`
      writes.inserted.set(id, "unknown")
      return Effect.tap(recorded("conditional", session.execute(insert)), (exit) => {
        writes.inserted.set(id, outcomeOf(exit))
        // Nobody else writes this key: only a second time finds it there.
        if (Exit.isSuccess(exit) && !Option.contains(exit.value.wasApplied, true)) {
          writes.lies.push(`the conditional insert of ${id} was applied before it was sent`)
        }
        return Effect.void
      })
    }

    const insertBoth = () => {
      const id = 2 * next++
      const insert = (key: number) =>
        cql`INSERT INTO pairs (run, id, v) VALUES (${which}, ${key}, ${id})`.pipe(Statement.idempotent)
      const both = Batch.make("LOGGED", [insert(id), insert(id + 1)])
      return Effect.tap(recorded("batches", session.batch(both)), (exit) => {
        if (Exit.isSuccess(exit)) writes.batched.add(id)
        return Effect.void
      })
    }

    const scan = () =>
      recorded(
        "streams",
        session.stream(cql`SELECT v FROM scanned WHERE p = 1`.pipe(Statement.withPageSize(25))).pipe(
          Stream.tap((row) => ((row["v"] as number) % 25 === 24 ? Effect.sleep("20 millis") : Effect.void)),
          Stream.runFold({ rows: 0, sum: 0 }, ({ rows, sum }, row) => ({
            rows: rows + 1,
            sum: sum + (row["v"] as number)
          })),
          Effect.tap(({ rows, sum }) => {
            if (rows === scanned && sum === (scanned * (scanned - 1)) / 2) return
            writes.lies.push(`a stream that ended well had ${rows} rows of ${scanned}, with the sum ${sum}`)
          })
        )
      )

    const prepare = () => {
      const name = `p${next++}`
      return Effect.tap(
        recorded("prepare", session.prepare(`SELECT v AS ${name} FROM versions WHERE run = ? AND id = ?`)),
        (exit) => {
          const names = Exit.isSuccess(exit)
            ? Option.getOrUndefined(exit.value.columns)?.map((column) => column.name)
            : [name]
          if (names?.[0] !== name) writes.lies.push(`preparing ${name} gave ${String(names)}`)
          return Effect.void
        }
      )
    }

    /** A client of its own: connected, used, and closed. */
    const connectAndClose = () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const opened = yield* recorded(
          "connect",
          Effect.gen(function* () {
            const cluster = yield* Cluster.make(options.connect)
            const other = yield* cluster.connect({ keyspace })
            yield* other.execute(cql`SELECT v FROM versions WHERE run = ${which} AND id = 0`)
          }).pipe(Scope.extend(scope))
        )
        yield* recorded("close", Scope.close(scope, Exit.void))
        return opened
      })

    const workers = [
      ...Array.from({ length: readers }, () => repeated("reads", pause, read)),
      ...[0, 50, 100, 150].map(writer),
      ...[0, 1, 2].map(() => repeated("others", pause, append)),
      repeated("others", pause, count),
      ...[0, 1].map(() => repeated("conditional", pause, insertOnce)),
      ...[0, 1].map(() => repeated("batches", pause, insertBoth)),
      ...[0, 1].map(() => repeated("streams", pause, scan)),
      repeated("prepare", 100, prepare),
      repeated("connect", 100, connectAndClose)
    ]
    const supervisor = yield* Supervisor.track
    const traffic = yield* Effect.all(workers, { concurrency: "unbounded", discard: true }).pipe(
      Effect.supervised(supervisor),
      Effect.forkScoped
    )
    const stop = Effect.gen(function* () {
      stopping = true
      yield* Effect.timeoutOption(Effect.exit(traffic.await), "60 seconds")
      // A fiber that has just ended is one still for a moment.
      yield* Effect.sleep("100 millis")
      return (yield* supervisor.value).length
    })
    return { record, stop }
  })
