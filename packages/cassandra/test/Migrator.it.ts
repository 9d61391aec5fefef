import { assert, layer } from "@effect/vitest"
import { CassandraError, cql, Migrator, Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { schemaAgreement } from "../src/internal/request/schemaAgreement.ts"
import { connect, sessionLayer } from "./support/client.ts"
import { since } from "./support/release.ts"

const names = (migrations: ReadonlyArray<{ readonly name: string }>) => migrations.map(({ name }) => name)

const statesOf = (statuses: ReadonlyArray<Migrator.MigrationStatus>) =>
  statuses.map(({ name, state }) => `${name}: ${state}`)

const rowsOf = (query: ReturnType<typeof cql>) => Effect.flatMap(Session.Session, (session) => session.rows(query))

const exists = (table: string) =>
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    const rows = yield* rowsOf(
      cql`SELECT table_name FROM system_schema.tables WHERE keyspace_name = ${name} AND table_name = ${table}`
    )
    return rows.length > 0
  })

const ownerOf = (table: string) =>
  Effect.map(rowsOf(cql`SELECT lease_owner FROM ${cql.id(table)}`), (rows) => rows[0]?.["lease_owner"] ?? null)

/** Takes the lease away from whoever has it. */
const steal = (table: string) =>
  Effect.flatMap(Session.Session, (session) =>
    session.execute(cql`UPDATE ${cql.id(table)} SET lease_owner = ${"thief"} WHERE ledger = ${"migrations"} IF EXISTS`)
  )

/** A program of another process, killed with the scope at the latest. */
const start = (file: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=effect-cassandra-source", "--import", "tsx", file, ...args], {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"]
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

/** Runs a program to its end. */
const output = (file: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.scoped(
    Effect.flatMap(start(file, args, env), (child) =>
      Effect.async<{ readonly code: number | null; readonly out: string; readonly err: string }>((resume) => {
        const text = { out: "", err: "" }
        child.stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString()))
        child.stderr.on("data", (chunk: Buffer) => (text.err += chunk.toString()))
        child.on("close", (code) => resume(Effect.succeed({ code, ...text })))
      })
    )
  )

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Ten of them, each migration counting how often it ran. */
const counted = (prefix: string) => {
  const [runs, users] = [cql.id(`${prefix}_runs`), cql.id(`${prefix}_users`)]
  const ran = (id: number) => cql`UPDATE ${runs} SET n = n + 1 WHERE id = ${id}`
  return Migrator.fromRecord({
    "0001_runs": [cql`CREATE TABLE ${runs} (id int PRIMARY KEY, n counter)`, ran(1)],
    "0002_users": [cql`CREATE TABLE ${users} (id int PRIMARY KEY, name text)`, ran(2)],
    "0003_email": [cql`ALTER TABLE ${users} ADD email text`, ran(3)],
    "0004_rows": Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(cql`INSERT INTO ${users} (id, name) VALUES (${1}, ${"Ada"})`)
      yield* session.execute(ran(4))
    })
  })
}

const assertOnce = (prefix: string, results: ReadonlyArray<ReadonlyArray<Migrator.AppliedMigration>>) =>
  Effect.gen(function* () {
    const all = ["0001_runs", "0002_users", "0003_email", "0004_rows"]
    assert.deepStrictEqual(names(results.flat()), all)
    const history = yield* rowsOf(cql`SELECT id, name, lease_owner FROM ${cql.id(prefix)}`)
    assert.deepStrictEqual(
      history.map((row) => row["name"]),
      all
    )
    assert.isNull(history[0]?.["lease_owner"])
    const runs = yield* rowsOf(cql`SELECT id, n FROM ${cql.id(`${prefix}_runs`)}`)
    assert.deepStrictEqual(
      runs.map((row) => [row["id"], row["n"]]).toSorted(([a], [b]) => Number(a) - Number(b)),
      [1, 2, 3, 4].map((id) => [id, 1n])
    )
  })

const runEffect = (effect: Effect.Effect<unknown, unknown, Session.Session>) =>
  Migrator.run({ loader: Migrator.fromRecord({ "0001_a": effect }), table: "effects" })

