/**
 * Where the packed client runs: runtimes, bundles of one file in an empty directory, pnpm's layout, and under agents. Each place runs the
 * same program against a real server, and has to print the same.
 */
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import { Cluster, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { copyFile, mkdir, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { run } from "../run.ts"
import { agents, watched } from "./agents.ts"
import { type Bundle, esbuild, type Format, rollup, webpack } from "./bundlers.ts"
import { answer, program, table } from "./program.ts"
import { agentPackages, install, installTools, type Project, type Tools, versionOf } from "./tools.ts"

/** The coordinates of the server, as the program reads them from its environment. */
type Coordinates = Readonly<Record<string, string>>

const withServer = <A>(use: (coordinates: Coordinates) => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.make()
    const { name } = yield* TestKeyspace.make({ prefix: "packages" }).pipe(
      Effect.provideService(CassandraServer.CassandraServer, server)
    )
    const { contactPoints, credentials, localDataCenter, port } = server
    const options = Option.match(credentials, { onNone: () => ({}), onSome: (given) => ({ credentials: given }) })
    yield* Cluster.make({ contactPoints, port, localDataCenter, ...options }).pipe(
      Effect.flatMap((cluster) => cluster.connect({ keyspace: name })),
      Effect.flatMap((session) => session.execute(Statement.make(table))),
      Effect.scoped
    )
    const login = Option.match(credentials, {
      onNone: () => ({}),
      onSome: ({ password, username }) => ({
        CASSANDRA_USERNAME: username,
        CASSANDRA_PASSWORD: Redacted.value(password)
      })
    })
    return yield* Effect.tryPromise({
      try: () =>
        use({
          CASSANDRA_CONTACT_POINTS: contactPoints.join(","),
          CASSANDRA_PORT: String(port),
          CASSANDRA_LOCAL_DC: localDataCenter,
          KEYSPACE: name,
          ...login
        }),
      catch: (error) => error
    })
  }).pipe(Effect.scoped)

/** What a place has to say of itself when all is well; it throws what is wrong. */
type Visit = () => Promise<string>

interface Place {
  readonly name: string
  readonly visit: Visit
}

/** How long a program may take. */
const TIMEOUT = 60_000

interface Start {
  readonly cwd: string
  readonly command: readonly [program: string, ...args: ReadonlyArray<string>]
  readonly env: NodeJS.ProcessEnv
  /** The lines that it has to print, among others. */
  readonly prints: ReadonlyArray<string>
}

const start = async ({ command: [name, ...args], cwd, env, prints }: Start): Promise<void> => {
  const { ok, output } = await run(name, args, { cwd, env: { ...process.env, ...env }, quiet: true, timeout: TIMEOUT })
  const lines = output.split(/\r?\n/)
  const missing = prints.filter((line) => !lines.includes(line))
  if (ok && missing.length === 0) return
  throw new Error(
    [ok ? "it ended" : "it failed or did not end", ...missing.map((line) => `it did not print ${line}`), output].join(
      "\n"
    )
  )
}

/** The rooms of the client that a program with `cql` and `CqlType` alone has no use for. */
const engine = /effect-cassandra\/dist\/(driver|internal\/(cluster|connection|routing|telemetry|topology))\//

/** How many bytes of the client are in such a program at the most, minified. */
const TEXTS = 30_000

/** Nothing of the optional packages may be in a bundle. */
const checkModules = (modules: ReadonlyMap<string, number>): void => {
  const strangers = [...modules.keys()].filter((file) => /node_modules\/(cassandra-driver|lz4-napi)\//.test(file))
  if (strangers.length > 0) throw new Error(`in the bundle is ${strangers.join(", ")}`)
}

const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000)} KB`

/** Bundles the program, and starts it where there is nothing else, and beside the packages. */
const bundled = (
  name: string,
  format: Format,
  bundle: () => Promise<Bundle>,
  { directory, env, runtimes }: { directory: string; env: Coordinates; runtimes: Tools["runtimes"] }
): Place => ({
  name,
  visit: async () => {
    const file = `${name.replaceAll(/\W+/g, "-")}.${format === "esm" ? "mjs" : "cjs"}`
    const alone = join(directory, "alone", name.replaceAll(/\W+/g, "-"), file)
    const beside = join(directory, "app", "out", file)
    await Promise.all([alone, beside].map((path) => mkdir(dirname(path), { recursive: true })))
    checkModules(await (await bundle())(join(directory, "app", "native.js"), alone))
    await copyFile(alone, beside)
    const begin = (path: string, hasLz4: boolean, command: Start["command"]): Promise<void> =>
      start({ cwd: dirname(path), command, env: { ...env, PLACE: name }, prints: [answer("native", hasLz4)] })
    await begin(alone, false, [process.execPath, alone])
    await begin(beside, true, [process.execPath, beside])
    for (const { args, binary } of runtimes) {
      if (binary !== undefined) await begin(alone, false, [binary, ...args, alone])
    }
    return kilobytes((await stat(alone)).size)
  }
})

const places = (directory: string, tarball: string, app: Project, tools: Tools, all: boolean, env: Coordinates) => {
  const inApp = (name: string, command: Start["command"], prints = [answer("native", true)], more = {}): Place => ({
    name,
    visit: async () => {
      await start({ cwd: app.directory, command, env: { ...env, PLACE: name, ...more }, prints })
      return ""
    }
  })
  const settings = { directory, env, runtimes: [] }
  const node = process.execPath
  const newestNode = tools.runtimes.findLast(({ binary, name }) => name.startsWith("Node") && binary)?.binary ?? node

  const withPnpm: Place = {
    name: "pnpm",
    visit: async () => {
      const cwd = join(directory, "pnpm")
      await mkdir(cwd)
      await writeFile(join(cwd, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }))
      await writeFile(join(cwd, "native.js"), program("native"))
      await writeFile(join(cwd, "typed.ts"), typed)
      const packages = await Promise.all(["effect", "lz4-napi", "@types/node"].map(versionOf))
      const pnpm = join(tools.directory, "node_modules", ".bin", "pnpm")
      const add = [pnpm, "add", "--ignore-scripts", "--store-dir", join(directory, "pnpm-store")] as const
      await start({ cwd, command: [...add, tarball, ...packages], env, prints: [] })
      await start({
        cwd,
        command: [node, "native.js"],
        env: { ...env, PLACE: "pnpm" },
        prints: [answer("native", true)]
      })
      // There is no driver here, and the types of the client are checked as well.
      const tsc = [
        "tsc",
        "--strict",
        "--module",
        "nodenext",
        "--target",
        "es2022",
        "--types",
        "node",
        "--noEmit"
      ] as const
      await start({ cwd, command: [...tsc, "typed.ts"], env: {}, prints: [] })
      return "types as well"
    }
  }

  const textsOnly: Place = {
    name: "only cql and CqlType",
    visit: async () => {
      const entry = join(app.directory, "texts.js")
      await writeFile(
        entry,
        `import { cql, CqlType } from "effect-cassandra"\nconsole.log(cql\`SELECT \${1}\`.query, CqlType.int)`
      )
      const modules = await (await esbuild(tools, "esm", true))(entry, join(directory, "alone", "texts.mjs"))
      checkModules(modules)
      const ours = [...modules].filter(([file, size]) => size > 0 && file.includes("effect-cassandra/dist/"))
      const needless = ours.filter(([file]) => engine.test(file))
      if (needless.length > 0) throw new Error(`in the bundle is ${needless.map(([file]) => file).join(", ")}`)
      const [size, whole] = [ours, [...modules]].map((files) => files.reduce((sum, [, bytes]) => sum + bytes, 0)) as [
        number,
        number
      ]
      if (size > TEXTS) throw new Error(`${kilobytes(size)} of the client are in the bundle`)
      return `${kilobytes(size)} of the client, ${kilobytes(whole)} with Effect`
    }
  }

  return [
    inApp(`Node ${process.versions.node}`, [node, "native.js"]),
    inApp("over a client of cassandra-driver", [node, "driver.js"], [answer("driver", true)]),
    withPnpm,
    bundled("esbuild, ESM, minified", "esm", () => esbuild(tools, "esm", true), {
      ...settings,
      runtimes: tools.runtimes
    }),
    bundled("esbuild, CommonJS, minified", "cjs", () => esbuild(tools, "cjs", true), settings),
    bundled("esbuild, CommonJS", "cjs", () => esbuild(tools, "cjs", false), settings),
    bundled("rollup, ESM", "esm", () => rollup(tools, "esm"), settings),
    bundled("rollup, CommonJS", "cjs", () => rollup(tools, "cjs"), settings),
    bundled("webpack, ESM", "esm", () => webpack(tools, "esm", false), settings),
    bundled("webpack, CommonJS, minified", "cjs", () => webpack(tools, "cjs", true), settings),
    textsOnly,
    ...tools.runtimes.flatMap(({ args, binary, name }) =>
      binary === undefined ? [] : [inApp(name, [binary, ...args, "native.js"])]
    ),
    ...(all ? agents : []).map(({ args, env: its, name }) =>
      inApp(name, [newestNode, ...args, `${name}.js`], [answer("native", true), answer("driver", true), watched], its)
    )
  ]
}

