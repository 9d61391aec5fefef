/** What connecting fails with. */
import {
  AuthenticationError,
  type CassandraError,
  ConfigurationError,
  ConnectionError,
  type NoHostAvailableError
} from "../../CassandraError.ts"
import type { Resolved } from "../options/index.ts"
import { maybeTls, tlsError } from "./tlsError.ts"

/** What a failed connect was about, from the errors of the single hosts; `unresolved` are names that no address was found for. */
export const connectError = (
  error: CassandraError,
  { tls }: Pick<Resolved, "tls">,
  unresolved: ReadonlyArray<string> = []
): CassandraError => {
  if (error._tag !== "NoHostAvailableError") return error
  const inner = [...error.errors].map(([host, cause]) => [host, tlsError(cause, host, tls) ?? cause] as const)
  for (const [host, cause] of inner) {
    if (cause._tag === "AuthenticationError") {
      return new AuthenticationError({ message: cause.message, cause: cause.cause, host })
    }
    if (cause._tag === "ConfigurationError") return cause
    if (cause._tag === "ProtocolError") {
      const option = /cql_?version/i.test(cause.message.replace(" ", "_")) ? "cqlVersion" : "contactPoints"
      return new ConfigurationError({ option, message: cause.message, cause })
    }
  }
  const why = [
    ...inner.map(([host, cause]) => `${host}: ${cause.message}${maybeTls(cause, tls)}`),
    ...unresolved.map((name) => `${name}: the name has no address`)
  ]
  return new ConnectionError({
    message: why.length === 0 ? error.message : `No connection to any contact point. ${why.join("; ")}`,
    cause: error,
    hosts: [...inner.map(([host]) => host), ...unresolved],
    writeState: "NotApplied"
  })
}

const refusals = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE"])

/** Whether every contact point refused the connection, as a server that is still starting does. */
export const isRefused = (error: CassandraError): boolean => {
  if (error._tag !== "ConnectionError" || error.hosts.length === 0) return false
  const { errors } = error.cause as NoHostAvailableError
  return (
    errors.size > 0 &&
    [...errors.values()].every(({ cause }) => refusals.has((cause as { code?: string } | undefined)?.code ?? ""))
  )
}
