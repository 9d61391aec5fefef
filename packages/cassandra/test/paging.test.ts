import { assert, describe, it } from "@effect/vitest"
import { PagingState } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { type Page, pages, whole } from "../src/internal/request/paging.ts"

const stateOf = (page: number) => PagingState.fromBytes(new Uint8Array([page >> 8, page & 255]))
const pageOf = (state: PagingState.PagingState | undefined) => {
  if (state === undefined) return 0
  const [high = 0, low = 0] = PagingState.toBytes(state)
  return high * 256 + low
}

/** Pages of rows by their number; `fail` fails that page. Counts what was asked for, and what was not given back. */
const source = (content: ReadonlyArray<ReadonlyArray<number>>, fail?: number) => {
  const seen = { asked: 0, consumed: 0, most: 0, interrupted: 0 }
  const fetch = (from: PagingState.PagingState | undefined): Effect.Effect<Page<ReadonlyArray<number>>, string> =>
    Effect.suspend(() => {
      const page = pageOf(from)
      seen.asked++
      seen.most = Math.max(seen.most, seen.asked - seen.consumed)
      return page === fail
        ? Effect.fail(`page ${page}`)
        : Effect.yieldNow().pipe(
            Effect.as({
              value: content[page] as ReadonlyArray<number>,
              next: page + 1 < content.length ? stateOf(page + 1) : undefined
            })
          )
    })
  return { seen, fetch }
}

const settle = Effect.repeatN(Effect.yieldNow(), 50)
const twelve = Array.from({ length: 12 }, (_, i) => [2 * i, 2 * i + 1])

for (const prefetch of [0, 1, 2, 5]) {
  describe(`pages with a prefetch of ${prefetch}`, () => {
    it.effect("gives every page, in order", () =>
      Effect.gen(function* () {
        const { fetch } = source(twelve)
        assert.deepStrictEqual(
          Chunk.toArray(yield* Stream.runCollect(pages(fetch, undefined, Effect.succeed(prefetch), whole))),
          twelve
        )
      })
    )

    it.effect("gives empty pages at the start, in the middle and at the end", () =>
      Effect.gen(function* () {
        const content = [[], [1, 2], [], [], [3, 4], []]
        const { fetch, seen } = source(content)
        assert.deepStrictEqual(
          Chunk.toArray(yield* Stream.runCollect(pages(fetch, undefined, Effect.succeed(prefetch), whole))),
          content
        )
        assert.strictEqual(seen.asked, content.length)
      })
    )

    it.effect("starts where it is told", () =>
      Effect.gen(function* () {
        const { fetch } = source(twelve)
        const got = yield* Stream.runCollect(pages(fetch, stateOf(10), Effect.succeed(prefetch), whole))
        assert.deepStrictEqual(Chunk.toArray(got), twelve.slice(10))
      })
    )

    for (const fail of [0, 1, 5, 11]) {
      it.effect(`gives the pages before an error on page ${fail}, then the error`, () =>
        Effect.gen(function* () {
          const { fetch, seen } = source(twelve, fail)
          const got: Array<ReadonlyArray<number>> = []
          const exit = yield* Effect.exit(
            Stream.runForEach(pages(fetch, undefined, Effect.succeed(prefetch), whole), (page) =>
              Effect.sync(() => got.push(page))
            )
          )
          assert.deepStrictEqual(exit, Exit.fail(`page ${fail}`))
          assert.deepStrictEqual(got, twelve.slice(0, fail))
          assert.strictEqual(seen.asked, fail + 1)
        })
      )
    }

    it.effect("holds at most that many pages beside the consumer's own, however slow the consumer is", () =>
      Effect.gen(function* () {
        const { fetch, seen } = source(twelve)
        yield* Stream.runForEach(pages(fetch, undefined, Effect.succeed(prefetch), whole), () =>
          settle.pipe(Effect.zipRight(Effect.sync(() => seen.consumed++)))
        )
        assert.strictEqual(seen.asked, 12)
        assert.isAtMost(seen.most, prefetch + 1)
      })
    )

    it.effect("asks for no more once the consumer has enough", () =>
      Effect.gen(function* () {
        const { fetch, seen } = source(twelve)
        const got = yield* pages(fetch, undefined, Effect.succeed(prefetch), whole).pipe(
          Stream.tap(() => settle),
          Stream.take(1),
          Stream.runCollect
        )
        assert.deepStrictEqual(Chunk.toArray(got), [[0, 1]])
        const { asked } = seen
        assert.isAtMost(asked, prefetch + 1)
        yield* settle
        assert.strictEqual(seen.asked, asked)
      })
    )

    it.effect("interrupting the consumer interrupts a fetch under way", () =>
      Effect.gen(function* () {
        const started = yield* Deferred.make<void>()
        let interrupted = false
        const fetch = () =>
          Deferred.succeed(started, undefined).pipe(
            Effect.zipRight(Effect.never as Effect.Effect<Page<number>>),
            Effect.onInterrupt(() => Effect.sync(() => (interrupted = true)))
          )
        const fiber = yield* Effect.fork(Stream.runDrain(pages(fetch, undefined, Effect.succeed(prefetch), whole)))
        yield* Deferred.await(started)
        yield* Fiber.interrupt(fiber)
        assert.isTrue(interrupted)
      })
    )

    it.effect("a defect while fetching is a defect of the stream, not a hang", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(
          Stream.runDrain(pages(() => Effect.die("a bug"), undefined, Effect.succeed(prefetch), whole))
        )
        assert.deepStrictEqual(exit, Exit.die("a bug"))
      })
    )

    it.effect("can be run twice: each run starts over", () =>
      Effect.gen(function* () {
        const { fetch } = source(twelve)
        const stream = pages(fetch, undefined, Effect.succeed(prefetch), whole)
        const [a, b] = yield* Effect.all([Stream.runCount(stream), Stream.runCount(stream)], { concurrency: 2 })
        assert.deepStrictEqual([a, b], [12, 12])
      })
    )

    it.effect("a thousand pages take no more stack than one", () =>
      Effect.gen(function* () {
        const { fetch } = source(Array.from({ length: 5_000 }, (_, i) => [i]))
        const last = yield* Stream.runLast(pages(fetch, undefined, Effect.succeed(prefetch), whole))
        assert.deepStrictEqual(last, Option.some([4_999]))
      })
    )
  })
}
