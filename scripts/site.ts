/**
 * `npm run docs:site`: the guides, and the reference made of the doc comments, as a static site in `site/`, by TypeDoc. It fails for a
 * link that leads nowhere: to a page that is not there, or to an anchor that its page does not have.
 */
import { existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import ts from "typescript"
import { main, run } from "./run.ts"
import { glob, read, root } from "./sources.ts"

const site = join(root, "site")

/** The anchors of a page, and where its links lead. */
interface Page {
  readonly anchors: ReadonlySet<string>
  readonly links: ReadonlyArray<string>
}

const unescape = (text: string): string => decodeURIComponent(text.replaceAll("&amp;", "&"))

const pageOf = (file: string): Page => {
  const html = readFileSync(file, "utf8")
  const all = (pattern: RegExp) => Array.from(html.matchAll(pattern), ([, value = ""]) => unescape(value))
  return { anchors: new Set(all(/\sid="([^"]*)"/g)), links: all(/\s(?:href|src)="([^"]*)"/g) }
}

const deadLinks = (): ReadonlyArray<string> => {
  const files = ts.sys.readDirectory(site, [".html"]).map((file) => resolve(file))
  const pages = new Map(files.map((file) => [file, pageOf(file)]))
  const dead: Array<string> = []
  let links = 0
  for (const [file, page] of pages) {
    for (const link of page.links) {
      // Other sites are not asked: whether they are there today says nothing about tomorrow.
      if (/^\w+:/.test(link)) continue
      links++
      const [path = "", anchor = ""] = link.split("#")
      const target = path === "" ? file : resolve(dirname(file), path)
      const there = existsSync(target) && statSync(target).isFile()
      const anchors = pages.get(target)?.anchors
      if (there && (anchor === "" || anchors === undefined || anchors.has(anchor))) continue
      dead.push(`${relative(root, file)}: ${link}`)
    }
  }
  console.log(`${pages.size} pages, ${links} links, ${dead.length} that lead nowhere`)
  return dead
}

/** The guides in the order in which docs/README.md lists them; each has to be there. */
const guides = (): ReadonlyArray<string> => {
  const overview = "docs/README.md"
  const listed = Array.from(read(overview).matchAll(/\]\(([\w-]+\.md)\)/g), ([, name = ""]) => `docs/${name}`)
  const forgotten = glob(["docs/*.md"]).filter((file) => file !== overview && !listed.includes(file))
  if (forgotten.length > 0) throw new Error(`${overview} does not list ${forgotten.join(" and ")}`)
  return [overview, ...new Set(listed)]
}

await main(async () => {
  rmSync(site, { recursive: true, force: true })
  const documents = guides().flatMap((file) => ["--projectDocuments", file])
  if (!(await run("typedoc", documents, { cwd: root })).ok) return false
  const dead = deadLinks()
  for (const link of dead) console.error(link)
  return dead.length === 0
})
