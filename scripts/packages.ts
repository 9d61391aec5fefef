/**
 * `npm run packages`: packs every public package as npm would publish it, and checks the tarballs: publint for the manifest and the
 * files, attw for what TypeScript makes of the types. Then they are installed into an empty project, in which a program in TypeScript and
 * one in JavaScript use them, and the client is taken where users take it: to bundlers and pnpm, and with `--all` to other runtimes
 * and under agents.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { runsEverywhere } from "./packages/places.ts"
import { versionOf } from "./packages/tools.ts"
import { main, run, withDirectory } from "./run.ts"

const root = resolve(import.meta.dirname, "..")

const publicPackages = async (): Promise<ReadonlyArray<string>> => {
  const directories = (await readdir(join(root, "packages"))).map((name) => join(root, "packages", name))
  const manifests = await Promise.all(
    directories.map(async (directory) => ({
      directory,
      manifest: JSON.parse(await readFile(join(directory, "package.json"), "utf8")) as { readonly private?: boolean }
    }))
  )
  return manifests.filter(({ manifest }) => manifest.private !== true).map(({ directory }) => directory)
}

const isClient = (tarball: string): boolean => /effect-cassandra-\d[^/]*$/.test(tarball)

/** The public modules of the client, each of which can be imported by itself. */
const publicModules = async (): Promise<ReadonlyArray<string>> =>
  (await readdir(join(root, "packages/cassandra/src")))
    .filter((file) => file.endsWith(".ts") && file !== "index.ts")
    .map((file) => file.slice(0, -".ts".length))

/** The modules of the client that nobody may import. */
const hiddenModules = async (): Promise<ReadonlyArray<string>> =>
  (await readdir(join(root, "packages/cassandra/dist"), { recursive: true }))
    .filter((file) => file.endsWith(".js"))
    .map((file) => file.slice(0, -".js".length).replaceAll("\\", "/"))
    .filter((name) => name === "index" || name.includes("/"))

const check = async (destination: string): Promise<boolean> => {
  for (const directory of await publicPackages()) {
    const pack = await run("npm", ["pack", "--silent", "--pack-destination", destination], { cwd: directory })
    if (!pack.ok) return false
  }
  let ok = true
  const tarballs = (await readdir(destination)).map((name) => join(destination, name))
  for (const tarball of tarballs) {
    const publint = await run("publint", ["run", "--strict", tarball])
    // attw does not look behind the star in `exports`.
    const behindStar = isClient(tarball) ? ["--include-entrypoints", ...(await publicModules())] : []
    const attw = await run("attw", [tarball, "--profile", "esm-only", "--format", "table", ...behindStar])
    ok &&= publint.ok && attw.ok
  }
  if (!ok || !(await use(join(destination, "empty"), tarballs))) return false
  return runsEverywhere(join(destination, "places"), tarballs.find(isClient) ?? "", process.argv.includes("--all"))
}

/** A program of an application's, which needs no server. */
const program = (dialect: "js" | "ts", modules: ReadonlyArray<string>, hidden: ReadonlyArray<string>): string => `
${modules.map((name) => `import * as ${name}_ from "effect-cassandra/${name}"`).join("\n")}
import * as Effect from "effect/Effect"
import { Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer, FaultProxy } from "effect-cassandra-testkit"

const statement = cql\`SELECT name FROM users WHERE id = \${1}\`.pipe(Statement.withPageSize(10))
const refused${dialect === "ts" ? ": Effect.Effect<string>" : ""} = Cluster.make({ port: 0 }).pipe(
  Effect.flatMap((cluster) => cluster.connect()),
  Effect.flatMap((session) => session.execute(statement)),
  Effect.as("connected"),
  Effect.catchAll((error) => Effect.succeed(error._tag)),
  Effect.scoped
)
const inside = ${JSON.stringify(hidden)}.map((name) => "effect-cassandra/" + name)
const opened = await Promise.allSettled(inside.map((name) => import(name)))
const given = [await Effect.runPromise(refused), Session.layer, CassandraServer.layer, FaultProxy.make].map((it) => typeof it === "string" ? it : typeof it)
const all = [${modules.map((name) => `${name}_`).join(", ")}].length
console.log("${dialect}:", statement.query, given.join(" "), all, opened.filter(({ status }) => status === "fulfilled").length)
`

const printed = (modules: number): string =>
  `SELECT name FROM users WHERE id = ? ConfigurationError function function function ${modules} 0`

const use = async (project: string, tarballs: ReadonlyArray<string>): Promise<boolean> => {
  const file = (name: string, text: string): Promise<void> => writeFile(join(project, name), text)
  await mkdir(project)
  await file("package.json", JSON.stringify({ name: "empty", private: true, type: "module" }))
  const names = await publicModules()
  const hidden = await hiddenModules()
  await file("plain.js", program("js", names, hidden))
  await file("typed.ts", program("ts", names, hidden))
  const others = await Promise.all(["effect", "@types/node"].map(versionOf))
  const quiet = ["--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
  const steps = [
    ["npm", "install", ...quiet, ...tarballs, ...others],
    ["tsc", "--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", "--outDir", "out", "typed.ts"],
    ["node", "plain.js"],
    ["node", "out/typed.js"],
    ["npm", "exec", "--no", "cassandra-migrate", "--", "--help"]
  ] as const
  let output = ""
  for (const [name, ...args] of steps) {
    const step = await run(name, args, { keep: true, cwd: project })
    if (!step.ok) return false
    output += step.output
  }
  const wrong = ["js", "ts"].filter((dialect) => !output.includes(`${dialect}: ${printed(names.length)}\n`))
  for (const dialect of wrong) console.error(`The program in ${dialect} did not print: ${printed(names.length)}`)
  return wrong.length === 0
}

await main(() => withDirectory(check))
