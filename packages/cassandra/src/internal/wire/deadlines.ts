/**
 * Timeouts of requests without a timer each: what waits is kept in a list and looked over ten times a second. A timeout is
 * never early and up to a tenth of a second late; short ones, where that would matter, have a timer of their own.
 */

/** Something that can be too late. The members `previous`, `next` and `timer` belong to {@link Deadlines}. */
export interface Timed {
  deadline: number
  previous: Timed | undefined
  next: Timed | undefined
  timer: NodeJS.Timeout | undefined
  onDeadline(): void
}

const TICK = 100
const PRECISE_BELOW = 2000

export class Deadlines {
  private head: Timed | undefined
  private interval: NodeJS.Timeout | undefined
  private now = 0

  /** Calls `item.onDeadline` after `millis` milliseconds, unless it is removed before. Not positive: never. */
  add(item: Timed, millis: number): void {
    if (!(millis > 0)) return
    if (millis < PRECISE_BELOW) {
      item.timer = setTimeout(() => {
        item.timer = undefined
        item.onDeadline()
      }, millis)
      return
    }
    if (this.interval === undefined) {
      this.now = performance.now()
      this.interval = setInterval(() => this.sweep(), TICK)
      // A request in flight keeps the process alive by its socket; this must not outlive it.
      this.interval.unref()
    }
    // `now` may be a tick old.
    item.deadline = this.now + millis + TICK
    item.previous = undefined
    item.next = this.head
    if (this.head !== undefined) this.head.previous = item
    this.head = item
  }

  remove(item: Timed): void {
    if (item.timer !== undefined) {
      clearTimeout(item.timer)
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
    this.now = performance.now()
    if (this.head === undefined) {
      clearInterval(this.interval)
      this.interval = undefined
      return
    }
    const late: Array<Timed> = []
    for (let item: Timed | undefined = this.head; item !== undefined; item = item.next) {
      if (item.deadline <= this.now) late.push(item)
    }
    for (const item of late) {
      // The callback of an earlier one may have removed it.
      if (item.deadline === 0) continue
      this.remove(item)
      item.onDeadline()
    }
  }
}
