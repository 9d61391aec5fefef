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
 * What networks do on bad days, before a server or each node of a cluster.
 *
 * @since 0.1.0
 */
export * as FaultProxy from "./FaultProxy.ts"

/**
 * What can be asked of a server.
 *
 * @since 0.1.0
 */
export * from "./ServerOptions.ts"

/**
 * A simulated cluster that answers what it is told to.
 *
 * @since 0.1.0
 */
export * as Simulacron from "./Simulacron.ts"

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
