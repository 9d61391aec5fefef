/** The driver's authentication provider, from ours. */
import type driver from "cassandra-driver"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Ours from "../AuthProvider.ts"
import { AuthenticationError } from "../CassandraError.ts"
import type { Callbacks } from "./callbacks.ts"
import { AuthProvider } from "./driverBases.ts"
import { typeName } from "./misfit.ts"

type Answer = (error: Error | null, token?: Buffer) => void

const failed = (host: string, what: string, cause: unknown): AuthenticationError =>
  new AuthenticationError({ message: `The authentication provider failed ${what}`, cause, host })

export class Authentication extends AuthProvider implements driver.auth.AuthProvider {
  readonly #provider: Ours.AuthProvider
  readonly #callbacks: Callbacks
  readonly #timeout: number
  constructor(provider: Ours.AuthProvider, callbacks: Callbacks, timeout: number) {
    super()
    this.#provider = provider
    this.#callbacks = callbacks
    this.#timeout = timeout
  }

  newAuthenticator(host: string, authenticator: string): driver.auth.Authenticator {
    const { run, warn } = this.#callbacks
    const ask = (what: string, token: () => Effect.Effect<Uint8Array, unknown>, answer: Answer) =>
      run(
        // A connection that was given up in the meantime no longer listens.
        Effect.timeout(Effect.suspend(token), this.#timeout),
        (cause) => answer(failed(host, what, Cause.squash(cause))),
        (bytes: unknown) =>
          bytes instanceof Uint8Array
            ? answer(null, Buffer.from(bytes))
            : answer(failed(host, `${what}: it gave ${typeName(bytes)} in place of bytes`, undefined))
      )
    const login = Effect.cached(Effect.sync(() => this.#provider.authenticate({ host, authenticator })))
    const known = Effect.runSync(login)
    return {
      initialResponse: (answer: Answer) =>
        ask("to log in", () => Effect.flatMap(known, (own) => own.initialResponse), answer),
      evaluateChallenge: (challenge: Buffer, answer: Answer) =>
        ask(
          "to answer a challenge",
          () => Effect.flatMap(known, (own) => own.evaluateChallenge(new Uint8Array(challenge))),
          answer
        ),
      onAuthenticationSuccess: () =>
        run(
          Effect.flatMap(known, (own) => own.onSuccess ?? Effect.void),
          (cause) => warn(`The authentication provider failed after the login to ${host}`, Cause.squash(cause)),
          () => undefined
        )
    } as driver.auth.Authenticator
  }
}

/** Without a provider: says what to do, where the driver says that it has none. */
export class NoAuthentication extends AuthProvider implements driver.auth.AuthProvider {
  newAuthenticator(host: string, authenticator: string): driver.auth.Authenticator {
    const message = `${host} asks for a login (${authenticator}): set \`credentials\`, or \`authentication\``
    return {
      initialResponse: (answer: Answer) => answer(new AuthenticationError({ message, host }))
    } as unknown as driver.auth.Authenticator
  }
}
