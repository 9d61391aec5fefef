import { type Answer, type ByteWriter, isMisplaced, readAnswer } from "../protocol/index.ts"
import type { Connection } from "./connection.ts"
import type { Timed, Timer } from "./deadlines.ts"
import { UnansweredError } from "./errors.ts"
import type { Operation } from "./operation.ts"

/** A request: its opcode, and what writes its envelope. */
export interface OwnRequest {
  readonly opcode: number
  readonly write: (w: ByteWriter, streamId: number) => void
  /** Whether it is to change the keyspace of the connection. */
  readonly use?: boolean
}

/**
 * A request of the client's own on one connection, and its answer as plain data: the handshake, heartbeats, preparing, the
 * queries of the control connection. An answer that comes late frees its stream id.
 */
export class Exchange implements Operation, Timed {
  streamId = -1
  deadline = 0
  previous: Timed | undefined = undefined
  next: Timed | undefined = undefined
  timer: Timer = undefined
  private isSent = false
  private isDone = false
  private readonly connection: Connection
  private readonly request: OwnRequest
  private readonly timeout: number
  private readonly answered: (error: Error | undefined, answer?: Answer) => void

  /** `timeout` in milliseconds; 0 for none. `answered` is called once. */
  constructor(
    connection: Connection,
    request: OwnRequest,
    timeout: number,
    answered: (error: Error | undefined, answer?: Answer) => void
  ) {
    this.connection = connection
    this.request = request
    this.timeout = timeout
    this.answered = answered
  }

  start(): void {
    this.connection.settings.deadlines.add(this, this.timeout)
    this.connection.send(this)
  }

  canBeWritten(): boolean {
    return !this.isDone
  }

  encode(w: ByteWriter): void {
    this.request.write(w, this.streamId)
    this.isSent = true
  }

  respond(flags: number, opcode: number, buf: Buffer, start: number, end: number): void {
    if (this.isDone) return this.connection.lateAnswer(true)
    const { connection, request } = this
    let answer: Answer
    try {
      answer = readAnswer(connection.version, flags, opcode, buf, start, end, request.opcode, request.use)
    } catch (error) {
      this.end(error as Error)
      return isMisplaced(error) ? connection.distrust(error) : undefined
    }
    if (answer._tag === "Error") this.end(answer.error)
    else this.end(undefined, answer)
  }

  fail(error: Error): void {
    if (!this.isDone) this.end(error)
  }

  onDeadline(): void {
    if (this.isDone) return
    const { name } = this.connection
    if (this.isSent) this.connection.unanswered(true)
    this.end(new UnansweredError(`The host ${name} did not reply before timeout ${this.timeout} ms`, name))
  }

  private end(error: Error | undefined, answer?: Answer): void {
    this.isDone = true
    this.connection.settings.deadlines.remove(this)
    this.connection.guard(() => this.answered(error, answer))
  }
}
