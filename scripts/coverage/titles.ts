/** The titles of the tests in a file, as the coverage table writes them. */
import ts from "typescript"

/** The text of a title: as it is written, with `…` for what a template fills in. */
const titleOf = (node: ts.Node | undefined): string | undefined => {
  if (node === undefined) return undefined
  if (ts.isStringLiteralLike(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join("")
}

/** The names that a call is made of: `it`, `effect`, `each` for `it.effect.each(cases)("…")`. */
const namesOf = (node: ts.Expression): ReadonlyArray<string> => {
  if (ts.isIdentifier(node)) return [node.text]
  if (ts.isPropertyAccessExpression(node)) return [...namesOf(node.expression), node.name.text]
  if (ts.isCallExpression(node)) return namesOf(node.expression)
  return []
}

const groups = ["describe", "layer", "suite"]
const skipped = ["skip", "todo", "skipIf", "runIf", "fails"]

/**
 * The tests of a file, each by its title and by its titles from the outermost group on, joined with ` > `. What is skipped,
 * or may be, is left out, and so is a title of which nothing is written down.
 */
export const titlesIn = (text: string): ReadonlySet<string> => {
  const titles = new Set<string>()
  const visit = (node: ts.Node, path: ReadonlyArray<string>): void => {
    if (!ts.isCallExpression(node)) return ts.forEachChild(node, (child) => visit(child, path))
    const names = namesOf(node.expression)
    const title = titleOf(node.arguments[0])
    if (names.some((name) => skipped.includes(name))) return
    const isGroup = title !== undefined && names.some((name) => groups.includes(name))
    if (title !== undefined && !isGroup && (names[0] === "it" || names[0] === "test") && /\p{L}/u.test(title)) {
      titles.add(title)
      titles.add([...path, title].join(" > "))
    }
    ts.forEachChild(node, (child) => visit(child, isGroup ? [...path, title] : path))
  }
  visit(ts.createSourceFile("test.ts", text, ts.ScriptTarget.Latest), [])
  return titles
}

/** An example by its name. `npm run examples` runs each of these, and no other file. */
export const isExample = (test: string): boolean => /^examples\/[a-z-]+\.ts$/.test(test)

/** Whether the header of an example says what it prints, which is what is checked when it runs. */
const saysWhatItPrints = (text: string): boolean =>
  text.startsWith("/**") && /\n \* Prints:\n \* +\S/.test(text.slice(0, text.indexOf("*/")))

/** A test as the table names it: its file, below `packages/cassandra/test` unless it says where, and its title. */
export const testOf = (test: string): { readonly file: string; readonly title: string } => {
  const [name = "", ...rest] = test.split(": ")
  const file = /^(packages|scripts|examples)\//.test(name) ? name : `packages/cassandra/test/${name}`
  return { file, title: rest.join(": ") }
}

/** Tells what is wrong with naming a test, reading each file once. */
export const testProblems = (read: (file: string) => string | undefined): ((test: string) => string | undefined) => {
  const files = new Map<string, ReadonlySet<string> | undefined>()
  return (test) => {
    if (isExample(test)) {
      const text = read(test)
      if (text === undefined) return `there is no example ${test}`
      return saysWhatItPrints(text) ? undefined : `${test} does not say what it prints`
    }
    const { file, title } = testOf(test)
    if (!/\.(it|test|tst)\.ts$/.test(file)) return `${file} is no file of tests`
    if (!files.has(file)) {
      const text = read(file)
      files.set(file, text === undefined ? undefined : titlesIn(text))
    }
    const titles = files.get(file)
    if (titles === undefined) return `there is no file ${file}`
    return titles.has(title) ? undefined : `there is no test "${title}" in ${file}`
  }
}
