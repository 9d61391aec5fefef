/**
 * The Apache Cassandra client for Effect applications.
 *
 * @since 0.1.0
 */
export * as Batch from "./Batch.ts"
export * as CassandraError from "./CassandraError.ts"
export * as Cluster from "./Cluster.ts"
export * as Columns from "./Columns.ts"
export * as Consistency from "./Consistency.ts"
export { cql } from "./cql.ts"
export * as CqlType from "./CqlType.ts"
export * as ExecutionProfile from "./ExecutionProfile.ts"
export * as Health from "./Health.ts"
export * as Host from "./Host.ts"
export * as LoadBalancing from "./LoadBalancing.ts"
export * as Migrator from "./Migrator.ts"
export * as PagingState from "./PagingState.ts"
export * as PreparedStatement from "./PreparedStatement.ts"
export { ProfileExistsError } from "./ProfileExistsError.ts"
export * as Query from "./Query.ts"
export * as Resolver from "./Resolver.ts"
export * as ResultSet from "./ResultSet.ts"
export * as RetryPolicy from "./RetryPolicy.ts"
export { type Mismatch, SchemaMismatchError } from "./SchemaMismatchError.ts"
export * as Session from "./Session.ts"
export * as SpeculativeExecution from "./SpeculativeExecution.ts"
export * as Statement from "./Statement.ts"
export * as TimeUuid from "./TimeUuid.ts"
