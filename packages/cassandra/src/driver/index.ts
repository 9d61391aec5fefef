/**
 * The client over a `Client` of `cassandra-driver`, in place of connections of its own.
 *
 * @since 0.1.0
 */
export * as DriverCluster from "./DriverCluster.ts"
