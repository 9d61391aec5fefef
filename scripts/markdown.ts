/** The code blocks of a Markdown text. */

export interface Block {
  /** The code, on the lines it stands on: an error is reported where it is. */
  readonly code: string
  /** Whether it is marked `ts run`: a module that exports `program`, to be executed by the tests. */
  readonly run: boolean
  /** What it prints: the text of a block marked `text` that follows immediately. */
  readonly output: string | undefined
}

/** Each block marked `ts`, or `ts run`; `clean` blanks out what is no part of the documentation. */
export const blocksOf = (text: string, clean: (line: string) => string = (line) => line): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  const lines = text.split("\n").map(clean)
  const end = (from: number): number => {
    const at = lines.findIndex((line, i) => i >= from && /^\s*```\s*$/.test(line))
    return at < 0 ? lines.length : at
  }
  for (let i = 0; i < lines.length; i++) {
    const fence = /^\s*```(\w*)( run)?\s*$/.exec(lines[i] as string)
    if (fence === null) continue
    const close = end(i + 1)
    if (fence[1] === "ts") {
      const code = "\n".repeat(i + 1) + lines.slice(i + 1, close).join("\n")
      blocks.push({ code, run: fence[2] !== undefined, output: outputAfter(lines, close + 1, end) })
    }
    i = close
  }
  return blocks
}

const outputAfter = (lines: ReadonlyArray<string>, from: number, end: (from: number) => number): string | undefined => {
  const next = lines.findIndex((line, i) => i >= from && line.trim() !== "")
  return next >= 0 && /^\s*```text\s*$/.test(lines[next] as string)
    ? lines.slice(next + 1, end(next + 1)).join("\n")
    : undefined
}

/** Replaces what stands between the two comments that a script has its part of a text marked with. */
export const replacePart = (text: string, name: string, part: string): string => {
  const [start, end] = [`<!-- ${name}: written by scripts/${name}.ts -->`, `<!-- end of ${name} -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`There is no part between ${start} and ${end}`)
  return `${text.slice(0, from + start.length)}\n\n${part.trim()}\n\n${text.slice(to)}`
}

/** What links can lead to within a text: its headings, as GitHub names them, and anchors of its own. */
export const anchorsIn = (text: string): ReadonlySet<string> =>
  new Set([
    ...Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
      heading
        .replace(/<[^>]*>/g, "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-")
    ),
    ...Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = ""]) => id)
  ])
