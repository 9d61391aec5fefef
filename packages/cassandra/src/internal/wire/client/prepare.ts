/** Preparing by the driver's own request code. The public API prepares only as a side effect of executing. */
import type driver from "cassandra-driver"
import { driverFile } from "../driverFile.ts"
import type { Metadata, PreparedInfo } from "../driverShape.ts"
import { loadBalancingOf } from "./facts.ts"

type LoadBalancing = driver.policies.loadBalancing.LoadBalancingPolicy

/** What the driver remembers of a prepared statement; `meta` is replaced when the statement is prepared again. */
export interface StockPrepared extends PreparedInfo {
  readonly meta: Metadata
}

const PrepareHandler = driverFile("lib/prepare-handler") as {
  new (
    client: driver.Client,
    loadBalancing: LoadBalancing
  ): { _prepare(info: PreparedInfo, query: string, keyspace: string | undefined): Promise<StockPrepared> }
  getPrepared(
    client: driver.Client,
    loadBalancing: LoadBalancing,
    query: string,
    keyspace: string | undefined
  ): Promise<StockPrepared>
}

/**
 * Prepares a statement, or finds it prepared. The driver does not say which host refused: the one it took last from the plan
 * did.
 */
export const prepare = async (client: driver.Client, query: string): Promise<StockPrepared> => {
  const policy = loadBalancingOf(client)
  let asked: string | undefined
  const watched = {
    newQueryPlan: (keyspace, options, callback) =>
      policy.newQueryPlan(keyspace, options, (error, plan) =>
        error
          ? callback(error, plan)
          : callback(
              error,
              watch(plan, (host) => (asked = host.address))
            )
      )
  } as LoadBalancing
  try {
    return await PrepareHandler.getPrepared(client, watched, query, client.keyspace)
  } catch (error) {
    throw error instanceof Error && asked !== undefined ? Object.assign(error, { coordinator: asked }) : error
  }
}

/** Prepares a statement that is prepared already, as its types may have changed: its `meta` is replaced. */
export const prepareAgain = (client: driver.Client, info: StockPrepared): Promise<StockPrepared> =>
  new PrepareHandler(client, loadBalancingOf(client))._prepare(info, info.query, client.keyspace)

function* watch(plan: Iterator<driver.Host>, onHost: (host: driver.Host) => void): Generator<driver.Host, undefined> {
  for (let item = plan.next(); item.done !== true; item = plan.next()) {
    onHost(item.value)
    yield item.value
  }
  return undefined
}
