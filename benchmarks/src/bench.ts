/**
 * `npm run bench`: ours beside the raw driver, in one run.
 *
 * Every contender is a process of its own that does one workload: in one process the two would share the garbage collector, and
 * whichever ran second would find the driver's code compiled for the first one's calls. The processes of a workload live side by
 * side and work in turns, a round each, so that a machine that gets slower or faster meets all of them alike; the order rotates.
 * A compiler's luck stays with a process, so they are started anew a few times (`--generations`).
 *
 * What counts is the client's CPU time per operation. Operations per second are shown too, but on one machine they mostly tell how
 * fast the server is.
 */
import * as Command from "@effect/platform/Command"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import * as os from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Measurement } from "./contender.ts"
import { markdown, type Machine, type Sample, summarize } from "./report.ts"
import {
  type Contender,
  insertInto,
  insertReading,
  keyspace,
  partitions,
  readingValues,
  rowsPerPartition,
  tables,
  users,
  userValues,
  type Workload,
  workloads
} from "./workloads.ts"

const { values: flags } = parseArgs({
  options: {
    generations: { type: "string", default: "2" },
    rounds: { type: "string", default: "10" },
    duration: { type: "string", default: "1000" },
    warmup: { type: "string", default: "2500" },
    workload: { type: "string", multiple: true, default: Object.keys(workloads) },
    out: { type: "string", default: fileURLToPath(new URL("../results", import.meta.url)) },
    help: { type: "boolean", default: false }
  }
})

const help = `npm run bench -- [options]

  --workload ${Object.keys(workloads).join("|")}   only this one; may be repeated
  --generations 2    how often the processes are started anew
  --rounds 10        rounds of each process
  --duration 1000    milliseconds of a round
  --warmup 2500      milliseconds of CPU time that each process spends before its first round
  --out DIRECTORY    where latest.json and latest.md go (default: benchmarks/results)`

const settings = {
  generations: Number(flags.generations),
  rounds: Number(flags.rounds),
  duration: Number(flags.duration),
  warmup: Number(flags.warmup)
}

const method = `Client CPU time (user and system) per operation, medians of ${
  settings.generations * settings.rounds
} rounds of ${settings.duration / 1000} s in ${settings.generations} generations of processes, after ${
  settings.warmup / 1000
} s of CPU time to warm up. Every contender is a process of its own; they take turns. The gap is the longest time between two beats of a 5 ms heartbeat in the client's process, the median of the rounds.`

const say = (text: string) => Console.error(text)

