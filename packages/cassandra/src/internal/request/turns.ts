/** Turns of the event loop: nothing of ours keeps timers and sockets from having theirs, and no deadline comes before them. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { GRACE, LATE } from "../connection/index.ts"

/**
 * Ends after timers and sockets have had a turn. Where something fails without having waited for anything, this comes first: who tries
 * again at once, and without end, would otherwise keep the answers out that he tries again for.
 */
export const turn: Effect.Effect<void> = Effect.async((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})

/** A failure that nothing was waited for. */
export const failInTurn = <E>(error: E): Effect.Effect<never, E> => Effect.zipRight(turn, Effect.fail(error))

/** By the clock of the machine: the time that was lost was real. */
const pause = (millis: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    const timer = setTimeout(() => resume(Effect.void), millis)
    return Effect.sync(() => clearTimeout(timer))
  })

/** Ends when the time is over and the sockets have had their turn since. */
const overdue = (millis: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const due = performance.now() + millis
    return Effect.zipRight(
      Effect.sleep(millis),
      Effect.suspend(() => {
        const late = performance.now() - due
        return late > LATE ? Effect.zipRight(pause(Math.min(late, GRACE)), turn) : turn
      })
    )
  })

/** `Effect.timeoutTo`, but that what has come while the event loop was blocked is seen before the time counts as over. */
export const timeoutTo = <A, E, R, B, E2, R2>(
  self: Effect.Effect<A, E, R>,
  millis: number,
  onTimeout: () => Effect.Effect<B, E2, R2>
): Effect.Effect<A | B, E | E2, R | R2> =>
  Effect.raceWith(self, Effect.interruptible(overdue(millis)), {
    onSelfDone: (exit, timer) => Effect.zipRight(Fiber.interrupt(timer), exit),
    onOtherDone: (exit, fiber): Effect.Effect<B | A, E | E2, R2> =>
      Exit.isSuccess(exit)
        ? Effect.zipRight(Fiber.interrupt(fiber), Effect.suspend(onTimeout))
        : Effect.zipRight(Fiber.interrupt(fiber), exit as Exit.Exit<never>)
  })

/** `Effect.timeoutFail`, in the same way. */
export const timeoutFail = <A, E, R, E2>(
  self: Effect.Effect<A, E, R>,
  millis: number,
  onTimeout: () => E2
): Effect.Effect<A, E | E2, R> => timeoutTo(self, millis, () => Effect.fail(onTimeout()))
