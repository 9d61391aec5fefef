import type { Cursor } from "./columns.ts"
import { readInet } from "./decodeText.ts"
import { ErrorCode, type ProtocolVersion } from "./opcode.ts"
import { WireError } from "./errors.ts"
import { int32 } from "./scratch.ts"

/**
 * An ERROR answer. The fields have the names of `cassandra-driver`'s `ResponseError`, so that whoever maps errors reads either by
 * its shape; those that the code does not have are absent.
 */
export class ServerResponseError extends Error {
  override readonly name = "ServerResponseError"
  readonly code: number
  /** The code of the consistency level. */
  declare consistencies?: number
  declare required?: number
  declare alive?: number
  declare received?: number
  declare blockFor?: number
  declare isDataPresent?: boolean
  declare writeType?: string
  /** How many replicas failed. */
  declare failures?: number
  /** The reasons of the replicas that failed, by address (v5). */
  declare reasons?: Readonly<Record<string, number>>
  /** How often a conditional write lost against another one (v5). */
  declare contentions?: number
  declare keyspace?: string
  declare table?: string
  declare functionName?: string
  declare argTypes?: ReadonlyArray<string>
  /** The prepared statement that the node does not know. */
  declare queryId?: Buffer
  /** The address of the node that answered, told by who sent the request. */
  declare coordinator?: string
  /** The text of the statement, told by who sent the request. */
  declare query?: string

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** Without a stack: its frames would be those of the socket, and taking them costs more than reading the answer. */
const withoutStack = (code: number, message: string): ServerResponseError => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return new ServerResponseError(code, message)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const readReplicas = (c: Cursor, error: ServerResponseError): void => {
  error.consistencies = c.short()
  error.received = c.int()
  error.blockFor = c.int()
}

/** v4 tells how many replicas failed, v5 also which, and why. */
const readFailures = (c: Cursor, error: ServerResponseError, version: ProtocolVersion): void => {
  const count = c.int()
  error.failures = count
  if (version < 5) return
  // An address and a reason take seven bytes at least.
  if (count < 0 || count * 7 > c.left) {
    throw new WireError("Malformed", `the reasons of ${count} failures in ${c.left} bytes`)
  }
  const reasons: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const address = c.fixed(c.byte())
    reasons[readInet(address, 0, address.length)] = c.short()
  }
  error.reasons = reasons
}

/** Reads the body of an ERROR. Throws a `WireError` where it is cut short. */
export const readServerError = (c: Cursor, version: ProtocolVersion): ServerResponseError => {
  const code = c.int()
  const error = withoutStack(code, c.string())
  switch (code) {
    case ErrorCode.unavailable:
      error.consistencies = c.short()
      error.required = c.int()
      error.alive = c.int()
      break
    case ErrorCode.readTimeout:
      readReplicas(c, error)
      error.isDataPresent = c.byte() !== 0
      break
    case ErrorCode.readFailure:
      readReplicas(c, error)
      readFailures(c, error, version)
      error.isDataPresent = c.byte() !== 0
      break
    case ErrorCode.writeTimeout:
      readReplicas(c, error)
      error.writeType = c.string()
      if (version >= 5 && error.writeType === "CAS") error.contentions = c.short()
      break
    case ErrorCode.writeFailure:
      readReplicas(c, error)
      readFailures(c, error, version)
      error.writeType = c.string()
      break
    case ErrorCode.casWriteUnknown:
      readReplicas(c, error)
      break
    case ErrorCode.functionFailure:
      error.keyspace = c.string()
      error.functionName = c.string()
      error.argTypes = c.list(() => c.string())
      break
    case ErrorCode.alreadyExists:
      error.keyspace = c.string()
      error.table = c.string()
      break
    case ErrorCode.unprepared:
      error.queryId = c.shortBytes()
      break
  }
  return error
}

/**
 * Whether the body of an ERROR says that a segment of ours arrived with a checksum that is wrong. It is sent on stream 0, whatever
 * request has that, which may have been executed; then the server closes the connection.
 */
export const tellsOfCorruption = (buf: Buffer, start: number, end: number): boolean =>
  end - start > 6 &&
  int32(buf, start) === ErrorCode.protocol &&
  buf.toString("latin1", start + 6, end).includes("CRC mismatch")
