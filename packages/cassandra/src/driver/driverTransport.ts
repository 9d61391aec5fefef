/**
 * Requests by the public API of a client of `cassandra-driver`. The driver decides nothing about retries, every attempt being ours
 * to see; and what it cannot do is refused before anything is sent.
 */
import driver from "cassandra-driver"
import type { BatchType } from "../Batch.ts"
import { ConfigurationError, QueryError } from "../CassandraError.ts"
import {
  type BatchMember,
  type DeferredRows,
  isEmpty,
  type PreparedColumns,
  type Receiver,
  type Response,
  type SendOptions,
  type Transport
} from "../internal/request/index.ts"
import type { Column } from "../internal/protocol/index.ts"
import { balancingKey, routingKey } from "../internal/routing/index.ts"
import { noTransportTotals, type TransportTotals } from "../internal/telemetry/index.ts"
import type { Values } from "../Statement.ts"
import { longOf, makeBind } from "./bindValues.ts"
import { type Encoding, ownOptions } from "./encoding.ts"
import type { DriverNode, DriverView } from "./driverView.ts"
import { rowReader } from "./readRows.ts"

/** What the driver cannot do, or not for a single request. */
const unsupported = (option: string, why: string): ConfigurationError =>
  new ConfigurationError({ option, message: `${option}: ${why}` })

/** In the driver's documentation, but not in its types. */
type ResultInfo = driver.types.ResultSet["info"] & { readonly isSchemaInAgreement?: boolean }

/** The driver lists every host it tried, the one that answered included. */
const failuresOf = ({ queriedHost, triedHosts }: ResultInfo): Response["failures"] => {
  let failures: Record<string, unknown> | undefined
  for (const [address, error] of Object.entries(triedHosts ?? {})) {
    if (address !== queriedHost && error !== null && error !== undefined) (failures ??= {})[address] = error
  }
  return failures
}

/** Rows that are made plain as they are taken. */
const deferredOf = (rows: ReadonlyArray<driver.types.Row>, columns: ReadonlyArray<Column>): DeferredRows => {
  const read = rowReader(columns)
  let taken = 0
  return {
    count: rows.length,
    take: (most) => rows.slice(taken, (taken += most)).map(read)
  }
}

const responseOf = (result: driver.types.ResultSet, defer: boolean): Response => {
  const info: ResultInfo = result.info
  const columns = (result.columns as ReadonlyArray<Column> | null) ?? undefined
  // Undefined for a write, whatever its type says.
  const rows = result.rows as ReadonlyArray<driver.types.Row> | undefined
  const hasRows = rows !== undefined && columns !== undefined
  return {
    rows: hasRows && !defer ? rows.map(rowReader(columns)) : undefined,
    deferred: hasRows && defer ? deferredOf(rows, columns) : undefined,
    columns,
    pageState: typeof result.pageState === "string" ? Buffer.from(result.pageState, "hex") : undefined,
    host: { address: info.queriedHost },
    failures: failuresOf(info),
    speculativeExecutions: info.speculativeExecutions,
    consistency: info.achievedConsistency,
    traceId: (info.traceId as unknown) === null || info.traceId === undefined ? undefined : String(info.traceId),
    warnings: info.warnings ?? undefined,
    customPayload: (info.customPayload as Response["customPayload"] | null) ?? undefined,
    isSchemaInAgreement: info.isSchemaInAgreement ?? true
  }
}

/** Whether the driver's encoder threw it, which has errors of every class. */
const isRefusal = (error: unknown): error is Error =>
  error instanceof Error &&
  !(error instanceof driver.errors.DriverError) &&
  /^\s*at .*encode/im.test(error.stack?.slice(error.message.length) ?? "")

/** Nothing was sent. The encoder's messages quote the value, and a stack begins with the message: of both, the frames are kept. */
const refusalOf = ({ message, stack = "" }: Error): QueryError => {
  const cause = new TypeError("cassandra-driver refused the value")
  const start = stack.indexOf(message)
  cause.stack = `${cause.name}: ${cause.message}${start === -1 ? "" : stack.slice(start + message.length)}`
  return new QueryError({
    message: "A value does not fit its type; cassandra-driver does not tell which one",
    cause,
    writeState: "NotApplied"
  })
}

