/**
 * Pages as a stream: one page a pull, some fetched ahead, never more than asked for.
 *
 * Made of channels, and nothing set up before there is a second page: most results have one, and running a stream costs enough.
 */
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { ProtocolError } from "../../CassandraError.ts"
import type { PagingState } from "../../PagingState.ts"

export interface Page<A> {
  readonly value: A
  readonly next: PagingState | undefined
  readonly isEmpty?: boolean
}

/** So many empty pages in a circle are a server that gets nowhere, and not one that had no time for once. */
const circles = 3

/**
 * Notices that pages without rows lead back to where they came from, which would go on for ever. An empty page that leads on is
 * nothing unusual. By Brent's algorithm: one state is remembered, each time for twice as many pages, so that a circle of any length
 * is found.
 */
export class Progress {
  #known: PagingState | undefined
  #pages = 0
  #until = 1
  #circles = 0

  /** Undefined as long as there is progress. */
  check({ isEmpty, next }: Page<unknown>): ProtocolError | undefined {
    if (isEmpty !== true || next === undefined) {
      this.#known = undefined
      this.#pages = this.#circles = 0
      this.#until = 1
      return undefined
    }
    if (Equal.equals(this.#known, next)) {
      if (++this.#circles < circles) return undefined
      return new ProtocolError({
        message: "The server gives pages without rows that lead back to where they began: the result would have no end",
        writeState: "Unknown"
      })
    }
    if (++this.#pages >= this.#until) {
      this.#known = next
      this.#pages = 0
      this.#until *= 2
    }
    return undefined
  }
}

/** Elements of a stream, chunk by chunk. */
export type Emission<B, E, R> = Channel.Channel<Chunk.Chunk<B>, unknown, E, unknown, unknown, unknown, R>

/** A page as one element. */
export const whole = <A>(value: A): Emission<A, never, never> => Channel.write(Chunk.of(value))

type Fetch<A, E, R> = (state: PagingState) => Effect.Effect<Page<A>, E, R>

/** What a page becomes, and then those after it. */
const andThose = <A, B, E, R>(
  { next, value }: Page<A>,
  fetch: Fetch<A, E, R>,
  emit: (value: A) => Emission<B, E, R>
): Emission<B, E, R> =>
  next === undefined
    ? emit(value)
    : Channel.flatMap(emit(value), () =>
        Channel.flatMap(Channel.fromEffect(fetch(next)), (page) => andThose(page, fetch, emit))
      )

/** Has the pages from `start` on fetched by a fiber of the scope, so that `prefetch` wait; gives what takes the next one. */
const fetchAhead = <A, E, R>(
  fetch: Fetch<A, E, R>,
  start: PagingState,
  prefetch: number
): Effect.Effect<Fetch<A, E, never>, never, R | Scope.Scope> =>
  Effect.gen(function* () {
    const waiting = yield* Queue.unbounded<Exit.Exit<Page<A>, E>>()
    const places = yield* Effect.makeSemaphore(prefetch)
    const produce = (state: PagingState): Effect.Effect<void, never, R> =>
      places.take(1).pipe(
        Effect.zipRight(Effect.exit(fetch(state))),
        Effect.flatMap((exit) =>
          Effect.zipRight(
            waiting.offer(exit),
            Exit.isSuccess(exit) && exit.value.next !== undefined ? produce(exit.value.next) : Effect.void
          )
        )
      )
    yield* Effect.forkScoped(produce(start))
    return () => waiting.take.pipe(Effect.flatten, Effect.zipLeft(places.release(1)))
  })

/** Fetches pages as long as they lead anywhere. */
const progressing = <A, E, R>(fetch: Fetch<A, E, R>, first: Page<A>): Fetch<A, E | ProtocolError, R> => {
  const progress = new Progress()
  progress.check(first)
  return (state) =>
    Effect.flatMap(fetch(state), (page): Effect.Effect<Page<A>, ProtocolError> => {
      const problem = progress.check(page)
      return problem === undefined ? Effect.succeed(page) : Effect.fail(problem)
    })
}

/**
 * What `emit` makes of the pages from `start` on. `prefetch` pages are fetched ahead of the consumer: a page is asked for only when
 * fewer than that are waiting, so with the one in the consumer's hands at most `prefetch + 1` are held. An error comes after the
 * pages before it. Ending the stream early interrupts the fetching.
 */
export const pages = <A, B, E, R>(
  fetchPage: (state: PagingState | undefined) => Effect.Effect<Page<A>, E, R>,
  start: PagingState | undefined,
  prefetch: Effect.Effect<number, E, R>,
  emit: (value: A) => Emission<B, E | ProtocolError, R>
): Stream.Stream<B, E | ProtocolError, R> =>
  Stream.fromChannel(
    Channel.flatMap(Channel.fromEffect(fetchPage(start)), (first) => {
      const { next } = first
      if (next === undefined) return emit(first.value)
      const fetch = progressing(fetchPage, first)
      const more = Effect.flatMap(prefetch, (count) =>
        count === 0 ? Effect.succeed<Fetch<A, E | ProtocolError, R>>(fetch) : fetchAhead(fetch, next, count)
      )
      return Channel.unwrapScoped(Effect.map(more, (take) => andThose(first, take, emit)))
    })
  )
