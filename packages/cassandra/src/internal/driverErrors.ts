/** From the driver's errors to ours. The driver's error is kept as the cause, its message unchanged. */
import driver from "cassandra-driver"
import * as E from "../CassandraError.ts"
import { fromCode } from "../Consistency.ts"
import { explain, Misfit } from "./protocol/misfit.ts"
import { isWireError, type WireError } from "./protocol/errors.ts"

const { responseErrorCodes } = driver.types

/** The fields that the driver's reader puts on an error, depending on the code. */
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
  readonly isSocketError?: boolean
  readonly requestNotWritten?: boolean
}

/** What is known of the request beside the error. */
export interface RequestFacts {
  /** The client's time for an attempt, in milliseconds. */
  readonly timeout: number
  /** Batches may have been written in part when a later part was refused. */
  readonly batch: boolean
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
    case responseErrorCodes.serverError:
      return new E.ServerError(answered)
    case responseErrorCodes.protocolError:
      return new E.ProtocolError(answered)
    case responseErrorCodes.badCredentials:
      return new E.AuthenticationError(answered)
    case responseErrorCodes.unavailableException:
      return new E.UnavailableError({
        ...answered,
        consistency: fromCode(error.consistencies ?? -1),
        required: error.required ?? 0,
        alive: error.alive ?? 0,
        writeState: facts.batch ? "Unknown" : "NotApplied"
      })
    case responseErrorCodes.overloaded:
      return new E.OverloadedError(answered)
    case responseErrorCodes.isBootstrapping:
      return new E.BootstrappingError(answered)
    case responseErrorCodes.truncateError:
      return new E.TruncateError(answered)
    case responseErrorCodes.writeTimeout:
      return new E.WriteTimeoutError({ ...replicas(), writeType: (error.writeType ?? "SIMPLE") as E.WriteType })
    case responseErrorCodes.readTimeout:
      return new E.ReadTimeoutError({ ...replicas(), dataPresent: Boolean(error.isDataPresent) })
    case responseErrorCodes.readFailure:
      return new E.ReadFailureError({ ...failures(), dataPresent: Boolean(error.isDataPresent) })
    case responseErrorCodes.functionFailure:
      return new E.FunctionFailureError({
        ...answered,
        keyspace: error.keyspace ?? "",
        functionName: error.functionName ?? "",
        argumentTypes: error.argTypes ?? []
      })
    case responseErrorCodes.writeFailure:
      return new E.WriteFailureError({ ...failures(), writeType: (error.writeType ?? "SIMPLE") as E.WriteType })
    case 0x1600:
      return new E.CdcWriteFailureError(answered)
    case 0x1700:
      return new E.CasWriteUnknownError(replicas())
    case responseErrorCodes.syntaxError:
      return new E.CqlSyntaxError(text)
    case responseErrorCodes.unauthorized:
      return new E.UnauthorizedError(answered)
    case responseErrorCodes.invalid:
      return new E.InvalidQueryError(text)
    case responseErrorCodes.configError:
      return new E.ServerConfigurationError(answered)
    case responseErrorCodes.alreadyExists:
      return new E.AlreadyExistsError({ ...answered, keyspace: error.keyspace ?? "", table: error.table })
    default:
      return new E.ServerError(answered)
  }
}

// The driver's errors about values quote them, each in its own way (`Expected Number, obtained 'secret'`), and the message
// is in the stack as well: of both, only the frames are kept.
const withoutValue = (error: Error): Error => {
  const safe = new TypeError("The driver refused the value")
  const { message, stack = "" } = error
  const start = stack.indexOf(message)
  safe.stack = `${safe.name}: ${safe.message}${start === -1 ? "" : stack.slice(start + message.length)}`
  return safe
}

/** Whether a value was refused: nothing was sent. */
const isEncodingError = (error: unknown): error is Error => error instanceof TypeError || error instanceof RangeError

