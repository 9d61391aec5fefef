/**
 * What can be asked of a test server.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"

/**
 * A way to get a server.
 *
 * - `environment`: the cluster named by `CASSANDRA_CONTACT_POINTS`
 * - `docker`: a container, through the npm package `testcontainers`
 * - `embedded`: a Java process of our own
 *
 * @since 0.1.0
 * @category models
 */
export type Source = "environment" | "docker" | "embedded"

/**
 * How clients reach the server over TLS. The certificates are made anew for each server and last 30 days.
 *
 * @since 0.1.0
 * @category models
 */
export interface TlsOptions {
  /** Clients must show a certificate. Default: false. */
  readonly requireClientAuth?: boolean | undefined
  /** The same port takes connections without TLS as well. Default: false. */
  readonly optional?: boolean | undefined
}

/**
 * What can be asked of any embedded node, alone or in a cluster.
 *
 * @since 0.1.0
 * @category models
 */
export interface NodeOptions {
  /**
   * `6.0`, `5.0`, `4.1` or `4.0` for the newest release known to this version of the kit (of 6.0 that is `6.0-alpha2`), or an
   * exact version such as `5.0.4`. 6.0 runs on Java 21, 17 or 11, 5.0 on 17 or 11, 4.1 and 4.0 on 11 or 8. Default: the
   * variable `CASSANDRA_VERSION`, or `5.0`.
   */
  readonly version?: string | undefined
  /** Passwords and permissions are checked; the superuser is `cassandra`, password `cassandra`. Default: false. */
  readonly authentication?: boolean | undefined
  /** Clients speak TLS. Not on 4.0. Default: false. */
  readonly tls?: boolean | TlsOptions | undefined
  /** The largest heap of each node, in megabytes. Default: 512, and 1024 in mode `benchmark`. */
  readonly heap?: number | undefined
  /** Laid over the node's `cassandra.yaml`, key by key. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  /** Added to the arguments of the JVM, for example `-Dcassandra.custom_query_handler_class=…`. */
  readonly jvmOptions?: ReadonlyArray<string> | undefined
  /**
   * `test` starts fast: only the JVM's first compiler. `benchmark` compiles fully and fixes the heap, as in production.
   * Default: `test`.
   */
  readonly mode?: "test" | "benchmark" | undefined
  /** How long one node may take until it serves CQL. Default: 2 minutes. */
  readonly startTimeout?: Duration.DurationInput | undefined
  /** Where progress goes, a line at a time. Default: a line on stderr. */
  readonly onProgress?: ((line: string) => Effect.Effect<void>) | undefined
}

/**
 * What can be asked of a single server.
 *
 * A way applies only if it can give what was asked for: a cluster named by the environment does when nothing but
 * `authentication` is asked for and it has a user name; Docker does unless `tls`, `jvmOptions` or mode `benchmark`
 * are.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerOptions extends NodeOptions {
  /** The ways to try, in this order. Default: environment, docker, embedded. */
  readonly sources?: ReadonlyArray<Source> | undefined
}
