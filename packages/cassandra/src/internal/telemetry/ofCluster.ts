/** How what a cluster measures is found: no part of its interface. */
import type { Cluster } from "../../Cluster.ts"
import type { ClusterTelemetry } from "./cluster.ts"

export const telemetryKey: unique symbol = Symbol.for("effect-cassandra/Cluster/telemetry")

export const telemetryOf = (cluster: Cluster): ClusterTelemetry =>
  (cluster as Cluster & { readonly [telemetryKey]: ClusterTelemetry })[telemetryKey]
