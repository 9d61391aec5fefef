/** A commit, built in a directory of its own. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { run } from "./run.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

/** The dependencies of this checkout, but for the packages of the workspace, which are those of the other one. */
const linkModules = async (directory: string): Promise<void> => {
  const link = async (name: string) => {
    const source = join(root, "node_modules", name)
    const target = await realpath(source)
    const own = relative(root, target)
    const isOurs = (await lstat(source)).isSymbolicLink() && !own.startsWith("..") && !own.startsWith("node_modules")
    await symlink(isOurs ? join(directory, own) : target, join(directory, "node_modules", name))
  }
  for (const name of await readdir(join(root, "node_modules"))) {
    if (!name.startsWith("@")) {
      await link(name)
      continue
    }
    await mkdir(join(directory, "node_modules", name), { recursive: true })
    for (const scoped of await readdir(join(root, "node_modules", name))) await link(join(name, scoped))
  }
}

/** What the client is built with and runs on. */
const parts = ["effect", "cassandra-driver", "lz4-napi", "typescript", "@types/node"]

const versions = async (directory: string): Promise<string> => {
  const lock = JSON.parse(await readFile(join(directory, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, { readonly version: string } | undefined>>
  }
  return parts.map((name) => `${name} ${lock.packages[`node_modules/${name}`]?.version}`).join(", ")
}

/** Whether the dependencies of this checkout will do for the other one. */
const sameVersions = async (directory: string): Promise<boolean> =>
  (await versions(directory)) === (await versions(root))

export interface Checkout {
  readonly style: string
  /** Its hash, abbreviated. */
  readonly commit: string
  /** Where the compiled contenders of the present checkout are beside the client of the commit. */
  readonly dist: URL
}

/** Builds the client of a commit; its directory is gone when the scope closes. */
export const checkout = (style: string, revision: string): Effect.Effect<Checkout, Error, Scope.Scope> =>
  Effect.gen(function* () {
    const commit = yield* run("git", ["rev-parse", "--short", "--verify", `${revision}^{commit}`], root)
    yield* Console.error(`Building ${style} ${commit} …`)
    const directory = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "effect-cassandra-bench-"))),
      (it) =>
        Effect.andThen(
          Effect.promise(() => rm(it, { recursive: true, force: true })),
          // What a worktree that was not made whole leaves behind.
          Effect.ignoreLogged(run("git", ["worktree", "prune"], root))
        )
    )
    const tree = join(directory, "tree")
    yield* Effect.acquireRelease(run("git", ["worktree", "add", "--detach", tree, commit], root), () =>
      Effect.ignoreLogged(run("git", ["worktree", "remove", "--force", tree], root))
    )
    if (yield* Effect.promise(() => sameVersions(tree))) {
      yield* Effect.promise(() => mkdir(join(tree, "node_modules")).then(() => linkModules(tree)))
    } else {
      yield* run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], tree)
    }
    yield* run(process.execPath, [join(tree, "node_modules/typescript/bin/tsc"), "-b", "packages/cassandra"], tree)
    const dist = join(tree, "benchmarks", "bench-compare")
    yield* Effect.promise(() => cp(fileURLToPath(new URL(".", import.meta.url)), dist, { recursive: true }))
    return { style, commit, dist: pathToFileURL(`${dist}/`) }
  })
