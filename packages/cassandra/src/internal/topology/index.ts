/**
 * The nodes of a cluster and what they share: pools, control connection, token ring, prepared statements. Nothing of Effect.
 */
export { ClusterStatement } from "./clusterStatement.ts"
export { NoNodeError } from "./controlConnection.ts"
export { hostOf, type Node, type NodeDistance } from "./node.ts"
export { PartitionKey } from "./partitionKey.ts"
export { type Partitioner, partitionerOf } from "./partitioner.ts"
export type { Pool } from "./pool.ts"
export type { Replication } from "./replication.ts"
export { type Range, TokenRing } from "./ring.ts"
export { versionsAgree } from "./schemaAgreement.ts"
export { type NodePolicy, Topology, type TopologyListener } from "./topology.ts"
