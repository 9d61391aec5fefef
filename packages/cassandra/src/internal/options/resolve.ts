/** From the options that were given to those that are used. */
import * as Either from "effect/Either"
import * as Schedule from "effect/Schedule"
import type { AuthProvider } from "../../AuthProvider.ts"
import type { ConfigurationError } from "../../CassandraError.ts"
import type { ClusterOptions, TlsOptions } from "../../ClusterOptions.ts"
import type { ExecutionProfile, RequestOptions } from "../../ExecutionProfile.ts"
import * as TimestampGenerator from "../../TimestampGenerator.ts"
import * as Argument from "./arguments.ts"
import type { BreakerSettings } from "../routing/index.ts"
import { resolveBreaker } from "./breaker.ts"
import { flag, integer, limit, longestTimer, millis, oneOf, refuse, shortText, text } from "./checks.ts"
import { refuseUnknown } from "./optionNames.ts"
import {
  orNever,
  resolveAuthentication,
  resolveContactPoints,
  type ResolvedPoolSizes,
  type ResolvedSocket,
  type ResolvedVersions,
  resolvePoolSizes,
  resolveSocket,
  resolveVersions,
  resolveWindow
} from "./connections.ts"
import { resolveMetrics, type ResolvedMetrics, resolveSlowQueryThreshold } from "./metrics.ts"
import { clusterOptions, notOfClusters } from "./names.ts"
import { checkProfile, checkRequestOptions } from "./requestOptions.ts"
import { resolveTls } from "./tls.ts"

/** The options with every default filled in and every duration in milliseconds; a timer of 0 never fires. */
export interface Resolved extends RequestOptions, ResolvedVersions {
  readonly breaker: BreakerSettings | undefined
  readonly contactPoints: ReadonlyArray<string>
  readonly port: number
  readonly localDataCenter: string | undefined
  readonly authentication: AuthProvider | undefined
  readonly tls: TlsOptions | undefined
  readonly socket: ResolvedSocket
  readonly addressTranslator: ClusterOptions["addressTranslator"]
  readonly connectTimeout: number
  readonly connectAttempts: number
  readonly connectBackoff: number
  readonly reconnection: Schedule.Schedule<unknown>
  readonly shutdownTimeout: number
  readonly connectionsPerHost: ResolvedPoolSizes
  readonly maxRequestsPerConnection: number
  readonly maxConcurrentRequests: number | undefined
  readonly maxQueuedRequests: number
  readonly maxPreparedStatements: number
  readonly prepareOnAllHosts: boolean
  readonly reprepareOnUp: boolean
  readonly heartbeatInterval: number
  readonly heartbeatTimeout: number
  readonly controlConnectionTimeout: number
  readonly maxSchemaAgreementWait: number
  /** Undefined is not at all. */
  readonly schemaRefreshWindow: number | undefined
  readonly topologyRefreshWindow: number | undefined
  readonly statusRefreshWindow: number | undefined
  readonly schemaMetadata: boolean
  readonly tokenMetadata: boolean
  readonly timestampGenerator: TimestampGenerator.TimestampGenerator
  readonly compression: "lz4" | "auto" | "none"
  readonly profiles: Readonly<Record<string, ExecutionProfile>>
  readonly metrics: ResolvedMetrics
  /** Milliseconds; `Infinity` logs nothing. */
  readonly slowQueryThreshold: number
  readonly cqlVersion: string | undefined
  readonly applicationName: string | undefined
  readonly applicationVersion: string | undefined
}

/** From a second, doubling, to ten minutes; each somewhat different, so that clients do not all come back at once. */
const standardReconnection = Schedule.exponential("1 second").pipe(
  Schedule.jittered,
  Schedule.union(Schedule.spaced("10 minutes"))
)

const schedule = (option: string, value: Schedule.Schedule<unknown>): Schedule.Schedule<unknown> =>
  Schedule.isSchedule(value) ? (value as Schedule.Schedule<unknown>) : refuse(option, "must be a Schedule")

/** Throws for what is no generator. */
export const checkTimestampGenerator = (
  option: string,
  generator: TimestampGenerator.TimestampGenerator | undefined
): void => {
  if (generator === undefined) return
  if (typeof generator !== "object" || generator === null || !(TimestampGenerator.TypeId in generator)) {
    refuse(option, "must be a TimestampGenerator")
  }
}

const definedIn = (profile: ExecutionProfile | undefined): RequestOptions =>
  Object.fromEntries(Object.entries(profile ?? {}).filter(([, value]) => value !== undefined))

