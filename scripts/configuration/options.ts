/** Tables of options, from the interfaces that declare them. */
import ts from "typescript"

interface Option {
  readonly name: string
  readonly type: string
  readonly default: string
  readonly meaning: string
}

interface Section {
  readonly name: string
  readonly about: string
  /** Types whose options it has too. */
  readonly also: ReadonlyArray<string>
  readonly options: ReadonlyArray<Option>
}

type Declaration = ts.InterfaceDeclaration | ts.TypeAliasDeclaration

const commentOf = (node: ts.Node): string =>
  ts
    .getJSDocCommentsAndTags(node)
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
    .join(" ")
    .replace(/\s+/g, " ")
    .trim()

/** `Default 5 seconds; 0 for never.` and `Default: that of …, when ….` are the default; the rest is the meaning. */
export const splitDefault = (comment: string): { readonly default: string; readonly meaning: string } => {
  const match = /\bDefaults? *(?:is |to |: )?((?:`[^`]*`|\d\.\d|[^.])+)\.(?=\s|$)/.exec(comment)
  if (match === null) return { default: "", meaning: comment }
  const meaning = (comment.slice(0, match.index) + comment.slice(match.index + match[0].length)).replace(/\s+/g, " ")
  return { default: (match[1] as string).trim(), meaning: meaning.trim() }
}

/** A type as users write it: without `undefined`, and without the namespaces of Effect's modules. */
const typeText = (type: ts.TypeNode | undefined, source: ts.SourceFile): string =>
  (type?.getText(source) ?? "")
    .replace(/\s*\|\s*undefined\b/g, "")
    .replace(/\b[A-Z]\w*_?\.(?=[A-Z])/g, "")
    .replace(/\s+/g, " ")
    .replace(/^\| /, "")

const refersTo = (node: ts.Node): ReadonlyArray<string> => {
  const names: Array<string> = []
  const visit = (child: ts.Node): void => {
    if (ts.isIdentifier(child)) names.push(child.text)
    ts.forEachChild(child, visit)
  }
  visit(node)
  return names
}

/** A record of options: properties, each with a name, and nothing to call. */
const isRecord = (node: Declaration | undefined): node is ts.InterfaceDeclaration =>
  node !== undefined &&
  ts.isInterfaceDeclaration(node) &&
  node.members.every(
    (member) =>
      ts.isPropertySignature(member) &&
      ts.isIdentifier(member.name) &&
      (member.type === undefined || !ts.isFunctionTypeNode(member.type))
  )

const membersOf = (node: Declaration): ReadonlyArray<ts.PropertySignature> =>
  ts.isInterfaceDeclaration(node) ? node.members.filter(ts.isPropertySignature) : []

const parentsOf = (node: Declaration, source: ts.SourceFile): ReadonlyArray<string> =>
  ts.isInterfaceDeclaration(node)
    ? (node.heritageClauses ?? []).flatMap(({ types }) => types.map((type) => type.getText(source)))
    : [node.type.getText(source)]

const section = (name: string, node: Declaration, source: ts.SourceFile): Section => ({
  name,
  about: commentOf(node),
  also: parentsOf(node, source),
  options: membersOf(node).map((member) => ({
    name: member.name.getText(source),
    type: typeText(member.type, source),
    ...splitDefault(commentOf(member))
  }))
})

const sectionsOf = (sources: ReadonlyArray<string>, starts: ReadonlyArray<string>): ReadonlyArray<Section> => {
  const declared = new Map<string, readonly [Declaration, ts.SourceFile]>()
  for (const text of sources) {
    const source = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true)
    for (const node of source.statements) {
      if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
        declared.set(node.name.text, [node, source])
    }
  }
  const sections = new Map<string, Section>()
  const add = (name: string): void => {
    const [node, source] = declared.get(name) ?? []
    if (node === undefined || source === undefined) throw new Error(`There are no options ${name}`)
    if (sections.has(name)) return
    sections.set(name, section(name, node, source))
    for (const reference of new Set(
      membersOf(node).flatMap(({ type }) => (type === undefined ? [] : refersTo(type)))
    )) {
      const target = declared.get(reference)?.[0]
      if (isRecord(target) && (target.members.length > 0 || target.heritageClauses !== undefined)) add(reference)
    }
  }
  starts.forEach(add)
  return [...sections.values()]
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

const code = (text: string): string => (text === "" ? "" : `\`${cell(text)}\``)

const tableOf = ({ about, also, name, options }: Section, known: ReadonlySet<string>): string => {
  const parents = also.map((parent) => (known.has(parent) ? `[${parent}](#${parent.toLowerCase()})` : code(parent)))
  return [
    `### ${name}`,
    ...(about === "" ? [] : [about]),
    ...(options.length === 0
      ? []
      : [
          [
            "| option | type | default | meaning |",
            "| --- | --- | --- | --- |",
            ...options.map(
              (option) =>
                `| \`${option.name}\` | ${code(option.type)} | ${cell(option.default)} | ${cell(option.meaning)} |`
            )
          ].join("\n")
        ]),
    ...(parents.length === 0
      ? []
      : [`${options.length === 0 ? "The" : "And the"} options of ${parents.join(" and ")}.`])
  ].join("\n\n")
}

/** The tables of some types of options, and of those that their options refer to. */
export const optionTables = (sources: ReadonlyArray<string>, starts: ReadonlyArray<string>): string => {
  const sections = sectionsOf(sources, starts)
  const known = new Set(sections.map(({ name }) => name))
  return [
    "<!-- prettier-ignore-start -->",
    ...sections.map((it) => tableOf(it, known)),
    "<!-- prettier-ignore-end -->"
  ].join("\n\n")
}
