/** How an example runs: what goes wrong is one clear message and an exit code, Ctrl-C closes everything first. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

const report = (cause: Cause.Cause<{ readonly _tag: string; readonly message: string }>): Effect.Effect<void> => {
  if (Cause.isInterruptedOnly(cause)) return Console.error("\nStopped; everything is closed.")
  const failure = Cause.failureOption(cause)
  return Console.error(
    failure._tag === "Some" ? `\n✗ ${failure.value._tag}: ${failure.value.message}` : `\n✗ ${Cause.pretty(cause)}`
  )
}

export const run = <A, E extends { readonly _tag: string; readonly message: string }>(program: Effect.Effect<A, E>) =>
  program.pipe(Effect.tapErrorCause(report), NodeRuntime.runMain({ disableErrorReporting: true }))
