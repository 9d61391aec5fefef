/**
 * Everything read from the environment goes through `Config`, so that a test can put another environment in its place.
 */
import * as Config from "effect/Config"
import type { ConfigError } from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** The variable as it stands, or none when it is not set or blank. */
export const secret = (name: string): Effect.Effect<Option.Option<string>> =>
  Effect.map(
    Effect.option(Config.string(name)),
    Option.filter((value) => value.trim() !== "")
  )

/** The variable without white space around it, or none when it is not set or blank. */
export const variable = (name: string): Effect.Effect<Option.Option<string>> =>
  Effect.map(
    secret(name),
    Option.map((value) => value.trim())
  )

/** The folders of PATH. */
export const searchPath: Effect.Effect<ReadonlyArray<string>> = Effect.map(variable("PATH"), (path) =>
  Option.match(path, {
    onNone: () => [],
    onSome: (value) => value.split(process.platform === "win32" ? ";" : ":").filter((entry) => entry !== "")
  })
)

export type { ConfigError }
