import type { ByteWriter } from "../protocol/index.ts"
import type { Connection } from "./connection.ts"

/** A request that a connection carries, from the write queue to its answer or its failure. */
export interface Operation {
  /** Set when it is written; the server answers on the same stream. */
  streamId: number
  /** Whether anybody still waits for it: it is not written otherwise. */
  canBeWritten(): boolean
  /** Writes its envelope. What this throws is its failure. */
  encode(w: ByteWriter, connection: Connection): void
  /** Its answer: the body is `buf` from `start` to `end`, valid during the call only. Must not throw. */
  respond(flags: number, opcode: number, buf: Buffer, start: number, end: number): void
  /** It ends without an answer: the connection closed, or it could not be encoded. Must not throw. */
  fail(error: Error): void
}
