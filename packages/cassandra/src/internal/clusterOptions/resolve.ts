/** From the options that were given to those that are used. */
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import type { ConfigurationError } from "../../CassandraError.ts"
import type { ClusterOptions, Credentials, TlsOptions } from "../../ClusterOptions.ts"
import type { ExecutionProfile, RequestOptions } from "../../ExecutionProfile.ts"
import { integer, limit, longestTimer, millis, oneOf, refuse } from "./checks.ts"
import { checkRequestOptions } from "./requestOptions.ts"

/**
 * The options with every default filled in and every duration in milliseconds.
 */
export interface Resolved extends RequestOptions {
  readonly contactPoints: ReadonlyArray<string>
  readonly port: number
  readonly localDataCenter: string | undefined
  readonly credentials: Credentials | undefined
  readonly tls: TlsOptions | undefined
  readonly connectTimeout: number
  readonly connectAttempts: number
  readonly connectBackoff: number
  readonly shutdownTimeout: number
  readonly connectionsPerHost: number
  readonly maxConcurrentRequests: number | undefined
  readonly maxQueuedRequests: number
  readonly maxPreparedStatements: number
  readonly heartbeatInterval: number
  readonly maxSchemaAgreementWait: number
  readonly minimumProtocolVersion: 4 | 5
  readonly compression: "lz4" | "auto" | "none"
  readonly profiles: Readonly<Record<string, ExecutionProfile>>
  readonly applicationName: string | undefined
  readonly applicationVersion: string | undefined
}

const contactPoint = (value: unknown): string =>
  typeof value === "string" && value.trim().length > 0
    ? value.trim()
    : refuse("contactPoints", "each must be an address or a host name")

/** The driver takes 0 for never. */
const heartbeat = (interval: number): number => (interval > longestTimer ? 0 : interval)

const resolveTls = (tls: ClusterOptions["tls"]): TlsOptions | undefined => {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    refuse("tls.cert", "a client certificate needs its key, and a key its certificate")
  }
  return tls
}

const definedIn = (profile: ExecutionProfile | undefined): RequestOptions =>
  Object.fromEntries(Object.entries(profile ?? {}).filter(([, value]) => value !== undefined))

/**
 * Checks the options and fills in the defaults. The first one that is invalid is the error.
 */
export const resolve = (options: ClusterOptions): Either.Either<Resolved, ConfigurationError> =>
  Either.try({
    try: () => {
      const given: unknown = options.contactPoints ?? ["127.0.0.1"]
      if (!Array.isArray(given) || given.length === 0) refuse("contactPoints", "must be an array of at least one")
      const contactPoints = (given as ReadonlyArray<unknown>).map(contactPoint)
      if (options.localDataCenter !== undefined && options.localDataCenter.trim() === "") {
        refuse("localDataCenter", "must not be empty")
      }
      const { credentials } = options
      if (credentials !== undefined && !Redacted.isRedacted(credentials.password)) {
        refuse("credentials.password", "must be Redacted, so that it is never printed: Redacted.make(password)")
      }
      checkRequestOptions(options, "")
      for (const [name, profile] of Object.entries(options.profiles ?? {})) {
        checkRequestOptions(profile, `profiles.${name}`)
      }
      return {
        ...options,
        // The profile of that name is a way to write the cluster's own options.
        ...definedIn(options.profiles?.["default"]),
        contactPoints,
        port: integer("port", options.port ?? 9042, 1, 65535),
        localDataCenter: options.localDataCenter,
        credentials,
        tls: resolveTls(options.tls),
        connectTimeout: Math.min(limit("connectTimeout", options.connectTimeout ?? "5 seconds"), longestTimer),
        connectAttempts: integer("connectAttempts", options.connectAttempts ?? 3, 1, 1000),
        connectBackoff: millis("connectBackoff", options.connectBackoff ?? "200 millis"),
        shutdownTimeout: millis("shutdownTimeout", options.shutdownTimeout ?? "5 seconds"),
        connectionsPerHost: integer("connectionsPerHost", options.connectionsPerHost ?? 1, 1, 128),
        maxConcurrentRequests:
          options.maxConcurrentRequests === undefined
            ? undefined
            : integer("maxConcurrentRequests", options.maxConcurrentRequests, 1, 0x7fffffff),
        maxQueuedRequests: integer("maxQueuedRequests", options.maxQueuedRequests ?? 65536, 0, 0x7fffffff),
        maxPreparedStatements: integer("maxPreparedStatements", options.maxPreparedStatements ?? 1000, 1, 0x7fffffff),
        heartbeatInterval: heartbeat(millis("heartbeatInterval", options.heartbeatInterval ?? "30 seconds")),
        maxSchemaAgreementWait: millis("maxSchemaAgreementWait", options.maxSchemaAgreementWait ?? "10 seconds"),
        minimumProtocolVersion: oneOf("minimumProtocolVersion", options.minimumProtocolVersion ?? 5, [4, 5]),
        compression: oneOf("compression", options.compression ?? "none", ["lz4", "auto", "none"]),
        profiles: options.profiles ?? {},
        applicationName: options.applicationName,
        applicationVersion: options.applicationVersion
      }
    },
    catch: (error) => error as ConfigurationError
  })
