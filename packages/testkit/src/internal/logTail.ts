import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"

/** The last lines of a log file; empty when there is none. */
export const read = Effect.fnUntraced(function* (file: string, lines = 30) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orElseSucceed(fs.readFileString(file), () => "")
  return text.trimEnd().split("\n").slice(-lines).join("\n")
})
