/**
 * How a request reaches the server: the seam between what a request means and how it is sent.
 *
 * There are two: the wire, with protocol v5, its own decoding and cancelling; and the stock driver, for where the wire
 * cannot be used.
 */
import type driver from "cassandra-driver"
import type { BatchType } from "../Batch.ts"
import type { Row, Values } from "../Statement.ts"
import type { LoadBalancing } from "../LoadBalancing.ts"
import type { balancingKey, Routing, routingKey } from "./loadBalancing.ts"
import type { Column } from "./wire/columnType.ts"
import type { NextTimestamp } from "./timestamps.ts"

/** What is sent. */
export type Payload =
  | {
      readonly _tag: "Query"
      readonly query: string
      readonly values: Values
      /** Whether it is sent as a prepared statement. One with values always is. */
      readonly prepare: boolean
    }
  | {
      readonly _tag: "Batch"
      readonly type: BatchType
      readonly statements: ReadonlyArray<{ readonly query: string; readonly values: Values }>
    }

/** The driver's options of a request, with what the two transports need beside them. */
export interface SendOptions extends driver.QueryOptions {
  executeAs?: string
  nowInSeconds?: number
  /** Milliseconds until the next execution starts, when so many have started; undefined for no more. May throw. */
  speculation?: (started: number) => number | undefined
  /** The policy of the request, unless it is the cluster's. */
  [balancingKey]?: LoadBalancing
  /** Asked for the timestamp of each attempt that has none. */
  nextTimestamp?: NextTimestamp
  /** What a retry asks of the query plan. */
  readonly [routingKey]?: Routing
}

/** An answer: one page. */
export interface Response {
  /** Plain rows, with the `[applied]` column of a conditional write; undefined when the statement gives none. */
  readonly rows: ReadonlyArray<Row> | undefined
  readonly columns: ReadonlyArray<Column> | undefined
  readonly pageState: Uint8Array | undefined
  /** The coordinator. */
  readonly host: { readonly address: string }
  /** The hosts that were tried, each with what was wrong; null for one that did not fail. */
  readonly triedHosts: Readonly<Record<string, unknown>>
  readonly speculativeExecutions: number
  readonly consistency: number
  readonly traceId: string | undefined
  readonly warnings: ReadonlyArray<string> | undefined
  readonly customPayload: Readonly<Record<string, Uint8Array | null>> | undefined
  readonly isSchemaInAgreement: boolean
}

/** A statement as the server prepared it. */
export interface PreparedColumns {
  readonly variables: ReadonlyArray<Column>
  /** Undefined when they are not known before the first answer. */
  readonly columns: ReadonlyArray<Column> | undefined
  readonly keyspace: string
  readonly table: string
}

/** The failure of a request that never left the client. */
export class NotSent {
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** Called once, with an error (wrapped in `NotSent` where that is so) or a response, and never before `send` has returned. */
export type Answered = (error: unknown, response: Response | undefined) => void

/** A request under way. Given up, it answers nothing any more. */
export interface Cancellable {
  cancel(): void
}

export interface Transport {
  readonly protocolVersion: () => number
  /** Whether a keyspace can be sent with a request: then one set of pools serves them all. */
  readonly keyspacePerRequest: boolean
  /** Orphans: requests given up that the host has not answered yet. */
  readonly orphans: (host: driver.Host) => number
  readonly prepare: (
    query: string,
    keyspace: string | undefined,
    customPayload?: Readonly<Record<string, Uint8Array>>
  ) => Promise<PreparedColumns>
  /**
   * Sends a request. What it gives back gives the request up, so that it holds nothing any more; undefined where that cannot
   * be done and the request has to be waited for.
   */
  readonly send: (payload: Payload, options: SendOptions, answered: Answered) => Cancellable | undefined
}
