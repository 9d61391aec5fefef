/** The tables and rows, the CQL, and the work on each row: the same for every contender. */

import { randomBytes } from "node:crypto"

export const keyspace = "effect_cassandra_bench"

/** Rows of the table that is read by key, and keys that are inserted under. */
export const users = 20_000

/** The scanned table: this many partitions of this many rows. */
export const partitions = 100
export const rowsPerPartition = 1_000

export const pageSize = 5_000

/** Streams in the workload that asks how free the event loop stays. */
export const streamsAtOnce = 10

/** Rows of a small stream: the first ones of a partition that is scanned elsewhere. */
export const smallStream = 20

/** Inserts of a batch, all into one partition, and the partitions that are written to. */
export const batchSize = 20
export const batchedPartitions = 1_000

/** Rows of many columns: a quarter each of text, int, double and bigint. */
export const wideRows = 1_000
export const wideColumns = Array.from({ length: 100 }, (_, n) => `c${n}`)
const wideTypes = ["text", "int", "double", "bigint"] as const

/** Rows of one large cell: of 100, 250, 500 and 1,000 KB in turn. */
export const largeRows = 16
const largeSizes = [100_000, 250_000, 500_000, 1_000_000] as const

export const tables: ReadonlyArray<string> = [
  `CREATE TABLE users (
     id uuid PRIMARY KEY, name text, email text, visits bigint, balance double, active boolean, created_at timestamp)`,
  `CREATE TABLE inserted (
     id uuid PRIMARY KEY, name text, email text, visits bigint, balance double, active boolean, created_at timestamp)`,
  ...["readings", "batched"].map(
    (table) => `CREATE TABLE ${table} (
     station int, seq int, at timestamp, sensor text, celsius double, PRIMARY KEY (station, seq))`
  ),
  `CREATE TABLE wide (id int PRIMARY KEY, ${wideColumns.map((name, n) => `${name} ${wideTypes[n % 4]}`).join(", ")})`,
  `CREATE TABLE large (id int PRIMARY KEY, data blob)`
]

const userColumns = ["id", "name", "email", "visits", "balance", "active", "created_at"] as const
const readingColumns = ["station", "seq", "at", "sensor", "celsius"] as const

export const selectUser = `SELECT ${userColumns.join(", ")} FROM users WHERE id = ?`
export const insertInto = (table: "users" | "inserted") =>
  `INSERT INTO ${table} (${userColumns.join(", ")}) VALUES (?, ?, ?, ?, ?, ?, ?)`
export const selectReadings = `SELECT ${readingColumns.join(", ")} FROM readings`
export const selectFew = `${selectReadings} WHERE station = ? AND seq < ${smallStream}`
export const insertReading = (table: "readings" | "batched") =>
  `INSERT INTO ${table} (${readingColumns.join(", ")}) VALUES (?, ?, ?, ?, ?)`
export const selectWide = "SELECT * FROM wide WHERE id = ?"
export const insertWide = `INSERT INTO wide (id, ${wideColumns.join(", ")}) VALUES (?${", ?".repeat(wideColumns.length)})`
export const selectLarge = "SELECT data FROM large WHERE id = ?"
export const insertLarge = "INSERT INTO large (id, data) VALUES (?, ?)"

/** The id of the n-th user. */
export const userId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const any = (count: number) => (): number => Math.floor(Math.random() * count)
export const anyUser = any(users)
export const anyPartition = any(partitions)
export const anyBatchedPartition = any(batchedPartitions)
export const anyWideRow = any(wideRows)
export const anyLargeRow = any(largeRows)

/** Of the mixed workload, one operation in five writes. */
export const writes = (): boolean => Math.random() < 0.2

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

/** The values of the n-th wide row. */
export const wideValues = <A>(n: number, bigint: (value: number) => A): ReadonlyArray<unknown> => [
  n,
  ...wideColumns.map(
    (name, column) => [`${name} of row ${n}`, n * column, n / (column + 1), bigint(n * column)][column % 4]
  )
]

export const largeValues = (n: number): ReadonlyArray<unknown> => [n, randomBytes(largeSizes[n % 4] ?? 0)]

/** The style of the raw driver that does not have its stock options. */
export const manyPerConnection = "promises, maxRequestsPerConnection 32768"

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

export const touchWide = (row: AnyRow | undefined): void => {
  if (row === undefined) throw new Error("A row is missing")
  for (const column of wideColumns) given(row[column], column)
}

export const touchLarge = (row: AnyRow | undefined): void => {
  const data = row?.["data"]
  if (!(data instanceof Uint8Array) || data.length < largeSizes[0]) throw new Error("A large cell is missing")
}

/** What contenders in other languages are told, so that they do the same. */
export const plan = {
  keyspace,
  users,
  partitions,
  pageSize,
  streamsAtOnce,
  smallStream,
  batchSize,
  batchedPartitions,
  wideRows,
  wideColumns: wideColumns.length,
  largeRows,
  selectUser,
  insertUser: insertInto("inserted"),
  selectReadings,
  selectFew,
  insertBatched: insertReading("batched"),
  selectWide,
  selectLarge
}
