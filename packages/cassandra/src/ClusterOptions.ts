/**
 * How to reach a cluster, and the defaults for everything sent to it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import type { AuthProvider } from "./AuthProvider.ts"
import type { MetricsOptions } from "./CassandraMetrics.ts"
import type { ExecutionProfile, RequestOptions } from "./ExecutionProfile.ts"
import type { TimestampGenerator } from "./TimestampGenerator.ts"

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
  /** The client's certificate, PEM, for servers that ask for one (mutual TLS). Default: none. */
  readonly cert?: string | undefined
  /** The key of the client's certificate, PEM. Default: none. */
  readonly key?: Redacted.Redacted | undefined
  /** What the key is encrypted with. Default: the key is not encrypted. */
  readonly passphrase?: Redacted.Redacted | undefined
  /**
   * The name that the certificates of all nodes are for, sent as SNI as well. Default: for a node that was found by a
   * contact point's host name, that name; for any other, its address.
   */
  readonly serverName?: string | undefined
  /** Accepts any certificate. Encryption without knowing with whom: for experiments only. Default `false`. */
  readonly acceptAnyCertificate?: boolean | undefined
  /** Accepts a certificate that is for another name. Default `false`. */
  readonly acceptAnyServerName?: boolean | undefined
}

/**
 * What every TCP connection is set to.
 *
 * @since 0.1.0
 * @category models
 */
export interface SocketOptions {
  /** Sends small packets at once (`TCP_NODELAY`) rather than gathering them. Default `true`. */
  readonly noDelay?: boolean | undefined
  /** Lets the operating system probe a connection on which nothing happens. Default `true`. */
  readonly keepAlive?: boolean | undefined
  /** How long nothing has to happen before the first probe. Default: the operating system's, often two hours. */
  readonly keepAliveDelay?: Duration.DurationInput | undefined
}

/**
 * Connections to each node, by how far away it is.
 *
 * @since 0.1.0
 * @category models
 */
export interface PoolSizes {
  /** To each node of the local data centre. Default 1. */
  readonly local?: number | undefined
  /** To each node of another data centre, where those are used at all. Default 1; 0 opens none. */
  readonly remote?: number | undefined
}

/**
 * Where a node is reached.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeAddress {
  readonly address: string
  readonly port: number
}

/**
 * When to act on what the cluster announces: after a random part of a duration, so that many clients do not all ask at once
 * and several announcements are one; at once; or not at all.
 *
 * @since 0.1.0
 * @category models
 */
export type RefreshWindow = Duration.DurationInput | "immediate" | "disabled"

/**
 * When a node that stops answering is tried last, and when it is tried again. What counts are failures in a row: an attempt that
 * nobody answered within its `timeout`, or a connection that was lost. Any answer, an error too, ends the row.
 *
 * @since 0.1.0
 * @category models
 */
