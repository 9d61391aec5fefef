/**
 * How to reach a cluster, and the defaults for everything sent to it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"
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
