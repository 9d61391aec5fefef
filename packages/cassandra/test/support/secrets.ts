/** Secrets to plant, and how to find them again in whatever was printed. */
import { assert } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { inspect } from "node:util"

/** Everything that the console and Effect's loggers were given, at every level. */
export const captured = <A, Er, R>(effect: Effect.Effect<A, Er, R>) =>
  Effect.gen(function* () {
    const printed: Array<string> = []
    const keep = (...parts: ReadonlyArray<unknown>) => {
      printed.push(...parts.map((part) => (typeof part === "string" ? part : inspect(part, { depth: 20 }))))
    }
    const loggers = [Logger.stringLogger, Logger.logfmtLogger, Logger.jsonLogger, Logger.structuredLogger]
    const all = loggers.reduce(
      (merged, logger) =>
        Layer.merge(merged, Logger.add(Logger.map(logger as Logger.Logger<unknown, unknown>, (line) => keep(line)))),
      Logger.minimumLogLevel(LogLevel.All)
    )
    const methods = ["log", "info", "warn", "error", "debug", "trace"] as const
    const originals = methods.map((method) => console[method])
    const result = yield* Effect.acquireUseRelease(
      Effect.sync(() => methods.forEach((method) => (console[method] = keep))),
      () => Effect.provide(effect, all),
      () => Effect.sync(() => methods.forEach((method, i) => (console[method] = originals[i]!)))
    )
    return { result, printed: printed.join("\n") }
  })

/** Every way to show an error, or whatever else one has at hand. */
export const shown = (value: unknown): string => {
  const parts = [inspect(value, { depth: 20, showHidden: true }), String(value)]
  try {
    parts.push(JSON.stringify(value) ?? "")
  } catch {
    // What cannot be written as JSON is not.
  }
  if (value instanceof Error) {
    parts.push(value.message, value.stack ?? "", Cause.pretty(Cause.fail(value)), shown(value.cause))
    parts.push(inspect(Exit.fail(value), { depth: 20 }))
  }
  return parts.join("\n")
}

/** What is planted. */
export const secrets = {
  password: "planted-password-7c1f",
  value: "planted-value-93ab",
  pagingState: "planted-state-5d20",
  payload: "planted-payload-e814"
}

/** The secrets in every form in which bytes are written. */
const forms = Object.values(secrets).flatMap((secret) => {
  const bytes = Buffer.from(secret)
  return [
    secret,
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    [...bytes].join(", "),
    [...bytes].join(","),
    bytes.toString("hex").match(/../g)!.join(" ")
  ]
})

/** Fails where a secret is found in any of its forms. */
export const assertNoSecret = (text: string, where: string) => {
  for (const form of forms) assert.isFalse(text.includes(form), `${form} in ${where}`)
}
