/**
 * How to reach a cluster, and the defaults for everything sent to it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "./CassandraError.ts"
import { isConsistency, isSerialConsistency } from "./Consistency.ts"
import type { ExecutionProfile, RequestOptions } from "./ExecutionProfile.ts"

/**
 * User name and password.
 *
 * @since 0.1.0
 * @category models
 */
export interface Credentials {
  readonly username: string
  readonly password: Redacted.Redacted
}

/**
 * TLS. The server's certificate and its name are verified unless told otherwise.
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** Certificates of the authorities to trust, PEM. Default: those of Node. */
  readonly ca?: string | ReadonlyArray<string> | undefined
  /** The client's certificate, PEM, for servers that ask for one. */
  readonly cert?: string | undefined
  /** The key of the client's certificate, PEM. */
  readonly key?: Redacted.Redacted | undefined
  /** The name that the certificates of all nodes are for. Default: each node's address. */
  readonly serverName?: string | undefined
  /** Accepts any certificate. Encryption without knowing with whom: for experiments only. Default `false`. */
  readonly acceptAnyCertificate?: boolean | undefined
  /** Accepts a certificate that is for another name. Default `false`. */
  readonly acceptAnyServerName?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ClusterOptions extends RequestOptions {
  /** Nodes to learn the others from: addresses or names, with `:port` where it differs. Default `["127.0.0.1"]`. */
  readonly contactPoints?: ReadonlyArray<string> | undefined
  /** The port of all nodes. Default 9042. */
  readonly port?: number | undefined
  /** The data centre whose nodes serve the requests. Default: that of the contact points, when they are all in one. */
  readonly localDataCenter?: string | undefined
  readonly credentials?: Credentials | undefined
  /** `true` is TLS with the defaults. */
  readonly tls?: TlsOptions | boolean | undefined
  /** How long opening one connection may take, authentication included. Default 5 seconds. */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** How often to try when every contact point refuses the connection. Default 3. */
  readonly connectAttempts?: number | undefined
  /** The delay after the first refused attempt; it doubles with each. Default 200 ms. */
  readonly connectBackoff?: Duration.DurationInput | undefined
  /** How long closing waits for requests in flight. Default 5 seconds. */
  readonly shutdownTimeout?: Duration.DurationInput | undefined
  /** Connections to each node. Default 1. */
  readonly connectionsPerHost?: number | undefined
  /** Requests in flight at once. Default: 2,000 for each connection to a local node. */
  readonly maxConcurrentRequests?: number | undefined
  /** Requests that may wait for their turn before more fail with `RequestThrottledError`. Default 65,536. */
  readonly maxQueuedRequests?: number | undefined
  /** Prepared statements that are remembered. Default 1,000. */
  readonly maxPreparedStatements?: number | undefined
  /** How often an idle connection is probed. Default 30 seconds; 0 for never. */
  readonly heartbeatInterval?: Duration.DurationInput | undefined
  /** How long to wait for the nodes to agree on a schema change. Default 10 seconds. */
  readonly maxSchemaAgreementWait?: Duration.DurationInput | undefined
  /** Named bundles of options; see `Statement.withProfile`. */
  readonly profiles?: Readonly<Record<string, ExecutionProfile>> | undefined
  /** Shown by the server in `system_views.clients`. */
  readonly applicationName?: string | undefined
  readonly applicationVersion?: string | undefined
}

/**
 * The options with every default filled in and every duration in milliseconds.
 *
 * @since 0.1.0
 * @category models
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
  readonly profiles: Readonly<Record<string, ExecutionProfile>>
  readonly applicationName: string | undefined
  readonly applicationVersion: string | undefined
}

const refuse = (option: string, message: string): never => {
  throw new ConfigurationError({ option, message: `${option}: ${message}` })
}

const millis = (option: string, input: Duration.DurationInput): number => {
  const duration = Duration.decodeUnknown(input)
  return Option.isSome(duration) ? Duration.toMillis(duration.value) : refuse(option, "not a duration")
}

const integer = (option: string, value: number, least: number, most: number): number =>
  Number.isInteger(value) && value >= least && value <= most
    ? value
    : refuse(option, `must be a whole number from ${least} to ${most}, not ${value}`)

const contactPoint = (value: unknown): string =>
  typeof value === "string" && value.trim().length > 0
    ? value.trim()
    : refuse("contactPoints", "each must be an address or a host name")

/** Throws a `ConfigurationError` for options of requests that are invalid, wherever they are set. */
export const checkRequestOptions = (options: RequestOptions, path: string): void => {
  const at = (name: string) => (path === "" ? name : `${path}.${name}`)
  const { consistency, serialConsistency, pageSize, prefetch } = options
  if (consistency !== undefined && !isConsistency(consistency)) {
    refuse(
      at("consistency"),
      consistency === "ANY"
        ? "ANY cannot be asked for: a write at ANY is acknowledged before any replica has it, and the driver would send ONE"
        : "not a consistency level"
    )
  }
  if (serialConsistency !== undefined && !isSerialConsistency(serialConsistency)) {
    refuse(at("serialConsistency"), "must be SERIAL or LOCAL_SERIAL")
  }
  if (pageSize !== undefined) integer(at("pageSize"), pageSize, 1, 0x7fffffff)
  if (prefetch !== undefined) integer(at("prefetch"), prefetch, 0, 1024)
  if (options.timeout !== undefined) millis(at("timeout"), options.timeout)
  if (options.deadline !== undefined) millis(at("deadline"), options.deadline)
}

const resolveTls = (tls: ClusterOptions["tls"]): TlsOptions | undefined => {
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    refuse("tls.cert", "a client certificate needs its key, and a key its certificate")
  }
  return tls
}

/**
 * Checks the options and fills in the defaults. The first one that is invalid is the error.
 *
 * @since 0.1.0
 * @category constructors
 */
export const resolve = (options: ClusterOptions): Either.Either<Resolved, ConfigurationError> =>
  Either.try({
    try: () => {
      const contactPoints = (options.contactPoints ?? ["127.0.0.1"]).map(contactPoint)
      if (contactPoints.length === 0) refuse("contactPoints", "at least one is needed")
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
        contactPoints,
        port: integer("port", options.port ?? 9042, 1, 65535),
        localDataCenter: options.localDataCenter,
        credentials,
        tls: resolveTls(options.tls),
        connectTimeout: millis("connectTimeout", options.connectTimeout ?? "5 seconds"),
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
        heartbeatInterval: millis("heartbeatInterval", options.heartbeatInterval ?? "30 seconds"),
        maxSchemaAgreementWait: millis("maxSchemaAgreementWait", options.maxSchemaAgreementWait ?? "10 seconds"),
        profiles: options.profiles ?? {},
        applicationName: options.applicationName,
        applicationVersion: options.applicationVersion
      }
    },
    catch: (error) => error as ConfigurationError
  })
