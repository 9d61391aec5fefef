/**
 * One direction of a proxied connection: what comes in on one socket goes out on another, late, slowly, or not at all.
 *
 * Time here is the computer's, not the `Clock` of Effect: the sockets do not know about a test clock either.
 */
import type * as Net from "node:net"

/** What is done to the bytes of a direction. */
export interface LinkFaults {
  /** Milliseconds before a byte goes on. */
  readonly latency: number
  /** Up to so many milliseconds more or less, by lot for every piece. */
  readonly jitter: number
  /** Bytes a second. */
  readonly bandwidth: number
  /** The part of the pieces in which a bit is turned over, by lot. */
  readonly corruption: number
  /** `drop`: what comes is thrown away. `hold`: nothing is read, so that the sender's buffers fill up. */
  readonly flow: "pass" | "drop" | "hold"
}

/** Nothing is wrong. */
export const healthy: LinkFaults = { latency: 0, jitter: 0, bandwidth: Infinity, corruption: 0, flow: "pass" }

interface Piece {
  readonly due: number
  /** Undefined for the end of the stream. */
  readonly bytes: Buffer | undefined
}

/** What may wait in the proxy before the sender is asked to stop. */
const mostWaiting = 256 * 1024

/** So often a second does a direction with little bandwidth send. */
const slicesPerSecond = 50

/** Turns one bit over. */
const corrupt = (bytes: Buffer): void => {
  const bit = Math.floor(Math.random() * bytes.length * 8)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
}

export class FaultLink {
  /** Bytes that went on. */
  forwarded = 0
  /** Whether something was thrown away: what is left is no longer what was sent, and must never be taken for it. */
  lost = false
  readonly #source: Net.Socket
  readonly #sink: Net.Socket
  #faults: LinkFaults
  #pieces: Array<Piece> = []
  #waiting = 0
  /** When the last piece is due: what comes after it must not overtake it. */
  #lastDue = 0
  #timer: NodeJS.Timeout | undefined
  #sinkFull = false

  constructor(source: Net.Socket, sink: Net.Socket, faults: LinkFaults) {
    this.#source = source
    this.#sink = sink
    this.#faults = faults
    source.on("data", (chunk: Buffer) => this.#take(chunk))
    source.on("end", () => this.#take(undefined))
    sink.on("drain", () => {
      this.#sinkFull = false
      this.#pump()
    })
    this.#control()
  }

  /** Other faults from now on; what waits under lighter ones leaves earlier. */
  change(faults: LinkFaults): void {
    this.#faults = faults
    if (faults.flow === "drop" && this.#pieces.length > 0) this.#discard()
    const latest = performance.now() + faults.latency + faults.jitter
    if (faults.bandwidth === Infinity) {
      this.#pieces = this.#pieces.map(({ bytes, due }) => ({ bytes, due: Math.min(due, latest) }))
      this.#lastDue = Math.min(this.#lastDue, latest)
    }
    this.#pump()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#pieces = []
  }

  /** Whether what happens to the source is to be kept from the sink. */
  get isSilent(): boolean {
    return this.#faults.flow === "drop" || this.lost
  }

  #take(chunk: Buffer | undefined): void {
    const { bandwidth, corruption, flow, jitter, latency } = this.#faults
    if (flow === "drop" || this.lost) {
      this.lost = true
      return
    }
    if (chunk !== undefined && Math.random() < corruption) corrupt(chunk)
    const late = latency === 0 && jitter === 0 ? 0 : Math.max(0, latency + (Math.random() * 2 - 1) * jitter)
    this.#lastDue = Math.max(this.#lastDue, performance.now() + late)
    if (chunk === undefined || bandwidth === Infinity) {
      this.#enqueue(chunk)
    } else {
      const size = Math.max(1, Math.floor(bandwidth / slicesPerSecond))
      for (let at = 0; at < chunk.length; at += size) {
        const slice = chunk.subarray(at, at + size)
        this.#lastDue += (slice.length / bandwidth) * 1000
        this.#enqueue(slice)
      }
    }
    this.#pump()
  }

  #enqueue(bytes: Buffer | undefined): void {
    this.#pieces.push({ bytes, due: this.#lastDue })
    this.#waiting += bytes?.length ?? 0
  }

  #discard(): void {
    this.#pieces = []
    this.#waiting = 0
    this.lost = true
  }

  #pump(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#faults.flow === "pass") {
      const now = performance.now()
      let piece = this.#pieces[0]
      while (piece !== undefined && piece.due <= now && !this.#sinkFull) {
        this.#pieces.shift()
        this.#send(piece.bytes)
        piece = this.#pieces[0]
      }
      if (piece !== undefined && !this.#sinkFull) {
        this.#timer = setTimeout(() => this.#pump(), Math.max(1, piece.due - now))
      }
    }
    this.#control()
  }

  #send(bytes: Buffer | undefined): void {
    if (this.#sink.destroyed) return
    if (bytes === undefined) {
      this.#sink.end()
      return
    }
    this.#waiting -= bytes.length
    this.forwarded += bytes.length
    this.#sinkFull = !this.#sink.write(bytes)
  }

  /** Reads on or not. */
  #control(): void {
    const { flow } = this.#faults
    const stop = flow === "hold" || (flow === "pass" && (this.#sinkFull || this.#waiting > mostWaiting))
    if (stop) this.#source.pause()
    else this.#source.resume()
  }
}
