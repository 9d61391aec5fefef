/**
 * Everything that can go wrong, as one union of tagged errors.
 *
 * Each error answers two questions: `isRetryable`, whether the same request may succeed when it is sent again, and
 * `writeState`, whether a write that failed with it may have been applied all the same. The error it was made from is kept as
 * `cause`. No message carries a bound value, a password or a paging state.
 *
 * The error of a request names its statement: `query`, `keyspace` and `table` are fields, and what prints the error shows them. Its
 * stack has no frames of the client. Give the effect a span (`Effect.withSpan`, `Effect.fn`), and `Cause.pretty` and `Effect.runPromise`
 * show where that is.
 *
 * @since 0.1.0
 */
import type { YieldableError } from "effect/Cause"
import * as Data from "effect/Data"
import * as Predicate from "effect/Predicate"
import { NodeInspectSymbol } from "effect/Inspectable"
import type { Consistency } from "./Consistency.ts"
import { detailsOf } from "./internal/request/errorSite.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/CassandraError"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/CassandraError"

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
  /** What the server said, unchanged; or what happened in the client. */
  readonly message: string
  /** The error this one was made from. */
  readonly cause?: unknown
  /**
   * The CQL text of the request that failed, never with the values bound to it: of a batch the member at fault, or the texts of them
   * all. Without the passwords that stand in it; a long text is cut. Undefined where no statement is at fault.
   */
  readonly query?: string | undefined
  /** The keyspace of the statement, where it is known. */
  readonly keyspace?: string | undefined
  /** The table that the statement reads or writes, where its text says so plainly. */
  readonly table?: string | undefined
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

/** The two questions that every error answers. */
interface Answers {
  readonly isRetryable: boolean
  readonly writeState: WriteState
}

/**
 * The base of an error. `answers` are those that all errors with the tag give alike; the others are fields of the error, or
 * getters of its class. They are on the prototype, so that they are no part of what is printed or compared.
 */
const TaggedError = <Tag extends string, Given extends keyof Answers = never>(
  tag: Tag,
  answers?: Pick<Answers, Given>
): new <Fields extends Common>(
  fields: Fields
) => YieldableError & { readonly _tag: Tag; readonly [TypeId]: TypeId } & Pick<Answers, Given> & Readonly<Fields> => {
  class Base extends Data.TaggedError(tag)<Common> {
    get [TypeId](): TypeId {
      return TypeId
    }
    constructor(fields: Common) {
      // It is made far from whoever made the request: the frames would be ours, and cost more than the error. The spans of the fiber that
      // fails are the caller's.
      const limit = Error.stackTraceLimit
      Error.stackTraceLimit = 0
      super(fields)
      Error.stackTraceLimit = limit
    }
    /** For `console.log`, which shows the fields: they need not be in the stack as well. */
    override [NodeInspectSymbol](): unknown {
      const details = detailsOf(this)
      if (details === "" || this.stack?.includes(details) !== true) return super[NodeInspectSymbol]()
      const shown = Object.create(Object.getPrototypeOf(this) as object, {
        ...Object.getOwnPropertyDescriptors(this),
        stack: { value: this.stack.replace(details, () => "") },
        [NodeInspectSymbol]: { value: () => shown }
      }) as object
      return shown
    }
  }
  for (const [name, answer] of Object.entries(answers ?? {})) {
    Object.defineProperty(Base.prototype, name, { get: () => answer, configurable: true })
  }
  return Base as never
}

/**
 * An option is invalid, or the server's protocol is below the minimum asked for. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConfigurationError extends TaggedError("ConfigurationError", {
  isRetryable: false,
  writeState: "NotApplied"
})<
  Common & {
    /** The option at fault, as a path: `tls.ca`. */
    readonly option: string
  }
> {}

/**
 * No connection could be made, or the one a request was sent on was lost.
 *
 * @since 0.1.0
 * @category errors
 */
export class ConnectionError extends TaggedError("ConnectionError", { isRetryable: true })<
  Common & {
    /** The hosts concerned, as `address:port`. */
    readonly hosts: ReadonlyArray<string>
    /** `NotApplied` while connecting; `Unknown` when a request had already left. */
    readonly writeState: WriteState
  }
