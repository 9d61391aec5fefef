/** From an engine's errors to ours. The engine's error is kept as the cause, its message unchanged. */
import * as Effect from "effect/Effect"
import * as E from "../../CassandraError.ts"
import { codes, fromCode } from "../../Consistency.ts"
import { ErrorCode, explain, isWireError, Misfit, type WireError } from "../protocol/index.ts"

/** The fields that an engine puts on an error, depending on the code. */
interface DriverError extends Error {
  readonly code?: number | string
  readonly coordinator?: string
  readonly query?: string
  readonly consistencies?: number
  readonly required?: number
  readonly alive?: number
  readonly received?: number
  readonly blockFor?: number
  readonly isDataPresent?: number | boolean
  readonly writeType?: string
  readonly failures?: number
  readonly reasons?: Readonly<Record<string, number>>
  readonly keyspace?: string
  readonly table?: string
  readonly functionName?: string
  readonly argTypes?: ReadonlyArray<string>
  readonly host?: string
  readonly innerErrors?: Readonly<Record<string, unknown>>
  readonly _tag?: string
  /** What the driver says of the class. */
  readonly info?: unknown
  /** Of a load balancing policy: the option that it is about. */
  readonly option?: string
  readonly isSocketError?: boolean
  readonly requestNotWritten?: boolean
}

/** The classes of `cassandra-driver` by how their `info` begins: it has their names from their functions, which minifiers rename. */
const driverClasses = [
  ["Represents an error message from the server", "ResponseError"],
  ["Represents an error when a query cannot be performed", "NoHostAvailableError"],
  ["Represents a client-side error that is raised when the client did not hear back", "OperationTimedOutError"],
  ["Represents a client-side error indicating that all connections to a certain host", "BusyConnectionError"],
  ["Represents an authentication error", "AuthenticationError"],
  ["Represents an error that is raised when one of the arguments", "ArgumentError"],
  ["Represents a bug inside the driver", "DriverInternalError"],
  ["Represents a feature that is not supported in the driver", "NotSupportedError"],
  ["Cassandra Driver Error", "DriverError"]
] as const

type DriverClass = (typeof driverClasses)[number][1]

const driverClassOf = ({ info }: DriverError): DriverClass | undefined =>
  typeof info === "string" ? driverClasses.find(([start]) => info.startsWith(start))?.[1] : undefined

/** An error is told by its shape: it may be of either engine, and of any copy of a package. */
const is = (error: DriverError, tag: string, driverClass: DriverClass): boolean =>
  error._tag === tag || driverClassOf(error) === driverClass

const isResponse = (error: DriverError): error is DriverError & { readonly code: number } =>
  typeof error.code === "number" && (error.name === "ServerResponseError" || driverClassOf(error) === "ResponseError")

const isSocketClosed = (error: DriverError): boolean => error.isSocketError === true || error._tag === "SocketClosed"

/** What is known of the request beside the error. */
export interface RequestFacts {
  /** The client's time for an attempt, in milliseconds. */
  readonly timeout: number
  /** Batches may have been written in part when a later part was refused. */
  readonly batch: boolean
  /** A conditional write may have been decided already when its commit finds too few replicas. */
  readonly conditional?: boolean | undefined
  /** Whether the request may have left the client. */
  readonly sent: boolean
}

const reasonNames: ReadonlyArray<E.FailureReason> = [
  "UNKNOWN",
  "READ_TOO_MANY_TOMBSTONES",
  "TIMEOUT",
  "INCOMPATIBLE_SCHEMA",
  "READ_SIZE",
  "NODE_DOWN",
  "INDEX_NOT_AVAILABLE",
  "READ_TOO_MANY_INDEXES"
]

