/**
 * Everything that can go wrong, as one union of tagged errors.
 *
 * Each error answers two questions: `isRetryable`, whether the same request may succeed when it is sent again, and
 * `writeState`, whether a write that failed with it may have been applied all the same. The driver's own error is kept as
 * `cause`. No message carries a bound value, a password or a paging state.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import type { Consistency } from "./Consistency.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: unique symbol = Symbol.for("effect-cassandra/CassandraError")

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = typeof TypeId

/**
 * Whether the write behind a failed request may have happened. `"NotApplied"`: certainly not. `"Unknown"`: perhaps.
 *
 * @since 0.1.0
 * @category models
 */
export type WriteState = "NotApplied" | "Unknown"

/**
 * The kind of write that a coordinator's timeout or failure was about, in the protocol's words.
 *
 * @since 0.1.0
 * @category models
 */
export type WriteType = "SIMPLE" | "BATCH" | "UNLOGGED_BATCH" | "COUNTER" | "BATCH_LOG" | "CAS" | "VIEW" | "CDC"

/**
 * Why a replica failed, as protocol v5 reports it; a number for a code that this version does not know.
 *
 * @since 0.1.0
 * @category models
 */
export type FailureReason =
  | "UNKNOWN"
  | "READ_TOO_MANY_TOMBSTONES"
  | "TIMEOUT"
  | "INCOMPATIBLE_SCHEMA"
  | "READ_SIZE"
  | "NODE_DOWN"
  | "INDEX_NOT_AVAILABLE"
  | "READ_TOO_MANY_INDEXES"
  | number

/** What every error has. */
interface Common {
  /** The message of the driver or the server, unchanged. */
  readonly message: string
  /** The error this one was made from. */
  readonly cause?: unknown
}

/** What an error has that a coordinator answered with. */
interface Answered extends Common {
  /** The coordinator, as `address:port`. */
  readonly host?: string | undefined
}

interface ReplicaCounts extends Answered {
  readonly consistency: Consistency | "ANY"
  /** Replicas that answered. */
  readonly received: number
  /** Replicas that the consistency level asks for. */
  readonly required: number
}

interface ReplicaFailures extends ReplicaCounts {
  /** How many replicas failed. */
  readonly failureCount: number
  /** Why each replica failed, by its address. Empty below protocol v5, which does not tell. */
  readonly failures: ReadonlyMap<string, FailureReason>
}

/**
 * An option is invalid, or the server's protocol is below the minimum asked for. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigurationError extends Data.TaggedError("ConfigurationError")<
  Common & {
    /** The option at fault, as a path: `tls.ca`. */
    readonly option: string
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * No connection could be made, or the one a request was sent on was lost.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectionError extends Data.TaggedError("ConnectionError")<
  Common & {
    /** The hosts concerned, as `address:port`. */
    readonly hosts: ReadonlyArray<string>
    /** `NotApplied` while connecting; `Unknown` when a request had already left. */
    readonly writeState: WriteState
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
}

/**
 * The server refused the credentials, or asked for some and none were given.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthenticationError extends Data.TaggedError("AuthenticationError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * The role may not do this.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnauthorizedError extends Data.TaggedError("UnauthorizedError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * Every host of the query plan failed, or none could be tried.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoHostAvailableError extends Data.TaggedError("NoHostAvailableError")<
  Common & {
    /** What each host failed with, by `address:port`. Empty when no host could be tried. */
    readonly errors: ReadonlyMap<string, CassandraError>
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return [...this.errors.values()].every((error) => error.isRetryable)
  }
  get writeState(): WriteState {
    return [...this.errors.values()].every((error) => error.writeState === "NotApplied") ? "NotApplied" : "Unknown"
  }
}

/**
 * The coordinator knew of too few live replicas and did not try.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnavailableError extends Data.TaggedError("UnavailableError")<
  Answered & {
    readonly consistency: Consistency | "ANY"
    /** Replicas that the consistency level asks for. */
    readonly required: number
    /** Replicas that were alive. */
    readonly alive: number
    /** `Unknown` for a batch only: an earlier part of it may have been written. */
    readonly writeState: WriteState
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
}

/**
 * Too few replicas answered a read in the coordinator's time.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReadTimeoutError extends Data.TaggedError("ReadTimeoutError")<
  ReplicaCounts & {
    /** Whether the replica asked for the data, rather than a digest, answered. */
    readonly dataPresent: boolean
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * Too few replicas acknowledged a write in the coordinator's time. It may have been applied.
 *
 * @since 0.1.0
 * @category errors
 */
export class WriteTimeoutError extends Data.TaggedError("WriteTimeoutError")<
  ReplicaCounts & {
    readonly writeType: WriteType
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
  get writeState(): WriteState {
    return "Unknown"
  }
}

/**
 * A replica failed while reading, for example on too many tombstones.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReadFailureError extends Data.TaggedError("ReadFailureError")<
  ReplicaFailures & {
    /** Whether the replica asked for the data, rather than a digest, answered. */
    readonly dataPresent: boolean
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * A replica failed while writing. Others may have applied the write.
 *
 * @since 0.1.0
 * @category errors
 */
export class WriteFailureError extends Data.TaggedError("WriteFailureError")<
  ReplicaFailures & {
    readonly writeType: WriteType
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "Unknown"
  }
}

