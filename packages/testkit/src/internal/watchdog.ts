/**
 * Directories and processes that never outlive the program, however it ends.
 *
 * Finalizers cover an orderly end. They do not run on an uncaught exception, `process.exit`, an unhandled signal or
 * SIGKILL; for those a small shell waits at the other end of a pipe. When this process is gone, for whatever reason, the
 * kernel closes the pipe, the shell sees the end of its input, kills what was started and removes the directory.
 */
import * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import type { PlatformError } from "@effect/platform/Error"
import { SystemError } from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * Makes the directory, tells its name, waits for the end of input, then kills and removes. The folder of process ids is
 * renamed first: whatever is being launched at that moment finds no place to leave its id, and does not start.
 */
const watchdogScript = `
dir=$(mktemp -d "$1/$2-XXXXXXXX") && mkdir "$dir/pids" || exit 1
echo "$dir"
exec >/dev/null 2>&1
cd /
while read -r _; do :; done
mv "$dir/pids" "$dir/dying"
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  alive=no
  for file in "$dir"/dying/*; do
    [ -f "$file" ] && kill -9 "$(cat "$file")" && alive=yes
  done
  [ "$alive" = no ] && break
  sleep 0.1
done
rm -rf "$dir"
`

/** Leaves its process id for the watchdog, then becomes the command. */
const launchScript = `
echo $$ > "$1/pids/$2" || exit 1
log=$3
shift 3
exec "$@" </dev/null >>"$log" 2>&1
`

/** A new directory under `parent`, removed with everything started in it when the scope closes or the program ends. */
export const directory = Effect.fnUntraced(function* (parent: string, prefix: string) {
  const fs = yield* FileSystem.FileSystem
  const watchdog = yield* Command.start(Command.make("/bin/sh", "-c", watchdogScript, "watchdog", parent, prefix))
  const line = yield* watchdog.stdout.pipe(Stream.decodeText(), Stream.splitLines, Stream.runHead)
  if (Option.isNone(line)) {
    return yield* new SystemError({
      reason: "Unknown",
      module: "FileSystem",
      method: "makeTempDirectory",
      pathOrDescriptor: parent,
      description: `cannot create a directory in ${parent}`
    })
  }
  yield* Effect.addFinalizer(() =>
    // A process that was killed an instant ago may still hold a file open or be writing its last one.
    Effect.ignore(
      Effect.retry(fs.remove(line.value, { recursive: true, force: true }), {
        schedule: Schedule.spaced("100 millis"),
        times: 20
      })
    )
  )
  return line.value
}, Effect.uninterruptible)

/** The second round is for what a dying child of the program wrote during the first. */
const sweepScript = `
exec >/dev/null 2>&1
cd /
while read -r _; do :; done
rm -rf "$@"
sleep 1
rm -rf "$@"
`

/** Removes the directories if the program ends while the scope is open; whoever made them removes them otherwise. */
export const sweep = (directories: ReadonlyArray<string>) =>
  Effect.asVoid(Command.start(Command.make("/bin/sh", "-c", sweepScript, "sweep", ...directories)))

/** What to start in a watched directory. */
export interface Launch {
  /** A directory made by {@link directory}. */
  readonly directory: string
  /** Unique among the processes running in the directory. */
  readonly name: string
  /** Where output and errors go, appended. */
  readonly logFile: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Record<string, string> | undefined
}

/** A process that dies (SIGKILL: what it writes is thrown away) when the scope closes or the program ends. */
export const launch = (
  options: Launch
): Effect.Effect<
  CommandExecutor.Process,
  PlatformError,
  CommandExecutor.CommandExecutor | FileSystem.FileSystem | Scope.Scope
> =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const child = yield* Command.start(
      Command.make(
        "/bin/sh",
        "-c",
        launchScript,
        "launch",
        options.directory,
        options.name,
        options.logFile,
        options.command,
        ...options.args
      ).pipe(Command.workingDirectory(options.directory), Command.env(options.env ?? {}))
    )
    yield* Effect.addFinalizer(() =>
      kill(child).pipe(
        // Its id may soon belong to a stranger.
        Effect.zipRight(fs.remove(`${options.directory}/pids/${options.name}`, { force: true })),
        Effect.ignore
      )
    )
    return child
  }).pipe(Effect.uninterruptible)

/** Kills a process at once and waits until it is gone; nothing happens when it is gone already. */
export const kill = (child: CommandExecutor.Process): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.orElseSucceed(child.isRunning, () => false),
    (running) => (running ? Effect.ignore(child.kill("SIGKILL")) : Effect.void)
  )
