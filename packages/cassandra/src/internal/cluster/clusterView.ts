/** The engine's view of a cluster: not on the public interface. */
import type { Cluster } from "../../Cluster.ts"
import type { ClusterView } from "../request/index.ts"

export const viewKey: unique symbol = Symbol.for("effect-cassandra/Cluster/view")

export const viewOf = (cluster: Cluster): ClusterView =>
  (cluster as Cluster & { readonly [viewKey]: ClusterView })[viewKey]