const fromResponse = (error: DriverError, code: number, facts: RequestFacts): E.CassandraError => {
  const answered = { message: error.message, cause: error, host: error.coordinator }
  const text = { ...answered, query: error.query }
  const replicas = () => ({
    ...answered,
    consistency: fromCode(error.consistencies ?? -1),
    received: error.received ?? 0,
    required: error.blockFor ?? 0
  })
  const failures = () => ({
    ...replicas(),
    failureCount: error.failures ?? 0,
    failures: new Map(
      Object.entries(error.reasons ?? {}).map(([host, reason]) => [host, reasonNames[reason] ?? reason])
    )
  })
  switch (code) {
    case ErrorCode.server:
      return new E.ServerError(answered)
    case ErrorCode.protocol:
      return new E.ProtocolError(answered)
    case ErrorCode.badCredentials:
      return new E.AuthenticationError(answered)
    case ErrorCode.unavailable:
      return new E.UnavailableError({
        ...answered,
        consistency: fromCode(error.consistencies ?? -1),
        required: error.required ?? 0,
        alive: error.alive ?? 0,
        writeState:
          facts.batch || (facts.conditional === true && !isSerial(error.consistencies)) ? "Unknown" : "NotApplied"
      })
    case ErrorCode.overloaded:
      return new E.OverloadedError(answered)
    case ErrorCode.bootstrapping:
      return new E.BootstrappingError(answered)
    case ErrorCode.truncate:
      return new E.TruncateError(answered)
    case ErrorCode.writeTimeout:
      return new E.WriteTimeoutError({ ...replicas(), writeType: (error.writeType ?? "SIMPLE") as E.WriteType })
    case ErrorCode.readTimeout:
      return new E.ReadTimeoutError({ ...replicas(), dataPresent: Boolean(error.isDataPresent) })
    case ErrorCode.readFailure:
      return new E.ReadFailureError({ ...failures(), dataPresent: Boolean(error.isDataPresent) })
    case ErrorCode.functionFailure:
      return new E.FunctionFailureError({
        ...answered,
        keyspace: error.keyspace ?? "",
        functionName: error.functionName ?? "",
        argumentTypes: error.argTypes ?? []
      })
    case ErrorCode.writeFailure:
      return new E.WriteFailureError({ ...failures(), writeType: (error.writeType ?? "SIMPLE") as E.WriteType })
    case 0x1600:
      return new E.CdcWriteFailureError(answered)
    case 0x1700:
      return new E.CasWriteUnknownError(replicas())
    case ErrorCode.syntax:
      return new E.CqlSyntaxError(text)
    case ErrorCode.unauthorized:
      return new E.UnauthorizedError(answered)
    case ErrorCode.invalid:
      return new E.InvalidQueryError(text)
    case ErrorCode.config:
      return new E.ServerConfigurationError(answered)
    case ErrorCode.alreadyExists:
      return new E.AlreadyExistsError({
        ...answered,
        keyspace: error.keyspace ?? "",
        table: error.table === "" ? undefined : error.table
      })
    default:
      return new E.ServerError(answered)
  }
}

// Errors of `cassandra-driver` about values quote them, each in its own way (`Expected Number, obtained 'secret'`), and the message
// is in the stack as well: of both, only the frames are kept.
const withoutValue = (error: Error): Error => {
  const safe = new TypeError("Its message may show a value")
  const { message, stack = "" } = error
  const start = stack.indexOf(message)
  safe.stack = `${safe.name}: ${safe.message}${start === -1 ? "" : stack.slice(start + message.length)}`
  return safe
}

/** What the language itself throws. */
const isLanguageError = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError

/**
 * Whether a failure is a bug: the language threw it, and nobody made it a failure with a meaning. It is a defect, not an error that
 * a program could do anything about.
 */
export const isBug = (error: unknown): error is Error => isLanguageError(error) && !(error instanceof Misfit)

/** The error of a host in an engine's list: an error, or a text that says why it was not tried. */
const fromInner = (host: string, error: unknown, facts: RequestFacts): E.CassandraError => {
  if (typeof error === "string" || error === null || error === undefined) {
    const message = error === "Host considered as DOWN" ? "no open connection" : (error ?? "not tried")
    return new E.ConnectionError({ message, hosts: [host], writeState: "NotApplied" })
  }
  return fromEngineError(error, facts)
}

/** One line for each host. */
const ofHosts = (errors: ReadonlyMap<string, E.CassandraError>): string =>
  errors.size === 0
    ? "There was no host to send the request to: the query plan is empty"
    : [
        "No host could serve the request:",
        ...[...errors].map(([host, { _tag, message }]) => `${host}: ${_tag}: ${oneLine(message)}`)
      ].join("\n  ")

const oneLine = (message: string): string => {
  const line = message.replace(/\s+/g, " ")
  return line.length > 300 ? `${line.slice(0, 300)}…` : line
}

const fromWire = (error: WireError, facts: RequestFacts): E.CassandraError => {
  const { host, message } = error
  switch (error.reason) {
    case "UnsupportedVersion":
      return new E.ConfigurationError({ option: "minimumProtocolVersion", message, cause: error })
    case "NotSupportedByVersion":
      return new E.ConfigurationError({ option: "keyspace", message, cause: error })
    // The server refuses to execute what it has just prepared.
    case "UnpreparedLoop":
      return new E.ProtocolError({ message, cause: error, host })
    // What was sent and not understood may have been applied.
    case "Malformed":
    case "Misplaced":
      return new E.ProtocolError({
        message,
        cause: error,
        host: host ?? (error as DriverError).coordinator,
        writeState: facts.sent ? "Unknown" : "NotApplied"
      })
    default:
      return new E.ConnectionError({
        message,
        cause: error,
        hosts: host === undefined ? [] : [host],
        writeState: facts.sent ? "Unknown" : "NotApplied"
      })
  }
}

