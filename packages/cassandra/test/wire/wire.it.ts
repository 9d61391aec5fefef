/** Requests of the native engine below everything of Effect, against the real server of the run. */
import driver from "cassandra-driver"
import * as fc from "fast-check"
import { afterAll, assert, beforeAll, describe, inject, it } from "vitest"
import type { ProvidedServer } from "effect-cassandra-testkit/vitest"
import * as Redacted from "effect/Redacted"
import { ByteWriter } from "../../src/internal/protocol/byteWriter.ts"
import type { ColumnType } from "../../src/internal/protocol/columnType.ts"
import { makeWriter } from "../../src/internal/protocol/encodeValue.ts"
import type { Response } from "../../src/internal/request/transport.ts"
import { typedWith } from "../protocol/values.ts"
import { since } from "../support/release.ts"
import {
  batch,
  Client,
  type ClientOptions,
  connect,
  eventually,
  execute,
  failure,
  prepare,
  shutdown,
  socketOf
} from "./support.ts"

const server: ProvidedServer = inject("effect-cassandra-testkit/server")
const keyspace = `wire_${process.pid}_${Date.now().toString(36)}`
const other = `${keyspace}_b`
const clients: Array<Client> = []

const open = async (options: ClientOptions = {}): Promise<Client> => {
  const { credentials } = server
  const client = new Client({
    contactPoints: server.contactPoints,
    port: server.port,
    localDataCenter: server.localDataCenter,
    schemaMetadata: true,
    schemaRefreshWindow: "immediate",
    ...(credentials === null
      ? {}
      : { credentials: { username: credentials.username, password: Redacted.make(credentials.password) } }),
    ...options
  })
  clients.push(client)
  await connect(client)
  return client
}

/** The driver, whose values ours are compared with. */
const stock = new driver.Client({
  contactPoints: server.contactPoints.map((host) => (host.includes(":") ? host : `${host}:${server.port}`)),
  localDataCenter: server.localDataCenter,
  protocolOptions: { port: server.port },
  encoding: { set: Set, map: Map },
  ...(server.credentials === null ? {} : { credentials: server.credentials })
})
let plain: Client
let compressed: Client

const replication = "{'class': 'SimpleStrategy', 'replication_factor': 1}"

beforeAll(async () => {
  await stock.connect()
  plain = await open()
  compressed = await open({ compression: "lz4" })
  for (const ks of [keyspace, other]) await execute(plain, `CREATE KEYSPACE ${ks} WITH replication = ${replication}`)
})

afterAll(async () => {
  for (const ks of [keyspace, other]) await stock.execute(`DROP KEYSPACE IF EXISTS ${ks}`)
  await Promise.all(clients.map(shutdown))
  await stock.shutdown()
})

const write = (type: ColumnType, value: unknown): Buffer => {
  const w = new ByteWriter()
  makeWriter(type)(w, value)
  return Buffer.from(w.take())
}

