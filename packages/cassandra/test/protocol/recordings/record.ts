/**
 * `npm run recordings`: makes the recordings anew, with servers of its own (Java, and Maven the first time). What is recorded is
 * what the socket gave; what it says is read by the protocol under test, so that a change of it shows in the difference, which
 * is to be looked at before it is kept.
 */
import { CassandraCluster, CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { ByteWriter } from "../../../src/internal/protocol/byteWriter.ts"
import { compressEnvelope } from "../../../src/internal/protocol/envelope.ts"
import type { ProtocolVersion } from "../../../src/internal/protocol/opcode.ts"
import { PreparedStatement } from "../../../src/internal/protocol/preparedStatement.ts"
import {
  type PlainStatement,
  type RequestOptions,
  writeAuthResponse,
  writeOptions,
  writePrepare,
  writeRegister,
  writeRequest,
  writeStartup
} from "../../../src/internal/protocol/requests.ts"
import type { Answer, Response } from "../../../src/internal/protocol/responses.ts"
import { encodeSegment, MAX_PAYLOAD } from "../../../src/internal/protocol/segment.ts"
import { type Exchange, packed, Player, type Recording } from "./recording.ts"
import { columnOf, types, userTypes } from "./types.ts"

const directory = fileURLToPath(new URL(".", import.meta.url))

const ANY = 0
const ONE = 1
const THREE = 3
const ALL = 5
const SERIAL = 8

const defaults: RequestOptions = {
  consistency: ONE,
  serialConsistency: undefined,
  pageSize: 0,
  pageState: undefined,
  tracing: false,
  customPayload: undefined,
  nowInSeconds: undefined
}

type Options = Partial<RequestOptions>

/** A statement that was prepared, and in which exchange. */
interface Prepared {
  readonly statement: PreparedStatement
  readonly exchange: number
}

interface Way {
  readonly version: ProtocolVersion
  readonly compression: Recording["compression"]
}

/** One connection whose bytes are kept. */
class Recorder {
  readonly exchanges: Array<Exchange> = []
  private readonly socket: Socket
  private readonly player: Player
  private readonly way: Way
  private chunks: Array<Buffer> = []
  private isStarted = false

  private constructor(socket: Socket, way: Way) {
    this.socket = socket
    this.way = way
    this.player = new Player(way)
    socket.on("data", (chunk) => {
      // A copy: the socket's memory is used again.
      this.chunks.push(Buffer.from(chunk))
      this.player.push(chunk)
      socket.emit("read")
    })
  }

  static async open(host: string, port: number, way: Way): Promise<Recorder> {
    const socket = connect({ host, port })
    await once(socket, "connect")
    return new Recorder(socket, way)
  }

  close(): void {
    this.socket.destroy()
  }

  recording(server: string): Recording {
    return { server, ...this.way, exchanges: this.exchanges }
  }

  /** Until `count` envelopes have come. */
  private async exchange(request: string, prepared?: Prepared, count = 1): Promise<Answer | undefined> {
    while (this.player.says.length < count) await once(this.socket, "read", { signal: AbortSignal.timeout(120_000) })
    const exchange = {
      request,
      prepared: prepared?.exchange,
      bytes: packed(Buffer.concat(this.chunks)),
      says: this.player.says
    }
    this.exchanges.push(exchange)
    this.player.says = []
    this.chunks = []
    return this.player.last
  }

  private send(write: (w: ByteWriter, version: ProtocolVersion) => void): void {
    const { lz4 } = this.player
    const w = new ByteWriter()
    write(w, this.way.version)
    if (this.player.segmented) {
      const bytes = w.take()
      const fits = bytes.length <= MAX_PAYLOAD
      for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) {
        this.socket.write(encodeSegment(bytes.subarray(at, at + MAX_PAYLOAD), fits, lz4))
      }
      return
    }
    if (this.isStarted && lz4 !== undefined) compressEnvelope(w, 0, lz4)
    this.socket.write(w.take())
  }

  async options(): Promise<void> {
    this.send((w, version) => writeOptions(w, version, 1))
    await this.exchange("OPTIONS")
  }

  async startup(): Promise<void> {
    const entries = {
      CQL_VERSION: "3.0.0",
      ...(this.player.lz4 === undefined ? {} : { COMPRESSION: "lz4" })
    }
    this.send((w, version) => writeStartup(w, version, 2, entries))
    await this.exchange(`STARTUP ${JSON.stringify(entries)}`)
    this.isStarted = true
  }

  async logIn(username: string, password: string): Promise<void> {
    this.send((w, version) => writeAuthResponse(w, version, 3, Buffer.from(`\0${username}\0${password}`)))
    await this.exchange(`AUTH_RESPONSE of ${username}`)
  }

  async register(...events: ReadonlyArray<string>): Promise<void> {
    this.send((w, version) => writeRegister(w, version, 4, events))
    await this.exchange(`REGISTER ${events.join(", ")}`)
  }

  /** What comes without having been asked for. */
  async hear(what: string, count = 1): Promise<void> {
    await this.exchange(`(${what})`, undefined, count)
  }

  async query(query: string, options: Options = {}): Promise<Response> {
    this.player.prepared = undefined
    this.send((w, version) =>
      writeRequest(w, version, 5, { _tag: "Query", query, keyspace: undefined }, { ...defaults, ...options }, undefined)
    )
    return this.result(await this.exchange(`QUERY ${query}${optionsText(options)}`))
  }

  async prepare(query: string): Promise<Prepared> {
    this.send((w, version) => writePrepare(w, version, 6, query, undefined, undefined))
    const { prepared } = this.result(await this.exchange(`PREPARE ${query}`))
    return { statement: new PreparedStatement(query, undefined, prepared!), exchange: this.exchanges.length - 1 }
  }

  async execute(prepared: Prepared, values: ReadonlyArray<unknown>, options: Options = {}): Promise<Response> {
    const { statement } = prepared
    const { query, writers } = statement
    this.player.prepared = statement.result
    this.send((w, version) => {
      const payload = { _tag: "Execute", prepared: statement, writers, values } as const
      writeRequest(w, version, 7, payload, { ...defaults, ...options }, undefined)
    })
    return this.result(await this.exchange(`EXECUTE ${query}${optionsText(options)}`, prepared))
  }

  async batch(
    type: number,
    items: ReadonlyArray<PlainStatement | readonly [Prepared, ReadonlyArray<unknown>]>,
    options: Options = {}
  ): Promise<void> {
    const members = items.map((item) => {
      if ("query" in item) return item
      const [{ statement }, values] = item
      return { prepared: statement, writers: statement.writers, values }
    })
    this.send((w, version) => {
      const payload = { _tag: "Batch", type, items: members, keyspace: undefined } as const
      writeRequest(w, version, 8, payload, { ...defaults, ...options }, 1_700_000_000_000_000n)
    })
    await this.exchange(`BATCH of ${items.length}`)
  }

  private result(answer: Answer | undefined): Response {
    if (answer?._tag !== "Result") return {} as Response
    return answer.response
  }
}

