import type driver from "cassandra-driver"
import { agreeAmongLiving, waitForAgreement } from "./agreement.ts"
import { knowAnyName } from "./anyName.ts"
import { keepControlConnection } from "./controlConnection.ts"
import { observe } from "./events.ts"
import { retireRemoved } from "./pools.ts"
import { type RefreshWindows, refreshInWindows } from "./refreshWindows.ts"
import { knowReplicas } from "./replication.ts"
import { reprepareInTime } from "./reprepare.ts"

export interface Amendments extends RefreshWindows {
  /** Whether statements are prepared on a node that comes up. */
  readonly reprepareOnUp: boolean
  /** How long to wait for the nodes to agree on the schema, in milliseconds. */
  readonly maxSchemaAgreementWait: number
}

/**
 * Makes a client do what the driver does not, or not so, whichever way its requests take. Call before it connects, and before
 * the wire is attached.
 */
export const amend = (client: driver.Client, options: Amendments): void => {
  agreeAmongLiving(client)
  retireRemoved(client)
  keepControlConnection(client)
  if (options.reprepareOnUp) reprepareInTime(client)
  waitForAgreement(client, options.maxSchemaAgreementWait)
  // Whoever observes hears of a change at once, not at the end of its window.
  refreshInWindows(client, options)
  observe(client)
  knowReplicas(client)
  knowAnyName(client)
}
