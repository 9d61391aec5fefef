/** How a connection fails. The request layer makes typed errors of these by their `_tag`. */

/** The connection closed before the answer came. */
export class SocketClosedError extends Error {
  readonly _tag = "SocketClosed"
  override readonly name = "SocketClosedError"
  /** Whether the request had not been written: then it was certainly not executed. */
  readonly requestNotWritten: boolean
  constructor(requestNotWritten: boolean, cause?: unknown) {
    super("Socket was closed", cause === undefined ? undefined : { cause })
    this.requestNotWritten = requestNotWritten
  }
}

/** A connection could not be opened within the time for it, or its opening was given up. */
export class ConnectError extends Error {
  readonly _tag = "Connect"
  override readonly name = "ConnectError"
}

/** A request of the client itself (a heartbeat, a query for nodes, preparing) was not answered in time. */
export class UnansweredError extends Error {
  readonly _tag = "Unanswered"
  override readonly name = "UnansweredError"
  /** `address:port`; undefined when no single node was asked. */
  readonly host: string | undefined
  constructor(message: string, host?: string) {
    super(message)
    this.host = host
  }
}

export const isSocketClosed = (error: unknown): error is SocketClosedError =>
  typeof error === "object" && error !== null && (error as { _tag?: unknown })._tag === "SocketClosed"
