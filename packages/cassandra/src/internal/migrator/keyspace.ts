/** The keyspace that `cassandra-migrate` works in: creating it, opening it, and what to say when there is none. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { CassandraError } from "../../CassandraError.ts"
import { Cluster } from "../../Cluster.ts"
import { cql } from "../../cql.ts"
import { MigrationError } from "../../MigrationError.ts"
import { make as makeSession, type Session } from "../../Session.ts"
import { make as makeStatement } from "../../Statement.ts"
import type { Arguments } from "./cli.ts"

type Replication = NonNullable<Arguments["createKeyspace"]>

/** How many nodes each data centre has. */
const dataCenters = Effect.gen(function* () {
  const { hosts } = yield* Cluster
  const nodes = new Map<string, number>()
  for (const { dataCenter } of yield* hosts) nodes.set(dataCenter, (nodes.get(dataCenter) ?? 0) + 1)
  return nodes
})

const listed = (nodes: ReadonlyMap<string, number>): string =>
  [...nodes].map(([name, count]) => `${name} (${count === 1 ? "1 node" : `${count} nodes`})`).join(", ")

const refuse = (message: string) => new MigrationError({ reason: "BadState", message })

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** Creates the keyspace if it is not there, with so many replicas in each data centre. */
export const create = (
  keyspace: string,
  replication: Replication
): Effect.Effect<void, CassandraError | MigrationError, Cluster> =>
  Effect.gen(function* () {
    const nodes = yield* dataCenters
    const unknown = replication.map(([name]) => name).filter((name) => !nodes.has(name))
    if (unknown.length > 0) {
      return yield* refuse(
        `--create-keyspace: there is no data centre ${unknown.join(", ")}. The cluster has ${listed(nodes)}`
      )
    }
    const session = yield* makeSession()
    const replicas = replication.map(([dataCenter, n]) => `, ${quoted(dataCenter)}: ${n}`).join("")
    const statement = cql`CREATE KEYSPACE IF NOT EXISTS ${cql.id(keyspace)}`.query
    yield* session.execute(
      makeStatement(`${statement} WITH replication = {'class': 'NetworkTopologyStrategy'${replicas}}`)
    )
  }).pipe(Effect.scoped)

const exists = (keyspace: string): Effect.Effect<boolean, CassandraError, Cluster> =>
  Effect.gen(function* () {
    const session = yield* makeSession()
    const row = yield* session.one(
      cql`SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ${keyspace}`
    )
    return Option.isSome(row)
  }).pipe(Effect.scoped)

/** A session in the keyspace. When there is none of that name, the error says how to have it created in this cluster. */
export const open = (
  keyspace: string
): Effect.Effect<Session, CassandraError | MigrationError, Cluster | Scope.Scope> =>
  Effect.catchAll(makeSession({ keyspace }), (error) =>
    Effect.gen(function* () {
      if (yield* Effect.orElseSucceed(exists(keyspace), () => true)) return yield* error
      const nodes = yield* dataCenters
      const replication = [...nodes].map(([name, count]) => `${name}:${Math.min(count, 3)}`).join(",")
      return yield* refuse(
        `There is no keyspace ${keyspace}. To have it created: ` +
          `cassandra-migrate run --keyspace ${keyspace} --create-keyspace ${replication}. ` +
          `The number after a data centre is how many replicas it gets; the cluster has ${listed(nodes)}`
      )
    })
  )
