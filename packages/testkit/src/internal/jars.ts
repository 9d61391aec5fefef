/**
 * The jars of Cassandra, fetched once and kept: `<cache>/<version>` is there only when it is complete, because it is
 * filled under another name and renamed.
 */
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Os from "node:os"
import { DownloadError } from "../TestkitError.ts"
import * as Env from "./env.ts"
import type { Java } from "./java.ts"
import * as JavaHome from "./java.ts"
import * as LogTail from "./logTail.ts"
import * as Watchdog from "./watchdog.ts"

type Services = FileSystem.FileSystem | Path.Path | CommandExecutor.CommandExecutor

/** `EFFECT_CASSANDRA_CACHE`, or a folder of our own in the user's cache. */
export const cacheFolder: Effect.Effect<string, never, Path.Path> = Effect.gen(function* () {
  const path = yield* Path.Path
  const own = yield* Env.variable("EFFECT_CASSANDRA_CACHE")
  if (Option.isSome(own)) return path.resolve(own.value)
  const xdg = yield* Env.variable("XDG_CACHE_HOME")
  const home = Option.getOrElse(yield* Env.variable("HOME"), () => Os.homedir())
  return path.join(
    Option.getOrElse(xdg, () => path.join(home, ".cache")),
    "effect-cassandra-testkit"
  )
})

/** What Maven is asked for. */
export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
  /** Its folder in the cache. */
  readonly folder: string
}

/** The jars of a release of Cassandra. */
export const cassandra = (version: string): Artifact => ({
  group: "org.apache.cassandra",
  name: "cassandra-all",
  version,
  folder: version
})

/** The folder of jars of this artifact, when it is already there. */
export const cached: (artifact: Artifact) => Effect.Effect<Option.Option<string>, never, Services> = Effect.fnUntraced(
  function* (artifact: Artifact) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const folder = path.join(yield* cacheFolder, artifact.folder)
    const exists = yield* Effect.orElseSucceed(fs.exists(folder), () => false)
    return exists ? Option.some(folder) : Option.none()
  }
)

const pom = ({ group, name, version }: Artifact) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>effect-cassandra-testkit</groupId>
  <artifactId>server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${name}</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`

const heartbeat = "2 seconds"
const abandonedAfterMillis = 15_000

/**
 * Only one process downloads at a time (Maven does not share its local repository well). The holder touches the lock
 * every two seconds; one that has not been touched for 15 is a dead process's and is taken away. Should two get in all
 * the same, they do the work twice and nothing breaks: whoever renames first wins.
 */
const lock = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const tryOnce = Effect.acquireRelease(fs.writeFileString(file, String(process.pid), { flag: "wx" }), () =>
    Effect.ignore(fs.remove(file))
  )
  const removeAbandoned = Effect.gen(function* () {
    const { mtime } = yield* fs.stat(file)
    const age = Option.match(mtime, { onNone: () => 0, onSome: (date) => Date.now() - date.getTime() })
    if (age > abandonedAfterMillis) yield* fs.remove(file)
  }).pipe(Effect.ignore)
  yield* tryOnce.pipe(
    Effect.tapError(() => removeAbandoned),
    Effect.retry({
      schedule: Schedule.spaced("300 millis"),
      while: (error) => error._tag === "SystemError" && error.reason === "AlreadyExists"
    })
  )
  yield* Effect.suspend(() => fs.utimes(file, new Date(), new Date())).pipe(
    Effect.ignore,
    Effect.repeat(Schedule.spaced(heartbeat)),
    Effect.forkScoped
  )
})

const download = Effect.fnUntraced(function* (
  artifact: Artifact,
  java: Java,
  maven: string,
  cache: string,
  final: string
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const work = yield* Watchdog.directory(cache, "download")
  const logFile = path.join(work, "maven.log")
  // Maven's own Java is the one that is set up to reach repositories. The server's does where there is no other.
  const ownJava = Option.isSome(yield* Env.variable("JAVA_HOME")) || Option.isSome(yield* JavaHome.which("java"))
  const jars = path.join(work, "jars")
  yield* fs.writeFileString(path.join(work, "pom.xml"), pom(artifact))
  const child = yield* Watchdog.launch({
    directory: work,
    name: "maven",
    logFile,
    command: maven,
    args: [
      "--batch-mode",
      "--quiet",
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${jars}`
    ],
    env: ownJava ? {} : { JAVA_HOME: java.home }
  })
  const code = yield* Effect.orElseSucceed(child.exitCode, () => -1)
  if (code !== 0) {
    return yield* new DownloadError({
      artifact: artifact.name,
      version: artifact.version,
      reason: `mvn dependency:copy-dependencies ended with code ${code}`,
      log: yield* LogTail.read(logFile)
    })
  }
  yield* Effect.catchAll(fs.rename(jars, final), (error) =>
    Effect.flatMap(cached(artifact), (other) => (Option.isSome(other) ? Effect.void : Effect.fail(error)))
  )
})

/** The folder with the jars of this artifact, downloaded when it is not in the cache yet. */
export const fetch: (
  artifact: Artifact,
  java: Java,
  maven: string,
  onDownload: Effect.Effect<void>
) => Effect.Effect<string, DownloadError, Services> = Effect.fnUntraced(
  function* (artifact: Artifact, java: Java, maven: string, onDownload: Effect.Effect<void>) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const cache = yield* cacheFolder
    const final = path.join(cache, artifact.folder)
    yield* fs.makeDirectory(cache, { recursive: true })
    yield* lock(path.join(cache, "lock"))
    if (Option.isNone(yield* cached(artifact))) {
      yield* onDownload
      yield* download(artifact, java, maven, cache, final)
    }
    return final
  },
  Effect.scoped,
  (effect, artifact) =>
    Effect.catchIf(
      effect,
      (error): error is PlatformError => error._tag !== "DownloadError",
      (cause) =>
        new DownloadError({ artifact: artifact.name, version: artifact.version, reason: cause.message, log: "", cause })
    )
)
