/**
 * Pages as a stream: one page a pull, some fetched ahead, never more than asked for.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { PagingState } from "../PagingState.ts"

export interface Page<A> {
  readonly value: A
  readonly next: PagingState | undefined
}

/**
 * The pages from `start` on. `prefetch` pages are fetched ahead of the consumer: a page is asked for only when fewer than that
 * are waiting, so with the one in the consumer's hands at most `prefetch + 1` are held. An error comes after the pages before
 * it. Ending the stream early interrupts the fetching.
 */
export const pages = <A, E, R>(
  fetch: (state: PagingState | undefined) => Effect.Effect<Page<A>, E, R>,
  start: PagingState | undefined,
  prefetch: number
): Stream.Stream<A, E, R> =>
  prefetch === 0
    ? Stream.paginateEffect(start, (state) =>
        Effect.map(fetch(state), (page) => [page.value, Option.map(Option.fromNullable(page.next), (next) => next)])
      )
    : Stream.unwrapScoped(
        Effect.gen(function* () {
          const waiting = yield* Queue.unbounded<Exit.Exit<Page<A>, E>>()
          const places = yield* Effect.makeSemaphore(prefetch)
          const produce = (state: PagingState | undefined): Effect.Effect<void, never, R> =>
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
          return Stream.unfoldChunkEffect(true, (more) =>
            more
              ? waiting.take.pipe(
                  Effect.flatten,
                  Effect.zipLeft(places.release(1)),
                  Effect.map((page) => Option.some([Chunk.of(page.value), page.next !== undefined] as const))
                )
              : Effect.succeedNone
          )
        })
      )
