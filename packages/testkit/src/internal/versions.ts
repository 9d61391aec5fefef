import * as Effect from "effect/Effect"
import { OptionsError } from "../TestkitError.ts"

/** A Cassandra release, and what it needs. */
export interface Release {
  /** For example `5.0.9`. */
  readonly version: string
  /** For example `5.0`. */
  readonly line: string
  /** The Java feature releases it runs on, the best first. */
  readonly java: ReadonlyArray<number>
}

/** The newest patch release of each line when this version of the kit was made. */
const newest: Record<string, string> = { "5.0": "5.0.9", "4.1": "4.1.10", "4.0": "4.0.19" }

const javaOf: Record<string, ReadonlyArray<number>> = { "5.0": [17, 11], "4.1": [11, 8], "4.0": [11, 8] }

/** The release meant by `5.0` (its newest patch known here) or `5.0.4` (exactly that one). */
export const release = (version: string): Effect.Effect<Release, OptionsError> => {
  const line = /^(\d+\.\d+)(\.\d+)?$/.exec(version)?.[1]
  const java = line === undefined ? undefined : javaOf[line]
  if (line === undefined || java === undefined) {
    return new OptionsError({
      option: "version",
      reason: `"${version}" is not 5.0, 4.1, 4.0 or an exact version of these lines, such as 5.0.9`
    })
  }
  return Effect.succeed({ version: version === line ? newest[line]! : version, line, java })
}
