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

/** The folder of jars of this version, when it is already there. */
export const cached: (version: string) => Effect.Effect<Option.Option<string>, never, Services> = Effect.fnUntraced(
  function* (version: string) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const folder = path.join(yield* cacheFolder, version)
    const exists = yield* Effect.orElseSucceed(fs.exists(folder), () => false)
    return exists ? Option.some(folder) : Option.none()
  }
)

const pom = (version: string) => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>effect-cassandra-testkit</groupId>
  <artifactId>server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.cassandra</groupId>
      <artifactId>cassandra-all</artifactId>
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
  version: string,
  java: Java,
  maven: string,
  cache: string,
  final: string
) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const work = yield* Watchdog.directory(cache, "download")
  const logFile = path.join(work, "maven.log")
  const jars = path.join(work, "jars")
  yield* fs.writeFileString(path.join(work, "pom.xml"), pom(version))
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
    env: { JAVA_HOME: java.home }
  })
  const code = yield* Effect.orElseSucceed(child.exitCode, () => -1)
  if (code !== 0) {
    return yield* new DownloadError({
      version,
      reason: `mvn dependency:copy-dependencies ended with code ${code}`,
      log: yield* LogTail.read(logFile)
    })
  }
  yield* Effect.catchAll(fs.rename(jars, final), (error) =>
    Effect.flatMap(cached(version), (other) => (Option.isSome(other) ? Effect.void : Effect.fail(error)))
  )
})

/** The folder with the jars of this version, downloaded when it is not in the cache yet. */
export const fetch: (
  version: string,
  java: Java,
  maven: string,
  onDownload: Effect.Effect<void>
) => Effect.Effect<string, DownloadError, Services> = Effect.fnUntraced(
  function* (version: string, java: Java, maven: string, onDownload: Effect.Effect<void>) {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const cache = yield* cacheFolder
    const final = path.join(cache, version)
    yield* fs.makeDirectory(cache, { recursive: true })
    yield* lock(path.join(cache, "lock"))
    if (Option.isNone(yield* cached(version))) {
      yield* onDownload
      yield* download(version, java, maven, cache, final)
    }
    return final
  },
  Effect.scoped,
  (effect, version) =>
    Effect.catchIf(
      effect,
      (error): error is PlatformError => error._tag !== "DownloadError",
      (cause) => new DownloadError({ version, reason: cause.message, log: "", cause })
    )
)
