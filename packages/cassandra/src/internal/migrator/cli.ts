/** The command line of `cassandra-migrate`: arguments to options, statuses to text. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { parseArgs } from "node:util"
import type { MigrationStatus, MigratorOptions } from "../../Migrator.ts"

export const help = `Usage: cassandra-migrate <command> [options]

Commands:
  run       Apply the migrations that were not applied yet
  list      Show all migrations and how they stand
  verify    Check that what was applied is what the files say

Options:
  --dir <path>                  Directory of the migrations (default: migrations)
  --keyspace <name>             Keyspace to migrate (default: CASSANDRA_KEYSPACE)
  --table <name>                Table for what was applied (default: cassandra_migrations)
  --contact-points <a,b>        Nodes to connect to (default: CASSANDRA_CONTACT_POINTS, or 127.0.0.1)
  --port <number>               Port of all nodes (default: CASSANDRA_PORT, or 9042)
  --local-dc <name>             Local data centre (default: CASSANDRA_LOCAL_DC)
  --username <name>             User name (default: CASSANDRA_USERNAME); the password is CASSANDRA_PASSWORD
  --create-keyspace <dc:n,...>  run: create the keyspace if it is not there, with n replicas in each data centre
  --fail-on-pending             verify: fail when migrations are pending
  --allow-gaps                  Accept ids that leave numbers out
  --lease-ttl <seconds>         How long the lease of a process that died lasts (default: 30)
  --lock-timeout <seconds>      How long to wait for another migrator (default: 120)
  --verbose                     Log more
  --help                        Show this
  --version                     Show the version

TLS is set with CASSANDRA_TLS, CASSANDRA_TLS_CA, CASSANDRA_TLS_CERT, CASSANDRA_TLS_KEY and CASSANDRA_TLS_SERVER_NAME.

Files are named like 0001_create_users.cql, with statements separated by semicolons, or 0002_fill.js, a module whose default
export is an Effect. For migrations in TypeScript, on a Node that does not run it: node --import tsx <this command>.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 or 143 interrupted.
`

export type Command = "run" | "list" | "verify"

export interface Arguments {
  readonly command: Command
  readonly directory: string
  readonly options: Omit<MigratorOptions, "loader">
  readonly createKeyspace: ReadonlyArray<readonly [dataCenter: string, replicas: number]> | undefined
  readonly failOnPending: boolean
  readonly verbose: boolean
  /** The options that have a variable of the environment, under its name. */
  readonly environment: ReadonlyMap<string, string>
}

export type Parsed = { readonly _tag: "Help" } | { readonly _tag: "Version" } | ({ readonly _tag: "Run" } & Arguments)

const text = { type: "string" } as const
const flag = { type: "boolean" } as const

const config = {
  dir: text,
  keyspace: text,
  table: text,
  "contact-points": text,
  port: text,
  "local-dc": text,
  username: text,
  "create-keyspace": text,
  "fail-on-pending": flag,
  "allow-gaps": flag,
  "lease-ttl": text,
  "lock-timeout": text,
  verbose: flag,
  help: { ...flag, short: "h" },
  version: flag
} as const

const variables = {
  keyspace: "CASSANDRA_KEYSPACE",
  "contact-points": "CASSANDRA_CONTACT_POINTS",
  port: "CASSANDRA_PORT",
  "local-dc": "CASSANDRA_LOCAL_DC",
  username: "CASSANDRA_USERNAME"
} as const

const isCommand = (u: string | undefined): u is Command => u === "run" || u === "list" || u === "verify"

const seconds = (option: string, value: string | undefined): Duration.Duration | undefined => {
  if (value === undefined) return undefined
  const number = Number(value)
  if (!(number > 0 && Number.isFinite(number)))
    throw new Error(`--${option}: must be a number of seconds, not ${value}`)
  return Duration.seconds(number)
}

