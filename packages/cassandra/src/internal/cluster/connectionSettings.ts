/** What the connections of an engine share, from the options of the cluster. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { ConnectionOptions } from "node:tls"
import type { AuthProvider } from "../../AuthProvider.ts"
import { AuthenticationError } from "../../CassandraError.ts"
import type { EffectRunner, Resolved } from "../options/index.ts"
import { type Authenticator, type ConnectionCounters, type ConnectionSettings, Deadlines } from "../connection/index.ts"
import { type Lz4, MAX_FRAME_LENGTH, typeName } from "../protocol/index.ts"
import { driverName, driverVersion } from "./version.ts"

/** With more abandoned requests than this still unanswered a connection is replaced. */
const MAX_ORPHANS = 256

export const connectionSettings = (
  options: Resolved,
  runner: EffectRunner,
  roomForOrphans: number,
  codec: Lz4 | undefined
): ConnectionSettings => {
  const counters: ConnectionCounters = {
    bytesRead: 0,
    bytesWritten: 0,
    bytesBeforeCompression: 0,
    bytesAfterCompression: 0,
    connectionsReplaced: 0
  }
  const { applicationName, applicationVersion, cqlVersion = "3.0.0" } = options
  return {
    startup: {
      CQL_VERSION: cqlVersion,
      DRIVER_NAME: driverName,
      DRIVER_VERSION: driverVersion,
      ...(applicationName === undefined ? {} : { APPLICATION_NAME: applicationName }),
      ...(applicationVersion === undefined ? {} : { APPLICATION_VERSION: applicationVersion })
    },
    lz4: codec === undefined ? undefined : counted(codec, counters),
    minimumVersion: options.minimumProtocolVersion,
    maximumVersion: options.maximumProtocolVersion,
    maxFrameLength: MAX_FRAME_LENGTH,
    maxOrphans: MAX_ORPHANS,
    maxStreams: Math.min(options.maxRequestsPerConnection + roomForOrphans, 32_768),
    connectTimeout: options.connectTimeout,
    heartbeatInterval: options.heartbeatInterval,
    heartbeatTimeout: options.heartbeatTimeout,
    tls: options.tls === undefined ? undefined : tlsOptions(options.tls),
    socket: options.socket,
    authenticate: authenticatorOf(options.authentication, runner, options.connectTimeout),
    counters,
    deadlines: new Deadlines(),
    log: () => {}
  }
}

/** Counts what goes in and out. */
const counted = (codec: Lz4, counters: ConnectionCounters): Lz4 => ({
  compress: (data) => {
    const out = codec.compress(data)
    counters.bytesBeforeCompression += data.length
    counters.bytesAfterCompression += Math.min(out.length, data.length)
    return out
  },
  decompress: (block, size) => {
    counters.bytesBeforeCompression += size
    counters.bytesAfterCompression += block.length
    return codec.decompress(block, size)
  }
})

const tlsOptions = (tls: NonNullable<Resolved["tls"]>): ConnectionOptions => ({
  rejectUnauthorized: tls.acceptAnyCertificate !== true,
  ...(tls.ca === undefined ? {} : { ca: typeof tls.ca === "string" ? tls.ca : [...tls.ca] }),
  ...(tls.cert === undefined ? {} : { cert: tls.cert }),
  ...(tls.key === undefined ? {} : { key: Redacted.value(tls.key) }),
  ...(tls.passphrase === undefined ? {} : { passphrase: Redacted.value(tls.passphrase) }),
  ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  ...(tls.acceptAnyServerName === true ? { checkServerIdentity: () => undefined } : {})
})

/** What answers the servers' authenticators: the provider, or an error that says what to do where there is none. */
const authenticatorOf =
  (provider: AuthProvider | undefined, { run, warn }: EffectRunner, timeout: number) =>
  (host: string, authenticator: string): Authenticator => {
    if (provider === undefined) {
      const message = `${host} asks for a login (${authenticator}): set \`credentials\`, or \`authentication\``
      const refuse: Authenticator["initialResponse"] = (answer) => answer(new AuthenticationError({ message, host }))
      return { initialResponse: refuse, evaluateChallenge: (_, answer) => refuse(answer), onSuccess: () => {} }
    }
    const failed = (what: string, cause: unknown) =>
      new AuthenticationError({ message: `The authentication provider failed ${what}`, cause, host })
    const ask = (
      what: string,
      token: () => Effect.Effect<Uint8Array, unknown>,
      answer: (error: Error | undefined, token?: Uint8Array) => void
    ) =>
      run(
        // A connection that was given up in the meantime no longer listens.
        Effect.timeout(Effect.suspend(token), timeout),
        (cause) => answer(failed(what, Cause.squash(cause))),
        (bytes: unknown) =>
          bytes instanceof Uint8Array
            ? answer(undefined, bytes)
            : answer(failed(`${what}: it gave ${typeName(bytes)} in place of bytes`, undefined))
      )
    const own = Effect.runSync(Effect.cached(Effect.sync(() => provider.authenticate({ host, authenticator }))))
    return {
      initialResponse: (answer) => ask("to log in", () => Effect.flatMap(own, (it) => it.initialResponse), answer),
      evaluateChallenge: (challenge, answer) =>
        ask(
          "to answer a challenge",
          () => Effect.flatMap(own, (it) => it.evaluateChallenge(new Uint8Array(challenge))),
          answer
        ),
      onSuccess: () =>
        run(
          Effect.flatMap(own, (it) => it.onSuccess ?? Effect.void),
          (cause) => warn(`The authentication provider failed after the login to ${host}`, Cause.squash(cause)),
          () => undefined
        )
    }
  }
