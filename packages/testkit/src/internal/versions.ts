import * as Effect from "effect/Effect"
import { OptionsError } from "../TestkitError.ts"

/** A Cassandra release, and what it needs. */
export interface Release {
  /** For example `5.0.9`, `6.0-alpha2`. */
  readonly version: string
  /** For example `5.0`. */
  readonly line: string
  /** The Java feature releases it runs on, the best first. */
  readonly java: ReadonlyArray<number>
}

/** A line of releases: its newest one when this version of the kit was made, and the Java it runs on. */
interface Line {
  readonly newest: string
  readonly java: ReadonlyArray<number>
}

/** The lines that the kit can start, the newest first. */
export const lines: Readonly<Record<string, Line>> = {
  "6.0": { newest: "6.0-alpha2", java: [21, 17, 11] },
  "5.0": { newest: "5.0.9", java: [17, 11] },
  "4.1": { newest: "4.1.10", java: [11, 8] },
  "4.0": { newest: "4.0.19", java: [11, 8] }
}

const names = Object.keys(lines)

/** The release meant by `5.0` (its newest known here), `5.0.4` or `6.0-alpha2` (exactly that one). */
export const release = (version: string): Effect.Effect<Release, OptionsError> => {
  const name = /^(\d+\.\d+)(?:\.\d+|-(?:alpha|beta|rc)\d+)?$/.exec(version)?.[1] ?? ""
  const line = Object.hasOwn(lines, name) ? lines[name] : undefined
  if (line === undefined) {
    return new OptionsError({
      option: "version",
      reason: `"${version}" is not ${names.join(", ")} or an exact version of these lines, such as 5.0.9`
    })
  }
  return Effect.succeed({ version: version === name ? line.newest : version, line: name, java: line.java })
}