const optionsText = (options: Options): string => {
  const given = Object.entries(options).map(([name, value]) =>
    value instanceof Uint8Array ? name : `${name}=${String(value)}`
  )
  return given.length === 0 ? "" : ` (${given.join(", ")})`
}

const ways: ReadonlyArray<readonly [string, Way]> = [
  ["v4", { version: 4, compression: "none" }],
  ["v4-lz4", { version: 4, compression: "lz4" }],
  ["v5", { version: 5, compression: "none" }],
  ["v5-lz4", { version: 5, compression: "lz4" }]
]

const plainWays = ways.filter(([, way]) => way.compression === "none")

const table = `CREATE TABLE types (k int PRIMARY KEY, ${types.map(({ cql }, i) => `${columnOf(i)} ${cql}`).join(", ")})`
const columns = types.map((_, i) => columnOf(i)).join(", ")

/** Partition keys of every length up to three blocks of Murmur3, with bytes of either sign. */
const keys = Array.from({ length: 49 }, (_, length) =>
  Buffer.from(Array.from({ length: length + 1 }, (__, i) => (i * 151 + length * 89 + 200) & 0xff)).toString("hex")
)

const withEmpty = types.flatMap(({ cql, empty }, i) => (empty === undefined ? [] : [{ column: columnOf(i), cql }]))

