/** What the scripts know of the repository: its files, what users import of it, and how it is compiled. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import ts from "typescript"

export const root = resolve(import.meta.dirname, "..")

export const read = (file: string): string => readFileSync(join(root, file), "utf8")

/** The files of the repository that match, as paths from its root. */
export const glob = (patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  ts.sys
    .readDirectory(root, [".md", ".ts"], ["**/node_modules", "**/dist"], patterns)
    .map((file) => relative(root, file))

/** The modules that users import, by the name of their package. */
export const entryPoints = (): ReadonlyArray<string> =>
  glob(["packages/*/src/*.ts"]).filter((file) => {
    const { exports } = JSON.parse(read(join(dirname(file), "../package.json"))) as {
      readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
    }
    return Object.values(exports).some(
      (target) =>
        target !== null && typeof target === "object" && target["effect-cassandra-source"] === `./src/${basename(file)}`
    )
  })

const compilerOptions = (): ts.CompilerOptions => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  return {
    ...options,
    composite: false,
    incremental: false,
    declaration: false,
    declarationMap: false,
    noEmit: true,
    allowImportingTsExtensions: true,
    noUnusedLocals: false
  }
}

/** A program of some files of the repository, and of files that are not there, by their whole paths. */
export const programOf = (
  files: ReadonlyArray<string>,
  invented: ReadonlyMap<string, string> = new Map()
): ts.Program => {
  const options = compilerOptions()
  const host = ts.createCompilerHost(options, true)
  const { fileExists, getSourceFile, readFile } = host
  host.fileExists = (name) => invented.has(name) || fileExists(name)
  host.readFile = (name) => invented.get(name) ?? readFile(name)
  host.getSourceFile = (name, language, ...rest) => {
    const code = invented.get(name)
    return code === undefined ? getSourceFile(name, language, ...rest) : ts.createSourceFile(name, code, language, true)
  }
  return ts.createProgram([...invented.keys(), ...files.map((file) => join(root, file))], options, host)
}

/** Writes a file that is made by a script; with `--check`, says whether it is as it would be written. */
export const writeOrCheck = (file: string, text: string, command: string): boolean => {
  const path = join(root, file)
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text)
    return true
  }
  if (existsSync(path) && read(file) === text) return true
  console.error(`${file} is not up to date: ${command}`)
  return false
}