const replication = (value: string | undefined): Arguments["createKeyspace"] =>
  value?.split(",").map((part) => {
    const [, dataCenter = "", replicas = ""] = /^\s*(.+):([1-9]\d*)\s*$/.exec(part) ?? []
    if (dataCenter === "") throw new Error(`--create-keyspace: must be like dc1:3,dc2:2, not ${value}`)
    return [dataCenter, Number(replicas)] as const
  })

/** The arguments without the program; a text when they are wrong. */
export const parse = (argv: ReadonlyArray<string>): Either.Either<Parsed, string> =>
  Either.try({
    try: (): Parsed => {
      const { positionals, values } = parseArgs({ args: [...argv], options: config, allowPositionals: true })
      if (values.help === true || (argv.length === 1 && positionals[0] === "help")) return { _tag: "Help" }
      if (values.version === true) return { _tag: "Version" }
      const [command, ...rest] = positionals
      if (!isCommand(command)) {
        throw new Error(command === undefined ? "No command is given" : `There is no command ${command}`)
      }
      if (rest.length > 0) throw new Error(`One command at a time: what is ${rest.join(" ")}?`)
      if (values["create-keyspace"] !== undefined && command !== "run") {
        throw new Error(`--create-keyspace is for run, not for ${command}`)
      }
      if (values["fail-on-pending"] === true && command !== "verify") {
        throw new Error(`--fail-on-pending is for verify, not for ${command}`)
      }
      return {
        _tag: "Run",
        command,
        directory: values.dir ?? "migrations",
        options: {
          table: values.table,
          allowGaps: values["allow-gaps"],
          leaseTtl: seconds("lease-ttl", values["lease-ttl"]),
          lockTimeout: seconds("lock-timeout", values["lock-timeout"])
        },
        createKeyspace: replication(values["create-keyspace"]),
        failOnPending: values["fail-on-pending"] ?? false,
        verbose: values.verbose ?? false,
        environment: new Map(
          Object.entries(variables).flatMap(([option, variable]) => {
            const value = values[option as keyof typeof variables]
            return value === undefined ? [] : [[variable, value] as const]
          })
        )
      }
    },
    catch: (error) => (error instanceof Error ? error.message : String(error))
  })

/** What the arguments say, and for the rest the environment. */
export const configProvider = (
  { environment }: Pick<Arguments, "environment">,
  ambient: Readonly<Record<string, string | undefined>>
): ConfigProvider.ConfigProvider => {
  const set = Object.entries(ambient).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return ConfigProvider.fromMap(new Map([...set, ...environment]), { pathDelim: "_", seqDelim: "," })
}

export const count = (n: number): string => (n === 1 ? "1 migration" : `${n} migrations`)

/** Migrations as a table, one a line. */
export const table = (statuses: ReadonlyArray<MigrationStatus>): string => {
  const lines = [
    ["MIGRATION", "STATE", "APPLIED AT", "TOOK", "BY"],
    ...statuses.map(({ applied, name, state }) => [
      name,
      state,
      ...Option.match(applied, {
        onNone: () => ["", "", ""],
        onSome: ({ appliedAt, appliedBy, duration }) => [
          appliedAt.toISOString(),
          `${Math.round(Duration.toMillis(duration))} ms`,
          appliedBy
        ]
      })
    ])
  ]
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** What `verify` has to say about migrations that passed. */
export const summary = (statuses: ReadonlyArray<MigrationStatus>): string => {
  const named = (state: MigrationStatus["state"]) => statuses.filter((status) => status.state === state)
  const applied = named("Applied")
  const mention = (title: string, list: ReadonlyArray<MigrationStatus>) =>
    list.length === 0 ? [] : [`${count(list.length)} ${title}: ${list.map(({ name }) => name).join(", ")}`]
  return [
    `${count(applied.length)} ${applied.length === 1 ? "is as it was" : "are as they were"} applied`,
    ...mention("pending", named("Pending")),
    ...mention("newer than the files", named("Newer"))
  ].join("\n")
}