const typed = `
import { Cluster, Session } from "effect-cassandra"
import * as Layer from "effect/Layer"
export const live = Session.layer().pipe(Layer.provideMerge(Cluster.layer()))
`

/** Visits a place and prints a line about it. */
const report = async ({ name, visit }: Place): Promise<boolean> => {
  const begun = performance.now()
  const [isOk, told] = await visit().then(
    (said) => [true, `ok  ${said}`] as const,
    (error: unknown) => [false, `FAILED\n${error instanceof Error ? error.message : String(error)}`] as const
  )
  console.log(`${name.padEnd(36)} ${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  ${told}`.trimEnd())
  return isOk
}

/** Where runtimes and pnpm keep what they do not throw away. */
const caches = (directory: string): Coordinates => ({
  BUN_INSTALL: join(directory, "bun"),
  BUN_INSTALL_CACHE_DIR: join(directory, "bun"),
  DENO_DIR: join(directory, "deno"),
  DENO_NO_UPDATE_CHECK: "1",
  ...Object.fromEntries(["CACHE", "CONFIG", "DATA", "STATE"].map((kind) => [`XDG_${kind}_HOME`, join(directory, kind)]))
})

/** Visits the places, two at a time; with `all`, those as well that take a while to fetch. */
export const runsEverywhere = async (directory: string, tarball: string, all: boolean): Promise<boolean> => {
  const prepare = async () => {
    const packages = await Promise.all(["effect", "lz4-napi", "cassandra-driver"].map(versionOf))
    const app = await install(join(directory, "app"), [tarball, ...packages, ...(all ? agentPackages : [])])
    const file = (name: string, text: string): Promise<void> => writeFile(join(app.directory, name), text)
    await file("native.js", program("native"))
    await file("driver.js", program("driver"))
    for (const { name, text } of agents) await file(`${name}.js`, text)
    return app
  }
  const visitAll = async (coordinates: Coordinates): Promise<boolean> => {
    const env = { ...coordinates, ...caches(join(directory, "caches")) }
    const [app, tools] = await Promise.all([prepare(), installTools(join(directory, "tools"), all)])
    const verdicts = await Effect.runPromise(
      Effect.forEach(places(directory, tarball, app, tools, all, env), (place) => Effect.promise(() => report(place)), {
        concurrency: 2
      })
    )
    const missing = tools.runtimes.filter(({ binary }) => binary === undefined).map(({ name }) => name)
    const leftOut = all ? missing : [...missing, ...agents.map(({ name }) => name)]
    const why = all ? "npm has no binary of it for this platform" : "only with --all"
    for (const name of leftOut) console.log(`${name.padEnd(36)} left out: ${why}`)
    return verdicts.every((isOk) => isOk)
  }
  return Effect.runPromise(withServer(visitAll))
}
