/**
 * The plain driver, to look at servers from outside.
 */
import { CassandraServer } from "effect-cassandra-testkit"
import * as Driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"

/** A connected driver client, closed with the scope. */
export const connect = (server: CassandraServer.CassandraServer, overrides: Partial<Driver.ClientOptions> = {}) =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new Driver.Client({
          contactPoints: [...server.contactPoints],
          protocolOptions: { port: server.port },
          localDataCenter: server.localDataCenter,
          ...Option.match(server.credentials, {
            onNone: () => ({}),
            onSome: ({ password, username }) => ({ credentials: { username, password: Redacted.value(password) } })
          }),
          ...overrides
        })
    ),
    (client) => Effect.promise(() => client.shutdown().catch(() => undefined))
  ).pipe(Effect.tap((client) => Effect.tryPromise({ try: () => client.connect(), catch: (error) => error as Error })))

/** Runs one statement on a client. */
export const run = (client: Driver.Client, text: string) =>
  Effect.tryPromise({ try: () => client.execute(text), catch: (error) => error as Error })

/** Runs one statement over a connection of its own. */
export const query = (text: string) =>
  Effect.gen(function* () {
    const client = yield* connect(yield* CassandraServer.CassandraServer)
    return (yield* run(client, text)).rows
  }).pipe(Effect.scoped)
