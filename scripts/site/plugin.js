/**
 * A plugin of TypeDoc's: what the site is called after, and which parts of it have pages of their own.
 *
 * - A guide is called what its heading says, and a package as npm knows it.
 * - A module is introduced by the comment at the top of its file, as it is in the source.
 * - Functions, values and types stand on the page of their module, where they can be read one after the other; only classes and
 *   interfaces, which have members, have pages.
 */
import { readFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { Comment, DefaultTheme, KindRouter, ReflectionKind } from "typedoc"
import ts from "typescript"

const heading = /^# (.*)$/m

class ModuleRouter extends KindRouter {
  /** @override @param {import("typedoc").RouterTarget} target */
  getPageKind(target) {
    const inline = ReflectionKind.Function | ReflectionKind.Variable | ReflectionKind.TypeAlias
    return "kindOf" in target && target.kindOf(inline) ? undefined : super.getPageKind(target)
  }
}

class ModuleTheme extends DefaultTheme {
  /** @override @param {import("typedoc").PageEvent<import("typedoc").Reflection>} page */
  getRenderContext(page) {
    const context = super.getRenderContext(page)
    const { moduleMemberSummary } = context
    context.moduleMemberSummary = (member) =>
      member.isReference() || this.router.hasOwnDocument(member) ? moduleMemberSummary(member) : context.member(member)
    return context
  }
}

/** @param {string} file */
const packageOf = (file) => {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    const manifest = ts.sys.readFile(join(directory, "package.json"))
    if (manifest !== undefined) return { directory, name: JSON.parse(manifest).name }
  }
}

/** The name that users import a module by. Once the packages are built, its file is the declarations of it. @param {string} file */
const importedAs = (file) => {
  const { directory, name } = packageOf(file)
  const { exports } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"))
  const source = `./src/${basename(file).replace(/(\.d)?\.ts$/, "")}.ts`
  const found = Object.entries(exports).find(([, target]) => target["effect-cassandra-source"] === source)
  return join(name, found?.[0] ?? "")
}

/** The comment at the top of a file, without its tags. @param {string} text */
const introduction = (text) => {
  const [, comment = ""] = /^\/\*\*(.*?)\*\//s.exec(text) ?? []
  const lines = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, ""))
  const tags = lines.findIndex((line) => line.startsWith("@"))
  return (tags < 0 ? lines : lines.slice(0, tags))
    .join("\n")
    .trim()
    .replace(/\{@link (\w+)\}/g, "`$1`")
}

/** @param {import("typedoc").Application} app */
export const load = (app) => {
  app.renderer.defineRouter("module", ModuleRouter)
  app.renderer.defineTheme("module", ModuleTheme)

  app.converter.on("createDocument", (_context, guide) => {
    const title = heading.exec(guide.content.map(({ text }) => text).join(""))?.[1]
    if (title !== undefined) guide.name = title
  })

  app.converter.on("createDeclaration", (context, reflection) => {
    if (!reflection.kindOf(ReflectionKind.SomeModule)) return
    const source = context.getSymbolFromReflection(reflection)?.declarations?.find(ts.isSourceFile)
    if (source === undefined) return
    if (reflection.kindOf(ReflectionKind.Module)) reflection.name = importedAs(source.fileName)
    const text = introduction(source.text)
    if (text !== "") reflection.comment ??= new Comment([{ kind: "text", text }])
  })

  // The page is called what the project is called: not twice.
  app.converter.on("resolveEnd", ({ project }) => {
    const first = project.readme?.[0]
    if (first?.kind === "text") first.text = first.text.replace(heading, "")
  })
}
