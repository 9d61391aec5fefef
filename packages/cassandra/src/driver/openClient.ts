/** A client of `cassandra-driver` with the options of a cluster: the escape hatch `cluster.driver`. */
import type driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ConfigurationError, ConnectionError } from "../CassandraError.ts"
import { importModule } from "../internal/importModule.ts"
import type { Resolved } from "../internal/options/index.ts"
import type { ConnectionSettings } from "../internal/connection/index.ts"
import { codes } from "../Consistency.ts"
import type { DriverClient } from "./DriverClient.ts"

/** Loaded when somebody asks for it: programs without the driver do not carry it. */
const load: Effect.Effect<typeof driver, ConfigurationError> = Effect.tryPromise({
  try: async () => ((await importModule("cassandra-driver")) as { readonly default: typeof driver }).default,
  catch: (cause) =>
    new ConfigurationError({
      option: "driver",
      message: "cassandra-driver is not installed: npm install cassandra-driver",
      cause
    })
})

/** Our authenticators, as the driver calls them. */
const authentication = (
  { auth }: typeof driver,
  authenticate: ConnectionSettings["authenticate"]
): driver.auth.AuthProvider => {
  // The driver checks with `instanceof`, where its types have an interface.
  const { AuthProvider } = auth as unknown as { readonly AuthProvider: new () => object }
  class Provider extends AuthProvider implements driver.auth.AuthProvider {
    newAuthenticator(endpoint: string, name: string): driver.auth.Authenticator {
      const authenticator = authenticate(endpoint, name)
      type Answer = (error: Error | null, token?: Buffer) => void
      const answer = (done: Answer) => (error: Error | undefined, token?: Uint8Array) =>
        done(error ?? null, token && Buffer.from(token))
      return {
        initialResponse: (done: Answer) => authenticator.initialResponse(answer(done)),
        evaluateChallenge: (challenge: Buffer, done: Answer) =>
          authenticator.evaluateChallenge(challenge, answer(done)),
        onAuthenticationSuccess: () => authenticator.onSuccess()
      } as unknown as driver.auth.Authenticator
    }
  }
  return new Provider()
}

/** The driver's options, from those of a cluster. What the driver has no option for is left out. */
const clientOptions = (
  module: typeof driver,
  options: Resolved,
  { authenticate, tls }: ConnectionSettings,
  localDataCenter: string | undefined
): driver.ClientOptions => {
  const { distance } = module.types
  return {
    contactPoints: [...options.contactPoints],
    ...(localDataCenter === undefined ? {} : { localDataCenter }),
    authProvider: authentication(module, authenticate),
    ...(tls === undefined ? {} : { sslOptions: tls }),
    ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
    ...(options.applicationVersion === undefined ? {} : { applicationVersion: options.applicationVersion }),
    protocolOptions: { port: options.port },
    pooling: {
      coreConnectionsPerHost: {
        [distance.local]: options.connectionsPerHost.local,
        [distance.remote]: options.connectionsPerHost.remote
      },
      heartBeatInterval: options.heartbeatInterval,
      maxRequestsPerConnection: options.maxRequestsPerConnection
    },
    socketOptions: {
      connectTimeout: options.connectTimeout,
      tcpNoDelay: options.socket.noDelay,
      keepAlive: options.socket.keepAlive,
      keepAliveDelay: options.socket.keepAliveDelay
    },
    ...(options.consistency === undefined ? {} : { queryOptions: { consistency: codes[options.consistency] } })
  }
}

/** Connects a client, and shuts it down with the scope. */
export const openClient = (
  options: Resolved,
  settings: ConnectionSettings,
  localDataCenter: string | undefined
): Effect.Effect<DriverClient, ConfigurationError | ConnectionError, Scope.Scope> =>
  Effect.flatMap(load, (module) =>
    Effect.acquireRelease(
      Effect.tryPromise({
        try: async () => {
          const client = new module.Client(clientOptions(module, options, settings, localDataCenter))
          try {
            await client.connect()
          } catch (error) {
            await client.shutdown().catch(() => undefined)
            throw error
          }
          return client
        },
        catch: (cause) =>
          new ConnectionError({
            message: `cassandra-driver could not connect: ${cause instanceof Error ? cause.message : String(cause)}`,
            cause,
            hosts: [],
            writeState: "NotApplied"
          })
      }),
      (client) => Effect.promise(() => client.shutdown().catch(() => undefined))
    )
  )
