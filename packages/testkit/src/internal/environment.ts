/**
 * A cluster that is already running, named by the environment.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { CassandraServer } from "../CassandraServer.ts"
import { OptionsError, ServerStartError } from "../TestkitError.ts"
import type { Resolved } from "./defaults.ts"
import * as Driver from "./driver.ts"
import * as Env from "./env.ts"

/** Why a cluster we did not start cannot be what the options ask for. */
const refusal = (options: Resolved, hasCredentials: boolean): Option.Option<string> => {
  if (options.tls !== undefined) return Option.some("`tls` is asked for, which only a server of our own can be given")
  if (Object.keys(options.settings).length > 0) return Option.some("`settings` are asked for, and it already runs")
  if (options.jvmOptions.length > 0) return Option.some("`jvmOptions` are asked for, and it already runs")
  if (options.authentication && !hasCredentials) {
    return Option.some("`authentication` is asked for, but CASSANDRA_USERNAME is not set")
  }
  return Option.none()
}

const portOf = (text: string): Effect.Effect<number, OptionsError> => {
  const port = Number(text)
  return Number.isInteger(port) && port > 0 && port < 65_536
    ? Effect.succeed(port)
    : new OptionsError({ option: "CASSANDRA_PORT", reason: `"${text}" is not a port` })
}

/** Who to log in as. */
const credentialsOf: Effect.Effect<CassandraServer["credentials"], OptionsError> = Effect.gen(function* () {
  const username = yield* Env.variable("CASSANDRA_USERNAME")
  const password = yield* Env.secret("CASSANDRA_PASSWORD")
  if (Option.isSome(username) !== Option.isSome(password)) {
    const [missing, set] = Option.isNone(username) ? ["USERNAME", "PASSWORD"] : ["PASSWORD", "USERNAME"]
    return yield* new OptionsError({
      option: `CASSANDRA_${missing}`,
      reason: `it is not set, although CASSANDRA_${set} is`
    })
  }
  return Option.all({ username, password: Option.map(password, Redacted.make) })
})

/** The cluster of the environment, asked for its version; left says why it does not apply. */
export const find = Effect.fnUntraced(function* (options: Resolved) {
  const named = yield* Env.variable("CASSANDRA_CONTACT_POINTS")
  if (Option.isNone(named)) return Either.left("CASSANDRA_CONTACT_POINTS is not set")
  const contactPoints = named.value.split(/[\s,]+/).filter((host) => host !== "")
  const credentials = yield* credentialsOf
  const refused = refusal(options, Option.isSome(credentials))
  if (Option.isSome(refused)) return Either.left(refused.value)
  const port = yield* portOf(Option.getOrElse(yield* Env.variable("CASSANDRA_PORT"), () => "9042"))
  const localDataCenter = yield* Env.variable("CASSANDRA_LOCAL_DC")
  const start = Effect.gen(function* () {
    yield* options.report(`using the cluster at ${contactPoints.join(", ")} port ${port}`)
    const seen = yield* Driver.inspect({ contactPoints, port, localDataCenter, credentials, tls: Option.none() })
    const server: CassandraServer = {
      source: "environment",
      version: seen.version,
      contactPoints,
      port,
      localDataCenter: Option.getOrElse(localDataCenter, () => seen.dataCenter),
      credentials,
      tls: Option.none(),
      logFile: Option.none(),
      pid: Option.none()
    }
    return server
  }).pipe(
    Effect.mapError(
      (cause) =>
        new ServerStartError({
          server: `The cluster of CASSANDRA_CONTACT_POINTS (${contactPoints.join(", ")} port ${port})`,
          reason: cause.message,
          log: "",
          cause
        })
    )
  )
  return Either.right(start)
})
