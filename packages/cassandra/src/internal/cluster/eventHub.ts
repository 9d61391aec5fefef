/**
 * One publisher and any number of subscribers, each with a bounded buffer of its own. Publishing never waits and never throws:
 * what finds a buffer full is counted, and the subscriber gets the count in the place of what is missing.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

class Subscriber<A> {
  #events: Array<A> = []
  #dropped = 0
  #closed = false
  #waiting: (() => void) | undefined
  readonly #capacity: number
  readonly #droppedEvent: (count: number) => A

  constructor(capacity: number, droppedEvent: (count: number) => A) {
    this.#capacity = capacity
    this.#droppedEvent = droppedEvent
  }

  offer(event: A): void {
    // What comes after a gap must not be placed before it: once full, it is full until the subscriber takes.
    if (this.#events.length < this.#capacity) this.#events.push(event)
    else this.#dropped++
    this.#wake()
  }

  close(): void {
    this.#closed = true
    this.#wake()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  /** Everything that is there, at least one; fails with none at the end. */
  readonly take: Effect.Effect<Chunk.Chunk<A>, Option.Option<never>> = Effect.async((resume) => {
    const attempt = () => {
      if (this.#events.length === 0) {
        if (this.#closed) resume(Effect.fail(Option.none()))
        else this.#waiting = attempt
        return
      }
      const events = this.#events
      if (this.#dropped > 0) events.push(this.#droppedEvent(this.#dropped))
      this.#events = []
      this.#dropped = 0
      resume(Effect.succeed(Chunk.unsafeFromArray(events)))
    }
    attempt()
    return Effect.sync(() => {
      this.#waiting = undefined
    })
  })
}

export class EventHub<A> {
  readonly #subscribers = new Set<Subscriber<A>>()
  readonly #droppedEvent: (count: number) => A
  #closed = false

  constructor(droppedEvent: (count: number) => A) {
    this.#droppedEvent = droppedEvent
  }

  publish(event: A): void {
    if (this.#closed) return
    for (const subscriber of this.#subscribers) subscriber.offer(event)
  }

  /** Subscribers get what they have not got yet, and then the end. */
  close(): void {
    this.#closed = true
    for (const subscriber of this.#subscribers) subscriber.close()
    this.#subscribers.clear()
  }

  /** Events from now on. What is published while nobody runs the stream waits in the buffer. */
  subscribe(capacity: number): Effect.Effect<Stream.Stream<A>, never, Scope.Scope> {
    return Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const subscriber = new Subscriber(capacity, this.#droppedEvent)
          if (this.#closed) subscriber.close()
          else this.#subscribers.add(subscriber)
          return subscriber
        }),
        (subscriber) =>
          Effect.sync(() => {
            this.#subscribers.delete(subscriber)
            subscriber.close()
          })
      ),
      ({ take }) => Stream.repeatEffectChunkOption(take)
    )
  }
}
