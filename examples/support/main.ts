/** How an example runs: what goes wrong is one clear message and an exit code, Ctrl-C closes everything first. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

const report = (cause: Cause.Cause<{ readonly _tag: string; readonly message: string }>): Effect.Effect<void> => {
  if (Cause.isInterruptedOnly(cause)) return Console.error("\nStopped; everything is closed.")
  const failure = Cause.failureOption(cause)
  return Console.error(
    failure._tag === "Some" ? `\n✗ ${failure.value._tag}: ${failure.value.message}` : `\n✗ ${Cause.pretty(cause)}`
  )
}

// 130 is what a shell expects of a program that Ctrl-C ended.
const exitCode = (exit: Exit.Exit<unknown, unknown>): number =>
  Exit.isSuccess(exit) ? 0 : Cause.isInterruptedOnly(exit.cause) ? 130 : 1

export const run = <A, E extends { readonly _tag: string; readonly message: string }>(program: Effect.Effect<A, E>) =>
  program.pipe(
    Effect.onError(report),
    NodeRuntime.runMain({ disableErrorReporting: true, teardown: (exit, end) => end(exitCode(exit)) })
  )
