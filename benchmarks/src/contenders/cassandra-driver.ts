/** The raw driver with stock options, used as its manual shows. */
import cassandra from "cassandra-driver"
import type { Readable } from "node:stream"
import { type Run, serve } from "../contender.ts"
import {
  anyUser,
  concurrency,
  insertInto,
  keyspace,
  pageSize,
  selectReadings,
  selectUser,
  streamsAtOnce,
  touchReading,
  touchUser,
  userId,
  userValues
} from "../workloads.ts"

const [workload, style] = process.argv.slice(2)

const { CASSANDRA_CONTACT_POINTS, CASSANDRA_LOCAL_DC, CASSANDRA_PASSWORD, CASSANDRA_PORT, CASSANDRA_USERNAME } =
  process.env

const client = new cassandra.Client({
  contactPoints: CASSANDRA_CONTACT_POINTS?.split(",") ?? [],
  localDataCenter: CASSANDRA_LOCAL_DC ?? "",
  keyspace,
  protocolOptions: { port: Number(CASSANDRA_PORT) },
  ...(CASSANDRA_USERNAME === undefined
    ? {}
    : { credentials: { username: CASSANDRA_USERNAME, password: CASSANDRA_PASSWORD ?? "" } })
})

const prepare = { prepare: true }
const insert = insertInto("inserted")
const long = (value: number) => cassandra.types.Long.fromNumber(value)

type Request = readonly [query: string, values: Array<unknown>, onResult: (result: cassandra.types.ResultSet) => void]

const request: Record<string, () => Request> = {
  "point-read": () => [selectUser, [userId(anyUser())], (result) => touchUser(result.first())],
  insert: () => [insert, [...userValues(anyUser(), long)], () => undefined]
}

const promises =
  (next: () => Request): Run =>
  async (end) => {
    let operations = 0
    const worker = async () => {
      while (performance.now() < end) {
        const [query, values, onResult] = next()
        onResult(await client.execute(query, values, prepare))
        operations++
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    return operations
  }

const callbacks =
  (next: () => Request): Run =>
  (end) =>
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

const scanPages: Run = async (end) => {
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

const scanStream: Run = async (end) => {
  let rows = 0
  while (performance.now() < end) {
    await new Promise<void>((resolve, reject) => {
      // Its declaration knows it as an EventEmitter only.
      const stream = client.stream(selectReadings, [], {
        prepare: true,
        fetchSize: pageSize,
        autoPage: true
      }) as unknown as Readable
      stream.on("readable", () => {
        for (let row = stream.read(); row !== null; row = stream.read()) {
          touchReading(row)
          rows++
        }
      })
      stream.on("end", resolve)
      stream.on("error", reject)
    })
  }
  return rows
}

const streams: Run = async (end) => {
  const rows = await Promise.all(Array.from({ length: streamsAtOnce }, () => scanStream(end)))
  return rows.reduce((sum, n) => sum + n, 0)
}

const run = (): Run => {
  if (workload === "streams") return streams
  if (workload === "scan") return style === "stream" ? scanStream : scanPages
  const next = request[workload ?? ""]
  if (next === undefined) throw new Error(`Unknown workload: ${workload}`)
  return style === "callbacks" ? callbacks(next) : promises(next)
}

await client.connect()
await serve(run())
await client.shutdown()