/** A statement that no node knows. */
const forgotten = ({ exchange, statement }: Prepared): Prepared => {
  const { partitionKey, query, variables } = statement
  const id = Buffer.alloc(16, 1)
  const result = { id, shape: undefined }
  const response = { id, resultId: id, variables, keyspace: undefined, table: undefined, partitionKey, result }
  return { statement: new PreparedStatement(query, undefined, response), exchange }
}

/** What a client does: every kind of result, every type, and the errors that are easily had. */
const tour = async (r: Recorder, keyspace: string, settled: () => Promise<void>): Promise<void> => {
  const change = async (text: string): Promise<void> => {
    await r.query(text)
    await settled()
  }
  await r.options()
  await r.startup()
  await change(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  await r.query(`USE ${keyspace}`)

  for (const text of userTypes) await change(text)
  await change(table)
  await r.query(`INSERT INTO types (k, ${columns}) VALUES (1, ${types.map(({ literal }) => literal).join(", ")})`)
  await r.query("INSERT INTO types (k) VALUES (2)")
  await r.query(
    `INSERT INTO types (k, ${withEmpty.map(({ column }) => column).join(", ")}) VALUES (3, ${withEmpty
      .map(({ cql }) => (cql === "ascii" || cql === "text" ? "''" : cql === "blob" ? "0x" : `blob_as_${cql}(0x)`))
      .join(", ")})`
  )
  for (const k of [1, 2, 3]) await r.query(`SELECT * FROM types WHERE k = ${k}`)
  const insert = await r.prepare(`INSERT INTO types (k, ${columns}) VALUES (?, ${types.map(() => "?").join(", ")})`)
  await r.execute(insert, [4, ...types.map(({ value }) => value)])
  const select = await r.prepare("SELECT * FROM types WHERE k = ?")
  await r.execute(select, [4])
  await r.execute(select, [5])

  await change("CREATE TABLE counters (k int PRIMARY KEY, n counter)")
  await r.query("UPDATE counters SET n = n + 7 WHERE k = 1")
  await r.query("SELECT * FROM counters")

  await change("CREATE TABLE lines (k int, i int, t text, PRIMARY KEY (k, i))")
  const line = await r.prepare("INSERT INTO lines (k, i, t) VALUES (?, ?, ?)")
  await r.batch(0, [[line, [1, 0, "zero"]], { query: "INSERT INTO lines (k, i, t) VALUES (1, 1, 'one')" }])
  await r.batch(
    1,
    [
      [line, [1, 2, null]],
      [line, [1, 3, undefined]]
    ],
    { serialConsistency: SERIAL }
  )
  await r.batch(2, [{ query: "UPDATE counters SET n = n + 1 WHERE k = 1" }])
  const page = await r.query("SELECT * FROM lines", { pageSize: 2 })
  await r.query("SELECT * FROM lines", { pageSize: 2, pageState: page.pageState })
  const lines = await r.prepare("SELECT * FROM lines WHERE k = ?")
  const first = await r.execute(lines, [1], { pageSize: 3 })
  await r.execute(lines, [1], { pageSize: 3, pageState: first.pageState })
  await change("ALTER TABLE lines ADD extra int")
  await r.execute(lines, [1])
  await r.prepare("SELECT * FROM lines WHERE k = ?")
  // Under v5 the answer tells of the new column; what was remembered does not have it.
  await r.execute(lines, [1], { pageSize: 1 })

  await r.query("INSERT INTO lines (k, i) VALUES (2, 0) IF NOT EXISTS", { serialConsistency: SERIAL })
  await r.query("INSERT INTO lines (k, i) VALUES (2, 0) IF NOT EXISTS", { serialConsistency: SERIAL })
  const conditional = await r.prepare("UPDATE lines SET t = ? WHERE k = ? AND i = ? IF t = ?")
  await r.execute(conditional, ["new", 2, 0, "old"])
  await r.query("SELECT k FROM lines WHERE k = 1 AND i = 0", { tracing: true })
  await r.query("SELECT count(*) FROM lines")
  await r.query("SELECT JSON k, i FROM lines WHERE k = 1 LIMIT 1")
  // More than a segment holds, once of bytes that LZ4 makes smaller.
  const large = await r.prepare("INSERT INTO lines (k, i, t) VALUES (3, 0, ?)")
  await r.execute(large, ["large ".repeat(40_000)])
  await r.query("SELECT t FROM lines WHERE k = 3")

  await r.query("SELEC 1")
  await r.query("SELECT * FROM no_such_table")
  await change(`CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  await change("CREATE TABLE lines (k int PRIMARY KEY)")
  await change("CREATE KEYSPACE other_one WITH replication = {'class': 'NoSuchStrategy'}")
  await r.query("SELECT * FROM lines", { consistency: ANY })
  await r.query("INSERT INTO lines (k, i) VALUES (1, 1)", { consistency: THREE })
  await r.query(
    "BEGIN BATCH UPDATE counters SET n = n + 1 WHERE k = 1; INSERT INTO lines (k, i) VALUES (1, 1); APPLY BATCH"
  )
  await r.execute(forgotten(lines), [1])

  await change("CREATE FUNCTION fails (n int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return 1 / 0;'")
  await r.query("SELECT fails(k) FROM lines LIMIT 1")
  await change("CREATE FUNCTION plus (a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a + b;'")
  await change("CREATE AGGREGATE total (int) SFUNC plus STYPE int INITCOND 0")
  await change("DROP AGGREGATE total")
  await change("DROP FUNCTION plus")

  await change("CREATE TABLE tokens (k blob PRIMARY KEY)")
  await r.query(
    `BEGIN UNLOGGED BATCH ${keys.map((k) => `INSERT INTO tokens (k) VALUES (0x${k})`).join("; ")}; APPLY BATCH`
  )
  await r.query("SELECT k, token(k) AS t FROM tokens")

  await change("CREATE TABLE tombs (k int, i int, PRIMARY KEY (k, i))")
  for (let i = 0; i < 12; i++) await r.query(`DELETE FROM tombs WHERE k = 1 AND i = ${i}`)
  await r.query("SELECT * FROM tombs WHERE k = 1")
  await change("DROP TABLE tombs")
  await change(`DROP KEYSPACE ${keyspace}`)
}

/** Waits until the nodes agree on the schema. */
const agreement = async (r: Recorder): Promise<void> => {
  for (;;) {
    const versions = new Set<unknown>()
    for (const source of ["local", "peers_v2"]) {
      const { rows = [] } = await r.query(`SELECT schema_version FROM system.${source}`)
      for (const row of rows) versions.add(row["schema_version"])
    }
    if (versions.size === 1) return
    await delay(50)
  }
}

/** Keeps what was recorded. */
type Keep = (name: string, recorder: Recorder) => Promise<void>

/** Users who have to say who they are: one who cannot, one who may do everything, one who may do nothing. */
const authentication = async (open: () => Promise<Recorder>, suffix: string, keep: Keep): Promise<void> => {
  const stranger = await open()
  await stranger.startup()
  await stranger.logIn("cassandra", "not the password")
  await keep(`authentication-refused-${suffix}`, stranger)
  const admin = await open()
  await admin.options()
  await admin.startup()
  await admin.logIn("cassandra", "cassandra")
  await admin.query("CREATE ROLE IF NOT EXISTS guest WITH LOGIN = true AND PASSWORD = 'guest'")
  await keep(`authentication-${suffix}`, admin)
  const guest = await open()
  await guest.startup()
  await guest.logIn("guest", "guest")
  await guest.query("CREATE KEYSPACE guests WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
  await keep(`authentication-guest-${suffix}`, guest)
}

/** What a server says while one of its two replicas is silent. */
const silence = async (r: Recorder): Promise<void> => {
  await r.query("INSERT INTO silence.t (k) VALUES (1)", { consistency: ALL })
  await r.query("SELECT * FROM silence.t WHERE k = 1", { consistency: ALL })
  await r.query("INSERT INTO silence.t (k) VALUES (2) IF NOT EXISTS", { serialConsistency: SERIAL })
  await r.query("BEGIN BATCH INSERT INTO silence.t (k) VALUES (3); APPLY BATCH", { consistency: ALL })
}

/** Changes of the schema that somebody else makes. */
const schemaChanges: ReadonlyArray<string> = [
  "CREATE KEYSPACE events WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  "CREATE TYPE events.point (x int)",
  "CREATE TABLE events.t (k int PRIMARY KEY)",
  "ALTER TABLE events.t ADD v int",
  "CREATE FUNCTION events.plus (a int, b int) CALLED ON NULL INPUT RETURNS int LANGUAGE java AS 'return a + b;'",
  "CREATE AGGREGATE events.total (int) SFUNC plus STYPE int INITCOND 0",
  "DROP TABLE events.t",
  "DROP KEYSPACE events"
]

const say = (line: string): Effect.Effect<void> => Effect.sync(() => process.stdout.write(`${line}\n`))
const run = (promise: () => Promise<void>): Effect.Effect<void> => Effect.promise(promise)

const keeperOf =
  (server: string): Keep =>
  async (name, recorder) => {
    recorder.close()
    const file = `${directory}${name}.json`
    await writeFile(file, `${JSON.stringify(recorder.recording(server), undefined, 2)}\n`)
    process.stdout.write(`${name}: ${recorder.exchanges.length} exchanges\n`)
  }

const withPasswords = Effect.gen(function* () {
  const server = yield* CassandraServer.make({ sources: ["embedded"], authentication: true, onProgress: say })
  const keep = keeperOf(server.version)
  for (const [name, way] of plainWays) {
    const open = () => Recorder.open(server.contactPoints[0]!, server.port, way)
    yield* run(() => authentication(open, name, keep))
  }
})

const settings = {
  user_defined_functions_enabled: true,
  tombstone_warn_threshold: 5,
  tombstone_failure_threshold: 10,
  read_request_timeout: "500ms",
  write_request_timeout: "500ms",
  cas_contention_timeout: "500ms"
}

const twoNodes = Effect.gen(function* () {
  const cluster = yield* CassandraCluster.make({ nodes: 2, settings, onProgress: say })
  const keep = keeperOf(cluster.version)
  const open = (way: Way) => Recorder.open(cluster.contactPoints[0]!, cluster.port, way)
  /** A connection for each version, which is not that of another recording. */
  const openAll = () => Promise.all(plainWays.map(async ([name, way]) => [name, await open(way)] as const))

  const observer = yield* Effect.promise(() => open({ version: 5, compression: "none" }))
  yield* run(() => observer.startup())
  const settled = () => agreement(observer)
  for (const [name, way] of ways) {
    yield* run(async () => {
      const r = await open(way)
      await tour(r, `tour_${name.replace("-", "_")}`, settled)
      await keep(name, r)
    })
  }

  const silent = yield* Effect.promise(openAll)
  yield* run(async () => {
    for (const [, r] of silent) await r.startup()
    const [, r] = silent[0]!
    await r.query("CREATE KEYSPACE silence WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 2}")
    await r.query("CREATE TABLE silence.t (k int PRIMARY KEY)")
    await settled()
  })
  yield* cluster.pause("node2")
  yield* run(async () => {
    await Promise.all(silent.map(([, r]) => silence(r)))
    for (const [name, r] of silent) await keep(`timeouts-${name}`, r)
  })
  yield* cluster.resume("node2")
  yield* cluster.restart("node2")

  const heard = yield* Effect.promise(openAll)
  const hear = (what: string) =>
    run(async () => {
      for (const [, r] of heard) await r.hear(what)
    })
  yield* run(async () => {
    for (const [, r] of heard) {
      await r.startup()
      await r.register("TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE")
    }
    const other = await open({ version: 5, compression: "none" })
    await other.startup()
    for (const change of schemaChanges) {
      await other.query(change)
      for (const [, r] of heard) await r.hear(change)
    }
    other.close()
    observer.close()
  })
  yield* cluster.stop("node2")
  yield* hear("node2 stops")
  yield* cluster.start("node2")
  yield* hear("node2 starts")
  const { name } = yield* cluster.add()
  yield* hear(`${name} joins`)
  yield* cluster.remove(name)
  yield* hear(`${name} leaves`)
  yield* run(async () => {
    for (const [suffix, r] of heard) {
      await r.options()
      await keep(`events-${suffix}`, r)
    }
  })
})

await Effect.runPromise(Effect.scoped(Effect.zipRight(withPasswords, twoNodes)))
execFileSync("npx", ["prettier", "--write", "--log-level", "warn", `${directory}*.json`], { stdio: "inherit" })
