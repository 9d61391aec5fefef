/** The options that `CASSANDRA_*` variables set. */
import { readFile } from "node:fs/promises"
import * as Arr from "effect/Array"
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../../CassandraError.ts"
import type { ClusterOptions, TlsOptions } from "../../ClusterOptions.ts"

/** A variable; none when it is not set, or when nothing but white space is in it. */
const variable = <A>(
  name: string,
  read: (name: string) => Config.Config<A>
): Effect.Effect<Option.Option<A>, ConfigError> =>
  Effect.flatMap(Config.withDefault(Config.string(`CASSANDRA_${name}`), ""), (value) =>
    value.trim() === "" ? Effect.succeedNone : Effect.asSome(read(`CASSANDRA_${name}`))
  )

const contactPoints = (name: string) =>
  Config.map(Config.string(name), (list) =>
    list
      .split(",")
      .map((host) => host.trim())
      .filter((host) => host !== "")
  )

const variables = Effect.all({
  contactPoints: Effect.map(variable("CONTACT_POINTS", contactPoints), Option.filter(Arr.isNonEmptyArray)),
  port: variable("PORT", Config.port),
  localDataCenter: variable("LOCAL_DC", Config.string),
  username: variable("USERNAME", Config.string),
  password: variable("PASSWORD", (name) => Config.redacted(name)),
  tls: variable("TLS", Config.boolean),
  ca: variable("TLS_CA", Config.string),
  cert: variable("TLS_CERT", Config.string),
  key: variable("TLS_KEY", (name) => Config.redacted(name)),
  serverName: variable("TLS_SERVER_NAME", Config.string)
})

/** PEM, given as it is or as the name of a file. */
const pem = (name: string, value: string): Effect.Effect<string, ConfigurationError> =>
  value.includes("-----BEGIN")
    ? Effect.succeed(value)
    : Effect.tryPromise({
        try: () => readFile(value.trim(), "utf8"),
        catch: (cause) => new ConfigurationError({ option: name, message: `${name}: the file cannot be read`, cause })
      }).pipe(
        // Node takes an authority that is empty for none, and trusts those it knows in its place.
        Effect.filterOrFail(
          (text) => text.includes("-----BEGIN"),
          () => new ConfigurationError({ option: name, message: `${name}: there is no PEM in the file` })
        )
      )

const alone = (set: string, other: string) =>
  new ConfigurationError({
    option: "credentials",
    message: `${set} is set and ${other} is not: both are needed, or none`
  })

/** The options, with what the environment says in their place. */
export const environment = (options: ClusterOptions): Effect.Effect<ClusterOptions, ConfigError | ConfigurationError> =>
  Effect.gen(function* () {
    const env = yield* variables
    if (Option.isSome(env.username) && Option.isNone(env.password)) {
      return yield* alone("CASSANDRA_USERNAME", "CASSANDRA_PASSWORD")
    }
    if (Option.isSome(env.password) && Option.isNone(env.username)) {
      return yield* alone("CASSANDRA_PASSWORD", "CASSANDRA_USERNAME")
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
    const own = typeof options.tls === "object" ? options.tls : {}
    return {
      ...options,
      ...(Option.isSome(env.contactPoints) ? { contactPoints: env.contactPoints.value } : {}),
      ...(Option.isSome(env.port) ? { port: env.port.value } : {}),
      ...(Option.isSome(env.localDataCenter) ? { localDataCenter: env.localDataCenter.value } : {}),
      // Credentials of the environment stand for another way to log in as well.
      ...(Option.isSome(env.username) && Option.isSome(env.password)
        ? { authentication: undefined, credentials: { username: env.username.value, password: env.password.value } }
        : {}),
      ...(Option.isSome(env.tls) || named ? { tls: Option.getOrElse(env.tls, () => true) && { ...own, ...tls } } : {})
    }
  })

/** The keyspace of `Session.layerEnv`. */
export const environmentKeyspace: Effect.Effect<Option.Option<string>, ConfigError> = variable(
  "KEYSPACE",
  Config.string
)