> {}

/**
 * The server refused the credentials, or asked for some and none were given.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthenticationError extends TaggedError("AuthenticationError", {
  isRetryable: false,
  writeState: "NotApplied"
})<Answered> {}

/**
 * The role may not do this.
 *
 * @since 0.1.0
 * @category errors
 */
export class UnauthorizedError extends TaggedError("UnauthorizedError", {
  isRetryable: false,
  writeState: "NotApplied"
})<Answered> {}

/**
 * Every host of the query plan failed, or none could be tried.
 *
 * @since 0.1.0
 * @category errors
 */
export class NoHostAvailableError extends TaggedError("NoHostAvailableError")<
  Common & {
    /** What each host failed with, by `address:port`. Empty when no host could be tried. */
    readonly errors: ReadonlyMap<string, CassandraError>
  }
> {
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
export class UnavailableError extends TaggedError("UnavailableError", { isRetryable: true })<
  Answered & {
    readonly consistency: Consistency | "ANY"
    /** Replicas that the consistency level asks for. */
    readonly required: number
    /** Replicas that were alive. */
    readonly alive: number
    /**
     * `Unknown` for a batch, an earlier part of which may have been written, and for the commit of a conditional write, which is
     * decided by then.
     */
    readonly writeState: WriteState
  }
> {}

/**
 * Too few replicas answered a read in the coordinator's time.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReadTimeoutError extends TaggedError("ReadTimeoutError", { isRetryable: true, writeState: "NotApplied" })<
  ReplicaCounts & {
    /** Whether the replica asked for the data, rather than a digest, answered. */
    readonly dataPresent: boolean
  }
> {}

/**
 * Too few replicas acknowledged a write in the coordinator's time. It may have been applied.
 *
 * @since 0.1.0
 * @category errors
 */
export class WriteTimeoutError extends TaggedError("WriteTimeoutError", { isRetryable: true, writeState: "Unknown" })<
  ReplicaCounts & {
    readonly writeType: WriteType
  }
> {}

/**
 * A replica failed while reading, for example on too many tombstones.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReadFailureError extends TaggedError("ReadFailureError", { isRetryable: false, writeState: "NotApplied" })<
  ReplicaFailures & {
    /** Whether the replica asked for the data, rather than a digest, answered. */
    readonly dataPresent: boolean
  }
> {}

/**
 * A replica failed while writing. Others may have applied the write.
 *
 * @since 0.1.0
 * @category errors
 */
export class WriteFailureError extends TaggedError("WriteFailureError", { isRetryable: false, writeState: "Unknown" })<
  ReplicaFailures & {
    readonly writeType: WriteType
  }
> {}

/**
 * The coordinator shed the request because it had too much to do.
 *
 * @since 0.1.0
 * @category errors
 */
export class OverloadedError extends TaggedError("OverloadedError", {
  isRetryable: true,
  writeState: "Unknown"
})<Answered> {}

/**
 * The coordinator is joining the ring and does not serve requests yet.
 *
 * @since 0.1.0
 * @category errors
 */
export class BootstrappingError extends TaggedError("BootstrappingError", {
  isRetryable: true,
  writeState: "NotApplied"
})<Answered> {}

/**
 * A TRUNCATE failed; some replicas may be truncated.
 *
 * @since 0.1.0
 * @category errors
 */
export class TruncateError extends TaggedError("TruncateError", {
  isRetryable: false,
  writeState: "Unknown"
})<Answered> {}

/**
 * An unexpected failure inside the server.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerError extends TaggedError("ServerError", { isRetryable: false, writeState: "Unknown" })<Answered> {}

/**
 * One side did not understand the other. Either the server refused the client's message, which is also how it reports a
 * malformed paging state; or the server's answer could not be read, and the message says what of it.
 *
 * @since 0.1.0
 * @category errors
 */
export class ProtocolError extends TaggedError("ProtocolError", { isRetryable: false })<
  Answered & {
    /** `NotApplied` when the server refused the message; `Unknown` when its answer could not be read. */
    readonly writeState: WriteState
  }
