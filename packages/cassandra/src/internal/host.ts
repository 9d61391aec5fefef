/** The driver's host as ours. */
import type driver from "cassandra-driver"
import type { Host } from "../Host.ts"
import { tokensOf } from "./wire/client/index.ts"

/** A host as it is now. */
export const hostOf = (host: driver.Host): Host => ({
  address: host.address,
  dataCenter: host.datacenter,
  rack: host.rack,
  version: host.cassandraVersion,
  hostId: String(host.hostId),
  status: host.isUp() ? "UP" : "DOWN",
  tokens: tokensOf(host)
})
