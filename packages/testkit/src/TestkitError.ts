/**
 * What can go wrong while a server is found, started or asked for something.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * One of the three ways to get a server, and why it did not apply here.
 *
 * @since 0.1.0
 * @category models
 */
export interface Unavailable {
  /** `environment`, `docker` or `embedded`. */
  readonly source: "environment" | "docker" | "embedded"
  /** Why this way did not apply, for a person to read. */
  readonly reason: string
}

/**
 * None of the ways to get a server applies: nothing is named by the environment, no Docker engine answers, and Java or
 * Maven is missing. The message lists the three ways and what to install.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoServerError extends Data.TaggedError("NoServerError")<{
  /** The ways that were tried, in order. */
  readonly tried: ReadonlyArray<Unavailable>
}> {
  override get message(): string {
    const why = this.tried.map(({ reason, source }) => `  - ${source}: ${reason}`).join("\n")
    return `No Cassandra server to run the tests against. There are three ways to give one:
  1. name a running cluster: CASSANDRA_CONTACT_POINTS (with CASSANDRA_PORT, CASSANDRA_LOCAL_DC, CASSANDRA_USERNAME, CASSANDRA_PASSWORD);
  2. start Docker, and install the npm package "testcontainers";
  3. install Java (17 for Cassandra 5.0, 11 for 4.1 and 4.0) and Maven, for the embedded server.
What was tried:
${why}`
  }
}

/**
 * A server was found but could not be brought to serve CQL: it died, it did not become ready in time, or it cannot be
 * reached. `log` holds the last lines of its log.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerStartError extends Data.TaggedError("ServerStartError")<{
  /** Which server, for example `Cassandra 5.0.9` or `node2`. */
  readonly server: string
  /** What happened. */
  readonly reason: string
  /** The last lines of the server's log; empty when it wrote none. */
  readonly log: string
  readonly cause?: unknown
}> {
  override get message(): string {
    const log = this.log.trim()
    return `${this.server} did not start: ${this.reason}${log === "" ? "" : `\nThe end of its log:\n${log}`}`
  }
}

/**
 * The jars of the embedded server, or of Simulacron, could not be fetched. `log` holds the last lines of what Maven printed.
 *
 * @since 0.1.0
 * @category errors
 */
export class DownloadError extends Data.TaggedError("DownloadError")<{
  /** The artifact asked for: `cassandra-all`, `simulacron-standalone`. */
  readonly artifact: string
  /** Its version. */
  readonly version: string
  readonly reason: string
  readonly log: string
  readonly cause?: unknown
}> {
  override get message(): string {
    const log = this.log.trim()
    return `${this.artifact} ${this.version} could not be fetched with Maven: ${this.reason}${log === "" ? "" : `\n${log}`}`
  }
}

/**
 * The options contradict each other, or ask for what this version or way cannot give.
 *
 * @since 0.1.0
 * @category errors
 */
export class OptionsError extends Data.TaggedError("OptionsError")<{
  /** The option at fault. */
  readonly option: string
  readonly reason: string
}> {
  override get message(): string {
    return `Option \`${this.option}\`: ${this.reason}`
  }
}

/**
 * The cluster has no node of this name.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnknownNodeError extends Data.TaggedError("UnknownNodeError")<{
  readonly name: string
  /** The names the cluster knows. */
  readonly known: ReadonlyArray<string>
}> {
  override get message(): string {
    return `No node is called "${this.name}"; there are ${this.known.join(", ")}`
  }
}

/**
 * The node is not in a state for this: a node that is down can be neither paused nor resumed.
 *
 * @since 0.1.0
 * @category errors
 */
export class NodeStateError extends Data.TaggedError("NodeStateError")<{
  readonly name: string
  readonly action: "pause" | "resume"
  readonly state: "down"
}> {
  override get message(): string {
    return `Cannot ${this.action} ${this.name}: it is ${this.state}`
  }
}

/**
 * A node could not be made a member of its cluster, or could not be taken out of it. A node that failed to join may be there
 * half; whatever state it is in, it is gone with the cluster.
 *
 * @since 0.1.0
 * @category errors
 */
export class MembershipError extends Data.TaggedError("MembershipError")<{
  readonly name: string
  readonly action: "add" | "remove"
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `Could not ${this.action} ${this.name}: ${this.reason}`
  }
}

/**
 * A keyspace could not be created or dropped, or the server could not be asked something.
 *
 * @since 0.1.0
 * @category errors
 */
export class KeyspaceError extends Data.TaggedError("KeyspaceError")<{
  readonly keyspace: string
  readonly action: "create" | "drop"
  /** The driver's error. */
  readonly cause: unknown
}> {
  override get message(): string {
    const cause = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `Could not ${this.action} the keyspace ${this.keyspace}: ${cause}`
  }
}

/**
 * A fault proxy cannot listen: its port is taken, or the address is not this machine's.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProxyError extends Data.TaggedError("ProxyError")<{
  readonly host: string
  readonly port: number
  /** The system's error. */
  readonly cause: Error
}> {
  override get message(): string {
    return `The proxy cannot listen on ${this.host}:${this.port}: ${this.cause.message}`
  }
}

/**
 * Simulacron refused what it was asked for, or does not answer.
 *
 * @since 0.1.0
 * @category errors
 */
export class SimulacronError extends Data.TaggedError("SimulacronError")<{
  /** What it was asked for: method and path. */
  readonly request: string
  readonly reason: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `Simulacron, ${this.request}: ${this.reason}`
  }
}

/**
 * Everything that can go wrong while a server is found and started.
 *
 * @since 0.1.0
 * @category errors
 */
export type TestkitError = NoServerError | ServerStartError | DownloadError | OptionsError
