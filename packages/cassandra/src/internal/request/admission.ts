/**
 * How many requests are in flight at once, and who waits.
 *
 * The gate belongs to the pools of one client: it keeps below what their connections can carry, beyond which a
 * connection has no stream id to give. It is a counter and a list; a request that need not wait costs an increment.
 */

/** A request that takes a place while it is in flight. */
export interface Entrant {
  /** Called once there is a place, at once or later. */
  readonly admitted: () => void
  /** Called instead when too many wait already. */
  readonly refused: () => void
  /** The neighbours in the queue; the gate's own. */
  next: Entrant | undefined
  previous: Entrant | undefined
  queued: boolean
}

export class Gate {
  readonly maxConcurrent: number
  readonly maxQueued: number
  inFlight = 0
  queued = 0
  #first: Entrant | undefined
  #last: Entrant | undefined
  #admitting = false

  constructor(maxConcurrent: number, maxQueued: number) {
    this.maxConcurrent = maxConcurrent
    this.maxQueued = maxQueued
  }

  enter(entrant: Entrant): void {
    if (this.inFlight < this.maxConcurrent && this.queued === 0) {
      this.inFlight++
      entrant.admitted()
    } else if (this.queued < this.maxQueued) {
      entrant.queued = true
      entrant.previous = this.#last
      if (this.#last === undefined) this.#first = entrant
      else this.#last.next = entrant
      this.#last = entrant
      this.queued++
    } else {
      entrant.refused()
    }
  }

  /** Gives the place of an admitted entrant to the next in the queue. */
  leave(): void {
    this.inFlight--
    // An entrant may leave as soon as it is admitted: it returns to the loop that admitted it, lest the stack grow with the queue.
    if (this.#first === undefined || this.#admitting) return
    this.#admitting = true
    try {
      while (this.#first !== undefined && this.inFlight < this.maxConcurrent) {
        const entrant: Entrant = this.#first
        this.abandon(entrant)
        this.inFlight++
        entrant.admitted()
      }
    } finally {
      this.#admitting = false
    }
  }

  /** Takes an entrant out of the queue, wherever in it it stands. */
  abandon(entrant: Entrant): void {
    if (!entrant.queued) return
    entrant.queued = false
    if (entrant.previous === undefined) this.#first = entrant.next
    else entrant.previous.next = entrant.next
    if (entrant.next === undefined) this.#last = entrant.previous
    else entrant.next.previous = entrant.previous
    entrant.next = undefined
    entrant.previous = undefined
    this.queued--
  }
}
