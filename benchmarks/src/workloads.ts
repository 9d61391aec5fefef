/** What every contender does: the same tables, the same CQL, the same work on each row. */

export const keyspace = "effect_cassandra_bench"

/** Requests in flight in the point workloads. */
export const concurrency = 128

/** Rows of the table that is read by key, and keys that are inserted under. */
export const users = 20_000

/** The scanned table: this many partitions of this many rows. */
export const partitions = 100
export const rowsPerPartition = 1_000

export const pageSize = 5_000

/** Streams in the workload that asks how free the event loop stays. */
export const streamsAtOnce = 10

export const tables: ReadonlyArray<string> = [
  `CREATE TABLE users (
     id uuid PRIMARY KEY, name text, email text, visits bigint, balance double, active boolean, created_at timestamp)`,
  `CREATE TABLE inserted (
     id uuid PRIMARY KEY, name text, email text, visits bigint, balance double, active boolean, created_at timestamp)`,
  `CREATE TABLE readings (
     station int, seq int, at timestamp, sensor text, celsius double, PRIMARY KEY (station, seq))`
]

const userColumns = ["id", "name", "email", "visits", "balance", "active", "created_at"] as const
const readingColumns = ["station", "seq", "at", "sensor", "celsius"] as const

export const selectUser = `SELECT ${userColumns.join(", ")} FROM users WHERE id = ?`
export const insertInto = (table: "users" | "inserted") =>
  `INSERT INTO ${table} (${userColumns.join(", ")}) VALUES (?, ?, ?, ?, ?, ?, ?)`
export const selectReadings = `SELECT ${readingColumns.join(", ")} FROM readings`
export const insertReading = `INSERT INTO readings (${readingColumns.join(", ")}) VALUES (?, ?, ?, ?, ?)`

/** The id of the n-th user. */
export const userId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

export const anyUser = (): number => Math.floor(Math.random() * users)

/** The values of the n-th user; a 64-bit integer is what the client at hand takes for one. */
export const userValues = <A>(n: number, bigint: (value: number) => A): ReadonlyArray<unknown> => [
  userId(n),
  `User number ${n}`,
  `user${n}@example.com`,
  bigint(n * 17),
  n / 3,
  n % 2 === 0,
  new Date(1_700_000_000_000 + n * 60_000)
]

export const readingValues = (station: number, seq: number): ReadonlyArray<unknown> => [
  station,
  seq,
  new Date(1_700_000_000_000 + seq * 1_000),
  `thermometer ${seq % 16}`,
  20 + (seq % 100) / 10
]

type AnyRow = { readonly [column: string]: unknown }

const given = (value: unknown, column: string): void => {
  if (value === null || value === undefined) throw new Error(`A row came without ${column}`)
}

/** Touches every cell: a client that decodes lazily has to do it now. */
export const touchUser = (row: AnyRow | undefined): void => {
  if (row === undefined) throw new Error("A row is missing")
  given(row["id"], "id")
  given(row["name"], "name")
  given(row["email"], "email")
  given(row["visits"], "visits")
  given(row["balance"], "balance")
  given(row["active"], "active")
  given(row["created_at"], "created_at")
}

export const touchReading = (row: AnyRow): void => {
  given(row["station"], "station")
  given(row["seq"], "seq")
  given(row["at"], "at")
  given(row["sensor"], "sensor")
  given(row["celsius"], "celsius")
}

/** The workloads, and the ways in which users of each client do them. The first contender is ours. */
export const workloads = {
  "point-read": {
    title: `Point read, 7 columns, ${concurrency} in flight`,
    unit: "read",
    contenders: [
      { client: "effect-cassandra", style: "execute" },
      { client: "cassandra-driver", style: "promises" },
      { client: "cassandra-driver", style: "callbacks" }
    ]
  },
  insert: {
    title: `Insert, 7 columns, ${concurrency} in flight`,
    unit: "insert",
    contenders: [
      { client: "effect-cassandra", style: "execute" },
      { client: "cassandra-driver", style: "promises" },
      { client: "cassandra-driver", style: "callbacks" }
    ]
  },
  scan: {
    title: `Scan, 5 columns, pages of ${pageSize}, every cell touched`,
    unit: "row",
    contenders: [
      { client: "effect-cassandra", style: "stream" },
      { client: "cassandra-driver", style: "stream" },
      { client: "cassandra-driver", style: "paging by hand" }
    ]
  },
  streams: {
    title: `${streamsAtOnce} streams at once of pages of ${pageSize}, every cell touched`,
    unit: "row",
    contenders: [
      { client: "effect-cassandra", style: "stream" },
      { client: "cassandra-driver", style: "stream" }
    ]
  }
} as const

export type Workload = keyof typeof workloads

export interface Contender {
  readonly client: "effect-cassandra" | "cassandra-driver"
  readonly style: string
}
