/** Lets tests import the code blocks of Markdown files, as modules that stand beside the file. */
import { join } from "node:path"
import { blocksOf } from "../markdown.ts"
import { read, root } from "../sources.ts"

const pattern = /^(.*\.md)\.(\d+)\.ts$/

/** The module of a file's block. */
export const moduleOf = (file: string, block: number): string => join(root, `${file}.${block}.ts`)

/** A plugin of vite that knows those modules. */
export const blocks = {
  name: "markdown-blocks",
  resolveId: (id: string): string | undefined => (pattern.test(id) ? id : undefined),
  load: (id: string): string | undefined => {
    const [, file, block] = pattern.exec(id) ?? []
    return file === undefined ? undefined : blocksOf(read(file.slice(root.length + 1)))[Number(block)]?.code
  }
}
