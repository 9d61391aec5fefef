import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { suspendHooked, suspendMasked, type Waiting } from "../src/internal/request/suspend.ts"

class Probe implements Waiting<number, string, never> {
  started = 0
  abandoned = 0
  resume: (next: Effect.Effect<number, string>) => void = () => assert.fail("not started")
  readonly #answer: Effect.Effect<number, string> | undefined
  /** With an answer it has at once, or one that comes later. */
  constructor(answer?: Effect.Effect<number, string>) {
    this.#answer = answer
  }
  start(resume: (next: Effect.Effect<number, string>) => void): void {
    this.started++
    this.resume = resume
    if (this.#answer !== undefined) resume(this.#answer)
  }
  abandon(): void {
    this.abandoned++
  }
}

for (const [name, suspend] of [
  ["by what a fiber keeps for itself", suspendHooked],
  ["by Effect's public means", suspendMasked]
] as const) {
  const waitFor = (probe: Probe) =>
    Effect.withFiberRuntime<number, string>((fiber) => suspend(fiber as Fiber.RuntimeFiber<unknown, unknown>, probe))

  describe(`a suspended fiber, ${name}`, () => {
    it.effect("goes on with an answer that is there at once, and with one that comes later", () =>
      Effect.gen(function* () {
        const atOnce = new Probe(Effect.succeed(1))
        assert.strictEqual(yield* waitFor(atOnce), 1)
        const later = new Probe()
        const fiber = yield* Effect.fork(waitFor(later))
        yield* Effect.yieldNow()
        assert.strictEqual(later.started, 1)
        later.resume(Effect.fail("no"))
        later.resume(Effect.succeed(2))
        assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.fail("no"))
        assert.strictEqual(atOnce.abandoned + later.abandoned, 0)
      })
    )

    it.effect("that is interrupted abandons, once, before its finalizers run, and drops the late answer", () =>
      Effect.gen(function* () {
        const probe = new Probe()
        let abandonedBefore = -1
        const fiber = yield* Effect.fork(
          Effect.onExit(waitFor(probe), () => Effect.sync(() => (abandonedBefore = probe.abandoned)))
        )
        yield* Effect.yieldNow()
        const exit = yield* Fiber.interrupt(fiber)
        probe.resume(Effect.succeed(1))
        assert.isTrue(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause))
        assert.strictEqual(abandonedBefore, 1)
        assert.strictEqual(probe.abandoned, 1)
      })
    )

    it.effect("that may not be interrupted waits for its answer", () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const fiber = yield* Effect.fork(Effect.uninterruptible(waitFor(probe)))
        yield* Effect.yieldNow()
        yield* Fiber.interruptFork(fiber)
        yield* Effect.yieldNow()
        assert.strictEqual(probe.abandoned, 0)
        probe.resume(Effect.succeed(3))
        yield* Fiber.await(fiber)
        assert.strictEqual(probe.abandoned, 0)
      })
    )

    it.effect("can wait again, and be interrupted then", () =>
      Effect.gen(function* () {
        const first = new Probe(Effect.succeed(1))
        const second = new Probe()
        const fiber = yield* Effect.fork(Effect.zipRight(waitFor(first), waitFor(second)))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(first.abandoned, 0)
        assert.strictEqual(second.abandoned, 1)
      })
    )

    it.live("ends with the timeout around it", () =>
      Effect.gen(function* () {
        const probe = new Probe()
        const exit = yield* Effect.exit(Effect.timeoutFail(waitFor(probe), { duration: 5, onTimeout: () => "late" }))
        assert.deepStrictEqual(exit, Exit.fail("late"))
        assert.strictEqual(probe.abandoned, 1)
      })
    )
  })
}
