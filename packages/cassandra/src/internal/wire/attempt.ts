import type { ByteWriter } from "../protocol/byteWriter.ts"
import type { WireConnection, WireOperation } from "./connection.ts"
import type { Timed } from "./deadlines.ts"
import type { Host, ResponseError } from "./driverShape.ts"
import { encodeRequest } from "./encodeRequest.ts"
import type { WireRequest } from "./request.ts"
import type { PreparedResult } from "../protocol/preparedStatement.ts"

const Status = { waiting: 0, done: 1, timedOut: 2, cancelled: 3 } as const

/** One try of a request on one connection. It waits for its answer even after nobody else does. */
export class Attempt implements WireOperation, Timed {
  streamId = -1
  deadline = 0
  previous: Timed | undefined = undefined
  next: Timed | undefined = undefined
  timer: NodeJS.Timeout | undefined = undefined
  /** What the results look like, as the request was sent with. */
  prepared: PreparedResult | undefined = undefined
  private isSent = false
  private status: number = Status.waiting
  readonly owner: WireRequest
  readonly host: Host
  readonly connection: WireConnection

  constructor(owner: WireRequest, host: Host, connection: WireConnection) {
    this.owner = owner
    this.host = host
    this.connection = connection
  }

  get isWire(): true {
    return true
  }

  get request(): never {
    throw new Error("one of the wire's requests is not one of the driver's")
  }

  send(timeout: number): void {
    this.connection.wire.deadlines.add(this, timeout)
    this.connection.sendWire(this)
  }

  canBeWritten(): boolean {
    return this.status === Status.waiting
  }

  isByRow(): boolean {
    return false
  }

  setResultRow(): void {}

  encode(w: ByteWriter, connection: WireConnection): void {
    const { options, payload, timestamp } = this.owner
    this.prepared = encodeRequest(w, connection, this.streamId, payload, options, timestamp)
    this.isSent = true
  }

  respond(flags: number, opcode: number, buf: Buffer, start: number, end: number): void {
    // What the driver's health check of a host looks at.
    this.host.pool.responseCounter++
    if (this.status !== Status.waiting) {
      // The late answer: the stream id is free again.
      this.connection.orphans--
      if (this.status === Status.timedOut) this.connection.timedOutOperations--
      return
    }
    this.finish(Status.done)
    const { breaker } = this.connection.wire
    if (breaker.troubled > 0) breaker.answered(this.host.address)
    this.owner.onResponse(this, flags, opcode, buf, start, end)
  }

  /** It failed without an answer: the socket was closed, or the request cannot be encoded. */
  setResult(error: unknown): void {
    if (this.status !== Status.waiting) return
    this.finish(Status.done)
    if ((error as ResponseError).isSocketError === true) {
      this.connection.wire.breaker.lost(this.host.address, this.connection)
    }
    this.owner.onFailure(this, error as Error)
  }

  onDeadline(): void {
    if (this.status !== Status.waiting) return
    this.finish(Status.timedOut)
    if (this.isSent) {
      this.connection.timedOutOperations++
      this.connection.orphaned()
    }
    this.connection.wire.breaker.timedOut(this.host.address, this.owner.options.timeout)
    this.owner.onTimeout(this)
  }

  /** Nobody waits any more. What is not written yet never will be. */
  cancel(): void {
    if (this.status !== Status.waiting) return
    this.finish(Status.cancelled)
    if (this.isSent) this.connection.orphaned()
  }

  private finish(status: number): void {
    this.status = status
    this.connection.wire.deadlines.remove(this)
  }
}
