/**
 * What the embedded server runs on: a release, a Java for it, and its jars.
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type * as FileSystem from "@effect/platform/FileSystem"
import type * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { DownloadError } from "../TestkitError.ts"
import * as Jars from "./jars.ts"
import type { Java } from "./java.ts"
import * as JavaHome from "./java.ts"
import type { Release } from "./versions.ts"

/** Everything needed to start a node but its settings. */
export interface Engine {
  readonly release: Release
  readonly java: Java
  /** What `nodetool` runs on. */
  readonly manager: Java
  readonly jars: string
}

/** Reports a step to a person. */
export type Report = (line: string) => Effect.Effect<void>

type Services = FileSystem.FileSystem | Path.Path | CommandExecutor.CommandExecutor

/**
 * Looks for Java and for the jars, or Maven to fetch them with. Left says what is missing; right is the rest of the way,
 * which may download.
 */
export const find: (
  release: Release,
  report: Report
) => Effect.Effect<Either.Either<Effect.Effect<Engine, DownloadError, Services>, string>, never, Services> =
  Effect.fnUntraced(function* (release: Release, report: Report) {
    const java = yield* JavaHome.find(release.java)
    if (Option.isNone(java)) {
      return Either.left(
        `Cassandra ${release.version} needs Java ${release.java.join(" or ")}, and none was found ` +
          `(looked at JAVA_HOME, JAVA_HOME_${release.java[0]}, PATH and the usual folders)`
      )
    }
    const manager = yield* JavaHome.manager(java.value)
    const artifact = Jars.cassandra(release.version)
    const cached = yield* Jars.cached(artifact)
    if (Option.isSome(cached)) {
      return Either.right(Effect.succeed({ release, java: java.value, manager, jars: cached.value }))
    }
    const maven = yield* JavaHome.which("mvn")
    if (Option.isNone(maven)) {
      return Either.left("Java is there, but Maven (`mvn`) is not on the PATH, and the jars are not in the cache yet")
    }
    const fetch = Jars.fetch(
      artifact,
      java.value,
      maven.value,
      report(`downloading Cassandra ${release.version} with Maven (once, about 70 MB)`)
    )
    return Either.right(Effect.map(fetch, (jars) => ({ release, java: java.value, manager, jars })))
  })
