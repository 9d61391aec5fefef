/**
 * `npm run packages`: packs every public package as npm would publish it, and checks the tarballs: publint for the manifest and the
 * files, attw for what TypeScript makes of the types.
 */
import { readdir, readFile } from "node:fs/promises"
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
  for (const tarball of (await readdir(destination)).map((name) => join(destination, name))) {
    const publint = await run("publint", ["run", "--strict", tarball])
    const attw = await run("attw", ["--profile", "esm-only", tarball])
    ok &&= publint.ok && attw.ok
  }
  return ok
}

await main(() => withDirectory(check))
