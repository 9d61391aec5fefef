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
  /**
   * The lowest version of the native protocol to accept: 5 (Cassandra 4.0 and later), or 4 for older servers and for
   * ScyllaDB. The highest version that all nodes speak is used. Default 5.
   */
  readonly minimumProtocolVersion?: 4 | 5 | undefined
  /**
   * Compression of what travels: `"lz4"` asks for it and fails when the package `lz4-napi` is not installed, `"auto"` uses it
   * where it is. Protocol v4 is never compressed. Default `"none"`.
   */
  readonly compression?: "lz4" | "auto" | "none" | undefined
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
  readonly minimumProtocolVersion: 4 | 5
  readonly compression: "lz4" | "auto" | "none"
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

/** The longest that a timer of Node can wait; a longer one would fire at once. */
export const longestTimer = 0x7fffffff

/** A duration that ends: zero would fail everything, and the driver takes it for no limit. */
const limit = (option: string, input: Duration.DurationInput): number => {
  const value = millis(option, input)
  return value > 0 ? value : refuse(option, "must be longer than zero; Duration.infinity is no limit")
}

const integer = (option: string, value: number, least: number, most: number): number =>
  Number.isInteger(value) && value >= least && value <= most
    ? value
    : refuse(option, `must be a whole number from ${least} to ${most}, not ${value}`)

const oneOf = <A extends string | number>(option: string, value: A, allowed: ReadonlyArray<A>): A =>
  allowed.includes(value) ? value : refuse(option, `must be one of ${allowed.join(", ")}`)

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
  if (options.timeout !== undefined) limit(at("timeout"), options.timeout)
  if (options.deadline !== undefined) limit(at("deadline"), options.deadline)
}

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

/**
 * Checks the options and fills in the defaults. The first one that is invalid is the error.
 *
 * @since 0.1.0
 * @category constructors
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
