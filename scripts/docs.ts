/**
 * Part of `npm run check`: the documentation is code too.
 *
 * Every block marked `ts` in a Markdown file and in the doc comments of the packages is type-checked against the sources, each as a
 * module of its own. A block keeps its place: all that is not code is blanked out, so an error is reported where it stands in the file.
 * And everything that the packages export says since when it exists and what it belongs to.
 */
import { readFileSync } from "node:fs"
import { basename, dirname, join, relative, resolve } from "node:path"
import ts from "typescript"
import { main } from "./run.ts"

const root = resolve(import.meta.dirname, "..")
const markdown = ["README.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/README.md"]
const sources = ["packages/*/src/**/*.ts"]

const glob = (patterns: ReadonlyArray<string>): ReadonlyArray<string> =>
  ts.sys
    .readDirectory(root, [".md", ".ts"], ["**/node_modules", "**/dist"], patterns)
    .map((file) => relative(root, file))

/** Pads to the line that the text stands on. */
const atLine = (line: number, text: string): string => "\n".repeat(line) + text

/** The code of each `ts` block of a text, on its own lines; `clean` blanks out what is no part of the documentation. */
const blocksOf = (text: string, clean: (line: string) => string): ReadonlyArray<string> => {
  const blocks: Array<string> = []
  let start = 0
  let block: Array<string> | undefined
  text.split("\n").forEach((raw, i) => {
    const line = clean(raw)
    if (block === undefined) {
      if (/^\s*```ts\s*$/.test(line)) {
        block = []
        start = i + 1
      }
    } else if (/^\s*```\s*$/.test(line)) {
      blocks.push(atLine(start, block.join("\n")))
      block = undefined
    } else {
      block.push(line)
    }
  })
  return blocks
}

const isComment = /^\s*\* ?/

/** Of a source, what stands under an `@example`. */
const examplesOnly = (): ((line: string) => string) => {
  let tag: string | undefined
  return (line) => {
    if (!isComment.test(line)) tag = undefined
    const text = line.replace(isComment, (prefix) => " ".repeat(prefix.length))
    tag = /^\s*@(\w+)/.exec(text)?.[1] ?? tag
    return tag === "example" ? text : ""
  }
}

const blocksIn = (file: string): ReadonlyArray<string> =>
  blocksOf(readFileSync(join(root, file), "utf8"), file.endsWith(".md") ? (line) => line : examplesOnly())

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

const report = (file: string, line: number, column: number, message: string): void =>
  console.error(`${file}:${line + 1}:${column + 1} ${message}`)

interface Example {
  readonly file: string
  readonly code: string
}

const examples = new Map<string, Example>()
for (const file of glob([...markdown, ...sources])) {
  blocksIn(file).forEach((code, i) => {
    examples.set(join(root, dirname(file), `.example-${i}-${basename(file)}.ts`), { file, code })
  })
}

/** The modules that users import, by the name of their package. */
const entryPoints: ReadonlyArray<string> = glob(["packages/*/src/*.ts"]).filter((file) => {
  const { exports } = JSON.parse(readFileSync(join(root, dirname(file), "../package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  }
  return Object.values(exports).some(
    (target) => typeof target === "object" && target["effect-cassandra-source"] === `./src/${basename(file)}`
  )
})

const options = compilerOptions()
const host = ts.createCompilerHost(options, true)
const { fileExists, getSourceFile, readFile } = host
host.fileExists = (name) => examples.has(name) || fileExists(name)
host.readFile = (name) => examples.get(name)?.code ?? readFile(name)
host.getSourceFile = (name, language, ...rest) => {
  const code = examples.get(name)?.code
  return code === undefined ? getSourceFile(name, language, ...rest) : ts.createSourceFile(name, code, language, true)
}
const program = ts.createProgram([...examples.keys(), ...entryPoints.map((file) => join(root, file))], options, host)

const checkExamples = (): boolean => {
  let errors = 0
  for (const [name, { file }] of examples) {
    const source = program.getSourceFile(name)
    for (const { messageText, start = 0 } of [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source)
    ]) {
      const { character, line } = ts.getLineAndCharacterOfPosition(source as ts.SourceFile, start)
      report(file, line, character, ts.flattenDiagnosticMessageText(messageText, "\n"))
      errors++
    }
  }
  console.log(`${examples.size} examples in the documentation, ${errors} errors`)
  return errors === 0
}

const checkTags = (): boolean => {
  const checker = program.getTypeChecker()
  const seen = new Set<ts.Symbol>()
  let exported = 0
  let errors = 0
  const visit = (module: ts.Symbol): void => {
    for (const symbol of checker.getExportsOfModule(module)) {
      const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
      if (seen.has(target)) continue
      seen.add(target)
      if (target.flags & ts.SymbolFlags.ValueModule) {
        visit(target)
        continue
      }
      exported++
      const present = [symbol, target].flatMap((it) => it.getJsDocTags(checker)).map(({ name }) => name)
      const missing = ["since", "category"].filter((tag) => !present.includes(tag))
      const node = target.declarations?.[0]
      if (missing.length === 0 || node === undefined) continue
      const source = node.getSourceFile()
      const { character, line } = source.getLineAndCharacterOfPosition(node.getStart())
      report(relative(root, source.fileName), line, character, `${symbol.name} has no @${missing.join(" and no @")}`)
      errors++
    }
  }
  for (const file of entryPoints) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, file)) as ts.SourceFile)
    if (module !== undefined) visit(module)
  }
  console.log(`${exported} exports, ${errors} without @since or @category`)
  return errors === 0
}

await main(async () => [checkExamples(), checkTags()].every(Boolean))
