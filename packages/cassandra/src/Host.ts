/**
 * The nodes of a cluster, as the client sees them.
 *
 * @since 0.1.0
 */

/**
 * @since 0.1.0
 * @category models
 */
export interface Host {
  /** `address:port` */
  readonly address: string
  readonly dataCenter: string
  readonly rack: string
  /** The release of Cassandra it runs. */
  readonly version: string
  readonly hostId: string
  /** `DOWN` when the client has no connection to it and tries to make one. */
  readonly status: "UP" | "DOWN"
  /** The tokens it owns, as the server writes them. */
  readonly tokens: ReadonlyArray<string>
}
