/**
 * Part of `npm run check`: the documentation is code too.
 *
 * Every block marked `ts` in a Markdown file and in the doc comments of the packages is type-checked against the sources, each as a
 * module of its own. A block keeps its place: all that is not code is blanked out, so an error is reported where it stands in the file.
 * And everything that the packages export says since when it exists and what it belongs to.
 */
import { existsSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import ts from "typescript"
import { anchorsIn, blocksOf } from "./markdown.ts"
import { main } from "./run.ts"
import { entryPoints, glob, programOf, read, root } from "./sources.ts"

const markdown = ["README.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/README.md"]
const sources = ["packages/*/src/**/*.ts"]

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
  blocksOf(read(file), file.endsWith(".md") ? undefined : examplesOnly()).map(({ code }) => code)

const report = (file: string, line: number, column: number, message: string): void =>
  console.error(`${file}:${line + 1}:${column + 1} ${message}`)

/** The file that each example is in, by the path of the module that is made of it. */
const files = new Map<string, string>()
const modules = new Map<string, string>()
for (const file of glob([...markdown, ...sources])) {
  blocksIn(file).forEach((code, i) => {
    const module = join(root, dirname(file), `.example-${i}-${basename(file)}.ts`)
    files.set(module, file)
    modules.set(module, code)
  })
}

const program = programOf(entryPoints(), modules)

const checkExamples = (): boolean => {
  let errors = 0
  for (const [name, file] of files) {
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
  console.log(`${files.size} examples in the documentation, ${errors} errors`)
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
  for (const file of entryPoints()) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, file)) as ts.SourceFile)
    if (module !== undefined) visit(module)
  }
  console.log(`${exported} exports, ${errors} without @since or @category`)
  return errors === 0
}

const linkProblem = (file: string, link: string): string | undefined => {
  const [path = "", anchor] = link.split("#")
  const target = path === "" ? file : join(dirname(file), path)
  if (!existsSync(join(root, target))) return `There is no ${target}`
  return anchor === undefined || anchorsIn(read(target)).has(anchor) ? undefined : `${target} has no #${anchor}`
}

/** Links to files of the repository, and to headings of Markdown files. */
const checkLinks = (): boolean => {
  let links = 0
  let errors = 0
  for (const file of glob(markdown)) {
    read(file)
      .split("\n")
      .forEach((line, i) => {
        for (const { 1: link = "", index } of line.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
          links++
          const problem = linkProblem(file, link)
          if (problem === undefined) continue
          report(file, i, index, problem)
          errors++
        }
      })
  }
  console.log(`${links} links in the documentation, ${errors} that lead nowhere`)
  return errors === 0
}

await main(async () => [checkExamples(), checkTags(), checkLinks()].every(Boolean))
