/**
 * How connections log in to servers that ask for it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Argument from "./internal/options/arguments.ts"
import type { Credentials } from "./ClusterOptions.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/AuthProvider"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/AuthProvider"

/**
 * The server that a connection logs in to.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthRequest {
  /** The node, as `address:port`. */
  readonly host: string
  /** The class of the server's authenticator, such as `org.apache.cassandra.auth.PasswordAuthenticator`. */
  readonly authenticator: string
}

/**
 * One login, on one connection. What its effects fail with is the cause of an `AuthenticationError`; they are interrupted
 * when the cluster is closed, and have `connectTimeout` to end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Authenticator {
  /** What the client says first. */
  readonly initialResponse: Effect.Effect<Uint8Array, unknown>
  /** The answer to a challenge of the server's; there may be none, one or several. */
  readonly evaluateChallenge: (challenge: Uint8Array) => Effect.Effect<Uint8Array, unknown>
  /** Run when the server has accepted; the connection does not wait for it, and its failure is logged. */
  readonly onSuccess?: Effect.Effect<void, unknown> | undefined
}

/**
 * Makes an authenticator for each connection.
 *
 * @since 0.1.0
 * @category models
 */
export interface AuthProvider {
  readonly [TypeId]: TypeId
  readonly authenticate: (request: AuthRequest) => Authenticator
}

/**
 * A login of your own, for servers with an authenticator of their own.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { AuthProvider, Cluster } from "effect-cassandra"
 *
 * declare const ticketFor: (host: string) => Effect.Effect<Uint8Array, Error>
 * declare const sign: (challenge: Uint8Array) => Effect.Effect<Uint8Array, Error>
 *
 * const CassandraLive = Cluster.layer({
 *   authentication: AuthProvider.make(({ host }) => ({ initialResponse: ticketFor(host), evaluateChallenge: sign }))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (authenticate: (request: AuthRequest) => Authenticator): AuthProvider => ({
  [TypeId]: TypeId,
  authenticate: Argument.aFunction("AuthProvider.make", authenticate)
})

/** DSE's authenticator wants the name of the mechanism first, and then the same token. */
const dse = "com.datastax.bdp.cassandra.auth.DseAuthenticator"

/**
 * User name and password, asked for anew for each connection: a password that is changed while the client runs is used by
 * the next connection.
 *
 * @example
 * ```ts
 * import { Effect, Redacted } from "effect"
 * import { AuthProvider, Cluster } from "effect-cassandra"
 *
 * declare const readSecret: (name: string) => Effect.Effect<string, Error>
 *
 * const CassandraLive = Cluster.layer({
 *   authentication: AuthProvider.plainTextWith(
 *     Effect.map(readSecret("cassandra"), (password) => ({ username: "shop", password: Redacted.make(password) }))
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const plainTextWith = (credentials: Effect.Effect<Credentials, unknown>): AuthProvider => {
  const token = Effect.map(Argument.effect("AuthProvider.plainTextWith", credentials), ({ password, username }) =>
    new TextEncoder().encode(`\0${username}\0${Redacted.value(password)}`)
  )
  return make(({ authenticator }) => ({
    initialResponse: authenticator === dse ? Effect.succeed(new TextEncoder().encode("PLAIN")) : token,
    evaluateChallenge: () => token
  }))
}

/**
 * User name and password: what `credentials` is short for.
 *
 * @example
 * ```ts
 * import { Redacted } from "effect"
 * import { AuthProvider, Cluster } from "effect-cassandra"
 *
 * const CassandraLive = Cluster.layer({
 *   authentication: AuthProvider.plainText({ username: "shop", password: Redacted.make("secret") })
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const plainText = (credentials: Credentials): AuthProvider =>
  plainTextWith(Effect.succeed(Argument.credentials("AuthProvider.plainText", credentials)))
