/**
 * Requests by the driver's own request code, under protocol v4: for a driver that is not the one the wire knows. Nothing can
 * be cancelled here, and a keyspace belongs to the connections.
 */
import driver from "cassandra-driver"
import { QueryError } from "../CassandraError.ts"
import type { Values } from "../Statement.ts"
import type { Breaker } from "./breaker.ts"
import { Drops } from "./drops.ts"
import { longOf } from "./timestamps.ts"
import { toRows } from "./fromDriver.ts"
import { encoderOf, isEmpty } from "./boundValues.ts"
import { Misfit } from "./protocol/misfit.ts"
import { NotSent, type Receiver, type Response, type SendOptions, type Transport } from "./transport.ts"
import { balancingKey, routingKey } from "./loadBalancing.ts"
import { noTransportTotals } from "./telemetry/totals.ts"
import * as driverClient from "./wire/client/index.ts"
import type { Column } from "./protocol/columnType.ts"

/** A prepared statement and what encodes its values. */
interface Prepared {
  readonly info: driverClient.StockPrepared
  /** What `encode` was made for: preparing again after a schema change replaces it. */
  readonly meta: driverClient.StockPrepared["meta"]
  readonly encode: (values: Values) => ReadonlyArray<unknown>
  /** How often something had been dropped in its keyspace by then. */
  readonly drops: number
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
    deferred: undefined,
    columns,
    pageState: result.rawPageState,
    host: { address: info.queriedHost },
    failures: failuresOf(info.triedHosts),
    speculativeExecutions: info.speculativeExecutions,
    consistency: info.achievedConsistency,
    traceId: info.traceId === null || info.traceId === undefined ? undefined : String(info.traceId),
    warnings: info.warnings ?? undefined,
    customPayload: (info.customPayload ?? undefined) as Response["customPayload"],
    isSchemaInAgreement: info.isSchemaInAgreement ?? true
  }
}

/** The driver lists every host it tried, the one that answered included. */
const failuresOf = (tried: Readonly<Record<string, unknown>>): Response["failures"] =>
  Object.fromEntries(Object.entries(tried).filter(([, error]) => error !== null && error !== undefined))

/** The driver asks its own generator where nothing is said. */
const timestampOf = ({ nextTimestamp, timestamp }: SendOptions): driver.QueryOptions =>
  timestamp !== undefined || nextTimestamp !== undefined ? { timestamp: longOf(timestamp ?? nextTimestamp?.()) } : {}

/** What our own policy looks for. */
const policyOptions = (options: SendOptions): object => ({
  [balancingKey]: options[balancingKey],
  [routingKey]: options[routingKey]
})

/** The driver's options: the policies find what they look for in the object itself. */
const queryOptions = (options: SendOptions): driver.QueryOptions => ({
  prepare: true,
  autoPage: false,
  consistency: options.consistency,
  fetchSize: options.pageSize,
  readTimeout: options.timeout,
  isIdempotent: options.idempotent,
  traceQuery: options.tracing,
  ...(options.serialConsistency === undefined ? {} : { serialConsistency: options.serialConsistency }),
  ...(options.pageState === undefined ? {} : { pageState: options.pageState }),
  ...(options.customPayload === undefined ? {} : { customPayload: options.customPayload }),
  ...(options.host === undefined ? {} : { host: options.host }),
  ...timestampOf(options),
  ...policyOptions(options)
})

export const stockTransport = (client: driver.Client, maxPrepared: number, breaker: Breaker): Transport => {
  const known = new Map<string, Prepared>()
  let hits = 0
  let misses = 0
  let speculative = 0
  const drops = new Drops()
  driverClient.onDrop(client, (keyspace) => drops.add(keyspace))

  const remember = (query: string, info: driverClient.StockPrepared): Prepared => {
    const { meta } = info
    const entry: Prepared = { info, meta, encode: encoderOf(meta.columns), drops: drops.in(meta.keyspace) }
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

  const prepare = async (query: string, again = false): Promise<Prepared> => {
    const entry = prepared(query)
    if (entry === undefined) return remember(query, await driverClient.prepare(client, query))
    return again ? remember(query, await driverClient.prepareAgain(client, entry.info)) : entry
  }

  /** Prepares if need be, again where a type may have changed since, and gives what the driver sends as it is. */
  const bind = async (query: string, values: Values): Promise<Array<unknown>> => {
    if (known.has(query)) hits++
    else misses++
    const statement = await prepare(query)
    try {
      return [...statement.encode(values)]
    } catch (error) {
      if (!(error instanceof Misfit && (error.outdated || statement.drops !== drops.in(statement.meta.keyspace))))
        throw error
      const info = await driverClient.prepareAgain(client, statement.info)
      return [...remember(query, info).encode(values)]
    }
  }

  const counted = ({ speculativeExecutions }: Response): void => {
    speculative += speculativeExecutions
  }

  return {
    protocolVersion: () => driverClient.protocolVersion(client),
    keyspacePerRequest: false,
    orphans: () => 0,
    // The stock driver counts nothing but what is seen of its answers here.
    totals: () => ({ ...noTransportTotals, preparedHits: hits, preparedMisses: misses, speculative }),
    preparedStatements: () => known.size,
    compression: () => "none",
    prepare: (query, { customPayload }, again, receiver) => {
      if (customPayload !== undefined) {
        const message = "A custom payload for preparing cannot be sent through this driver's own request code"
        throw new QueryError({ message, writeState: "NotApplied" })
      }
      prepare(query, again).then(
        ({ meta }) =>
          receiver.answered(null, {
            variables: meta.columns,
            columns: undefined,
            keyspace: meta.keyspace ?? "",
            table: meta.table ?? ""
          }),
        (error: unknown) => receiver.answered(error, undefined)
      )
      return undefined
    },
    execute: (query, values, options, receiver) => {
      const callback = answering(receiver, breaker, options.timeout, counted)
      if (!options.prepare && isEmpty(values)) {
        client.execute(query, [], { ...queryOptions(options), prepare: false }, callback)
      } else {
        bind(query, values)
          .then((bound) => client.execute(query, bound, queryOptions(options), callback))
          .catch((error: unknown) => receiver.answered(new NotSent(error), undefined))
      }
      return undefined
    },
    batch: (type, members, options, receiver) => {
      const callback = answering(receiver, breaker, options.timeout, counted)
      const batchOptions = { ...queryOptions(options), logged: type === "LOGGED", counter: type === "COUNTER" }
      Promise.all(members.map(async ({ query, values }) => ({ query, params: await bind(query, values) })))
        .then((queries) => client.batch(queries, batchOptions, callback))
        .catch((error: unknown) => receiver.answered(new NotSent(error), undefined))
      return undefined
    }
  }
}

/** The driver's callback of a request. What it throws would end up in the driver's parser. */
const answering =
  (receiver: Receiver<Response>, breaker: Breaker, timeout: number, count: (response: Response) => void) =>
  (error: unknown, result: driver.types.ResultSet | undefined): void => {
    if (error || result === undefined) {
      if (error instanceof driver.errors.OperationTimedOutError && error.host !== undefined) {
        breaker.timedOut(error.host, timeout)
      } else if (error instanceof driver.errors.ResponseError) {
        breaker.answered((error as { readonly coordinator?: string }).coordinator ?? "")
      }
      return receiver.answered(error, undefined)
    }
    if (breaker.troubled > 0) breaker.answered(result.info.queriedHost)
    let response: Response
    try {
      response = responseOf(result as Result)
    } catch (cause) {
      return receiver.answered(cause, undefined)
    }
    count(response)
    receiver.answered(null, response)
  }
