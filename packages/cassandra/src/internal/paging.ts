/**
 * Pages as a stream: one page a pull, some fetched ahead, never more than asked for.
 *
 * Made of channels, and nothing set up before there is a second page: most results have one, and running a stream costs enough.
 */
import * as Channel from "effect/Channel"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { PagingState } from "../PagingState.ts"

export interface Page<A> {
  readonly value: A
  readonly next: PagingState | undefined
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

/**
 * What `emit` makes of the pages from `start` on. `prefetch` pages are fetched ahead of the consumer: a page is asked for only when
 * fewer than that are waiting, so with the one in the consumer's hands at most `prefetch + 1` are held. An error comes after the
 * pages before it. Ending the stream early interrupts the fetching.
 */
export const pages = <A, B, E, R>(
  fetch: (state: PagingState | undefined) => Effect.Effect<Page<A>, E, R>,
  start: PagingState | undefined,
  prefetch: Effect.Effect<number, E, R>,
  emit: (value: A) => Emission<B, E, R>
): Stream.Stream<B, E, R> =>
  Stream.fromChannel(
    Channel.flatMap(Channel.fromEffect(fetch(start)), (first) => {
      const { next } = first
      if (next === undefined) return emit(first.value)
      const more = Effect.flatMap(prefetch, (count) =>
        count === 0 ? Effect.succeed<Fetch<A, E, R>>(fetch) : fetchAhead(fetch, next, count)
      )
      return Channel.unwrapScoped(Effect.map(more, (take) => andThose(first, take, emit)))
    })
  )
