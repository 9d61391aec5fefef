/**
 * The failures below the level of CQL. They are plain errors with a `_tag`, because this room and those above it know nothing of
 * Effect: `request/engineErrors.ts` makes errors of ours of them.
 */

import { ErrorCode } from "./opcode.ts"

/** What went wrong below the level of CQL. */
export type WireErrorReason =
  /** A segment's header checksum did not match. */
  | "CorruptHeader"
  /** A segment's payload checksum did not match. */
  | "CorruptPayload"
  /** Bytes that are intact but make no sense: a length beyond its container, an unknown opcode or result kind. */
  | "Malformed"
  /** The answer is an alert of TLS: the server expects that. */
  | "TlsAlert"
  /** An answer that is none to its request: READY to a QUERY, SET_KEYSPACE to a SELECT. The connection is replaced. */
  | "Misplaced"
  /** An envelope announces more bytes than the client accepts. */
  | "FrameTooLarge"
  /** The server (or one host of the cluster) speaks no protocol version that the client accepts. */
  | "UnsupportedVersion"
  /** The server keeps answering UNPREPARED to a statement that was just prepared. */
  | "UnpreparedLoop"
  /** A feature that needs protocol v5 was asked of a connection of an older version. */
  | "NotSupportedByVersion"

/**
 * A failure below the level of CQL. `version` is the protocol version the server was found to speak, when that is the matter.
 */
export class WireError extends Error {
  readonly _tag = "WireError"
  override readonly name = "WireError"
  readonly reason: WireErrorReason
  readonly version: number | undefined
  readonly host: string | undefined

  constructor(reason: WireErrorReason, message: string, options?: { version?: number; host?: string }) {
    super(message)
    this.reason = reason
    this.version = options?.version
    this.host = options?.host
  }
}

/** Is this value a {@link WireError}? Tests the tag, so that errors of another copy of this module count too. */
export const isWireError = (u: unknown): u is WireError =>
  typeof u === "object" && u !== null && (u as { _tag?: unknown })._tag === "WireError"

/**
 * Whether an error code of the server's is about the statement, which every other node would answer the same to: its syntax,
 * its tables and columns, what the role may do. The others are about the node that answered.
 */
export const isOfStatement = (code: unknown): boolean =>
  typeof code === "number" &&
  code !== ErrorCode.unprepared &&
  (code >= ErrorCode.syntax || code === ErrorCode.protocol || code === ErrorCode.functionFailure)

/** Says which statement an error is about. Nothing that prints the error repeats the text: the client's own error has it. */
export const ofStatement = (error: Error, query: string): void => {
  Object.defineProperty(error, "query", { value: query, configurable: true, writable: true })
}

/** What was thrown while an answer was read, as a failure that says which answer it was. */
export const unreadable = (answer: string, thrown: unknown): WireError => {
  if (isWireError(thrown) && thrown.reason !== "Malformed") return thrown
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  const error = new WireError("Malformed", `The server's answer (${answer}) cannot be read: ${why}`)
  error.cause = thrown
  return error
}

/** Does the failure mean that nothing more on its connection can be trusted? */
export const isMisplaced = (u: unknown): u is WireError => isWireError(u) && u.reason === "Misplaced"