> {
  constructor(fields: Answered & { readonly writeState?: WriteState | undefined }) {
    super({ ...fields, writeState: fields.writeState ?? "NotApplied" })
  }
}

/**
 * A user defined function threw.
 *
 * @since 0.1.0
 * @category errors
 */
export class FunctionFailureError extends TaggedError("FunctionFailureError", {
  isRetryable: false,
  writeState: "NotApplied"
})<
  Answered & {
    readonly keyspace: string
    readonly functionName: string
    /** The CQL types of the function's arguments. */
    readonly argumentTypes: ReadonlyArray<string>
  }
> {}

/**
 * A write was refused because the space for change data capture is full.
 *
 * @since 0.1.0
 * @category errors
 */
export class CdcWriteFailureError extends TaggedError("CdcWriteFailureError", {
  isRetryable: false,
  writeState: "NotApplied"
})<Answered> {}

/**
 * Whether a conditional write was applied is not known: it contended with another, or it was sent again after an attempt of unknown
 * outcome and was then not applied, which may have been the doing of the first attempt. `cause` is then that attempt's error, and
 * both counts are 0.
 *
 * @since 0.1.0
 * @category errors
 */
export class CasWriteUnknownError extends TaggedError("CasWriteUnknownError", {
  isRetryable: false,
  writeState: "Unknown"
})<ReplicaCounts> {}

/**
 * The CQL text does not parse.
 *
 * @since 0.1.0
 * @category errors
 */
export class CqlSyntaxError extends TaggedError("CqlSyntaxError", {
  isRetryable: false,
  writeState: "NotApplied"
})<Answered> {}

/**
 * The CQL is well formed but wrong: an unknown table or column, a value of the wrong type, a missing value.
 *
 * @since 0.1.0
 * @category errors
 */
export class InvalidQueryError extends TaggedError("InvalidQueryError", {
  isRetryable: false,
  writeState: "NotApplied"
})<Answered> {}

/**
 * The keyspace or table to create exists. `table` is undefined when it is the keyspace.
 *
 * @since 0.1.0
 * @category errors
 */
export class AlreadyExistsError extends TaggedError("AlreadyExistsError", {
  isRetryable: false,
  writeState: "NotApplied"
})<
  Answered & {
    readonly keyspace: string
    readonly table?: string | undefined
  }
> {}

/**
 * The server's configuration does not allow this.
 *
 * @since 0.1.0
 * @category errors
 */
export class ServerConfigurationError extends TaggedError("ServerConfigurationError", {
  isRetryable: false,
  writeState: "NotApplied"
})<Answered> {}

/**
 * The client's own time ran out. The server may still do what was asked.
 *
 * @since 0.1.0
 * @category errors
 */
export class OperationTimedOutError extends TaggedError("OperationTimedOutError", { isRetryable: true })<
  Answered & {
    /** The time that ran out, in milliseconds. */
    readonly timeout: number
    /** `NotApplied` when the request had not left the client. */
    readonly writeState: WriteState
  }
> {}

/**
 * More requests are in flight and waiting than the session admits. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class RequestThrottledError extends TaggedError("RequestThrottledError", {
  isRetryable: true,
  writeState: "NotApplied"
})<
  Common & {
    /** Requests that may be in flight at once. */
    readonly maxConcurrentRequests: number
    /** Requests that may wait. */
    readonly maxQueuedRequests: number
  }
> {}

/**
 * The session or its cluster is closed, or was closed while the request waited for its answer.
 *
 * @since 0.1.0
 * @category errors
 */
export class SessionClosedError extends TaggedError("SessionClosedError", { isRetryable: false })<
  Common & {
    /** `Unknown` when the request had left before the session closed. */
    readonly writeState: WriteState
  }
> {}

/**
 * Anything that is not Cassandra's: a value that cannot be encoded, an invalid identifier, a bug in a callback.
 *
 * @since 0.1.0
 * @category errors
 */
export class QueryError extends TaggedError("QueryError", { isRetryable: false })<
  Common & {
    /** `NotApplied` when nothing had been sent. */
    readonly writeState: WriteState
  }
> {}

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
