/**
 * What a simulated cluster can be told: which requests to answer, and how.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"

/**
 * A consistency level, by CQL's name.
 *
 * @since 0.1.0
 * @category models
 */
export type Consistency =
  | "ANY"
  | "ONE"
  | "TWO"
  | "THREE"
  | "QUORUM"
  | "ALL"
  | "LOCAL_QUORUM"
  | "EACH_QUORUM"
  | "SERIAL"
  | "LOCAL_SERIAL"
  | "LOCAL_ONE"

/**
 * A query, and the markers in it.
 *
 * @since 0.1.0
 * @category models
 */
export interface QueryPattern {
  /** The CQL text, to the letter. */
  readonly query: string
  /** Names and CQL types of the markers, in their order: what a client is told that prepares the text. */
  readonly parameters?: Readonly<Record<string, string>> | undefined
  /** Meets only requests with these values, by the names of the markers. */
  readonly values?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Which requests are answered so: those with this CQL text, sent as it is or prepared; with these values or consistencies
 * only; a batch of these queries, in this order; or OPTIONS, which clients send as their heartbeat.
 *
 * @since 0.1.0
 * @category models
 */
export type When =
  | string
  | (QueryPattern & { readonly consistency?: ReadonlyArray<Consistency> | undefined })
  | {
      readonly batch: ReadonlyArray<QueryPattern>
      readonly consistency?: ReadonlyArray<Consistency> | undefined
    }
  | { readonly options: true }

/**
 * What every result can be told.
 *
 * @since 0.1.0
 * @category models
 */
export interface Common {
  /** How long the node takes to answer. */
  readonly delay?: Duration.DurationInput | undefined
  /** Preparing the text is answered so, too (rows: is as slow). Default: only executing it is. */
  readonly onPrepare?: boolean | undefined
}

interface Replicas extends Common {
  readonly consistency: Consistency
  readonly received: number
  readonly required: number
}

/**
 * Why a replica failed. Told to clients under v5 only, which Simulacron does not speak: they see how many failed.
 *
 * @since 0.1.0
 * @category models
 */
export type FailureReason = "UNKNOWN" | "READ_TOO_MANY_TOMBSTONES"

/**
 * The kind of write that a timeout or failure is about.
 *
 * @since 0.1.0
 * @category models
 */
export type WriteType = "SIMPLE" | "BATCH" | "UNLOGGED_BATCH" | "COUNTER" | "BATCH_LOG" | "CAS" | "VIEW" | "CDC"

/**
 * How a connection ends: closed, or closed in one direction only as seen from the node.
 *
 * @since 0.1.0
 * @category models
 */
export type CloseType = "disconnect" | "shutdown_read" | "shutdown_write"

/**
 * An answer.
 *
 * - `Rows`: columns with their CQL types, in their order, and the rows: numbers, texts, booleans, `null`, `bigint` for 64-bit
 *   integers, arrays for lists, sets and tuples, records for maps. User-defined types and vectors are not known to it.
 * - `Void`: the answer to a write that is not prepared; for one that is, `Rows` without columns and rows.
 * - `NoResult`: none, ever; to preparing the text neither.
 * - `CloseConnection`: the end of the connection the request came on, or of all of the node, data centre or cluster;
 *   preparing the text has the same answer.
 * - the others: the protocol's errors. For UNPREPARED see `clearPrimes`, after which no statement is prepared any more.
 *
 * @since 0.1.0
 * @category models
 */
export type Result =
  | (Common & {
      readonly _tag: "Rows"
      readonly columns: Readonly<Record<string, string>>
      readonly rows: ReadonlyArray<Readonly<Record<string, unknown>>>
    })
  | (Common & { readonly _tag: "Void" })
  | { readonly _tag: "NoResult"; readonly delay?: undefined; readonly onPrepare?: undefined }
  | (Common & {
      readonly _tag: "CloseConnection"
      readonly scope: "connection" | "node" | "data_center" | "cluster"
      readonly how?: CloseType | undefined
    })
  | (Replicas & { readonly _tag: "ReadTimeout"; readonly dataPresent: boolean })
  | (Replicas & { readonly _tag: "WriteTimeout"; readonly writeType: WriteType })
  | (Replicas & {
      readonly _tag: "ReadFailure"
      readonly dataPresent: boolean
      /** By the replica's address. */
      readonly failures: Readonly<Record<string, FailureReason>>
    })
  | (Replicas & {
      readonly _tag: "WriteFailure"
      readonly writeType: WriteType
      /** By the replica's address. */
      readonly failures: Readonly<Record<string, FailureReason>>
    })
  | (Common & {
      readonly _tag: "Unavailable"
      readonly consistency: Consistency
      readonly required: number
      readonly alive: number
    })
  | (Common & { readonly _tag: "Bootstrapping" })
  | (Common & {
      readonly _tag: "AlreadyExists"
      readonly keyspace: string
      readonly table?: string | undefined
      readonly message?: string | undefined
    })
  | (Common & {
      readonly _tag: "FunctionFailure"
      readonly keyspace: string
      readonly functionName: string
      readonly argumentTypes: ReadonlyArray<string>
      readonly message?: string | undefined
    })
  | (Common & {
      readonly _tag:
        | "Overloaded"
        | "TruncateError"
        | "ServerError"
        | "ProtocolError"
        | "SyntaxError"
        | "Invalid"
        | "Unauthorized"
        | "AuthenticationError"
        | "ConfigError"
      readonly message?: string | undefined
    })