export class DriverTransport implements Transport {
  readonly #client: driver.Client
  readonly #view: DriverView
  readonly #bind: (values: Values) => Array<unknown> | Record<string, unknown>
  #speculative = 0

  constructor(view: DriverView, encoding: Encoding) {
    this.#client = view.client
    this.#view = view
    this.#bind = makeBind(encoding)
  }

  /** The highest that the driver speaks with Cassandra; it does not tell which one it speaks. */
  readonly protocolVersion = (): number => 4

  readonly keyspacePerRequest = false

  readonly totals = (): TransportTotals => ({ ...noTransportTotals, speculative: this.#speculative })

  /** The driver does not tell. */
  readonly preparedStatements = (): number => 0

  readonly compression = (): "none" => "none"

  readonly prepare = (
    _query: string,
    _options: SendOptions,
    _again: boolean,
    _receiver: Receiver<PreparedColumns>
  ): never => {
    throw unsupported("prepare", "cassandra-driver prepares statements, but does not tell their variables")
  }

  readonly execute = (query: string, values: Values, options: SendOptions, receiver: Receiver<Response>): undefined => {
    const prepare = options.prepare || !isEmpty(values)
    const queryOptions = { ...this.#queryOptions(options), prepare }
    this.#answer(this.#client.execute(query, this.#bind(values), queryOptions), options, receiver)
  }

  readonly batch = (
    type: BatchType,
    members: ReadonlyArray<BatchMember>,
    options: SendOptions,
    receiver: Receiver<Response>
  ): undefined => {
    const queryOptions = {
      ...this.#queryOptions(options),
      // All or none: the driver prepares no part of a batch.
      prepare: members.some(({ prepare, values }) => prepare !== false || !isEmpty(values)),
      logged: type === "LOGGED",
      counter: type === "COUNTER"
    }
    const queries = members.map(({ query, values }) => ({ query, params: this.#bind(values) }))
    this.#answer(this.#client.batch(queries, queryOptions), options, receiver)
  }

  /** Never before sending has returned: the promise sees to that. */
  #answer(result: Promise<driver.types.ResultSet>, { defer }: SendOptions, receiver: Receiver<Response>): void {
    const answered = (answer: driver.types.ResultSet): Response => {
      const response = responseOf(answer, defer)
      this.#speculative += response.speculativeExecutions
      return response
    }
    void result.then(answered).then(
      (response) => receiver.answered(null, response),
      (error: unknown) => receiver.answered(isRefusal(error) ? refusalOf(error) : error, undefined)
    )
  }

  /** The driver's options of a request. Throws a `ConfigurationError` for what it cannot do. */
  #queryOptions(options: SendOptions): driver.QueryOptions {
    if (options.nowInSeconds !== undefined) throw unsupported("nowInSeconds", "cassandra-driver cannot send it")
    if (options.speculation !== undefined) {
      throw unsupported("speculativeExecution", "the client's own: policies.speculativeExecution of its options")
    }
    if (options[balancingKey] !== undefined) throw unsupported("loadBalancing", loadBalancingIsTheClients)
    const preferred = options[routingKey]?.preferred
    const node =
      (options.host as DriverNode | undefined) ?? (preferred === undefined ? undefined : this.#view.node(preferred))
    return {
      autoPage: false,
      retry: ownOptions.retry!,
      consistency: options.consistency,
      fetchSize: options.pageSize,
      readTimeout: options.timeout,
      isIdempotent: options.idempotent,
      traceQuery: options.tracing,
      ...(options.serialConsistency === undefined ? {} : { serialConsistency: options.serialConsistency }),
      ...(options.pageState === undefined ? {} : { pageState: options.pageState }),
      ...(options.customPayload === undefined ? {} : { customPayload: options.customPayload }),
      ...(node === undefined ? {} : { host: node.host }),
      ...timestampOf(options)
    }
  }
}

export const loadBalancingIsTheClients = "the client's own: policies.loadBalancing of its options"

/** The driver asks its own generator where nothing is said; null is for none. */
const timestampOf = ({ nextTimestamp, timestamp }: SendOptions): driver.QueryOptions => {
  if (timestamp === undefined && nextTimestamp === undefined) return {}
  const given = timestamp ?? nextTimestamp?.()
  return { timestamp: given === undefined ? (null as never) : longOf(given) }
}
