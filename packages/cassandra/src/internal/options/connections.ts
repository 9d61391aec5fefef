import type { AuthProvider } from "../../AuthProvider.ts"
import { plainText, TypeId as AuthProviderTypeId } from "../../AuthProvider.ts"
import type { ClusterOptions } from "../../ClusterOptions.ts"
import { isIPv4, isIPv6 } from "node:net"
import * as Argument from "./arguments.ts"
import { refuseUnknown } from "./optionNames.ts"
import * as names from "./names.ts"
import { flag, integer, longestTimer, millis, oneOf, refuse } from "./checks.ts"

const inBrackets = /^\[([^\]]*)\](?::(.*))?$/
/** What no name of a host has in it: white space, and what separates the parts of a URL or of a list. */
const noName = /[\s/,;@?#:[\]"'<>\\]/
const fourNumbers = /^\d+(?:\.\d+){3}$/

const no = (why: string): never => refuse("contactPoints", why)

/** An address or a name, and the port behind it, without brackets where there is no port. */
const contactPoint = (value: unknown): string => {
  if (typeof value !== "string" || value.trim() === "") return no("each must be an address or a host name")
  const given = value.trim()
  const shown = JSON.stringify(given.length > 100 ? `${given.slice(0, 100)}…` : given)
  const withPort = (address: string, port: string | undefined): string => {
    if (port === undefined) return address
    if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
      return no(`the port of ${shown} must be a whole number from 1 to 65535`)
    }
    return `${isIPv6(address) ? `[${address}]` : address}:${Number(port)}`
  }
  const [, bracketed, behind] = inBrackets.exec(given) ?? []
  if (bracketed !== undefined) {
    return isIPv6(bracketed) ? withPort(bracketed, behind) : no(`there is no IPv6 address in the brackets of ${shown}`)
  }
  if (isIPv6(given)) return given
  const at = given.indexOf(":")
  const address = at === -1 ? given : given.slice(0, at)
  if (address === "" || noName.test(address) || (fourNumbers.test(address) && !isIPv4(address))) {
    return no(`${shown} is no address or host name, with or without a port`)
  }
  return withPort(address, at === -1 ? undefined : given.slice(at + 1))
}

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

/** Milliseconds, 0 for one that never fires. */
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
