/**
 * Requests by the driver's own request code, under protocol v4: for a driver that is not the one the wire knows. Nothing can
 * be cancelled here, and a keyspace belongs to the connections.
 */
import type driver from "cassandra-driver"
import { QueryError } from "../CassandraError.ts"
import type { Values } from "../Statement.ts"
import * as driverPrivate from "./driverPrivate.ts"
import { longOf } from "./timestamps.ts"
import { toRows } from "./fromDriver.ts"
import { encoderOf } from "./boundValues.ts"
import { Misfit } from "./misfit.ts"
import { type Answered, NotSent, type Response, type Transport } from "./transport.ts"
import type { Column } from "./wire/columnType.ts"

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
  const columns = (result.columns ?? undefined) as unknown as ReadonlyArray<Column> | undefined
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

  /** Prepares if need be, again where a type may have grown since, and gives what the driver sends as it is. */
  const bind = async (query: string, values: Values): Promise<Array<unknown>> => {
    const statement = await prepare(query)
    try {
      return [...statement.encode(values)]
    } catch (error) {
      if (!(error instanceof Misfit && error.outdated)) throw error
      const info = await driverPrivate.prepareAgain(client, statement.info)
      return [...remember(query, info).encode(values)]
    }
  }

  return {
    protocolVersion: () => driverPrivate.protocolVersion(client),
    keyspacePerRequest: false,
    orphans: () => 0,
    prepare: async (query, _, customPayload) => {
      if (customPayload !== undefined) {
        throw new QueryError({
          message: "A custom payload for preparing cannot be sent through this driver's own request code",
          writeState: "NotApplied"
        })
      }
      const { meta } = await prepare(query)
      return { variables: meta.columns, columns: undefined, keyspace: meta.keyspace ?? "", table: meta.table ?? "" }
    },
    send: (payload, given, answered: Answered) => {
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
      let options = given
      if (given.timestamp === undefined && given.nextTimestamp !== undefined) {
        try {
          options = { ...given, timestamp: longOf(given.nextTimestamp()) }
        } catch (error) {
          setImmediate(fail, error)
          return undefined
        }
      }
      if (payload._tag === "Batch") {
        Promise.all(payload.statements.map(async ({ query, values }) => ({ query, params: await bind(query, values) })))
          .then((queries) => client.batch(queries, options, callback))
          .catch(fail)
      } else if (payload.prepare) {
        bind(payload.query, payload.values)
          .then((values) => client.execute(payload.query, values, options, callback))
          .catch(fail)
      } else {
        client.execute(payload.query, [], options, callback)
      }
      return undefined
    }
  }
}