describe("protocol v5", () => {
  it("is what the server sees, with and without LZ4, and v4 where that is asked for", async () => {
    const four = await open({ minimumProtocolVersion: 4, protocolVersion: 4 })
    for (const [client, version] of [
      [plain, 5],
      [compressed, 5],
      [four, 4]
    ] as const) {
      assert.strictEqual(client.topology.version, version)
      const [node] = client.topology.nodes
      const port = socketOf(client.topology.pool(node!)!.connections[0]!).localPort!
      const { rows } = await execute(client, "SELECT port, protocol_version FROM system_views.clients")
      assert.strictEqual(rows!.find((row) => row["port"] === port)!["protocol_version"], version)
    }
    const { bytesAfterCompression, bytesBeforeCompression } = compressed.settings.counters
    assert.isBelow(bytesAfterCompression, bytesBeforeCompression)
  })

  it("gives what the stock driver gives, for random schemas and rows of every type", async () => {
    let n = 0
    const columns = fc.array(typedWith(since("5.0", "random vectors")), { minLength: 4, maxLength: 8 })
    const tables = columns.chain((of) =>
      fc.record({
        of: fc.constant(of),
        rows: fc.array(fc.tuple(...of.map((t) => fc.option(t.value, { freq: 8 }))), { minLength: 1, maxLength: 4 })
      })
    )
    const check = fc.asyncProperty(tables, async ({ of, rows }) => {
      const table = `${keyspace}.random_${n++}`
      const specs = of.map((t, i) => `c${i} ${/^(list|set|map|tuple)/.test(t.cql) ? `frozen<${t.cql}>` : t.cql}`)
      await execute(plain, `CREATE TABLE ${table} (k int, r int, ${specs.join(", ")}, PRIMARY KEY (k, r))`)
      const names = of.map((_, i) => `c${i}`)
      const insert = `INSERT INTO ${table} (k, r, ${names.join(", ")}) VALUES (1, ?, ${names.map(() => "?").join(", ")})`
      for (const [r, row] of rows.entries()) {
        await execute(r % 2 === 0 ? plain : compressed, insert, [r, ...row])
      }
      const select = `SELECT ${names.join(", ")} FROM ${table} WHERE k = 1`
      const expected = (await stock.execute(select, [])).rows
      for (const client of [plain, compressed]) {
        for (const prepared of [true, false]) {
          const got = (await execute(client, select, [], { prepare: prepared })).rows!
          assert.strictEqual(got.length, rows.length)
          got.forEach((row, r) =>
            names.forEach((name, i) => {
              const { toDriver, type } = of[i]!
              assert.deepStrictEqual(row[name], rows[r]![i], `${of[i]!.cql} as written`)
              if (row[name] === null) return assert.isNull(expected[r]![name])
              // The same bytes are the same value: what the driver read, and what we read, written again.
              const bytes = write(type, expected[r]![name])
              assert.deepStrictEqual(write(type, row[name]), bytes, of[i]!.cql)
              assert.deepStrictEqual(write(type, toDriver(row[name] as never)), bytes)
            })
          )
        }
      }
      await execute(plain, `DROP TABLE ${table}`)
    })
    await fc.assert(check, { numRuns: 12, endOnFailure: true })
  })

  it("user defined types, and fields added to them", async () => {
    await execute(plain, `CREATE TYPE ${keyspace}.address (street text, "No" int)`)
    await execute(
      plain,
      `CREATE TABLE ${keyspace}.people (k int PRIMARY KEY, a address, l list<frozen<address>>)`,
      [],
      {
        keyspace
      }
    )
    const a = { street: "x", No: 1 }
    const insert = `INSERT INTO people (k, a, l) VALUES (?, ?, ?)`
    const select = `SELECT * FROM people WHERE k = ?`
    await execute(plain, insert, [1, a, [a, { street: null, No: null }]], { keyspace })
    const first = await execute(plain, select, [1], { keyspace })
    assert.deepStrictEqual(first.rows, [{ k: 1, a, l: [a, { street: null, No: null }] }])
    await execute(plain, `ALTER TYPE ${keyspace}.address ADD zip text`)
    const second = await execute(plain, select, [1], { keyspace })
    assert.deepStrictEqual(second.rows?.[0]?.["a"], { ...a, zip: null })
  })

  it("columns added and dropped under a prepared statement", async () => {
    await execute(plain, `CREATE TABLE ${keyspace}.altered (k int PRIMARY KEY, a text)`)
    await execute(plain, `INSERT INTO ${keyspace}.altered (k, a) VALUES (1, 'a')`)
    const select = await prepare(plain, `SELECT * FROM ${keyspace}.altered WHERE k = ?`)
    const row = async () => (await execute(plain, select.query, [1])).rows
    assert.deepStrictEqual(await row(), [{ k: 1, a: "a" }])
    await stock.execute(`ALTER TABLE ${keyspace}.altered ADD b int`)
    await stock.execute(`UPDATE ${keyspace}.altered SET b = 5 WHERE k = 1`)
    assert.deepStrictEqual(await row(), [{ k: 1, a: "a", b: 5 }])
    assert.deepStrictEqual(await row(), [{ k: 1, a: "a", b: 5 }])
    assert.deepStrictEqual(
      select.result.shape?.columns.map((c) => c.name),
      ["k", "a", "b"]
    )
    await stock.execute(`ALTER TABLE ${keyspace}.altered DROP a`)
    assert.deepStrictEqual(await row(), [{ k: 1, b: 5 }])
    assert.deepStrictEqual(await row(), [{ k: 1, b: 5 }])
  })

  it("one pool for every keyspace", async () => {
    for (const ks of [keyspace, other]) {
      await execute(plain, "CREATE TABLE which (k int PRIMARY KEY, v text)", [], { keyspace: ks })
      await execute(plain, "INSERT INTO which (k, v) VALUES (1, ?)", [ks], { keyspace: ks })
    }
    await batch(plain, [["INSERT INTO which (k, v) VALUES (2, ?)", ["b"]]], { keyspace: other })
    for (const prepared of [true, false]) {
      const of = (ks: string) =>
        execute(plain, "SELECT v FROM which WHERE k = 1", [], { prepare: prepared, keyspace: ks })
      const [a, b] = await Promise.all([of(keyspace), of(other)])
      assert.deepStrictEqual([a.rows, b.rows], [[{ v: keyspace }], [{ v: other }]])
    }
    const { rows } = await execute(plain, "SELECT v FROM which WHERE k = 2", [], { keyspace: other })
    assert.deepStrictEqual(rows, [{ v: "b" }])
  })

  it("large cells, many pages and the state of paging", async () => {
    const big = "z".repeat(700_000)
    await execute(plain, `CREATE TABLE ${keyspace}.big (k int, c int, v text, PRIMARY KEY (k, c))`)
    const insert = `INSERT INTO ${keyspace}.big (k, c, v) VALUES (?, ?, ?)`
    for (const client of [plain, compressed]) {
      await execute(client, insert, [1, 1, big])
      const { rows } = await execute(client, `SELECT v FROM ${keyspace}.big WHERE k = 1`)
      assert.isTrue(rows![0]!["v"] === big)
    }
    await Promise.all(Array.from({ length: 1000 }, (_, c) => execute(plain, insert, [2, c, `row ${c}`])))
    for (const client of [plain, compressed]) {
      const seen: Array<unknown> = []
      let pageState: Buffer | undefined = undefined
      do {
        const page: Response = await execute(client, `SELECT c FROM ${keyspace}.big WHERE k = 2`, [], {
          pageSize: 300,
          pageState
        })
        assert.isAtMost(page.rows!.length, 300)
        seen.push(...page.rows!.map((row) => row["c"]))
        pageState = page.pageState as Buffer | undefined
      } while (pageState !== undefined)
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 1000 }, (_, c) => c)
      )
    }
  })

  it("conditional statements, counters, batches, tracing and the time of the request", async () => {
    await execute(plain, `CREATE TABLE ${keyspace}.misc (k int PRIMARY KEY, v text)`)
    await execute(plain, `CREATE TABLE ${keyspace}.counters (k int PRIMARY KEY, n counter)`)
    const insert = `INSERT INTO ${keyspace}.misc (k, v) VALUES (?, ?)`
    const conditional = `${insert} IF NOT EXISTS`
    for (const expected of [[{ "[applied]": true }], [{ "[applied]": false, k: 1, v: "a" }]]) {
      const { rows } = await execute(plain, conditional, [1, "a"])
      assert.deepStrictEqual(rows, expected as typeof rows)
    }
    await batch(plain, [
      [insert, [2, "b"]],
      [insert, { k: 3, V: "c" }]
    ])
    await batch(plain, [[`UPDATE ${keyspace}.counters SET n = n + ? WHERE k = 1`, [5n]]], {}, "COUNTER")
    assert.deepStrictEqual((await execute(plain, `SELECT n FROM ${keyspace}.counters`)).rows, [{ n: 5n }])
    const now = Math.floor(Date.now() / 1000)
    await execute(plain, `${insert} USING TTL 100`, [4, "expired"], { nowInSeconds: now - 1000 })
    const select = `SELECT k FROM ${keyspace}.misc`
    const { rows, traceId } = await execute(plain, select, [], { tracing: true })
    assert.deepStrictEqual(rows!.map((row) => row["k"]).toSorted(), [1, 2, 3])
    assert.match(traceId!, /^[0-9a-f-]{36}$/)
    const then = await execute(plain, select, [], { nowInSeconds: now - 990 })
    assert.include(
      then.rows!.map((row) => row["k"]),
      4
    )
  })

  it("errors of the server, and warnings", async () => {
    assert.include(await failure(execute(plain, "SELECT * FROM nowhere.nothing")), { code: 0x2200 })
    assert.include(await failure(execute(plain, "SELEKT")), { code: 0x2000 })
    assert.include(await failure(execute(plain, `CREATE KEYSPACE ${keyspace} WITH replication = ${replication}`)), {
      code: 0x2400,
      keyspace
    })
  })

  it("events reach who listens", async () => {
    const heard: Array<string | undefined> = []
    const stop = plain.topology.listen({ schemaChanged: ({ name }) => void heard.push(name) })
    await stock.execute(`CREATE TABLE ${keyspace}.announced (k int PRIMARY KEY)`)
    await eventually(() => heard.includes("announced"))
    stop()
  })

  it("two thousand requests in flight", async () => {
    await execute(plain, `CREATE TABLE ${keyspace}.many (k int PRIMARY KEY, v int)`)
    for (const client of [plain, compressed]) {
      const insert = await prepare(client, `INSERT INTO ${keyspace}.many (k, v) VALUES (?, ?)`)
      await Promise.all(Array.from({ length: 2000 }, (_, k) => execute(client, insert.query, [k, k * 2], {})))
      const select = await prepare(client, `SELECT v FROM ${keyspace}.many WHERE k = ?`)
      const results = await Promise.all(Array.from({ length: 2000 }, (_, k) => execute(client, select.query, [k], {})))
      results.forEach(({ rows }, k) => assert.deepStrictEqual(rows, [{ v: k * 2 }]))
    }
  })
})
