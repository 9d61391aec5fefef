/** Runs the programs of the other scripts. */
import { spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

let interrupted = false

// Ctrl-C reaches the program as well: it is the one that has things to close, and this one waits for it.
process.on("SIGINT", () => {
  interrupted = true
})

export interface Outcome {
  readonly ok: boolean
  /** What it printed, if that was asked for. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd?: string
  /** In place of the environment of this process. */
  readonly env?: NodeJS.ProcessEnv
  /** Keeps the standard output, which is then no terminal. */
  readonly keep?: boolean
  /** Shows nothing, and keeps what goes to standard error, too. */
  readonly quiet?: boolean
  /** After so many milliseconds the program is ended. */
  readonly timeout?: number
}

/** Runs a program of the workspace and shows what it prints, unless the options say otherwise. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  { cwd, env, keep = false, quiet = false, timeout }: RunOptions = {}
): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [quiet ? "ignore" : "inherit", keep || quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"],
      cwd,
      env,
      timeout
    })
    let output = ""
    const take = (bytes: Buffer): void => {
      if (!quiet) process.stdout.write(bytes)
      output += bytes.toString()
    }
    child.stdout?.on("data", take)
    child.stderr?.on("data", take)
    child.on("error", reject)
    child.on("close", (code) =>
      interrupted ? reject(new Error(`${program} was interrupted`)) : resolve({ ok: code === 0, output })
    )
  })

/** Runs a script's main effort; a failure is one message and an exit code. */
export const main = async (script: () => Promise<boolean>): Promise<void> => {
  try {
    if (!(await script())) process.exitCode = 1
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = interrupted ? 130 : 1
  }
}

/** Gives a directory that is gone afterwards. */
export const withDirectory = async <A>(use: (directory: string) => Promise<A>): Promise<A> => {
  const directory = await mkdtemp(join(tmpdir(), "effect-cassandra-"))
  try {
    return await use(directory)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
