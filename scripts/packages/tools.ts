/** The runtimes, bundlers and agents, from the npm registry. */
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { run } from "../run.ts"

const root = resolve(import.meta.dirname, "../..")

/** The version that the workspace has, so that nothing new is looked for. */
export const versionOf = async (name: string): Promise<string> => {
  const manifest = await readFile(join(root, "node_modules", name, "package.json"), "utf8")
  return `${name}@${(JSON.parse(manifest) as { readonly version: string }).version}`
}

/** The packages of this platform, which are the binaries of the runtimes: by their packages' scripts they would be fetched twice. */
const { arch, platform } = process
const musl =
  platform === "linux" && !("glibcVersionRuntime" in (process.report.getReport() as { header: object }).header)

const nodes = [20, 22, 24] as const

const runtimes: ReadonlyArray<{
  readonly name: string
  /** What to install. */
  readonly spec: string
  /** Where in `node_modules` the binary is then. */
  readonly binary: string
  readonly isBuilt: boolean
  readonly args?: ReadonlyArray<string>
}> = [
  ...nodes.map((version) => ({
    name: `Node ${version}`,
    spec: `node-${version}@npm:node-${platform === "win32" ? "win" : platform}-${arch}@${version}`,
    binary: `node-${version}/bin/node`,
    isBuilt: (arch === "x64" || arch === "arm64") && !musl
  })),
  {
    name: "Bun",
    spec: "bun@1",
    binary: `@oven/bun-${platform === "win32" ? "windows" : platform}-${arch === "arm64" ? "aarch64" : arch}${musl ? "-musl" : ""}/bin/bun`,
    isBuilt: arch === "x64" || arch === "arm64",
    // It would fetch the packages that it misses.
    args: ["--no-install"]
  },
  {
    name: "Deno",
    spec: "deno@2",
    binary: `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}/deno`,
    isBuilt: (arch === "x64" || arch === "arm64") && !musl,
    args: ["run", "--allow-all", "--cached-only"]
  }
]

const bundlers = ["esbuild@0", "rollup@4", "@rollup/plugin-node-resolve@16", "webpack@5"]

/** The agents, and what they are set up with. */
export const agentPackages = [
  "newrelic@14",
  "dd-trace@6",
  "@opentelemetry/instrumentation-cassandra-driver@0",
  "@opentelemetry/instrumentation@0",
  "@opentelemetry/sdk-trace-node@2"
]

/** A directory with packages in it. */
export interface Project {
  readonly directory: string
  /** Imports a package from it. */
  readonly import: (name: string) => Promise<unknown>
}

/** The agents want a newer Node than this may be, and get one. */
const quiet = [
  "--engine-strict=false",
  "--no-audit",
  "--no-fund",
  "--prefer-offline",
  "--ignore-scripts",
  "--loglevel=error"
]

/** Makes a project with these packages. Scripts of packages are not run: what is installed is what the registry has. */
export const install = async (directory: string, specs: ReadonlyArray<string>): Promise<Project> => {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }))
  const { ok, output } = await run("npm", ["install", ...quiet, ...specs], { cwd: directory, quiet: true })
  if (!ok) throw new Error(`npm could not install ${specs.join(" ")}:\n${output}`)
  const require = createRequire(join(directory, "package.json"))
  return { directory, import: (name) => import(pathToFileURL(require.resolve(name)).href) }
}

/** A program of another runtime, or why there is none. */
export interface Runtime {
  readonly name: string
  readonly binary: string | undefined
  readonly args: ReadonlyArray<string>
}

export interface Tools extends Project {
  readonly runtimes: ReadonlyArray<Runtime>
}

/** The bundlers and pnpm; with `all`, the runtimes as well. */
export const installTools = async (directory: string, all: boolean): Promise<Tools> => {
  const wanted = all ? runtimes.filter(({ isBuilt }) => isBuilt) : []
  const project = await install(directory, [...bundlers, "pnpm@12", ...wanted.map(({ spec }) => spec)])
  const found = runtimes.map(({ args = [], binary, name }) => {
    const path = join(directory, "node_modules", binary)
    const existing = [path, `${path}.exe`].find((file) => existsSync(file))
    return { name, binary: existing, args }
  })
  return { ...project, runtimes: found }
}
