/** The raw driver with stock options, used as its manual shows. */
import cassandra from "cassandra-driver"
import type { Readable } from "node:stream"
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
  insertInto,
  insertReading,
  keyspace,
  manyPerConnection,
  pageSize,
  readingValues,
  selectFew,
  selectLarge,
  selectReadings,
  selectUser,
  selectWide,
  touchLarge,
  touchReading,
  touchUser,
  touchWide,
  userId,
  userValues,
  writes
} from "../workloads.ts"

const [workload = "", style] = process.argv.slice(2)

const { CASSANDRA_CONTACT_POINTS, CASSANDRA_LOCAL_DC, CASSANDRA_PASSWORD, CASSANDRA_PORT, CASSANDRA_USERNAME } =
  process.env

const makeClient = () =>
  new cassandra.Client({
    contactPoints: CASSANDRA_CONTACT_POINTS?.split(",") ?? [],
    localDataCenter: CASSANDRA_LOCAL_DC ?? "",
    keyspace,
    protocolOptions: { port: Number(CASSANDRA_PORT) },
    ...(style === manyPerConnection ? { pooling: { maxRequestsPerConnection: 32_768 } } : {}),
    ...(CASSANDRA_USERNAME === undefined
      ? {}
      : { credentials: { username: CASSANDRA_USERNAME, password: CASSANDRA_PASSWORD ?? "" } })
  })

const client = makeClient()

const prepare = { prepare: true }
const insert = insertInto("inserted")
const insertBatched = insertReading("batched")
const long = (value: number) => cassandra.types.Long.fromNumber(value)

type Request = readonly [query: string, values: Array<unknown>, onResult: (result: cassandra.types.ResultSet) => void]

const pointRead = (): Request => [selectUser, [userId(anyUser())], (result) => touchUser(result.first())]
const insertUser = (): Request => [insert, [...userValues(anyUser(), long)], () => undefined]

const requests: Readonly<Record<string, () => Request>> = {
  "point-read": pointRead,
  concurrency: pointRead,
  latency: pointRead,
  insert: insertUser,
  mixed: () => (writes() ? insertUser() : pointRead()),
  "wide-rows": () => [selectWide, [anyWideRow()], (result) => touchWide(result.first())],
  "large-cells": () => [selectLarge, [anyLargeRow()], (result) => touchLarge(result.first())]
}

const send = async (next: () => Request): Promise<void> => {
  const [query, values, onResult] = next()
  onResult(await client.execute(query, values, prepare))
}

/** As many workers as operations are to be in flight. When one fails, the others end, and then all of it fails. */
const workers = async (concurrency: number, work: (failed: () => boolean) => Promise<void>): Promise<void> => {
  let failed = false
  const failures: Array<unknown> = []
  const worker = async () => {
    try {
      await work(() => failed)
    } catch (error) {
      failed = true
      failures.push(error)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  if (failed) throw failures[0]
}

const promises = async (next: () => Request, concurrency: number, end: number): Promise<number> => {
  let operations = 0
  await workers(concurrency, async (failed) => {
    while (performance.now() < end && !failed()) {
      const [query, values, onResult] = next()
      onResult(await client.execute(query, values, prepare))
      operations++
    }
  })
  return operations
}

const callbacks = (next: () => Request, concurrency: number, end: number): Promise<number> =>
  new Promise((resolve, reject) => {
    let operations = 0
    let working = concurrency
    const work = () => {
      if (performance.now() >= end) {
        if (--working === 0) resolve(operations)
        return
      }
      const [query, values, onResult] = next()
      client.execute(query, values, prepare, (error, result) => {
        if (error) return reject(error)
        onResult(result)
        operations++
        work()
      })
    }
    for (let i = 0; i < concurrency; i++) work()
  })

const batches = async (concurrency: number, end: number): Promise<number> => {
  let operations = 0
  await workers(concurrency, async (failed) => {
    while (performance.now() < end && !failed()) {
      const station = anyBatchedPartition()
      await client.batch(
        Array.from({ length: batchSize }, (_, seq) => ({
          query: insertBatched,
          params: [...readingValues(station, seq)]
        })),
        { prepare: true, logged: false }
      )
      operations++
    }
  })
  return operations
}

const scanPages = async (end: number): Promise<number> => {
  let rows = 0
  while (performance.now() < end) {
    let pageState: string | undefined
    do {
      const result: cassandra.types.ResultSet = await client.execute(selectReadings, [], {
        prepare: true,
        fetchSize: pageSize,
        ...(pageState === undefined ? {} : { pageState })
      })
      for (const row of result.rows) touchReading(row)
      rows += result.rows.length
      pageState = result.pageState ?? undefined
    } while (pageState !== undefined)
  }
  return rows
}

/** Reads a stream to its end; gives the number of its rows. */
const stream = (query: string, values: Array<unknown>, options: cassandra.QueryOptions): Promise<number> =>
  new Promise((resolve, reject) => {
    let rows = 0
    // Its declaration knows it as an EventEmitter only.
    const readable = client.stream(query, values, { prepare: true, autoPage: true, ...options }) as unknown as Readable
    readable.on("readable", () => {
      for (let row = readable.read(); row !== null; row = readable.read()) {
        touchReading(row)
        rows++
      }
    })
    readable.on("end", () => resolve(rows))
    readable.on("error", reject)
  })

const scanStream = async (end: number): Promise<number> => {
  let rows = 0
  while (performance.now() < end) rows += await stream(selectReadings, [], { fetchSize: pageSize })
  return rows
}

const scanStreams = async (concurrency: number, end: number): Promise<number> => {
  const rows = await Promise.all(Array.from({ length: concurrency }, () => scanStream(end)))
  return rows.reduce((sum, n) => sum + n, 0)
}

const smallStreams = async (concurrency: number, end: number): Promise<number> => {
  let operations = 0
  await workers(concurrency, async (failed) => {
    while (performance.now() < end && !failed()) {
      await stream(selectFew, [anyPartition()], {})
      operations++
    }
  })
  return operations
}

/** A client of its own each time, closed before the next one is opened. */
const connections = async (end: number): Promise<Done> => {
  const { histogram, record } = recorder()
  let operations = 0
  while (performance.now() < end) {
    const start = performance.now()
    const [query, values, onResult] = pointRead()
    const fresh = makeClient()
    await fresh.connect()
    onResult(await fresh.execute(query, values, prepare))
    record(performance.now() - start)
    await fresh.shutdown()
    operations++
  }
  return { operations, latency: histogram() }
}

const request = (): (() => Request) => {
  const found = requests[workload]
  if (found === undefined) throw new Error(`Unknown workload: ${workload}`)
  return found
}

const closed = (concurrency: number, end: number): Promise<number> => {
  switch (workload) {
    case "batch":
      return batches(concurrency, end)
    case "scan":
      return style === "stream" ? scanStream(end) : scanPages(end)
    case "streams":
      return scanStreams(concurrency, end)
    case "small-streams":
      return smallStreams(concurrency, end)
    default:
      return (style === "callbacks" ? callbacks : promises)(request(), concurrency, end)
  }
}

await client.connect()
await send(pointRead)

await serve("cassandra-driver", async ({ concurrency, milliseconds, rate }, end): Promise<Done> => {
  if (workload === "connect") return connections(end)
  if (rate !== undefined) return atRate(milliseconds, rate, () => send(request()))
  return { operations: await closed(concurrency, end) }
})
await client.shutdown()
