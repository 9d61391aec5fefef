import { kindOf } from "../cql/index.ts"
import { type Connection, isSocketClosed, type Operation, type Timed, type Timer } from "../connection/index.ts"
import {
  type Asked,
  type ByteWriter,
  MAX_UNPAGED_ROWS,
  Opcode,
  type PreparedResult,
  writeRequest
} from "../protocol/index.ts"
import type { Breaker } from "../routing/index.ts"
import type { Pool } from "../topology/index.ts"
import type { Execution } from "./execution.ts"

/** The protocol lets a server give slightly more rows than it was asked for. */
const SOME = 1000

const opcodes = { Execute: Opcode.execute, Query: Opcode.query, Batch: Opcode.batch } as const

const Status = { waiting: 0, done: 1, timedOut: 2, cancelled: 3 } as const

/** One try of an execution on one connection. It waits for its answer even after nobody else does. */
export class Dispatch implements Operation, Timed, Asked {
  streamId = -1
  deadline = 0
  previous: Timed | undefined = undefined
  next: Timed | undefined = undefined
  timer: Timer = undefined
  /** What the results look like, as the request was sent with. */
  prepared: PreparedResult | undefined = undefined
  private isSent = false
  private status: number = Status.waiting
  readonly execution: Execution
  readonly pool: Pool
  readonly connection: Connection

  constructor(execution: Execution, pool: Pool, connection: Connection) {
    this.execution = execution
    this.pool = pool
    this.connection = connection
  }

  get opcode(): number {
    return opcodes[this.execution.payload._tag]
  }

  get defer(): boolean {
    return this.execution.options.defer
  }

  get use(): false {
    return false
  }

  get mostRows(): number {
    const { options, payload } = this.execution
    // A batch gives a row for each of its conditions.
    if (payload._tag === "Batch") return 2 * payload.items.length + SOME
    const { query } = payload._tag === "Query" ? payload : payload.prepared
    // Only a SELECT comes in pages: LIST gives all there is.
    return kindOf(query).read && options.pageSize > 0 ? 2 * options.pageSize + SOME : MAX_UNPAGED_ROWS
  }

  send(timeout: number): void {
    this.connection.settings.deadlines.add(this, timeout)
    this.connection.send(this)
  }

  canBeWritten(): boolean {
    return this.status === Status.waiting
  }

  encode(w: ByteWriter, connection: Connection): void {
    const { options, payload, timestamp } = this.execution
    this.prepared = writeRequest(w, connection.version, this.streamId, payload, options, timestamp)
    this.isSent = true
  }

  respond(flags: number, opcode: number, buf: Buffer, start: number, end: number): void {
    // The late answer: the stream id is free again.
    if (this.status !== Status.waiting) return this.connection.lateAnswer(this.status === Status.timedOut)
    this.finish(Status.done)
    const { breaker } = this
    if (breaker.troubled > 0) breaker.answered(this.pool.node.address)
    this.execution.onResponse(this, flags, opcode, buf, start, end)
  }

  /** It failed without an answer: the socket was closed, or the request cannot be encoded. */
  fail(error: Error): void {
    if (this.status !== Status.waiting) return
    this.finish(Status.done)
    if (isSocketClosed(error)) this.breaker.lost(this.pool.node.address, this.connection)
    this.execution.onFailure(this, error)
  }

  onDeadline(): void {
    if (this.status !== Status.waiting) return
    this.finish(Status.timedOut)
    if (this.isSent) this.connection.unanswered(true)
    this.breaker.timedOut(this.pool.node.address, this.execution.options.timeout)
    this.execution.onTimeout(this)
  }

  /** Nobody waits any more. What is not written yet never will be. */
  cancel(): void {
    if (this.status !== Status.waiting) return
    this.finish(Status.cancelled)
    if (this.isSent) this.connection.unanswered(false)
  }

  private get breaker(): Breaker {
    return this.execution.client.breaker
  }

  private finish(status: number): void {
    this.status = status
    this.connection.settings.deadlines.remove(this)
  }
}
