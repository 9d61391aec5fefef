/**
 * `npm run packages`: packs every public package as npm would publish it, and checks the tarballs: publint for the manifest and the
 * files, attw for what TypeScript makes of the types. Then they are installed into an empty project, in which a program in TypeScript and
 * one in JavaScript use them.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join, resolve } from "node:path"
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

const check = async (destination: string): Promise<boolean> => {
  for (const directory of await publicPackages()) {
    const pack = await run("npm", ["pack", "--silent", "--pack-destination", destination], { cwd: directory })
    if (!pack.ok) return false
  }
  let ok = true
  const tarballs = (await readdir(destination)).map((name) => join(destination, name))
  for (const tarball of tarballs) {
    const publint = await run("publint", ["run", "--strict", tarball])
    const attw = await run("attw", ["--profile", "esm-only", tarball])
    ok &&= publint.ok && attw.ok
  }
  return ok && (await use(join(destination, "empty"), tarballs))
}

/** A program of an application's, which needs no server. */
const program = (dialect: "js" | "ts"): string => `
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
const given = [Effect.runSync(refused), Session.layer, CassandraServer.layer, FaultProxy.make].map((it) => typeof it === "string" ? it : typeof it)
console.log("${dialect}:", statement.query, given.join(" "))
`

const printed = "SELECT name FROM users WHERE id = ? ConfigurationError function function function"

/** The versions that the workspace has, so that nothing new is looked for. */
const versionOf = async (name: string): Promise<string> => {
  const manifest = await readFile(join(root, "node_modules", name, "package.json"), "utf8")
  return `${name}@${(JSON.parse(manifest) as { readonly version: string }).version}`
}

const use = async (project: string, tarballs: ReadonlyArray<string>): Promise<boolean> => {
  const file = (name: string, text: string): Promise<void> => writeFile(join(project, name), text)
  await mkdir(project)
  await file("package.json", JSON.stringify({ name: "empty", private: true, type: "module" }))
  await file("plain.js", program("js"))
  await file("typed.ts", program("ts"))
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
  const wrong = ["js", "ts"].filter((dialect) => !output.includes(`${dialect}: ${printed}\n`))
  for (const dialect of wrong) console.error(`The program in ${dialect} did not print: ${printed}`)
  return wrong.length === 0
}

await main(() => withDirectory(check))
