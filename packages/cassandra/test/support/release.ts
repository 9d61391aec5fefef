/** What the server of the run can do, by its release. */
import type { ProvidedServer } from "effect-cassandra-testkit/vitest"
import { inject } from "vitest"

const server: ProvidedServer = inject("effect-cassandra-testkit/server")

/** `4.1.10` and `6.0-alpha2` in numbers that can be compared. */
const rank = (version: string): number => {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? []
  return Number(major) * 1000 + Number(minor)
}

/**
 * Whether the server of the run is of this release line or a later one. Where it is not, the output says what the file leaves out:
 * a test that is not registered is not counted as skipped.
 */
export const since = (line: string, what: string): boolean => {
  const there = rank(server.version) >= rank(line)
  // oxlint-disable-next-line no-console
  if (!there) console.log(`left out on Cassandra ${server.version}: ${what}, which came with ${line}`)
  return there
}

/** Whether the servers that tests start are of an earlier release line. Where they are not, the output says what is left out, and why. */
export const earlierThan = (line: string, what: string, why: string): boolean => {
  const version = process.env["CASSANDRA_VERSION"] ?? "5.0"
  const earlier = rank(version) < rank(line)
  // oxlint-disable-next-line no-console
  if (!earlier) console.log(`left out on Cassandra ${version}: ${what}: ${why}`)
  return earlier
}

/** Added to the options of a server with TLS. Where tests start servers of 4.0, one with TLS is of the release that first has PEM. */
export const withTls: { readonly version?: string } =
  rank(process.env["CASSANDRA_VERSION"] ?? "5.0") < rank("4.1") ? { version: "4.1" } : {}
