/**
 * Timeouts of requests without a timer each: what waits is kept in a list and looked over ten times a second. A timeout is
 * never early and up to two tenths of a second late; short ones, where that would matter, have a timer of their own.
 *
 * What is due gives the sockets a turn first: while the application kept the event loop busy, the answer may have come. Where it was
 * kept busy for longer, the request may not have left either, and has as long again as it was late, once.
 */

/** A timer that fires so many milliseconds late was kept waiting by an event loop that was blocked. */
export const LATE = 20

/** What is due after the event loop was blocked has as long again as it is late, up to so many milliseconds. */
export const GRACE = 1000

export type Timer = NodeJS.Timeout | NodeJS.Immediate | undefined

/** Something that can be too late. The members `previous`, `next` and `timer` belong to {@link Deadlines}. */
export interface Timed {
  /** When it is due, or less than nothing: so many milliseconds from the next look on. 0 when it is not in the list. */
  deadline: number
  previous: Timed | undefined
  next: Timed | undefined
  timer: Timer
  onDeadline(): void
}

/** A deadline of something that is called back. */
export class Deadline implements Timed {
  deadline = 0
  previous: Timed | undefined = undefined
  next: Timed | undefined = undefined
  timer: Timer = undefined
  readonly onDeadline: () => void

  constructor(onDeadline: () => void) {
    this.onDeadline = onDeadline
  }
}

const TICK = 100
const PRECISE_BELOW = 2000

export class Deadlines {
  private head: Timed | undefined
  private interval: NodeJS.Timeout | undefined
  private swept = 0

  /** Calls `item.onDeadline` after `millis` milliseconds, unless it is removed before. Not positive: never. */
  add(item: Timed, millis: number): void {
    if (!(millis > 0)) return
    if (millis < PRECISE_BELOW) return wait(item, performance.now() + millis)
    if (this.interval === undefined) {
      this.swept = performance.now()
      this.interval = setInterval(() => this.sweep(), TICK)
      // A request in flight keeps the process alive by its socket; this must not outlive it.
      this.interval.unref()
    }
    // Looking at the clock is left to the next sweep.
    item.deadline = -millis
    item.previous = undefined
    item.next = this.head
    if (this.head !== undefined) this.head.previous = item
    this.head = item
  }

  remove(item: Timed): void {
    if (item.timer !== undefined) {
      // Each leaves the other's alone.
      clearTimeout(item.timer as NodeJS.Timeout)
      clearImmediate(item.timer as NodeJS.Immediate)
      item.timer = undefined
      return
    }
    if (item.deadline === 0) return
    item.deadline = 0
    if (item.previous !== undefined) item.previous.next = item.next
    else this.head = item.next
    if (item.next !== undefined) item.next.previous = item.previous
    item.previous = item.next = undefined
  }

  private sweep(): void {
    const now = performance.now()
    const blocked = now - this.swept - TICK
    this.swept = now
    if (this.head === undefined) {
      clearInterval(this.interval)
      this.interval = undefined
      return
    }
    let next: Timed | undefined
    for (let item: Timed | undefined = this.head; item !== undefined; item = next) {
      next = item.next
      if (item.deadline < 0) item.deadline = now - item.deadline
      else if (item.deadline <= now) {
        this.remove(item)
        turn(item, blocked)
      }
    }
  }
}

const wait = (item: Timed, due: number): void => {
  item.timer = setTimeout(
    () => {
      const late = performance.now() - due
      // Node counts from the beginning of the turn of the event loop.
      if (late < 0) wait(item, due)
      else turn(item, late)
    },
    Math.max(due - performance.now(), 1)
  )
}

/** Lets the sockets have their turn, and then the deadline. */
const turn = (item: Timed, late: number): void => {
  item.timer = setImmediate(() => {
    if (late > LATE) {
      item.timer = setTimeout(() => turn(item, 0), Math.min(late, GRACE))
      return
    }
    item.timer = undefined
    item.onDeadline()
  })
}