/** The error of a host in the driver's list: an error, or a text such as `Host considered as DOWN`. */
const fromInner = (host: string, error: unknown, facts: RequestFacts): E.CassandraError =>
  typeof error === "string" || error === null
    ? new E.ConnectionError({ message: error ?? "Not tried", hosts: [host], writeState: "NotApplied" })
    : fromDriverError(error, facts)

const fromWire = (error: WireError, facts: RequestFacts): E.CassandraError => {
  const { host, message } = error
  switch (error.reason) {
    case "UnsupportedVersion":
      return new E.ConfigurationError({ option: "minimumProtocolVersion", message, cause: error })
    case "NotSupportedByVersion":
      return new E.ConfigurationError({ option: "keyspace", message, cause: error })
    case "CompressionUnavailable":
      return new E.ConfigurationError({ option: "compression", message, cause: error })
    // The server refuses to execute what it has just prepared.
    case "UnpreparedLoop":
      return new E.ProtocolError({ message, cause: error, host })
    default:
      return new E.ConnectionError({
        message,
        cause: error,
        hosts: host === undefined ? [] : [host],
        writeState: facts.sent ? "Unknown" : "NotApplied"
      })
  }
}

/** Every driver failure is one of ours: what is not recognised is a `QueryError`. */
export const fromDriverError = (unknown: unknown, facts: RequestFacts): E.CassandraError => {
  if (E.isCassandraError(unknown)) return unknown
  if (!(unknown instanceof Error)) {
    return new E.QueryError({ message: "A failure that is no error", cause: unknown, writeState: "Unknown" })
  }
  const error = unknown as DriverError
  const { message } = error
  const inFlight = facts.sent ? "Unknown" : "NotApplied"
  if (isWireError(error)) return fromWire(error, facts)
  if (error instanceof driver.errors.ResponseError) return fromResponse(error, error.code, facts)
  if (error instanceof driver.errors.OperationTimedOutError) {
    return new E.OperationTimedOutError({
      message,
      cause: error,
      host: error.host ?? (error as DriverError).coordinator,
      timeout: facts.timeout,
      writeState: inFlight
    })
  }
  if (error instanceof driver.errors.NoHostAvailableError) {
    const errors = new Map(
      Object.entries(error.innerErrors ?? {}).map(([host, inner]) => [host, fromInner(host, inner, facts)])
    )
    return new E.NoHostAvailableError({ message, cause: error, errors })
  }
  if (error instanceof driver.errors.AuthenticationError) {
    return new E.AuthenticationError({ message, cause: error, host: (error as DriverError).coordinator })
  }
  if (error instanceof driver.errors.BusyConnectionError) {
    return new E.ConnectionError({ message, cause: error, hosts: hostsOf(error), writeState: "NotApplied" })
  }
  // What Node refuses to write has a code as well, like an error of the system.
  if (error.isSocketError === true || (isSystemError(error) && !isEncodingError(error))) {
    return new E.ConnectionError({
      message,
      cause: error,
      hosts: hostsOf(error),
      writeState: error.requestNotWritten === true ? "NotApplied" : inFlight
    })
  }
  if (message === "Connection timeout") {
    return new E.ConnectionError({ message, cause: error, hosts: hostsOf(error), writeState: "NotApplied" })
  }
  if (error instanceof Misfit) return new E.QueryError({ message: explain(error), writeState: "NotApplied" })
  if (isEncodingError(error)) {
    return new E.QueryError({
      message: "A value does not fit its type",
      cause: withoutValue(error),
      writeState: "NotApplied"
    })
  }
  return new E.QueryError({
    message,
    cause: error,
    writeState: (unknown as object) instanceof driver.errors.ArgumentError ? "NotApplied" : inFlight
  })
}

const hostsOf = (error: DriverError): ReadonlyArray<string> =>
  error.coordinator === undefined ? [] : [error.coordinator]

/** An error of the operating system or of TLS, such as `ECONNREFUSED`. */
const isSystemError = (error: DriverError): boolean => typeof error.code === "string" && /^[A-Z_0-9]+$/.test(error.code)
