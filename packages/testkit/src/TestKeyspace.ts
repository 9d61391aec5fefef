/**
 * A keyspace of one's own: made before, dropped after, with a name that nothing else has.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Crypto from "node:crypto"
import { CassandraServer } from "./CassandraServer.ts"
import * as Driver from "./internal/driver.ts"
import { KeyspaceError } from "./TestkitError.ts"

/**
 * A keyspace that exists as long as its scope.
 *
 * @since 0.1.0
 * @category models
 */
export interface TestKeyspace {
  /** Lower case letters, digits and underscores: it needs no quotes. */
  readonly name: string
}

/**
 * The service of a keyspace of one's own.
 *
 * @since 0.1.0
 * @category tags
 */
export const TestKeyspace = Context.GenericTag<TestKeyspace>("effect-cassandra-testkit/TestKeyspace")

/**
 * How the keyspace is made.
 *
 * @since 0.1.0
 * @category models
 */
export interface KeyspaceOptions {
  /** What its name begins with: lower case letters, digits and underscores, at most 24. Default: `test`. */
  readonly prefix?: string | undefined
  /** Replicas in the local data centre. Default: 1. */
  readonly replicationFactor?: number | undefined
}

const uniqueName = (prefix: string) => {
  const safe = prefix
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, "_")
    .replace(/^[^a-z]+/, "")
    .slice(0, 24)
  return `${safe === "" ? "test" : safe}_${Crypto.randomBytes(8).toString("hex")}`
}

/**
 * Creates a keyspace on the server and drops it when the scope closes.
 *
 * Fails with `KeyspaceError` when it cannot be created. That it cannot be dropped is not a failure: the server may be gone
 * by then, and its data with it.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (
  options?: KeyspaceOptions | undefined
) => Effect.Effect<TestKeyspace, KeyspaceError, CassandraServer | Scope.Scope> = Effect.fnUntraced(function* (
  options: KeyspaceOptions = {}
) {
  const server = yield* CassandraServer
  const name = uniqueName(options.prefix ?? "test")
  const replication = `{'class': 'NetworkTopologyStrategy', '${server.localDataCenter}': ${options.replicationFactor ?? 1}}`
  const run = (action: "create" | "drop", query: string) =>
    Driver.client({ ...server, localDataCenter: Option.some(server.localDataCenter) }).pipe(
      Effect.flatMap((client) => Driver.execute(client, query)),
      Effect.scoped,
      Effect.mapError((cause) => new KeyspaceError({ keyspace: name, action, cause }))
    )
  yield* Effect.acquireRelease(run("create", `CREATE KEYSPACE ${name} WITH replication = ${replication}`), () =>
    Effect.ignore(run("drop", `DROP KEYSPACE IF EXISTS ${name}`))
  )
  return { name }
})

/**
 * The keyspace of {@link make} as a layer. Built once for a test file (`layer` of `@effect/vitest`), it is that file's own keyspace.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: KeyspaceOptions | undefined
): Layer.Layer<TestKeyspace, KeyspaceError, CassandraServer> => Layer.scoped(TestKeyspace, make(options))
