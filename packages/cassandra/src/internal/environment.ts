/** The options that `CASSANDRA_*` variables set. */
import { readFile } from "node:fs/promises"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../CassandraError.ts"
import type { ClusterOptions, TlsOptions } from "../ClusterOptions.ts"

const text = (name: string): Config.Config<Option.Option<string>> =>
  Config.option(Config.nonEmptyString(`CASSANDRA_${name}`))

const variables = Config.all({
  contactPoints: Config.option(Config.array(Config.nonEmptyString(), "CASSANDRA_CONTACT_POINTS")),
  port: Config.option(Config.port("CASSANDRA_PORT")),
  localDataCenter: text("LOCAL_DC"),
  username: text("USERNAME"),
  password: Config.option(Config.redacted("CASSANDRA_PASSWORD")),
  tls: Config.option(Config.boolean("CASSANDRA_TLS")),
  ca: text("TLS_CA"),
  cert: text("TLS_CERT"),
  key: Config.option(Config.redacted("CASSANDRA_TLS_KEY")),
  serverName: text("TLS_SERVER_NAME")
})

/** PEM, given as it is or as the name of a file. */
const pem = (variable: string, value: string): Effect.Effect<string, ConfigurationError> =>
  value.includes("-----BEGIN")
    ? Effect.succeed(value)
    : Effect.tryPromise({
        try: () => readFile(value, "utf8"),
        catch: (cause) =>
          new ConfigurationError({ option: variable, message: `${variable}: the file cannot be read`, cause })
      })

export const environment: Effect.Effect<ClusterOptions, ConfigError | ConfigurationError> = Effect.gen(function* () {
  const env = yield* variables
  if (Option.isSome(env.username) !== Option.isSome(env.password)) {
    return yield* new ConfigurationError({
      option: "credentials",
      message: "CASSANDRA_USERNAME and CASSANDRA_PASSWORD go together: one of them is not set"
    })
  }
  const tls: TlsOptions = {
    ...(Option.isSome(env.ca) ? { ca: yield* pem("CASSANDRA_TLS_CA", env.ca.value) } : {}),
    ...(Option.isSome(env.cert) ? { cert: yield* pem("CASSANDRA_TLS_CERT", env.cert.value) } : {}),
    ...(Option.isSome(env.key)
      ? { key: Redacted.make(yield* pem("CASSANDRA_TLS_KEY", Redacted.value(env.key.value))) }
      : {}),
    ...(Option.isSome(env.serverName) ? { serverName: env.serverName.value } : {})
  }
  const named = Object.keys(tls).length > 0
  return {
    ...(Option.isSome(env.contactPoints) ? { contactPoints: env.contactPoints.value } : {}),
    ...(Option.isSome(env.port) ? { port: env.port.value } : {}),
    ...(Option.isSome(env.localDataCenter) ? { localDataCenter: env.localDataCenter.value } : {}),
    ...(Option.isSome(env.username) && Option.isSome(env.password)
      ? { credentials: { username: env.username.value, password: env.password.value } }
      : {}),
    ...(Option.getOrElse(env.tls, () => named) ? { tls: named ? tls : true } : {})
  }
})

/** The keyspace of `Session.layerEnv`. */
export const keyspace: Effect.Effect<Option.Option<string>, ConfigError> = text("KEYSPACE")