const cqlVersion = (value: string | undefined): string | undefined =>
  value === undefined || /^\d+\.\d+\.\d+$/.test(value)
    ? value
    : refuse("cqlVersion", `must be three numbers, such as "3.4.5"`)

/** Checks the options and fills in the defaults. The first one that is invalid is the error. */
export const resolve = (options: ClusterOptions): Either.Either<Resolved, ConfigurationError> =>
  Either.try({
    try: () => {
      Argument.record("options", options)
      refuseUnknown("", options, clusterOptions, notOfClusters)
      const contactPoints = resolveContactPoints(options.contactPoints)
      text("localDataCenter", options.localDataCenter)
      const authentication = resolveAuthentication(options)
      checkRequestOptions(options, "")
      for (const [name, profile] of Object.entries(options.profiles ?? {})) {
        checkProfile(profile, `profiles.${name}`)
      }
      const { addressTranslator } = options
      if (addressTranslator !== undefined && typeof addressTranslator !== "function") {
        refuse("addressTranslator", "must be a function")
      }
      checkTimestampGenerator("timestampGenerator", options.timestampGenerator)
      return {
        ...options,
        // The profile of that name is a way to write the cluster's own options.
        ...definedIn(options.profiles?.["default"]),
        ...resolveVersions(options),
        breaker: resolveBreaker(options.breaker),
        contactPoints,
        port: integer("port", options.port ?? 9042, 1, 65535),
        localDataCenter: options.localDataCenter,
        authentication,
        tls: resolveTls(options.tls),
        socket: resolveSocket(options.socket),
        addressTranslator,
        connectTimeout: Math.min(limit("connectTimeout", options.connectTimeout ?? "5 seconds"), longestTimer),
        connectAttempts: integer("connectAttempts", options.connectAttempts ?? 3, 1, 1000),
        connectBackoff: millis("connectBackoff", options.connectBackoff ?? "200 millis"),
        reconnection: schedule("reconnection", options.reconnection ?? standardReconnection),
        shutdownTimeout: millis("shutdownTimeout", options.shutdownTimeout ?? "5 seconds"),
        connectionsPerHost: resolvePoolSizes(options.connectionsPerHost),
        maxRequestsPerConnection: integer(
          "maxRequestsPerConnection",
          options.maxRequestsPerConnection ?? 2000,
          1,
          32_000
        ),
        maxConcurrentRequests:
          options.maxConcurrentRequests === undefined
            ? undefined
            : integer("maxConcurrentRequests", options.maxConcurrentRequests, 1, 0x7fffffff),
        maxQueuedRequests: integer("maxQueuedRequests", options.maxQueuedRequests ?? 65536, 0, 0x7fffffff),
        maxPreparedStatements: integer("maxPreparedStatements", options.maxPreparedStatements ?? 1000, 1, 0x7fffffff),
        prepareOnAllHosts: flag("prepareOnAllHosts", options.prepareOnAllHosts, true),
        reprepareOnUp: flag("reprepareOnUp", options.reprepareOnUp, true),
        heartbeatInterval: orNever(millis("heartbeatInterval", options.heartbeatInterval ?? "30 seconds")),
        heartbeatTimeout: orNever(limit("heartbeatTimeout", options.heartbeatTimeout ?? "30 seconds")),
        controlConnectionTimeout: orNever(
          limit("controlConnectionTimeout", options.controlConnectionTimeout ?? "2 seconds")
        ),
        maxSchemaAgreementWait: millis("maxSchemaAgreementWait", options.maxSchemaAgreementWait ?? "10 seconds"),
        schemaRefreshWindow: resolveWindow("schemaRefreshWindow", options.schemaRefreshWindow, 2000),
        topologyRefreshWindow: resolveWindow("topologyRefreshWindow", options.topologyRefreshWindow, 10_000),
        statusRefreshWindow: resolveWindow("statusRefreshWindow", options.statusRefreshWindow, 2000),
        schemaMetadata: flag("schemaMetadata", options.schemaMetadata, true),
        tokenMetadata: flag("tokenMetadata", options.tokenMetadata, true),
        timestampGenerator: options.timestampGenerator ?? TimestampGenerator.monotonic(),
        compression: oneOf("compression", options.compression ?? "none", ["lz4", "auto", "none"]),
        profiles: options.profiles ?? {},
        metrics: resolveMetrics(options.metrics),
        slowQueryThreshold: resolveSlowQueryThreshold(options.slowQueryThreshold),
        cqlVersion: cqlVersion(options.cqlVersion),
        applicationName: shortText("applicationName", options.applicationName),
        applicationVersion: shortText("applicationVersion", options.applicationVersion)
      }
    },
    catch: (error) => error as ConfigurationError
  })
