/**
 * A breaker for each host: one that stops answering is tried last, so that it does not take the latency of everything down.
 *
 * A host is never left out. What is counted are failures in a row: an answer, whatever it says, ends the row. Time passes by a
 * clock that nobody sets, and without timers: an open breaker half-opens with the first request that looks at it late enough.
 */
import type { Node } from "../topology/index.ts"

export type BreakerState = "closed" | "open" | "half-open"

/** When the breaker of a host opens, and for how long. Durations in milliseconds. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly failures: number
  /** The longest time for such a row. */
  readonly window: number
  readonly openFor: number
  /** Requests let through to find out whether the host answers again. */
  readonly halfOpenRequests: number
}

type Plan = Iterator<Node, undefined>

/** A host that has failed since it answered last. */
interface Troubled {
  state: BreakerState
  /** In a row; counted while closed. */
  failures: number
  /** Of the first failure in the row, of opening, or of letting the first of the trials through. */
  since: number
  /** Requests that were let through since. */
  trials: number
}

export class Breaker {
  /** Hosts that have not answered since they failed last. As long as this is 0, an answer costs nothing more than looking. */
  troubled = 0
  /** Hosts whose breaker is not closed. As long as this is 0, a plan costs nothing more than looking. */
  tripped = 0
  /** How often breakers have done so, of all hosts. */
  readonly counts = { opened: 0, halfOpened: 0, closed: 0 }
  /** Told of every change, after it. It must not throw. */
  listener: ((state: BreakerState, address: string) => void) | undefined
  readonly #hosts = new Map<string, Troubled>()
  /** When the breaker of a host changed last: what was sent before that says nothing about how it is now. */
  readonly #changed = new Map<string, number>()
  /** Connections that were lost: a loss is one failure, however many requests were on their way. */
  readonly #lost = new WeakSet<object>()
  readonly #options: BreakerSettings | undefined
  readonly #now: () => number

  /** Without options it never opens. The clock is in milliseconds. */
  constructor(options: BreakerSettings | undefined, now: () => number = () => performance.now()) {
    this.#options = options
    this.#now = now
  }

  state(address: string): BreakerState {
    return this.#hosts.get(address)?.state ?? "closed"
  }

  /** The host answered in time, or the client has connected to it again. */
  answered(address: string): void {
    const host = this.#remove(address)
    if (host === undefined || host.state === "closed") return
    this.#changed.set(address, this.#now())
    this.counts.closed++
    this.listener?.("closed", address)
  }

  /** The host did not answer a request within `waited` milliseconds. */
  timedOut(address: string, waited: number): void {
    const now = this.#now()
    if (now - waited >= (this.#changed.get(address) ?? -Infinity)) this.#failed(address, now)
  }

  /** A connection to the host broke under a request. */
  lost(address: string, connection: object): void {
    if (this.#lost.has(connection)) return
    this.#lost.add(connection)
    this.#failed(address, this.#now())
  }

  /** The host is no member of the cluster any more. */
  forget(address: string): void {
    this.#remove(address)
    this.#changed.delete(address)
  }

  #remove(address: string): Troubled | undefined {
    const host = this.#hosts.get(address)
    if (host === undefined) return undefined
    this.#hosts.delete(address)
    this.troubled--
    if (host.state !== "closed") this.tripped--
    return host
  }

  #failed(address: string, now: number): void {
    const options = this.#options
    if (options === undefined) return
    let host = this.#hosts.get(address)
    if (host === undefined) {
      this.#hosts.set(address, (host = { state: "closed", failures: 0, since: now, trials: 0 }))
      this.troubled++
    }
    switch (host.state) {
      case "open":
        return
      case "half-open":
        return this.#open(address, host, now)
      case "closed":
        if (now - host.since > options.window) {
          host.failures = 0
          host.since = now
        }
        if (++host.failures < options.failures) return
        this.tripped++
        return this.#open(address, host, now)
    }
  }

  #open(address: string, host: Troubled, now: number): void {
    host.state = "open"
    host.since = now
    this.#changed.set(address, now)
    this.counts.opened++
    this.listener?.("open", address)
  }

  /** The plan with the hosts at its end that are not to be tried now. With `trial`, it may be what a half-open host is tried by. */
  *rearranged(plan: Plan, trial: boolean): Generator<Node, undefined> {
    const last: Array<Node> = []
    let isFirst = true
    for (let item = plan.next(); item.done !== true; item = plan.next()) {
      const host = item.value
      if (this.#holdsBack(host.address, trial && isFirst)) last.push(host)
      else yield host
      isFirst = false
    }
    yield* last
    return undefined
  }

  #holdsBack(address: string, trial: boolean): boolean {
    const host = this.#hosts.get(address)
    if (host === undefined || host.state === "closed") return false
    return !(trial && this.#letsThrough(address, host))
  }

  /**
   * Only what would go to the host first is a trial, for nothing else is sure to get there. One that is given up without an
   * answer is never heard of again, so that there are others after a while.
   */
  #letsThrough(address: string, host: Troubled): boolean {
    const { halfOpenRequests, openFor } = this.#options!
    const now = this.#now()
    if (now - host.since >= openFor) {
      host.since = now
      host.trials = 0
      if (host.state === "open") {
        host.state = "half-open"
        this.#changed.set(address, now)
        this.counts.halfOpened++
        this.listener?.("half-open", address)
      }
    }
    return host.state === "half-open" && host.trials++ < halfOpenRequests
  }
}
