import { assert, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { EventHub } from "../src/internal/cluster/eventHub.ts"

type Event = number | { readonly dropped: number }

const makeHub = () => new EventHub<Event>((dropped) => ({ dropped }))

const all = (stream: Stream.Stream<Event>) => Effect.map(Stream.runCollect(stream), Chunk.toReadonlyArray)

describe("EventHub", () => {
  it.scoped("gives every subscriber everything since it subscribed, and then the end", () =>
    Effect.gen(function* () {
      const hub = makeHub()
      hub.publish(0)
      const early = yield* hub.subscribe(10)
      hub.publish(1)
      const late = yield* hub.subscribe(10)
      hub.publish(2)
      hub.close()
      hub.publish(3)
      assert.deepStrictEqual(yield* all(early), [1, 2])
      assert.deepStrictEqual(yield* all(late), [2])
      assert.deepStrictEqual(yield* all(yield* hub.subscribe(10)), [])
    })
  )

  it.scoped("counts what a full buffer cannot take, where it is missing, and for that subscriber alone", () =>
    Effect.gen(function* () {
      const hub = makeHub()
      const slow = yield* hub.subscribe(2)
      const roomy = yield* hub.subscribe(10)
      const seen: Array<Event> = []
      for (const event of [1, 2, 3, 4, 5]) hub.publish(event)
      const consumer = yield* Effect.fork(
        Stream.runForEach(slow, (event) =>
          Effect.sync(() => {
            seen.push(event)
            // While the first events are handled, more than there is room for happens again.
            if (event === 2) for (const more of [6, 7, 8]) hub.publish(more)
            if (event === 7) hub.close()
          })
        )
      )
      yield* Fiber.join(consumer)
      assert.deepStrictEqual(seen, [1, 2, { dropped: 3 }, 6, 7, { dropped: 1 }])
      assert.deepStrictEqual(yield* all(roomy), [1, 2, 3, 4, 5, 6, 7, 8])
    })
  )

  it.scoped("waits for events, and stops waiting when it is interrupted", () =>
    Effect.gen(function* () {
      const hub = makeHub()
      const stream = yield* hub.subscribe(1)
      const first = yield* Effect.fork(Stream.runHead(stream))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(first)
      // What nobody waited for is still there for who comes next.
      hub.publish(1)
      const got = yield* Deferred.make<void>()
      const second = yield* Effect.fork(
        all(
          Stream.take(
            Stream.tap(stream, () => Deferred.succeed(got, undefined)),
            2
          )
        )
      )
      yield* Deferred.await(got)
      hub.publish(2)
      assert.deepStrictEqual(yield* Fiber.join(second), [1, 2])
    })
  )

  it.effect("forgets a subscriber with its scope", () =>
    Effect.gen(function* () {
      const hub = makeHub()
      const scope = yield* Scope.make()
      const stream = yield* Scope.extend(hub.subscribe(1), scope)
      yield* Scope.close(scope, Exit.void)
      hub.publish(1)
      assert.deepStrictEqual(yield* all(stream), [])
    })
  )
})