/** Fresh tables with the rows that are read. */
const prepare = Effect.gen(function* () {
  yield* say("Preparing the tables …")
  const cluster = yield* Cluster.Cluster
  const admin = yield* cluster.connect()
  yield* admin.execute(cql`DROP KEYSPACE IF EXISTS ${cql.id(keyspace)}`)
  yield* Effect.acquireRelease(
    admin.execute(
      cql`CREATE KEYSPACE ${cql.id(keyspace)} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
    ),
    () => Effect.ignoreLogged(admin.execute(cql`DROP KEYSPACE ${cql.id(keyspace)}`))
  )
  const session = yield* Effect.provideService(Session.make({ keyspace }), Cluster.Cluster, cluster)
  yield* Effect.forEach(tables, (table) => session.execute(Statement.make(table)))
  const insert = (query: string, rows: Iterable<ReadonlyArray<unknown>>) =>
    Effect.forEach(rows, (row) => session.execute(Statement.make(query, row)), { concurrency: 256, discard: true })
  yield* insert(
    insertInto("users"),
    Array.from({ length: users }, (_, n) => userValues(n, BigInt))
  )
  for (let station = 0; station < partitions; station++) {
    yield* insert(
      insertReading,
      Array.from({ length: rowsPerPartition }, (_, seq) => readingValues(station, seq))
    )
  }
})

/** A contender's process. `work(milliseconds)` is one stretch of work; the process ends with the scope. */
const start = (workload: Workload, { client, style }: Contender, server: CassandraServer.CassandraServer) =>
  Effect.gen(function* () {
    const input = yield* Queue.unbounded<string>()
    const script = fileURLToPath(new URL(`contenders/${client}.js`, import.meta.url))
    const process = yield* Command.make("node", script, workload, style).pipe(
      Command.env({
        CASSANDRA_CONTACT_POINTS: server.contactPoints.join(","),
        CASSANDRA_PORT: String(server.port),
        CASSANDRA_LOCAL_DC: server.localDataCenter,
        CASSANDRA_USERNAME: Option.getOrUndefined(Option.map(server.credentials, ({ username }) => username)),
        CASSANDRA_PASSWORD: Option.getOrUndefined(
          Option.map(server.credentials, ({ password }) => Redacted.value(password))
        )
      }),
      Command.stdin(Stream.fromQueue(input).pipe(Stream.encodeText)),
      Command.stderr("inherit"),
      Command.start
    )
    const answers = yield* Stream.toPull(process.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.rechunk(1)))
    return {
      work: (milliseconds: number) =>
        Effect.gen(function* () {
          yield* input.offer(`${milliseconds}\n`)
          const lines = yield* Effect.mapError(answers, (end) =>
            Option.getOrElse(end, () => new Error(`${client} (${style}) ended in the middle of ${workload}`))
          )
          return JSON.parse([...lines].join("")) as Measurement
        })
    }
  })

/** By CPU time, not by the clock: on a busy machine the compiler would not be done, and its work would be charged to the rounds. */
const warmUp = <E>(work: (milliseconds: number) => Effect.Effect<Measurement, E>) =>
  Effect.iterate(0, {
    while: (spent) => spent < settings.warmup * 1000,
    body: (spent) => Effect.map(work(250), ({ cpuMicros }) => spent + cpuMicros)
  })

const measure = (workload: Workload, generation: number) =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const { contenders, title } = workloads[workload]
    yield* say(`${title} (${generation + 1} of ${settings.generations})`)
    const processes = yield* Effect.forEach(contenders, (contender) =>
      Effect.map(start(workload, contender, server), ({ work }) => ({ contender, work }))
    )
    yield* Effect.forEach(processes, ({ work }) => warmUp(work))
    const samples: Array<Sample> = []
    for (let round = 0; round < settings.rounds; round++) {
      const first = (round + generation) % processes.length
      const order = [...processes.slice(first), ...processes.slice(0, first)]
      yield* Effect.forEach(order, ({ contender, work }) =>
        Effect.map(work(settings.duration), (measurement) =>
          samples.push({ workload, ...contender, generation, round, ...measurement })
        )
      )
    }
    return samples
  }).pipe(Effect.scoped)

const versionOf = (name: string) =>
  Effect.promise(async () => {
    const file = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version
  })

const machine = Effect.gen(function* () {
  const cpus = os.cpus()
  const server = yield* CassandraServer.CassandraServer
  const names = ["effect-cassandra", "cassandra-driver", "effect"]
  const versions = yield* Effect.forEach(names, (name) => Effect.map(versionOf(name), (it) => [name, it] as const))
  return {
    cpu: cpus[0]?.model.trim() ?? "unknown CPU",
    cores: cpus.length,
    node: process.versions.node,
    platform: `${os.platform()} ${os.arch()}`,
    cassandra: server.version,
    versions: Object.fromEntries(versions)
  } satisfies Machine
})

const bench = Effect.gen(function* () {
  const chosen = flags.workload.filter((name): name is Workload => name in workloads)
  if (chosen.length !== flags.workload.length || Object.values(settings).some((value) => !(value > 0))) {
    return yield* Effect.fail(new Error(help))
  }
  yield* prepare
  const samples: Array<Sample> = []
  for (let generation = 0; generation < settings.generations; generation++) {
    for (const workload of chosen) samples.push(...(yield* measure(workload, generation)))
  }
  const sections = summarize(samples)
  const ran = yield* machine
  const text = markdown(sections, ran, method)
  yield* Effect.promise(async () => {
    await mkdir(flags.out, { recursive: true })
    await writeFile(`${flags.out}/latest.md`, text)
    await writeFile(
      `${flags.out}/latest.json`,
      `${JSON.stringify({ settings, machine: ran, sections, samples }, null, 2)}\n`
    )
  })
  yield* Console.log(`\n${text}`)
})

const ClusterLive = Layer.unwrapEffect(
  Effect.map(CassandraServer.CassandraServer, ({ contactPoints, credentials, localDataCenter, port }) =>
    Cluster.layer({ contactPoints, port, localDataCenter, credentials: Option.getOrUndefined(credentials) })
  )
)

if (flags.help) {
  console.log(help)
} else {
  bench.pipe(
    Effect.scoped,
    Effect.provide(Layer.provideMerge(ClusterLive, CassandraServer.layer({ mode: "benchmark" }))),
    Effect.provide(NodeContext.layer),
    NodeRuntime.runMain
  )
}