/** The consistency of the rounds that decide a conditional write, rather than that of its commit. */
const isSerial = (code: number | undefined): boolean => code === codes.SERIAL || code === codes.LOCAL_SERIAL

/** A failure as an effect: a defect if it is a bug, and otherwise an error of ours. */
export const failureOf = (error: unknown, facts: RequestFacts): Effect.Effect<never, E.CassandraError> =>
  isBug(error) ? Effect.die(error) : Effect.fail(fromEngineError(error, facts))

/** Every failure of an engine becomes one of ours: what is not recognised is a `QueryError`. */
export const fromEngineError = (unknown: unknown, facts: RequestFacts): E.CassandraError => {
  if (E.isCassandraError(unknown)) return unknown
  if (!(unknown instanceof Error)) {
    return new E.QueryError({ message: "A failure that is no error", cause: unknown, writeState: "Unknown" })
  }
  const error = unknown as DriverError
  const { message } = error
  if (!isLanguageError(error) && !isUnknown(error)) withoutFrames(error)
  const inFlight = facts.sent ? "Unknown" : "NotApplied"
  if (isWireError(error)) return fromWire(error, facts)
  if (isResponse(error)) return fromResponse(error, error.code, facts)
  if (is(error, "Unanswered", "OperationTimedOutError")) {
    return new E.OperationTimedOutError({
      message,
      cause: error,
      host: error.host ?? (error as DriverError).coordinator,
      timeout: facts.timeout,
      writeState: inFlight
    })
  }
  if (is(error, "NoNode", "NoHostAvailableError")) {
    const errors = new Map(
      Object.entries(error.innerErrors ?? {}).map(([host, inner]) => [host, fromInner(host, inner, facts)])
    )
    // They are in `errors`: what prints the error need not show them twice.
    Object.defineProperty(error, "innerErrors", { enumerable: false })
    return new E.NoHostAvailableError({ message: ofHosts(errors), cause: error, errors })
  }
  if (is(error, "AuthenticationError", "AuthenticationError")) {
    return new E.AuthenticationError({ message, cause: error, host: (error as DriverError).coordinator })
  }
  if (is(error, "NoConnection", "BusyConnectionError")) {
    return new E.ConnectionError({ message, cause: error, hosts: hostsOf(error), writeState: "NotApplied" })
  }
  // What Node refuses to write has a code as well, like an error of the system.
  if (isSocketClosed(error) || (isSystemError(error) && !isLanguageError(error))) {
    return new E.ConnectionError({
      message,
      cause: error,
      hosts: hostsOf(error),
      writeState: error.requestNotWritten === true ? "NotApplied" : inFlight
    })
  }
  if (error._tag === "Policy") {
    return new E.ConfigurationError({ option: error.option ?? "loadBalancing", message, cause: error.cause })
  }
  if (error._tag === "Plan") return new E.QueryError({ message, cause: error.cause, writeState: "NotApplied" })
  if (error._tag === "Connect" || message === "Connection timeout") {
    return new E.ConnectionError({ message, cause: error, hosts: hostsOf(error), writeState: "NotApplied" })
  }
  if (unknown instanceof Misfit) {
    return new E.QueryError({ message: explain(unknown), writeState: "NotApplied", query: unknown.query })
  }
  if (isLanguageError(unknown)) {
    const what = facts.sent ? "The answer could not be read" : "The request could not be made"
    return new E.QueryError({ message: what, cause: withoutValue(unknown), writeState: inFlight })
  }
  return new E.QueryError({
    message,
    cause: error,
    writeState: driverClassOf(error) === "ArgumentError" ? "NotApplied" : inFlight
  })
}

/** What only Node or an engine knows: where it was made may say what it is. */
const isUnknown = (error: DriverError): boolean =>
  !isWireError(error) &&
  error._tag === undefined &&
  !isResponse(error) &&
  driverClassOf(error) === undefined &&
  !isSocketClosed(error) &&
  !isSystemError(error)

/** It was made where bytes are read: the frames say nothing about it. */
const withoutFrames = (error: Error): void => {
  Object.defineProperty(error, "stack", {
    value: `${driverClassOf(error) ?? error.name}: ${error.message}`,
    configurable: true,
    writable: true
  })
}

const hostsOf = (error: DriverError): ReadonlyArray<string> =>
  error.coordinator === undefined ? [] : [error.coordinator]

/** An error of the operating system or of TLS, such as `ECONNREFUSED`. */
const isSystemError = (error: DriverError): boolean => typeof error.code === "string" && /^[A-Z_0-9]+$/.test(error.code)
