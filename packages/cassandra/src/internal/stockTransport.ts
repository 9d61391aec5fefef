/**
 * Requests by the driver's own request code, under protocol v4: for a driver that is not the one the wire knows. Nothing can
 * be cancelled here, and a keyspace belongs to the connections.
 */
import type driver from "cassandra-driver"
import type { Values } from "../Statement.ts"
import type { DriverColumn } from "./cqlTypes.ts"
import * as driverPrivate from "./driverPrivate.ts"
import { toRows } from "./fromDriver.ts"
import { encoderOf } from "./toDriver.ts"
import { type Answered, NotSent, type Response, type Transport } from "./transport.ts"

/** A prepared statement and what encodes its values. */
interface Prepared {
  readonly info: driverPrivate.PreparedInfo
  /** What `encode` was made for: preparing again after a schema change replaces it. */
  readonly meta: driverPrivate.PreparedInfo["meta"]
  readonly encode: (values: Values) => ReadonlyArray<unknown>
}

/** What the driver's declarations leave out. */
type Result = driver.types.ResultSet & {
  readonly rawPageState?: Buffer
  readonly info: { readonly isSchemaInAgreement?: boolean; readonly traceId: unknown }
}

const responseOf = (result: Result): Response => {
  const columns = (result.columns ?? undefined) as unknown as ReadonlyArray<DriverColumn> | undefined
  const rows = result.rows as ReadonlyArray<Record<string, unknown>> | undefined
  const { info } = result
  return {
    rows: rows === undefined || columns === undefined ? undefined : toRows(rows, columns),
    columns,
    pageState: result.rawPageState,
    host: { address: info.queriedHost },
    triedHosts: info.triedHosts,
    speculativeExecutions: info.speculativeExecutions,
    consistency: info.achievedConsistency,
    traceId: info.traceId === null || info.traceId === undefined ? undefined : String(info.traceId),
    warnings: info.warnings ?? undefined,
    customPayload: (info.customPayload ?? undefined) as Response["customPayload"],
    isSchemaInAgreement: info.isSchemaInAgreement ?? true
  }
}

export const stockTransport = (client: driver.Client, maxPrepared: number): Transport => {
  const known = new Map<string, Prepared>()

  const remember = (query: string, info: driverPrivate.PreparedInfo): Prepared => {
    const entry: Prepared = { info, meta: info.meta, encode: encoderOf(info.meta.columns) }
    if (!known.has(query) && known.size >= maxPrepared) {
      for (const oldest of known.keys()) {
        known.delete(oldest)
        break
      }
    }
    known.set(query, entry)
    return entry
  }

  const prepared = (query: string): Prepared | undefined => {
    const entry = known.get(query)
    return entry === undefined || entry.meta === entry.info.meta ? entry : remember(query, entry.info)
  }

  const prepare = async (query: string): Promise<Prepared> =>
    prepared(query) ?? remember(query, await driverPrivate.prepare(client, query))

  return {
    protocolVersion: () => driverPrivate.protocolVersion(client),
    keyspacePerRequest: false,
    orphans: () => 0,
    prepare: async (query) => {
      const { meta } = await prepare(query)
      return { variables: meta.columns, columns: undefined, keyspace: meta.keyspace ?? "", table: meta.table ?? "" }
    },
    send: (payload, options, answered: Answered) => {
      const callback = (error: unknown, result: driver.types.ResultSet | undefined) => {
        if (error || result === undefined) return answered(error, undefined)
        let response: Response
        try {
          response = responseOf(result as Result)
        } catch (cause) {
          return answered(cause, undefined)
        }
        return answered(null, response)
      }
      const fail = (error: unknown) => answered(new NotSent(error), undefined)
      if (payload._tag === "Batch") {
        const send = (all: ReadonlyArray<Prepared>): void => {
          const queries = payload.statements.map(({ query, values }, i) => ({
            query,
            params: [...(all[i] as Prepared).encode(values)]
          }))
          client.batch(queries, options, callback)
        }
        Promise.all(payload.statements.map(({ query }) => prepare(query)))
          .then(send)
          .catch(fail)
      } else if (payload.prepare) {
        prepare(payload.query)
          .then((statement) => client.execute(payload.query, [...statement.encode(payload.values)], options, callback))
          .catch(fail)
      } else {
        client.execute(payload.query, [], options, callback)
      }
      return undefined
    }
  }
}
