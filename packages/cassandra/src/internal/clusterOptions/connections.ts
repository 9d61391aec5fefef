import type { AuthProvider } from "../../AuthProvider.ts"
import { plainText, TypeId as AuthProviderTypeId } from "../../AuthProvider.ts"
import type { ClusterOptions } from "../../ClusterOptions.ts"
import * as Argument from "../arguments.ts"
import { refuseUnknown } from "../optionNames.ts"
import * as names from "./names.ts"
import { flag, integer, longestTimer, millis, oneOf, refuse } from "./checks.ts"

const contactPoint = (value: unknown): string =>
  typeof value === "string" && value.trim().length > 0
    ? value.trim()
    : refuse("contactPoints", "each must be an address or a host name")

export const resolveContactPoints = (given: unknown = ["127.0.0.1"]): ReadonlyArray<string> =>
  Array.isArray(given) && given.length > 0
    ? given.map(contactPoint)
    : refuse("contactPoints", "must be an array of at least one")

export const resolveAuthentication = ({ authentication, credentials }: ClusterOptions): AuthProvider | undefined => {
  if (authentication !== undefined) {
    if (credentials !== undefined) refuse("authentication", "there are credentials as well: one of the two is enough")
    return typeof authentication === "object" && authentication !== null && AuthProviderTypeId in authentication
      ? authentication
      : refuse("authentication", "must be an AuthProvider")
  }
  if (credentials === undefined) return undefined
  return plainText(Argument.credentials("credentials", credentials))
}

export interface ResolvedSocket {
  readonly noDelay: boolean
  readonly keepAlive: boolean
  /** Milliseconds; 0 is the operating system's. */
  readonly keepAliveDelay: number
}

export const resolveSocket = (socket: ClusterOptions["socket"] = {}): ResolvedSocket => {
  refuseUnknown("socket", Argument.record("socket", socket), names.socketOptions)
  const delay = millis("socket.keepAliveDelay", socket.keepAliveDelay ?? 0)
  return {
    noDelay: flag("socket.noDelay", socket.noDelay, true),
    keepAlive: flag("socket.keepAlive", socket.keepAlive, true),
    // The operating system counts in seconds: less than one would be its default, which is hours.
    keepAliveDelay: delay === 0 ? 0 : Math.min(Math.max(delay, 1000), 32_767_000)
  }
}

export interface ResolvedPoolSizes {
  readonly local: number
  readonly remote: number
}

export const resolvePoolSizes = (sizes: ClusterOptions["connectionsPerHost"] = 1): ResolvedPoolSizes => {
  if (typeof sizes !== "object" || sizes === null) {
    return { local: integer("connectionsPerHost", sizes, 1, 128), remote: 1 }
  }
  refuseUnknown("connectionsPerHost", sizes, names.poolSizes)
  return {
    local: integer("connectionsPerHost.local", sizes.local ?? 1, 1, 128),
    remote: integer("connectionsPerHost.remote", sizes.remote ?? 1, 0, 128)
  }
}

export interface ResolvedVersions {
  readonly minimumProtocolVersion: 4 | 5
  readonly maximumProtocolVersion: 4 | 5
}

const since = "v5 is needed, which came with Cassandra 4.0"

export const resolveVersions = (options: ClusterOptions): ResolvedVersions => {
  const minimum = oneOf("minimumProtocolVersion", options.minimumProtocolVersion ?? 5, [4, 5])
  const exact: number | undefined = options.protocolVersion
  if (exact === undefined) return { minimumProtocolVersion: minimum, maximumProtocolVersion: 5 }
  if (exact !== 4 && exact !== 5) {
    return refuse(
      "protocolVersion",
      Number.isInteger(exact) && exact > 5
        ? `native protocol v${exact} is not known here: the newest is v5`
        : `native protocol v${exact} is too old: ${since}`
    )
  }
  if (exact < minimum) {
    refuse("protocolVersion", `native protocol v4 is too old: ${since}; minimumProtocolVersion: 4 accepts v4`)
  }
  return { minimumProtocolVersion: exact, maximumProtocolVersion: exact }
}

/** Milliseconds, the longest there is for what has no end; the driver takes 0 for that. */
export const orNever = (interval: number): number => (interval > longestTimer ? 0 : interval)

/** Milliseconds, or undefined for not at all. */
export const resolveWindow = (
  option: string,
  window: ClusterOptions["schemaRefreshWindow"],
  otherwise: number
): number | undefined => {
  if (window === undefined) return otherwise
  if (window === "disabled") return undefined
  return window === "immediate"
    ? 0
    : Math.min(millis(option, window, `must be a duration, "immediate" or "disabled"`), longestTimer)
}

/** What this library sees to itself, and by which option. */
const reserved: Readonly<Record<string, string>> = {
  contactPoints: "contactPoints",
  localDataCenter: "localDataCenter",
  keyspace: "the session's keyspace",
  cloud: "contactPoints and tls",
  sni: "contactPoints and tls",
  credentials: "credentials",
  authProvider: "authentication",
  sslOptions: "tls",
  encoding: "CqlType",
  profiles: "profiles",
  policies: "reconnection, addressTranslator, timestampGenerator and retryPolicy",
  queryOptions: "the options of requests"
}

export const resolveAdvanced = (advanced: ClusterOptions["advanced"] = {}): Readonly<Record<string, unknown>> => {
  if (typeof advanced !== "object" || advanced === null || Array.isArray(advanced)) {
    refuse("advanced", "must be an object")
  }
  for (const key of Object.keys(advanced)) {
    const instead = reserved[key]
    if (instead !== undefined) refuse(`advanced.${key}`, `cannot be set here; use ${instead}`)
  }
  for (const key of ["port", "maxVersion"]) {
    const { protocolOptions } = advanced
    if (typeof protocolOptions === "object" && protocolOptions !== null && key in protocolOptions) {
      refuse(`advanced.protocolOptions.${key}`, "cannot be set here; use port and protocolVersion")
    }
  }
  return advanced
}
