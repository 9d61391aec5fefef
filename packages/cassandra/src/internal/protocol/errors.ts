/**
 * The failures the wire itself can raise. They are plain errors with a `_tag`, because they travel through the driver
 * (as `innerError` of a closed socket, or inside a `NoHostAvailableError`) before anyone maps them.
 */

/** What went wrong below the level of CQL. */
export type WireErrorReason =
  /** A segment's header checksum did not match. */
  | "CorruptHeader"
  /** A segment's payload checksum did not match. */
  | "CorruptPayload"
  /** Bytes that are intact but make no sense: a length beyond its container, an unknown opcode or result kind. */
  | "Malformed"
  /** An envelope announces more bytes than the client accepts. */
  | "FrameTooLarge"
  /** The server (or one host of the cluster) speaks no protocol version that the client accepts. */
  | "UnsupportedVersion"
  /** LZ4 was asked for and cannot be had. */
  | "CompressionUnavailable"
  /** The server keeps answering UNPREPARED to a statement that was just prepared. */
  | "UnpreparedLoop"
  /** A feature that needs protocol v5 was asked of a connection of an older version. */
  | "NotSupportedByVersion"

/**
 * A failure of the wire. `version` is the protocol version the server was found to speak, when that is the matter.
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