export interface BreakerOptions {
  /** The breaker of a node opens with this many failures in a row. Default 5. */
  readonly failures?: number | undefined
  /** Within this time: a row that is longer begins anew. Default 30 seconds. */
  readonly window?: Duration.DurationInput | undefined
  /** How long the node is tried last before requests are let through again, to see how it is. Default 10 seconds. */
  readonly openFor?: Duration.DurationInput | undefined
  /** How many requests are let through then; as many again for each `openFor` without an answer or a failure. Default 1. */
  readonly halfOpenRequests?: number | undefined
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
  /** User name and password, the same for every connection. Default: none. */
  readonly credentials?: Credentials | undefined
  /** Another way to log in, in place of `credentials`: see `AuthProvider`. Default: none. */
  readonly authentication?: AuthProvider | undefined
  /** `true` is TLS with the defaults. Default `false`. */
  readonly tls?: TlsOptions | boolean | undefined
  /** Options of the TCP connections. Default: those of `SocketOptions`. */
  readonly socket?: SocketOptions | undefined
  /**
   * From the address a node announces to the one it is reached at, for clusters behind NAT. Contact points are not
   * translated. When it fails, throws or takes longer than `connectTimeout`, the announced address is used and a warning is
   * logged. Default: the announced address.
   */
  readonly addressTranslator?: ((node: NodeAddress) => NodeAddress | Effect.Effect<NodeAddress, unknown>) | undefined
  /**
   * How long opening one connection may take, all in all: TCP, TLS, finding the protocol version and authentication.
   * Default 5 seconds.
   */
  readonly connectTimeout?: Duration.DurationInput | undefined
  /** How often to try when every contact point refuses the connection. Default 3. */
  readonly connectAttempts?: number | undefined
  /** The delay after the first refused attempt; it doubles with each. Default 200 ms. */
  readonly connectBackoff?: Duration.DurationInput | undefined
  /**
   * The delays between attempts to reach a node that is down; a new schedule starts each time it goes down, and when the
   * cluster announces that it is up. A node is never given up: when the schedule ends, its last delay is repeated, but none
   * below a second. Default: 1 second, doubling with each attempt, at most 10 minutes, with jitter.
   */
  readonly reconnection?: Schedule.Schedule<unknown> | undefined
  /** How long closing waits for requests in flight. Default 5 seconds. */
  readonly shutdownTimeout?: Duration.DurationInput | undefined
  /** Connections to each node; a number is for the local ones. Default 1. */
  readonly connectionsPerHost?: number | PoolSizes | undefined
  /** Requests in flight on one connection, at most 32,000. Default 2,000. */
  readonly maxRequestsPerConnection?: number | undefined
  /** Requests in flight at once. Default: `maxRequestsPerConnection` for each connection to a local node. */
  readonly maxConcurrentRequests?: number | undefined
  /** Requests that may wait for their turn before more fail with `RequestThrottledError`. Default 65,536. */
  readonly maxQueuedRequests?: number | undefined
  /** Prepared statements that are remembered. Default 1,000. */
  readonly maxPreparedStatements?: number | undefined
  /**
   * Prepares each statement on every node at once. Without, the others prepare it when they are first asked to execute it,
   * which costs a round trip then and spares a great number of clients that start together some work. Default `true`.
   */
  readonly prepareOnAllHosts?: boolean | undefined
  /**
   * Prepares all known statements on a node that comes up, before it is used; but keeps it waiting for half a second at most, and
   * not at all where no other node is in use. Default `true`.
   */
  readonly reprepareOnUp?: boolean | undefined
  /** How often an idle connection is probed. Default 30 seconds; 0 for never. */
  readonly heartbeatInterval?: Duration.DurationInput | undefined
  /** How long to wait for the answer to a probe before the connection is replaced. Default 30 seconds. */
  readonly heartbeatTimeout?: Duration.DurationInput | undefined
  /**
   * How long to wait for the answer to a query of the client's own: for nodes, schema, schema agreement. Default 2 seconds;
   * `Duration.infinity` for no limit.
   */
  readonly controlConnectionTimeout?: Duration.DurationInput | undefined
  /** How long to wait for the nodes to agree on a schema change. Default 10 seconds; 0 does not wait. */
  readonly maxSchemaAgreementWait?: Duration.DurationInput | undefined
  /**
   * When to read the schema again after another client has changed it. What this cluster's own sessions change is read at
   * once, whatever this is. Default 2 seconds.
   */
  readonly schemaRefreshWindow?: RefreshWindow | undefined
  /** When to read the list of nodes again after nodes came, went or moved. Default 10 seconds. */
  readonly topologyRefreshWindow?: RefreshWindow | undefined
  /**
   * When to connect to a node that is announced to be up; `"disabled"` leaves it to `reconnection`. Default 2 seconds.
   */
  readonly statusRefreshWindow?: RefreshWindow | undefined
  /**
   * Keeps the keyspaces in memory. Without, connecting is faster, requests are not sent to a replica but to any node, and
   * the schema is only known by asking. Default `true`.
   */
  readonly schemaMetadata?: boolean | undefined
  /**
   * Keeps the tokens of all nodes in memory. Without, requests are not sent to a replica but to any node; worth it where
   * there are very many. Default `true`.
   */
  readonly tokenMetadata?: boolean | undefined
  /**
   * Where the timestamps of writes come from; one for all sessions of the cluster. `USING TIMESTAMP` and
   * `Statement.withTimestamp` win. Default: a `TimestampGenerator.monotonic` of the cluster's own.
   */
  readonly timestampGenerator?: TimestampGenerator | undefined
  /**
   * A breaker for each node, which keeps one that hangs from slowing everything down: while it is open, requests try the node
   * after all others. Default: those of `BreakerOptions`; `false` for none.
   */
  readonly breaker?: BreakerOptions | false | undefined
  /** Named bundles of options; see `Statement.withProfile`. Default: none. */
  readonly profiles?: Readonly<Record<string, ExecutionProfile>> | undefined
  /**
   * The lowest version of the native protocol to accept: 5 (Cassandra 4.0 and later), or 4 for older servers and for
   * ScyllaDB. The highest version that all nodes speak is used. Default 5.
   */
  readonly minimumProtocolVersion?: 4 | 5 | undefined
  /**
   * Exactly this version of the native protocol, without looking for the highest; 4 needs `minimumProtocolVersion: 4` as
   * well. Default: the highest that all nodes speak.
   */
  readonly protocolVersion?: 4 | 5 | undefined
  /** The version of CQL to ask for. Default `"3.0.0"`, for which servers give their newest. */
  readonly cqlVersion?: string | undefined
  /**
   * Compression of what travels: `"lz4"` asks for it and fails when the package `lz4-napi` is not installed, `"auto"` uses it
   * where it is. Default `"none"`.
   */
  readonly compression?: "lz4" | "auto" | "none" | undefined
  /** How it measures itself; see `CassandraMetrics`. Default: those of `MetricsOptions`. */
  readonly metrics?: MetricsOptions | undefined
  /**
   * How long an operation may take, waiting and retries included, before a warning is logged with its text without values,
   * duration and coordinator. Default: nothing is logged.
   */
  readonly slowQueryThreshold?: Duration.DurationInput | undefined
  /** What the server shows as the name of the application, in `system_views.clients`. Default: none. */
  readonly applicationName?: string | undefined
  /** What the server shows as the version of the application, in `system_views.clients`. Default: none. */
  readonly applicationVersion?: string | undefined
}