const checksummed = (entries: Record<string, ReturnType<typeof cql>>) => ({
  loader: Migrator.fromRecord(entries),
  table: "checksums"
})

/** A loader of a directory with these files, gone with the scope. */
const scripts = (files: Readonly<Record<string, string>>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const path = await mkdtemp(join(tmpdir(), "migrations-"))
        for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
        return path
      }),
      (path) => Effect.promise(() => rm(path, { recursive: true }))
    ),
    Migrator.fromDirectory
  )

class Greeting extends Context.Tag("test/Greeting")<Greeting, string>() {}

const quietly = Layer.merge(sessionLayer("migrator"), Logger.minimumLogLevel(LogLevel.Error))

layer(quietly, { excludeTestServices: true, timeout: 180_000 })("Migrator", (it) => {
  it.scoped("applies each migration once when ten clients start at once", () =>
    Effect.gen(function* () {
      const loader = counted("ten")
      const sessions = yield* Effect.all(
        Array.from({ length: 10 }, () => connect()),
        { concurrency: 5 }
      )
      const results = yield* Effect.forEach(
        sessions,
        (session) => Effect.provideService(Migrator.run({ loader, table: "ten" }), Session.Session, session),
        { concurrency: "unbounded" }
      )
      yield* assertOnce("ten", results)
    })
  )

  it.effect("applies each migration once when ten fibers share a session", () =>
    Effect.gen(function* () {
      const loader = counted("fibers")
      const run = Migrator.run({ loader, table: "fibers" })
      yield* assertOnce("fibers", yield* Effect.replicateEffect(run, 10, { concurrency: "unbounded" }))
      assert.deepStrictEqual(yield* run, [])
      assert.strictEqual((yield* Migrator.verify({ loader, table: "fibers" })).length, 4)
    })
  )

  it.effect("stops at a failure, keeps its cause, and continues when it is mended", () =>
    Effect.gen(function* () {
      const first = cql`CREATE TABLE mended (id int PRIMARY KEY)`
      const last = cql`ALTER TABLE mended ADD c int`
      const broken = Migrator.fromRecord({
        "0001_first": first,
        "0002_second": [
          cql`CREATE TABLE IF NOT EXISTS mended_too (id int PRIMARY KEY)`,
          cql`ALTER TABLE nowhere ADD b int`
        ],
        "0003_third": last
      })
      const error = yield* Effect.flip(Migrator.run({ loader: broken, table: "continued" }))
      assert.ok(error._tag === "MigrationError")
      assert.deepStrictEqual([error.reason, error.migration, error.statement], ["Failed", "0002_second", 2])
      assert.isTrue(CassandraError.isCassandraError(error.cause))
      assert.match(error.message, /^The migration 0002_second failed at statement 2 of 2: .*nowhere/)
      assert.deepStrictEqual(statesOf(yield* Migrator.list({ loader: broken, table: "continued" })), [
        "0001_first: Applied",
        "0002_second: Pending",
        "0003_third: Pending"
      ])
      assert.isNull(yield* ownerOf("continued"))

      const mended = Migrator.fromRecord({
        "0001_first": first,
        "0002_second": [
          cql`CREATE TABLE IF NOT EXISTS mended_too (id int PRIMARY KEY)`,
          cql`ALTER TABLE mended ADD b int`
        ],
        "0003_third": last
      })
      assert.deepStrictEqual(names(yield* Migrator.run({ loader: mended, table: "continued" })), [
        "0002_second",
        "0003_third"
      ])
      yield* rowsOf(cql`SELECT b, c FROM mended`)
    })
  )

  it.effect("keeps what an effect failed with, and counts its statements", () =>
    Effect.gen(function* () {
      const statements = Effect.flatMap(Session.Session, (session) =>
        Effect.zipRight(
          session.one(cql`SELECT key FROM system.local`),
          session.execute(cql`SELECT nothing FROM nowhere`)
        )
      )
      const error = yield* Effect.flip(runEffect(statements))
      assert.ok(error._tag === "MigrationError")
      assert.deepStrictEqual([error.reason, error.statement], ["Failed", 2])
      const own = yield* Effect.flip(runEffect(Effect.fail(new Error("of its own"))))
      assert.ok(own._tag === "MigrationError" && own.cause instanceof Error)
      assert.deepStrictEqual(
        [own.message, own.statement, own.cause.message],
        ["The migration 0001_a failed: of its own", undefined, "of its own"]
      )
    })
  )

  it.effect("gives migrations the services they ask for", () =>
    Effect.gen(function* () {
      const loader = Migrator.fromRecord({
        "0001_table": cql`CREATE TABLE greetings (id int PRIMARY KEY, text text)`,
        "0002_greet": Effect.gen(function* () {
          const session = yield* Session.Session
          yield* session.execute(cql`INSERT INTO greetings (id, text) VALUES (${1}, ${yield* Greeting})`)
        })
      })
      const migrated = Layer.build(Migrator.layer({ loader, table: "services" })).pipe(Effect.scoped)
      yield* Effect.provideService(migrated, Greeting, "hello")
      assert.deepStrictEqual(yield* rowsOf(cql`SELECT text FROM greetings`), [{ text: "hello" }])
    })
  )

  it.effect("notices what was changed after it had been applied", () =>
    Effect.gen(function* () {
      const a = cql`CREATE TABLE IF NOT EXISTS changed (id int PRIMARY KEY)`
      const original = checksummed({ "0001_a": a, "0003_c": cql`ALTER TABLE changed ADD c int` })
      assert.strictEqual((yield* Effect.flip(Migrator.run(original)))._tag, "MigrationError")
      yield* Migrator.run({ ...original, allowGaps: true })

      const changed = checksummed({ "0001_a": a, "0003_c": cql`ALTER TABLE changed ADD d int` })
      for (const attempt of [Migrator.run, Migrator.verify]) {
        const error = yield* Effect.flip<
          unknown,
          CassandraError.CassandraError | Migrator.MigrationError,
          Session.Session
        >(attempt({ ...changed, allowGaps: true }))
        assert.ok(error._tag === "MigrationError")
        assert.deepStrictEqual([error.reason, error.migration], ["ChecksumMismatch", "0003_c"])
        assert.include(error.message, "0003_c")
      }
      const late = checksummed({ "0001_a": a, "0002_b": a, "0003_c": cql`ALTER TABLE changed ADD c int` })
      const error = yield* Effect.flip(Migrator.run(late))
      assert.strictEqual(error._tag === "MigrationError" ? error.reason : error._tag, "OutOfOrder")
      assert.deepStrictEqual(statesOf(yield* Migrator.list(late)), [
        "0001_a: Applied",
        "0002_b: OutOfOrder",
        "0003_c: Applied"
      ])
    })
  )

  it.effect("lists and verifies without creating anything", () =>
    Effect.gen(function* () {
      const options = { loader: Migrator.fromRecord({ "0001_a": cql`SELECT 1` }), table: "untouched" }
      assert.deepStrictEqual(statesOf(yield* Migrator.list(options)), ["0001_a: Pending"])
      yield* Migrator.verify(options)
      assert.isFalse(yield* exists("untouched"))
    })
  )

  it.scoped("needs a keyspace that exists", () =>
    Effect.gen(function* () {
      const session = yield* connect({}, { keyspace: undefined })
      const run = (keyspace?: string) =>
        Migrator.run({ loader: Migrator.fromRecord({ "0001_a": cql`SELECT 1` }), keyspace }).pipe(
          Effect.provideService(Session.Session, session),
          Effect.flip
        )
      for (const error of [yield* run(), yield* run("there_is_no_such_keyspace")]) {
        assert.strictEqual(error._tag === "MigrationError" ? error.reason : error._tag, "BadState")
      }
    })
  )

  it.effect("waits for whoever has the lease, and says who when it takes too long", () =>
    Effect.gen(function* () {
      const entered = yield* Deferred.make<void>()
      const leave = yield* Deferred.make<void>()
      const loader = Migrator.fromRecord({
        "0001_slow": Effect.zipRight(Deferred.succeed(entered, undefined), Deferred.await(leave))
      })
      const options = { loader, table: "locked", leaseTtl: "3 seconds" } as const
      const holder = yield* Effect.fork(Migrator.run(options))
      yield* Deferred.await(entered)
      // Longer than the lease lasts when it is not renewed.
      const error = yield* Effect.flip(Migrator.run({ ...options, lockTimeout: "5 seconds" }))
      assert.ok(error._tag === "MigrationError")
      assert.strictEqual(error.reason, "Locked")
      assert.strictEqual(error.owner, yield* ownerOf("locked"))
      assert.include(error.message, String(error.owner))
      assert.match(String(error.owner), new RegExp(`/${process.pid}/`))
      const ended = yield* Effect.flip(
        Migrator.run({
          ...options,
          lockSchedule: Schedule.intersect(Schedule.spaced("10 millis"), Schedule.recurs(2))
        })
      )
      assert.strictEqual(ended._tag === "MigrationError" ? ended.reason : ended._tag, "Locked")

      const waiting = yield* Effect.fork(Migrator.run(options))
      yield* Deferred.succeed(leave, undefined)
      assert.deepStrictEqual(names(yield* Fiber.join(holder)), ["0001_slow"])
      assert.deepStrictEqual(yield* Fiber.join(waiting), [])
    })
  )

  it.effect("releases the lease when it is interrupted", () =>
    Effect.gen(function* () {
      const entered = yield* Deferred.make<void>()
      const loader = Migrator.fromRecord({
        "0001_a": Effect.zipRight(Deferred.succeed(entered, undefined), Effect.never)
      })
      const fiber = yield* Effect.fork(Migrator.run({ loader, table: "interrupted" }))
      yield* Deferred.await(entered)
      assert.isNotNull(yield* ownerOf("interrupted"))
      yield* Fiber.interrupt(fiber)
      assert.isNull(yield* ownerOf("interrupted"))
    })
  )

  // Starting another process can take its time.
  it.scoped(
    "takes over from a process that was killed in the middle",
    () =>
      Effect.gen(function* () {
        const server = yield* CassandraServer.CassandraServer
        const { name } = yield* TestKeyspace.TestKeyspace
        const child = yield* start(here("./support/migrate-and-hang.ts"), [
          String(server.port),
          server.localDataCenter,
          name,
          "takeover"
        ])
        yield* Effect.async<void, string>((resume) => {
          let complaint = ""
          child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()))
          child.stdout.on("data", (chunk: Buffer) => chunk.includes("in the middle") && resume(Effect.void))
          child.on("close", (code) => resume(Effect.fail(`ended with ${code}: ${complaint}`)))
        })
        const owner = yield* ownerOf("takeover")
        assert.include(String(owner), `/${child.pid}/`)
        process.kill(child.pid as number, "SIGKILL")
        const loader = Migrator.fromRecord({
          "0001_first": cql`CREATE TABLE killed (id int PRIMARY KEY)`,
          "0002_second": cql`CREATE TABLE IF NOT EXISTS killed_too (id int PRIMARY KEY)`
        })
        // The child's second migration was an effect; it was never recorded, so that its checksum does not matter.
        const [elapsed, applied] = yield* Effect.timed(
          Migrator.run({ loader, table: "takeover", leaseTtl: "4 seconds" })
        )
        assert.deepStrictEqual(names(applied), ["0002_second"])
        assert.isBelow(Duration.toSeconds(elapsed), 10)
        const history = yield* rowsOf(cql`SELECT name, applied_by FROM takeover`)
        assert.deepStrictEqual(
          history.map((row) => row["name"]),
          ["0001_first", "0002_second"]
        )
        assert.strictEqual(history[0]?.["applied_by"], owner)
      }),
    180_000
  )

  it.effect("stops before the next statement when its lease was taken", () =>
    Effect.gen(function* () {
      const own = yield* Session.Session
      // Statements of the migration's own session that take the lease from it.
      const theft = Effect.provideService(steal("stolen"), Session.Session, own)
      const loader = Migrator.fromRecord({
        "0001_a": Effect.gen(function* () {
          const session = yield* Session.Session
          yield* session.execute(cql`CREATE TABLE before_theft (id int PRIMARY KEY)`)
          yield* theft
          yield* session.execute(cql`CREATE TABLE after_theft (id int PRIMARY KEY)`)
        })
      })
      const error = yield* Effect.flip(Migrator.run({ loader, table: "stolen" }))
      assert.ok(error._tag === "MigrationError")
      assert.deepStrictEqual([error.reason, error.owner], ["LeaseLost", "thief"])
      assert.isTrue(yield* exists("before_theft"))
      assert.isFalse(yield* exists("after_theft"))
      // What is the thief's stays the thief's.
      assert.strictEqual(yield* ownerOf("stolen"), "thief")
    })
  )

  it.effect("stops what it is doing when it cannot renew its lease", () =>
    Effect.gen(function* () {
      const own = yield* Session.Session
      const loader = Migrator.fromRecord({
        "0001_a": Effect.zipRight(Effect.provideService(steal("expired"), Session.Session, own), Effect.never)
      })
      const [elapsed, error] = yield* Effect.timed(
        Effect.flip(Migrator.run({ loader, table: "expired", leaseTtl: "3 seconds" }))
      )
      assert.strictEqual(error._tag === "MigrationError" ? error.reason : error._tag, "LeaseLost")
      assert.isBelow(Duration.toSeconds(elapsed), 5)
      assert.deepStrictEqual(yield* Effect.map(rowsOf(cql`SELECT id FROM expired`), (rows) => rows[0]?.["id"]), null)
    })
  )

  it.effect("finds out what became of a conditional write that timed out", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const timeout = new CassandraError.WriteTimeoutError({
        message: "CAS",
        consistency: "SERIAL",
        received: 0,
        required: 1,
        writeType: "CAS"
      })
      let [acquired, renewed, recorded] = [0, 0, 0]
      const flaky: Session.Session = {
        ...session,
        // The first of each kind happens, but nobody hears of it; the second record does not even happen.
        execute: (statement) => {
          const happens = session.execute(statement)
          if (
            statement.query.startsWith("INSERT INTO") &&
            statement.query.includes("IF NOT EXISTS") &&
            ++acquired === 1
          ) {
            return Effect.zipRight(happens, Effect.fail(timeout))
          }
          if (statement.query.startsWith("UPDATE") && statement.query.includes("IF lease_owner") && ++renewed === 2) {
            return Effect.zipRight(happens, Effect.fail(timeout))
          }
          return happens
        },
        batch: (batch) => {
          recorded++
          if (recorded === 1) return Effect.zipRight(session.batch(batch), Effect.fail(timeout))
          return recorded === 2 ? Effect.fail(timeout) : session.batch(batch)
        }
      }
      const loader = Migrator.fromRecord({
        "0001_a": cql`CREATE TABLE flaky_a (id int PRIMARY KEY)`,
        "0002_b": cql`CREATE TABLE flaky_b (id int PRIMARY KEY)`
      })
      const applied = yield* Effect.provideService(Migrator.run({ loader, table: "flaky" }), Session.Session, flaky)
      assert.deepStrictEqual(names(applied), ["0001_a", "0002_b"])
      assert.deepStrictEqual([acquired, recorded], [1, 3])
      const history = yield* rowsOf(cql`SELECT name, lease_owner FROM flaky`)
      assert.deepStrictEqual(
        history.map((row) => [row["name"], row["lease_owner"]]),
        [
          ["0001_a", null],
          ["0002_b", null]
        ]
      )
    })
  )

  it.effect("fails when the nodes do not agree on the schema", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      let asked = 0
      const disagreeing = {
        ...session,
        // Agrees at first, so that the migration starts.
        [schemaAgreement]: Effect.sync(() => ++asked <= 2),
        execute: ((statement) =>
          Effect.map(session.execute(statement), (result) => ({
            ...result,
            rows: result.rows,
            one: result.one,
            wasApplied: result.wasApplied,
            info: { ...result.info, schemaInAgreement: !statement.query.startsWith("CREATE TABLE disagreed") }
          }))) as Session.Session["execute"]
      }
      const loader = Migrator.fromRecord({
        "0001_a": [cql`CREATE TABLE disagreed (id int PRIMARY KEY)`, cql`ALTER TABLE disagreed ADD a int`]
      })
      const error = yield* Migrator.run({ loader, table: "agreement", schemaAgreementTimeout: "500 millis" }).pipe(
        Effect.provideService(Session.Session, disagreeing),
        Effect.flip
      )
      assert.strictEqual(error._tag === "MigrationError" ? error.reason : error._tag, "SchemaDisagreement")
      assert.include(error.message, "statement 1 of the migration 0001_a")
    })
  )

  it.scoped(
    "has a command line",
    () =>
      Effect.gen(function* () {
        const server = yield* CassandraServer.CassandraServer
        const { name } = yield* TestKeyspace.TestKeyspace
        const directory = yield* Effect.acquireRelease(
          Effect.promise(() => mkdtemp(join(tmpdir(), "migrations-"))),
          (path) => Effect.promise(() => rm(path, { recursive: true }))
        )
        // A module finds its packages from where it lies, which is nowhere near ours.
        const effect = pathToFileURL(createRequire(import.meta.url).resolve("effect")).href
        const write = (file: string, text: string) => Effect.promise(() => writeFile(join(directory, file), text))
        const migrate = (...args: ReadonlyArray<string>) =>
          output(here("../src/bin/migrate.ts"), [...args, "--dir", directory, "--table", "by_cli"], {
            CASSANDRA_CONTACT_POINTS: server.contactPoints.join(","),
            CASSANDRA_PORT: String(server.port),
            CASSANDRA_LOCAL_DC: server.localDataCenter,
            CASSANDRA_KEYSPACE: name,
            ...Option.match(server.credentials, {
              onNone: () => ({}),
              onSome: ({ username }) => ({ CASSANDRA_USERNAME: username })
            })
          })

        yield* write(
          "0001_a.cql",
          "CREATE TABLE cli (id int PRIMARY KEY, t text);\nINSERT INTO cli (id, t) VALUES (1, 'a;b');"
        )
        yield* write(
          "0002_b.mjs",
          `const { Effect } = await import(${JSON.stringify(effect)})\nexport default Effect.void\n`
        )
        const ran = yield* migrate("run")
        assert.deepStrictEqual([ran.code, ran.out], [0, "2 migrations applied\n"])
        assert.match(ran.err, /^Applied migration 0001_a in \d+ ms\nApplied migration 0002_b in \d+ ms\n$/)
        assert.deepStrictEqual(yield* rowsOf(cql`SELECT t FROM cli`), [{ t: "a;b" }])

        yield* write("0003_c.cql", "ALTER TABLE cli ADD b int; ALTER TABLE nowhere ADD c int")
        const listed = yield* migrate("list")
        assert.strictEqual(listed.code, 0)
        assert.match(listed.out, /0001_a +Applied .*\n0002_b +Applied .*\n0003_c +Pending\n$/)
        const failed = yield* migrate("run")
        assert.strictEqual(failed.code, 1)
        assert.match(failed.err, /^The migration 0003_c failed at statement 2 of 2: .*nowhere.*\n$/)

        yield* write("0001_a.cql", "CREATE TABLE cli (id int PRIMARY KEY, other text)")
        const verified = yield* migrate("verify")
        assert.deepStrictEqual([verified.code, verified.out], [1, ""])
        assert.match(verified.err, /^The migration 0001_a was changed .*\n$/)
      }),
    180_000
  )
  it.scoped(
    "says how to have the keyspace created, and which data centres there are",
    () =>
      Effect.gen(function* () {
        const server = yield* CassandraServer.CassandraServer
        const file = yield* TestKeyspace.TestKeyspace
        const name = `${file.name.slice(0, 40)}_cli`
        const dc = server.localDataCenter
        const session = yield* Session.Session
        yield* Effect.addFinalizer(() => Effect.orDie(session.execute(cql`DROP KEYSPACE IF EXISTS ${cql.id(name)}`)))
        const directory = yield* Effect.acquireRelease(
          Effect.promise(() => mkdtemp(join(tmpdir(), "migrations-"))),
          (path) => Effect.promise(() => rm(path, { recursive: true }))
        )
        yield* Effect.promise(() => writeFile(join(directory, "0001_a.cql"), "CREATE TABLE t (id int PRIMARY KEY);"))
        const migrate = (...args: ReadonlyArray<string>) =>
          output(here("../src/bin/migrate.ts"), [...args, "--dir", directory, "--keyspace", name], {
            CASSANDRA_CONTACT_POINTS: server.contactPoints.join(","),
            CASSANDRA_PORT: String(server.port),
            CASSANDRA_LOCAL_DC: dc,
            // Not set, all of them.
            ...Object.fromEntries(["TLS", "TLS_CA", "TLS_CERT", "TLS_KEY"].map((rest) => [`CASSANDRA_${rest}`, ""])),
            ...Option.match(server.credentials, {
              onNone: () => ({ CASSANDRA_USERNAME: "", CASSANDRA_PASSWORD: "" }),
              onSome: ({ username }) => ({ CASSANDRA_USERNAME: username })
            })
          })
        for (const command of ["run", "list", "verify"]) {
          const failed = yield* migrate(command)
          assert.strictEqual(failed.code, 1)
          assert.match(failed.err, new RegExp(`^There is no keyspace ${name}\\. .*\n$`))
          assert.match(failed.err, new RegExp(`run --keyspace ${name} --create-keyspace ${dc}:[123]`))
          assert.match(failed.err, new RegExp(`the cluster has ${dc} \\(\\d nodes?\\)`))
        }
        const wrong = yield* migrate("run", "--create-keyspace", `${dc}:1,nowhere:3`)
        assert.strictEqual(wrong.code, 1)
        assert.match(
          wrong.err,
          new RegExp(`there is no data centre nowhere\\. The cluster has ${dc} \\(\\d nodes?\\)\n$`)
        )
        const ran = yield* migrate("run", "--create-keyspace", `${dc}:1`)
        assert.deepStrictEqual([ran.code, ran.out], [0, "1 migration applied\n"])
      }),
    180_000
  )

  for (const refused of ["USE system", "SOURCE 'more.cql'", "INSERT INTO early (id) VALUES (1"]) {
    it.scoped(`runs nothing at all when a later file has ${refused}`, () =>
      Effect.gen(function* () {
        const loader = yield* scripts({
          "0001_a.cql": "CREATE TABLE early (id int PRIMARY KEY);",
          "0002_b.cql": `INSERT INTO early (id) VALUES (1);\n${refused};`
        })
        const error = yield* Effect.flip(Migrator.run({ loader, table: "upfront" }))
        assert.strictEqual(error._tag === "MigrationError" ? error.reason : error._tag, "ImportError")
        assert.include(error.message, "0002_b.cql, line 2: ")
        assert.isFalse(yield* exists("early"))
        assert.isFalse(yield* exists("upfront"))
      })
    )
  }

  if (since("6.0", "transactions in a migration")) {
    it.scoped("runs a transaction as one statement", () =>
      Effect.gen(function* () {
        const loader = yield* scripts({
          "0001_a.cql": `CREATE TABLE accounts (id int PRIMARY KEY, balance int) WITH transactional_mode = 'full';
            BEGIN TRANSACTION
              INSERT INTO accounts (id, balance) VALUES (1, 10);
              INSERT INTO accounts (id, balance) VALUES (2, 0);
            COMMIT TRANSACTION;
            BEGIN TRANSACTION -- moves it; all of it
              LET one = (SELECT balance FROM accounts WHERE id = 1);
              IF one.balance >= 7 THEN
                UPDATE accounts SET balance -= 7 WHERE id = 1;
                UPDATE accounts SET balance += 7 WHERE id = 2;
              END IF
            COMMIT TRANSACTION;`
        })
        yield* Migrator.run({ loader, table: "transactional" }).pipe(
          Session.withDefaults({ consistency: "QUORUM", serialConsistency: "SERIAL" })
        )
        const rows = yield* rowsOf(cql`SELECT id, balance FROM accounts`.pipe(Statement.withConsistency("QUORUM")))
        assert.sameDeepMembers(
          [...rows],
          [
            { id: 1, balance: 3 },
            { id: 2, balance: 7 }
          ]
        )
      })
    )
  }
})
