import type { Socket } from "node:net"
import {
  ByteWriter,
  compressEnvelope,
  encodeSegment,
  headerSize,
  type Lz4,
  MAX_PAYLOAD,
  payloadCrc,
  writeHeader
} from "../protocol/index.ts"
import type { Operation } from "./operation.ts"

/**
 * Collects the requests of one turn of the event loop and writes them at once: one segment, one system call. Requests are
 * encoded when they are written, so that what was cancelled before is never sent.
 */
export interface WriteQueueHost {
  readonly socket: Socket
  /** Writes one envelope, header included. */
  encode(w: ByteWriter, operation: Operation): void
  /** The operation is on its way. */
  onSent(operation: Operation): void
  /** The operation will not be sent: it was cancelled before (no error) or cannot be encoded. */
  onUnsent(operation: Operation, error?: Error): void
  onWritten(bytes: number): void
}

/** Beyond this many bytes a batch is handed to the socket and another one begun. */
const BATCH = 128 * 1024

export class WriteQueue {
  private queue: Array<Operation> = []
  private scheduled = false
  private blocked = false
  private segmented = false
  private lz4: Lz4 | undefined
  private readonly w = new ByteWriter()
  private readonly host: WriteQueueHost

  constructor(host: WriteQueueHost) {
    this.host = host
    host.socket.on("drain", () => {
      this.blocked = false
      this.schedule()
    })
  }

  /** From the next write on, everything goes in segments. */
  useSegments(lz4: Lz4 | undefined): void {
    this.segmented = true
    this.lz4 = lz4
  }

  /** From the next write on, large envelopes are compressed, each by itself, as v4 does. */
  useCompression(lz4: Lz4): void {
    this.lz4 = lz4
  }

  push(operation: Operation): void {
    this.queue.push(operation)
    this.schedule()
  }

  /** Takes out everything that was not written. */
  clear(): Array<Operation> {
    const left = this.queue
    this.queue = []
    return left
  }

  private schedule(): void {
    if (this.scheduled || this.blocked || this.queue.length === 0) return
    this.scheduled = true
    process.nextTick(() => {
      this.scheduled = false
      this.flush()
    })
  }

  private flush(): void {
    const queue = this.queue
    this.queue = []
    let i = 0
    while (i < queue.length && !this.blocked) {
      if (this.segmented) i = this.lz4 === undefined ? this.segments(queue, i) : this.compressed(queue, i, this.lz4)
      else i = this.bare(queue, i)
    }
    // The socket is full: the rest waits for "drain", before whatever came meanwhile.
    if (i < queue.length) this.queue = queue.slice(i).concat(this.queue)
    this.schedule()
  }

  /** Encodes one operation; answers where it ended, or -1 when nothing was written. */
  private encode(operation: Operation): boolean {
    if (!operation.canBeWritten()) {
      this.host.onUnsent(operation)
      return false
    }
    const mark = this.w.length
    try {
      this.host.encode(this.w, operation)
    } catch (error) {
      this.w.pos = this.w.start + mark
      this.host.onUnsent(operation, error as Error)
      return false
    }
    this.host.onSent(operation)
    return true
  }

  private bare(queue: ReadonlyArray<Operation>, from: number): number {
    let i = from
    while (i < queue.length && this.w.length < BATCH) {
      const at = this.w.length
      if (this.encode(queue[i++]!) && this.lz4 !== undefined) compressEnvelope(this.w, at, this.lz4)
    }
    this.send()
    return i
  }

  /** Envelopes are written in place, behind room for the header, and closed by the checksum. */
  private segments(queue: ReadonlyArray<Operation>, from: number): number {
    const { w } = this
    let i = from
    let segment = -1
    while (i < queue.length && w.length < BATCH) {
      if (segment < 0) segment = this.open()
      const envelope = w.length
      if (!this.encode(queue[i++]!)) continue
      if (w.length - segment - 6 <= MAX_PAYLOAD) continue
      // It does not fit: what came before makes a segment of its own.
      const bytes = Buffer.from(w.buf.subarray(w.start + envelope, w.pos))
      w.pos = w.start + envelope
      this.close(segment)
      segment = -1
      if (bytes.length <= MAX_PAYLOAD) {
        segment = this.open()
        w.bytes(bytes)
      } else {
        for (let at = 0; at < bytes.length; at += MAX_PAYLOAD) {
          w.bytes(encodeSegment(bytes.subarray(at, at + MAX_PAYLOAD), false, undefined))
        }
      }
    }
    if (segment >= 0) this.close(segment)
    this.send()
    return i
  }

  private open(): number {
    const at = this.w.length
    this.w.ensure(headerSize(false))
    this.w.pos += headerSize(false)
    return at
  }

  private close(segment: number): void {
    const { w } = this
    const length = w.length - segment - 6
    if (length === 0) {
      w.pos = w.start + segment
      return
    }
    w.ensure(4)
    const start = w.start + segment
    writeHeader(w.buf, start, length, true)
    w.pos = w.buf.writeInt32LE(payloadCrc(w.buf.subarray(start + 6, w.pos)) | 0, w.pos)
  }

  private compressed(queue: ReadonlyArray<Operation>, from: number, lz4: Lz4): number {
    const { w } = this
    let i = from
    const pieces: Array<Buffer> = []
    let open = w.length
    const close = (end: number): void => {
      if (end > open) pieces.push(encodeSegment(w.buf.subarray(w.start + open, w.start + end), true, lz4))
      open = end
    }
    while (i < queue.length && w.length < BATCH) {
      const envelope = w.length
      if (!this.encode(queue[i++]!) || w.length - open <= MAX_PAYLOAD) continue
      close(envelope)
      if (w.length - envelope <= MAX_PAYLOAD) continue
      for (let at = envelope; at < w.length; at += MAX_PAYLOAD) {
        const end = Math.min(at + MAX_PAYLOAD, w.length)
        pieces.push(encodeSegment(w.buf.subarray(w.start + at, w.start + end), false, lz4))
      }
      open = w.length
    }
    close(w.length)
    w.pos = w.start
    if (pieces.length > 0) this.write(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
    return i
  }

  private send(): void {
    if (this.w.length > 0) this.write(this.w.take())
  }

  private write(bytes: Buffer): void {
    this.host.onWritten(bytes.length)
    // A failed write makes the socket emit "error" and "close", which fail everything in flight.
    const { socket } = this.host
    if (!socket.write(bytes)) this.blocked = true
    // The operating system has taken everything, as it does unless it is behind: the slab is free.
    if (socket.writableLength === 0) this.w.rewind()
  }
}
