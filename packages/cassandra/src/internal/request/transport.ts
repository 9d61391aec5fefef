/**
 * How a request reaches the server: the seam between what a request means and how it is sent.
 *
 * There are two: the native one, by connections of our own; and `effect-cassandra/driver`, by a client of `cassandra-driver`.
 */
import type { BatchType } from "../../Batch.ts"
import type { Row, Values } from "../../Statement.ts"
import type { LoadBalancing } from "../../LoadBalancing.ts"
import type { TransportTotals } from "../telemetry/index.ts"
import type { balancingKey, Routing, routingKey } from "../routing/index.ts"
import type { Column } from "../protocol/index.ts"
import type { NextTimestamp } from "./timestamps.ts"
import type { Node } from "../topology/index.ts"

/** The options of a request with everything decided: a transport has nothing to look up. */
export interface SendOptions {
  /** Whether a statement without values is prepared too; one with values always is. */
  readonly prepare: boolean
  /** The protocol's code of the level, as is the serial one. */
  readonly consistency: number
  readonly serialConsistency: number | undefined
  readonly pageSize: number
  readonly pageState: Buffer | undefined
  /** Milliseconds to wait for an answer; 0 for no limit. */
  readonly timeout: number
  readonly idempotent: boolean
  /** Sent with the request where the protocol can; elsewhere it is the connections'. */
  readonly keyspace: string | undefined
  readonly tracing: boolean
  /** Microseconds; undefined where none was given. */
  readonly timestamp: bigint | undefined
  /** Asked for the timestamp of each attempt that was given none. */
  readonly nextTimestamp: NextTimestamp | undefined
  readonly customPayload: Readonly<Record<string, Buffer>> | undefined
  readonly nowInSeconds: number | undefined
  /** The one host to ask. */
  readonly host: Node | undefined
  /** Whether the rows are left undecoded until they are asked for: see `Response.deferred`. */
  readonly defer: boolean
  /** Milliseconds until the next execution starts, when so many have started; undefined for no more. May throw. */
  readonly speculation: ((started: number) => number | undefined) | undefined
  /** The policy of the request, unless it is the cluster's. */
  readonly [balancingKey]?: LoadBalancing | undefined
  /** What a retry asks of the query plan. */
  readonly [routingKey]?: Routing | undefined
}

/** The rows of a page that are decoded as they are taken. */
export interface DeferredRows {
  /** How many there are. */
  readonly count: number
  /** The next ones, `most` of them or what is left. Throws where the bytes are no rows. */
  take(most: number): ReadonlyArray<Row>
}

/** An answer: one page. */
export interface Response {
  /** Plain rows, with the `[applied]` column of a conditional write; undefined when the statement gives none. */
  readonly rows: ReadonlyArray<Row> | undefined
  /** The rows, in place of `rows`, where the options asked for that and the transport can. */
  readonly deferred: DeferredRows | undefined
  readonly columns: ReadonlyArray<Column> | undefined
  readonly pageState: Uint8Array | undefined
  /** The coordinator. */
  readonly host: { readonly address: string }
  /** The hosts that were tried in vain, each with what was wrong; undefined when there is none. */
  readonly failures: Readonly<Record<string, unknown>> | undefined
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

/**
 * Who waits for an answer. Told once, with an error (wrapped in `NotSent` where that is so) or a response, and never before
 * sending has returned.
 */
export interface Receiver<A> {
  answered(error: unknown, response: A | undefined): void
}

/** A request under way. Given up, it answers nothing any more. */
export interface Cancellable {
  cancel(): void
}

/** One statement of a batch. */
export interface BatchMember {
  readonly query: string
  readonly values: Values
  /** Whether it is prepared although it has no values. */
  readonly prepare: boolean
}

/**
 * What is sent gives back what gives it up, so that it holds nothing any more; undefined where that cannot be done and the
 * answer has to be waited for.
 */
export interface Transport {
  readonly protocolVersion: () => number
  /** Whether a keyspace can be sent with a request: then one set of pools serves them all. */
  readonly keyspacePerRequest: boolean
  /** What it has counted so far. */
  readonly totals: () => TransportTotals
  /** How many prepared statements it remembers. */
  readonly preparedStatements: () => number
  /** What it compresses with. */
  readonly compression: () => "lz4" | "none"
  /** Finds the statement prepared, unless it is to ask a node `again`. */
  readonly prepare: (
    query: string,
    options: SendOptions,
    again: boolean,
    receiver: Receiver<PreparedColumns>
  ) => Cancellable | undefined
  readonly execute: (
    query: string,
    values: Values,
    options: SendOptions,
    receiver: Receiver<Response>
  ) => Cancellable | undefined
  readonly batch: (
    type: BatchType,
    members: ReadonlyArray<BatchMember>,
    options: SendOptions,
    receiver: Receiver<Response>
  ) => Cancellable | undefined
}