/**
 * The coordinator shed the request because it had too much to do.
 *
 * @since 0.1.0
 * @category errors
 */
export class OverloadedError extends Data.TaggedError("OverloadedError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
  get writeState(): WriteState {
    return "Unknown"
  }
}

/**
 * The coordinator is joining the ring and does not serve requests yet.
 *
 * @since 0.1.0
 * @category errors
 */
export class BootstrappingError extends Data.TaggedError("BootstrappingError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * A TRUNCATE failed; some replicas may be truncated.
 *
 * @since 0.1.0
 * @category errors
 */
export class TruncateError extends Data.TaggedError("TruncateError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "Unknown"
  }
}

/**
 * An unexpected failure inside the server.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerError extends Data.TaggedError("ServerError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "Unknown"
  }
}

/**
 * The server did not understand the client's message; also how it reports a malformed paging state.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProtocolError extends Data.TaggedError("ProtocolError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * A user defined function threw.
 *
 * @since 0.1.0
 * @category errors
 */
export class FunctionFailureError extends Data.TaggedError("FunctionFailureError")<
  Answered & {
    readonly keyspace: string
    readonly functionName: string
    /** The CQL types of the function's arguments. */
    readonly argumentTypes: ReadonlyArray<string>
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * A write was refused because the space for change data capture is full.
 *
 * @since 0.1.0
 * @category errors
 */
export class CdcWriteFailureError extends Data.TaggedError("CdcWriteFailureError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * A conditional write contended with another, and whether it was applied is not known.
 *
 * @since 0.1.0
 * @category errors
 */
export class CasWriteUnknownError extends Data.TaggedError("CasWriteUnknownError")<ReplicaCounts> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "Unknown"
  }
}

/**
 * The CQL text does not parse.
 *
 * @since 0.1.0
 * @category errors
 */
export class CqlSyntaxError extends Data.TaggedError("CqlSyntaxError")<
  Answered & {
    /** The CQL text. */
    readonly query?: string | undefined
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * The CQL is well formed but wrong: an unknown table or column, a value of the wrong type, a missing value.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidQueryError extends Data.TaggedError("InvalidQueryError")<
  Answered & {
    /** The CQL text. */
    readonly query?: string | undefined
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * The keyspace or table to create exists.
 *
 * @since 0.1.0
 * @category errors
 */
export class AlreadyExistsError extends Data.TaggedError("AlreadyExistsError")<
  Answered & {
    readonly keyspace: string
    /** Undefined when it is the keyspace that exists. */
    readonly table?: string | undefined
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * The server's configuration does not allow this.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerConfigurationError extends Data.TaggedError("ServerConfigurationError")<Answered> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * The client's own time ran out. The server may still do what was asked.
 *
 * @since 0.1.0
 * @category errors
 */
export class OperationTimedOutError extends Data.TaggedError("OperationTimedOutError")<
  Answered & {
    /** The time that ran out, in milliseconds. */
    readonly timeout: number
    /** `NotApplied` when the request had not left the client. */
    readonly writeState: WriteState
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
}

/**
 * More requests are in flight and waiting than the session admits. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestThrottledError extends Data.TaggedError("RequestThrottledError")<
  Common & {
    /** Requests that may be in flight at once. */
    readonly maxConcurrentRequests: number
    /** Requests that may wait. */
    readonly maxQueuedRequests: number
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return true
  }
  get writeState(): WriteState {
    return "NotApplied"
  }
}

/**
 * The session or its cluster is closed, or was closed while the request waited for its answer.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionClosedError extends Data.TaggedError("SessionClosedError")<
  Common & {
    /** `Unknown` when the request had left before the session closed. */
    readonly writeState: WriteState
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
}

/**
 * Anything that is not Cassandra's: a value that cannot be encoded, an invalid identifier, a bug in a callback.
 *
 * @since 0.1.0
 * @category errors
 */
export class QueryError extends Data.TaggedError("QueryError")<
  Common & {
    /** `NotApplied` when nothing had been sent. */
    readonly writeState: WriteState
  }
> {
  readonly [TypeId]: TypeId = TypeId
  get isRetryable(): boolean {
    return false
  }
}

/**
 * What a request to Cassandra can fail with.
 *
 * @since 0.1.0
 * @category models
 */
export type CassandraError =
  | ConfigurationError
  | ConnectionError
  | AuthenticationError
  | UnauthorizedError
  | NoHostAvailableError
  | UnavailableError
  | ReadTimeoutError
  | WriteTimeoutError
  | ReadFailureError
  | WriteFailureError
  | OverloadedError
  | BootstrappingError
  | TruncateError
  | ServerError
  | ProtocolError
  | FunctionFailureError
  | CdcWriteFailureError
  | CasWriteUnknownError
  | CqlSyntaxError
  | InvalidQueryError
  | AlreadyExistsError
  | ServerConfigurationError
  | OperationTimedOutError
  | RequestThrottledError
  | SessionClosedError
  | QueryError

/**
 * The tags, for `Effect.catchTag` and for metrics.
 *
 * @since 0.1.0
 * @category models
 */
export type CassandraErrorTag = CassandraError["_tag"]

/**
 * @since 0.1.0
 * @category guards
 */
export const isCassandraError = (u: unknown): u is CassandraError => Predicate.hasProperty(u, TypeId)
