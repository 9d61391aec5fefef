/** Contact points: how they are written, and the addresses that their names have. */
import dns from "node:dns"
import { isIP, isIPv6 } from "node:net"

/** Where a client begins to look for its cluster. */
export interface ContactPoint {
  /** A name or an IP address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/** An address of a contact point. */
export interface ResolvedEndpoint {
  /** An IP address. */
  readonly address: string
  readonly port: number
  /** The name that the address was found by, which the node's certificate has to be for; undefined where none was. */
  readonly serverName: string | undefined
}

/** The addresses of all contact points, and why names have none. */
export interface ResolvedContactPoints {
  /** None twice. */
  readonly endpoints: ReadonlyArray<ResolvedEndpoint>
  /** By name. */
  readonly failures: ReadonlyMap<string, unknown>
}

/** All addresses of a name; rejects when it has none. */
export type Lookup = (name: string) => Promise<ReadonlyArray<string>>

/** A contact point that is none. The message says what is wrong with it. */
export class ContactPointError extends Error {
  readonly _tag = "ContactPoint"
  override readonly name = "ContactPointError"
}

const refuse = (text: string, problem: string): never => {
  throw new ContactPointError(`${JSON.stringify(text)} ${problem}`)
}

const parsePort = (text: string, port: string): number => {
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0
  return value >= 1 && value <= 65_535 ? value : refuse(text, "has a port that is not a number from 1 to 65535")
}

/** What no host name has: blanks, control characters, and what belongs to lists, URLs and brackets. */
const foreign = /[\s\p{Cc},;/\\?#@[\]%"'<>|]/u

/**
 * Reads `host`, `host:port`, an IPv6 address, or one in brackets with or without a port. Throws a {@link ContactPointError} for
 * anything else; whether a name exists is not looked at.
 */
export const parseContactPoint = (text: string, defaultPort: number): ContactPoint => {
  if (text.trim() === "") return refuse(text, "is empty: an address or a host name is needed")
  if (isIPv6(text)) return { host: text, port: defaultPort }
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/.exec(text)
  if (bracketed !== null) {
    const [, host = "", port] = bracketed
    if (!isIPv6(host)) return refuse(text, "has no IPv6 address between its brackets")
    return { host, port: port === undefined ? defaultPort : parsePort(text, port) }
  }
  const [host = "", port, ...rest] = text.split(":")
  if (text.includes("://")) return refuse(text, "is a URL: write host or host:port")
  if (rest.length > 0) return refuse(text, "is no IPv6 address: write one with a port as [address]:port")
  if (host === "") return refuse(text, "has no host before its port")
  if (foreign.test(text)) return refuse(text, "is no host name: write host or host:port, each contact point by itself")
  return { host, port: port === undefined ? defaultPort : parsePort(text, port) }
}

/** Asks as Node's callbacks are asked; the functions are looked up when they are called. */
const ask = <A>(call: (done: (error: Error | null, answer: A) => void) => void): Promise<A> =>
  new Promise((resolve, reject) => call((error, answer) => (error === null ? resolve(answer) : reject(error))))

const none = (): ReadonlyArray<string> => []

/**
 * The system's own resolver, which knows the hosts file and search domains. Only where that knows nothing of a name, the records
 * A and AAAA are asked for.
 */
export const systemLookup: Lookup = async (name) => {
  try {
    const found = await ask<Array<dns.LookupAddress>>((done) => dns.lookup(name, { all: true }, done))
    return found.map(({ address }) => address)
  } catch (error) {
    const [ipv4, ipv6] = await Promise.all([
      ask<ReadonlyArray<string>>((done) => dns.resolve4(name, done)).catch(none),
      ask<ReadonlyArray<string>>((done) => dns.resolve6(name, done)).catch(none)
    ])
    if (ipv4.length + ipv6.length === 0) throw error
    return [...ipv4, ...ipv6]
  }
}

/** Not longer than `timeout`. */
const within = (timeout: number, name: string, addresses: Promise<ReadonlyArray<string>>) =>
  new Promise<ReadonlyArray<string>>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${name} was not resolved within ${timeout} ms`)), timeout)
    addresses.then(resolve, reject).finally(() => clearTimeout(timer))
  })

/** A name as certificates have it: the root's dot at the end is none of it. */
const serverNameOf = (host: string): string => (host.endsWith(".") ? host.slice(0, -1) : host)

/**
 * The addresses of contact points as they are now. A name that has none now, or is not resolved within `timeout` milliseconds,
 * keeps those that it had among the `previous` ones, and is named in the failures. Never rejects.
 */
export const resolveContactPoints = async (
  points: ReadonlyArray<ContactPoint>,
  timeout: number,
  previous: ReadonlyArray<ResolvedEndpoint> = [],
  lookup: Lookup = systemLookup
): Promise<ResolvedContactPoints> => {
  const failures = new Map<string, unknown>()
  const resolve = async ({ host, port }: ContactPoint): Promise<ReadonlyArray<ResolvedEndpoint>> => {
    if (isIP(host) !== 0) return [{ address: host, port, serverName: undefined }]
    const serverName = serverNameOf(host)
    try {
      const addresses = await within(timeout, host, lookup(host))
      if (addresses.length === 0) throw new Error(`${host} has no address`)
      return addresses.map((address) => ({ address, port, serverName }))
    } catch (error) {
      failures.set(host, error)
      return previous.filter((known) => known.serverName === serverName && known.port === port)
    }
  }
  const endpoints = new Map<string, ResolvedEndpoint>()
  for (const endpoint of (await Promise.all(points.map(resolve))).flat()) {
    const key = `${endpoint.address} ${endpoint.port}`
    if (!endpoints.has(key)) endpoints.set(key, endpoint)
  }
  return { endpoints: [...endpoints.values()], failures }
}
