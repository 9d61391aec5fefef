/** What it ran on. */
import { CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import * as os from "node:os"

export interface Machine {
  readonly cpu: string
  readonly cores: number
  /** In gigabytes. */
  readonly memory: number
  readonly node: string
  readonly platform: string
  readonly cassandra: string
  /** When the run began, to the day. */
  readonly date: string
  /** Of the packages. */
  readonly versions: Readonly<Record<string, string>>
}

const versionOf = (name: string) =>
  Effect.promise(async () => {
    const file = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return (JSON.parse(await readFile(file, "utf8")) as { version: string }).version
  })

export const machine = Effect.gen(function* () {
  const cpus = os.cpus()
  const server = yield* CassandraServer.CassandraServer
  const names = ["effect-cassandra", "cassandra-driver", "effect"]
  const versions = yield* Effect.forEach(names, (name) => Effect.map(versionOf(name), (it) => [name, it] as const))
  return {
    cpu: cpus[0]?.model.trim() ?? "unknown CPU",
    cores: cpus.length,
    memory: Math.round(os.totalmem() / 2 ** 30),
    node: process.versions.node,
    platform: `${os.platform()} ${os.arch()}`,
    cassandra: server.version,
    date: new Date().toISOString().slice(0, 10),
    versions: Object.fromEntries(versions)
  } satisfies Machine
})

export const describe = ({ cassandra, cores, cpu, date, memory, node, platform, versions }: Machine): string =>
  `${cpu}, ${cores} cores, ${memory} GB, ${platform}; Node ${node}; Cassandra ${cassandra}; ${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ")}. ${date}.`
