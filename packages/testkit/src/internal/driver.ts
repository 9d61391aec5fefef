/**
 * The few things the kit asks of a server, through cassandra-driver. Loaded only when needed: it takes a quarter second.
 */
import type { Client } from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { CassandraServer } from "../CassandraServer.ts"

/** How to reach a server; the data centre may be unknown yet. */
export interface Address extends Pick<CassandraServer, "contactPoints" | "port" | "credentials" | "tls"> {
  readonly localDataCenter: Option.Option<string>
}

/** The driver's options for this server. */
export const clientOptions = (address: Address) => ({
  contactPoints: [...address.contactPoints],
  protocolOptions: { port: address.port },
  ...Option.match(address.localDataCenter, {
    onNone: () => ({}),
    onSome: (localDataCenter) => ({ localDataCenter })
  }),
  ...Option.match(address.credentials, {
    onNone: () => ({}),
    onSome: ({ password, username }) => ({ credentials: { username, password: Redacted.value(password) } })
  }),
  ...Option.match(address.tls, {
    onNone: () => ({}),
    onSome: (tls) => ({
      sslOptions: { ca: [tls.ca], cert: tls.cert, key: Redacted.value(tls.key), rejectUnauthorized: true }
    })
  })
})

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/** A connected client, closed with the scope. */
export const client = (address: Address) =>
  Effect.acquireRelease(
    Effect.flatMap(
      Effect.promise(() => import("cassandra-driver")),
      (module) =>
        Effect.sync(
          () =>
            new module.default.Client({
              ...clientOptions(address),
              pooling: { coreConnectionsPerHost: { 0: 1, 1: 1, 2: 1 } },
              queryOptions: { consistency: module.default.types.consistencies.one }
            })
        )
    ),
    (connected) => Effect.promise(() => connected.shutdown().catch(() => undefined))
  ).pipe(Effect.tap((connected) => Effect.tryPromise({ try: () => connected.connect(), catch: toError })))

/** Runs one statement. */
export const execute = (connected: Client, query: string) =>
  Effect.tryPromise({ try: () => connected.execute(query), catch: toError })

/** The version and data centre of the server reached first. */
export const inspect = Effect.fnUntraced(function* (address: Address) {
  const module = (yield* Effect.promise(() => import("cassandra-driver"))).default
  // Without a data centre the driver's default policy refuses to start; round robin does not ask for one.
  const policy = new module.policies.loadBalancing.RoundRobinPolicy()
  const connected = yield* Effect.acquireRelease(
    Effect.sync(() => new module.Client({ ...clientOptions(address), policies: { loadBalancing: policy } })),
    (it) => Effect.promise(() => it.shutdown().catch(() => undefined))
  )
  const result = yield* execute(connected, "SELECT release_version, data_center FROM system.local")
  const row = result.first()
  return { version: String(row["release_version"]), dataCenter: String(row["data_center"]) }
}, Effect.scoped)
