/** The longest time that a timer of Node's can have. */
const LONGEST = 0x7fffffff

/**
 * Gathers announcements from the first one on, for a random part of its width: the clients of a cluster do not all act at once
 * on what all of them are told.
 */
export class RefreshWindow<A> {
  readonly #width: number | undefined
  readonly #act: (gathered: ReadonlyArray<A>) => void
  #gathered: Array<A> = []
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  /** `width` in milliseconds: 0 acts at once, undefined never. `act` must not throw. */
  constructor(width: number | undefined, act: (gathered: ReadonlyArray<A>) => void) {
    this.#width = width
    this.#act = act
  }

  add(item: A): void {
    if (this.#width === undefined || this.#isStopped) return
    this.#gathered.push(item)
    if (this.#width === 0) return this.#close()
    this.#timer ??= setTimeout(() => this.#close(), Math.min(Math.random() * this.#width, LONGEST))
  }

  /** For good. What was gathered is not acted on any more. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#gathered = []
  }

  #close(): void {
    const gathered = this.#gathered
    this.#gathered = []
    this.#timer = undefined
    this.#act(gathered)
  }
}
