/** Runs effects from callbacks of sockets and timers. Their fibers end with the scope. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"

export type Warn = (message: string, cause?: unknown) => void

export interface EffectRunner {
  /** Logs a warning, with the logger of whoever made the cluster. */
  readonly warn: Warn
  /** Runs an effect and calls back with what became of it; not at all when it was interrupted. */
  readonly run: <A>(
    effect: Effect.Effect<A, unknown>,
    onFailure: (cause: Cause.Cause<unknown>) => void,
    onSuccess: (value: A) => void
  ) => void
}

export const makeEffectRunner: Effect.Effect<EffectRunner, never, Scope.Scope> = Effect.map(
  FiberSet.makeRuntime<never>(),
  (fork) => ({
    warn: (message, cause) => {
      fork(cause === undefined ? Effect.logWarning(message) : Effect.logWarning(message, Cause.fail(cause)))
    },
    run: (effect, onFailure, onSuccess) => {
      fork(effect).addObserver((exit) => {
        if (Exit.isSuccess(exit)) onSuccess(exit.value)
        else if (!Cause.isInterruptedOnly(exit.cause)) onFailure(exit.cause)
      })
    }
  })
)
