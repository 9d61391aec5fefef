/**
 * A fiber that waits for a callback, and tells when it is interrupted.
 *
 * This is the hot path. What `Effect.async` makes of a canceller, or the same spelled out with `Effect.uninterruptibleMask`,
 * costs more than the rest of Effect's part of a request, to prepare for what nearly never happens. A fiber keeps a function
 * that it calls when it is interrupted while it waits; standing before that costs one closure. It is no part of Effect's
 * public interface: so it is tried out before it is used, and where it does not work, the mask does.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Scheduler from "effect/Scheduler"

/** What a fiber waits for. */
export interface Waiting<A, E, R> {
  /** The fiber waits; it goes on with what `resume` is given. */
  start(resume: (next: Effect.Effect<A, E, R>) => void): void
  /** The fiber waits no more: it was interrupted. */
  abandon(): void
}

type AnyFiber = Fiber.RuntimeFiber<unknown, unknown>

type Suspend = <A, E, R>(fiber: AnyFiber, waiting: Waiting<A, E, R>) => Effect.Effect<A, E, R>

/** By Effect's public means. */
export const suspendMasked: Suspend = (_fiber, waiting) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.matchCauseEffect(restore(Effect.async<never, never, never>((resume) => waiting.start(resume as never))), {
      onFailure: (cause) => {
        if (Cause.isInterrupted(cause)) waiting.abandon()
        return Effect.failCause(cause)
      },
      onSuccess: Effect.succeed
    })
  )

const interruptor = "_asyncInterruptor"

/** What a fiber does when it is interrupted while it waits; null while it may not be. */
interface Interruptible {
  [interruptor]: ((interrupted: Effect.Effect<never>) => void) | null
}

/** The instruction that makes a fiber wait: what `Effect.async` comes down to. */
class Suspension {
  readonly _op = "Async"
  readonly effect_instruction_i0: (resume: (next: Effect.Effect<never>) => void) => void
  readonly effect_instruction_i1 = FiberId.none

  constructor(fiber: AnyFiber, waiting: Waiting<unknown, unknown, unknown>) {
    this.effect_instruction_i0 = (resume) => {
      const interruptible = fiber as unknown as Interruptible
      const interrupt = interruptible[interruptor]
      if (interrupt !== null) {
        interruptible[interruptor] = (interrupted) => {
          waiting.abandon()
          interrupt(interrupted)
        }
      }
      waiting.start(resume as never)
    }
  }
}
Object.assign(Suspension.prototype, Effectable.EffectPrototype)

/** By what a fiber keeps for itself. */
export const suspendHooked: Suspend = (fiber, waiting) =>
  new Suspension(fiber, waiting as Waiting<unknown, unknown, unknown>) as never

/** Whether a way of suspending does what it is for: it starts, goes on, and tells of an interruption at once. */
const works = (suspend: Suspend): boolean => {
  const scheduler = new Scheduler.SyncScheduler()
  const run = (waiting: Waiting<unknown, unknown, never>) =>
    Effect.runFork(
      Effect.withFiberRuntime<unknown, unknown>((fiber) => suspend(fiber as AnyFiber, waiting)),
      { scheduler }
    )
  let abandoned = 0
  const abandon = () => {
    abandoned++
  }
  try {
    const succeeding = run({ start: (resume) => resume(Effect.succeed(1)), abandon })
    const interrupted = run({ start: () => undefined, abandon })
    if (abandoned > 0) return false
    interrupted.unsafeInterruptAsFork(FiberId.none)
    // Only once: afterwards this scheduler schedules like any other.
    scheduler.flush()
    const end = interrupted.unsafePoll()
    const success = succeeding.unsafePoll()
    return abandoned === 1 && end !== null && Exit.isInterrupted(end) && success !== null && Exit.isSuccess(success)
  } catch {
    return false
  }
}

let chosen: Suspend | undefined

/** Suspends the fiber that evaluates it, for one thing to wait for, once. */
export const suspend: Suspend = (fiber, waiting) =>
  (chosen ??= works(suspendHooked) ? suspendHooked : suspendMasked)(fiber, waiting)
