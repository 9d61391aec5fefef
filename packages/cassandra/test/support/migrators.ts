/** Migrators on a cluster of several nodes: sessions of this process, and processes of their own. */
import { Cluster, cql, Migrator, Session, Statement } from "effect-cassandra"
import { CassandraCluster, TestKeyspace } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { optionsFor } from "./client.ts"
import { migrations } from "./tenMigrations.ts"

const program = fileURLToPath(new URL("./migrate-one-of-ten.ts", import.meta.url))
export const all = ["0001_begun", "0002_users", "0003_ada", "0004_email", "0005_teams"]
export const lease = 4

/** A cluster of its own, that begins with one of the three nodes. */
export const connect = (which: number) =>
  Effect.gen(function* () {
    const server = yield* CassandraCluster.CassandraCluster
    const { name } = yield* TestKeyspace.TestKeyspace
    const contactPoint = server.contactPoints[which % server.contactPoints.length] as string
    const cluster = yield* Cluster.make({ ...optionsFor(server), contactPoints: [contactPoint] })
    return yield* cluster.connect({ keyspace: name, consistency: "QUORUM" })
  })

export const inThisProcess = (which: number) =>
  Effect.scoped(
    Effect.flatMap(connect(which), (session) =>
      Migrator.run({ loader: migrations(), leaseTtl: `${lease} seconds` }).pipe(
        Effect.map((applied) => applied.map(({ name }) => name)),
        Effect.provideService(Session.Session, session)
      )
    )
  )

interface Program {
  readonly child: ChildProcess
  /** Ends when a line has this in it. */
  readonly says: (text: string) => Effect.Effect<void, string>
  /** What it applied, once it has ended by itself. */
  readonly applied: Effect.Effect<ReadonlyArray<string>, string>
}

/** A migrator that is a process of its own, killed with the scope at the latest. */
export const start = (which: number, ...mode: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { contactPoints, localDataCenter, port } = yield* CassandraCluster.CassandraCluster
    const { name } = yield* TestKeyspace.TestKeyspace
    const contactPoint = contactPoints[which % contactPoints.length] as string
    const args = [program, contactPoint, String(port), localDataCenter, name, String(lease), ...mode]
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(process.execPath, ["--conditions=effect-cassandra-source", "--import", "tsx", ...args], {
          stdio: ["ignore", "pipe", "pipe"]
        })
      ),
      (started) => Effect.sync(() => started.kill("SIGKILL"))
    )
    let out = ""
    let complaint = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
    return {
      child,
      says: (text) =>
        Effect.async((resume) => {
          const look = () => out.includes(text) && resume(Effect.void)
          look()
          child.stdout.on("data", look)
          void ended.then((code) => resume(Effect.fail(`ended with ${code}: ${complaint}`)))
        }),
      applied: Effect.flatMap(
        Effect.promise(() => ended),
        (code) =>
          code === 0
            ? Effect.sync(() => JSON.parse(out) as ReadonlyArray<string>)
            : Effect.fail(`ended with ${code}: ${complaint}`)
      )
    } satisfies Program as Program
  })

/** What is in the keyspace, read where all nodes must agree. */
export const look = Effect.scoped(
  Effect.gen(function* () {
    const session = yield* connect(0)
    const rows = (statement: Statement.Statement<Statement.Row, never, never>) =>
      session.rows(statement.pipe(Statement.withConsistency("ALL")))
    return {
      history: yield* rows(cql`SELECT id, name, applied_by, lease_owner FROM cassandra_migrations`),
      begun: Object.fromEntries((yield* rows(cql`SELECT id, n FROM begun`)).map(({ id, n }) => [id, n])),
      users: yield* rows(cql`SELECT id, name, email FROM users`),
      teams: yield* rows(cql`SELECT id FROM teams`)
    }
  })
)
