/**
 * Finding a Java of the right version: what the environment names first, then the search path, then where systems and
 * version managers put them.
 */
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Os from "node:os"
import * as Env from "./env.ts"

/** A Java at hand. */
export interface Java {
  readonly home: string
  readonly executable: string
  /** The feature release: 8, 11, 17, 21. */
  readonly major: number
  /** Whether it can manage another Java. A runtime that was cut to size often cannot. */
  readonly manages: boolean
}

type Services = FileSystem.FileSystem | Path.Path | CommandExecutor.CommandExecutor

/** `17.0.15` is 17, `1.8.0_392` is 8. */
export const majorOf = (version: string): Option.Option<number> => {
  const match = /^(?:1\.)?(\d+)/.exec(version.trim())
  return match === null ? Option.none() : Option.some(Number(match[1]))
}

/** The executable of this name on the search path, with links followed. */
export const which = Effect.fnUntraced(function* (name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folders = yield* Env.searchPath
  const found = yield* Effect.findFirst(
    folders.map((folder) => path.join(folder, name)),
    (file) => Effect.orElseSucceed(fs.exists(file), () => false)
  )
  return yield* Option.match(found, {
    onNone: () => Effect.succeedNone,
    onSome: (file) =>
      Effect.map(
        Effect.orElseSucceed(fs.realPath(file), () => file),
        Option.some
      )
  })
})

const settings = (executable: string) =>
  Command.make("/bin/sh", "-c", `"$0" -XshowSettings:properties -version 2>&1`, executable).pipe(
    Command.string,
    Effect.orElseSucceed(() => "")
  )

/** The version a Java says it has: in its `release` file, or else when asked. */
const inspect = Effect.fnUntraced(function* (home: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const executable = path.join(home, "bin", "java")
  if (!(yield* Effect.orElseSucceed(fs.exists(executable), () => false))) return Option.none<Java>()
  const release = yield* Effect.orElseSucceed(fs.readFileString(path.join(home, "release")), () => "")
  const told =
    /^JAVA_VERSION="([^"]+)"/m.exec(release)?.[1] ??
    /java\.version = (\S+)/.exec(yield* settings(executable))?.[1] ??
    ""
  const modules = /^MODULES="([^"]+)"/m.exec(release)?.[1]
  const manages = modules === undefined || modules.split(" ").includes("jdk.naming.rmi")
  return Option.map(majorOf(told), (major): Java => ({ home, executable, major, manages }))
})

const subfolders = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const entries = yield* Effect.orElseSucceed(fs.readDirectory(folder), () => [])
  return entries.toSorted().flatMap((entry) => [path.join(folder, entry), path.join(folder, entry, "Contents", "Home")])
})

/** Where a Java of one of these versions may be, the likeliest first. */
const candidates = Effect.fnUntraced(function* (majors: ReadonlyArray<number>) {
  const path = yield* Path.Path
  const named = yield* Effect.forEach(
    [
      ...majors.flatMap((major) => [`JAVA_HOME_${major}`, `JAVA_HOME_${major}_X64`, `JAVA_HOME_${major}_arm64`]),
      "JAVA_HOME"
    ],
    Env.variable
  )
  const onPath = Option.map(yield* which("java"), (file) => path.dirname(path.dirname(file)))
  const home = Option.getOrElse(yield* Env.variable("HOME"), () => Os.homedir())
  const installed = yield* Effect.forEach(
    [
      "/usr/lib/jvm",
      "/Library/Java/JavaVirtualMachines",
      path.join(home, ".sdkman", "candidates", "java"),
      path.join(home, ".jdks")
    ],
    subfolders
  )
  return [...new Set([...named, onPath].flatMap(Option.toArray).concat(installed.flat()))]
})

/** The first Java at hand of one of these feature releases, of those that will do. */
export const find: (
  majors: ReadonlyArray<number>,
  willDo?: (java: Java) => boolean
) => Effect.Effect<Option.Option<Java>, never, Services> = Effect.fnUntraced(function* (
  majors: ReadonlyArray<number>,
  willDo: (java: Java) => boolean = () => true
) {
  for (const home of yield* candidates(majors)) {
    const java = yield* inspect(home)
    if (Option.isSome(java) && majors.includes(java.value.major) && willDo(java.value)) return java
  }
  return Option.none()
})

/** A Java that can manage one that runs on this: itself, or any other at hand. */
export const manager = Effect.fnUntraced(function* (java: Java) {
  if (java.manages) return java
  return Option.getOrElse(yield* find([17, 11, 21, 8], (other) => other.manages), () => java)
})
