/**
 * Real Apache Cassandra servers for tests, as scoped Effect layers.
 *
 * @since 0.1.0
 */

/**
 * Several nodes, and the faults to inject into them.
 *
 * @since 0.1.0
 */
export * as CassandraCluster from "./CassandraCluster.ts"

/**
 * A single server: named by the environment, in Docker, or embedded.
 *
 * @since 0.1.0
 */
export * as CassandraServer from "./CassandraServer.ts"

/**
 * What can be asked of a server.
 *
 * @since 0.1.0
 */
export * from "./ServerOptions.ts"

/**
 * A keyspace of one's own.
 *
 * @since 0.1.0
 */
export * as TestKeyspace from "./TestKeyspace.ts"

/**
 * What can go wrong.
 *
 * @since 0.1.0
 */
export * from "./TestkitError.ts"
