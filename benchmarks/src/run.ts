/** A program that is run to its end. */
import * as Effect from "effect/Effect"
import { type ExecFileException, execFile } from "node:child_process"
import { promisify } from "node:util"

const execute = promisify(execFile)

/** What it wrote to its standard output. It is ended when it is no longer waited for. */
export const run = (program: string, args: ReadonlyArray<string>, cwd?: string): Effect.Effect<string, Error> =>
  Effect.tryPromise({
    try: async (signal) => (await execute(program, args, { cwd, signal, maxBuffer: 2 ** 26 })).stdout.trim(),
    catch: (cause) => {
      const { code, message, stderr = "", stdout = "" } = cause as ExecFileException
      return new Error(
        code === "ENOENT"
          ? `${program} is not on the PATH`
          : `${program} ${args.join(" ")} failed:\n${`${stdout}${stderr}`.trim() || message}`,
        { cause }
      )
    }
  })
