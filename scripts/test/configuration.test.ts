import { assert, describe, it } from "vitest"
import { optionTables, splitDefault } from "../configuration/options.ts"
import { blocksOf, replacePart } from "../markdown.ts"

const source = `
  /** How to cook. */
  export interface PotOptions extends Heat {
    /** What goes in | out. Default \`"1.5 l"\`; 0 for none. Stir. */
    readonly content?: Duration.DurationInput | undefined
    readonly lid?: LidOptions | boolean | undefined
    readonly cook?: Cook | undefined
  }
  export interface LidOptions { readonly closed?: boolean | undefined }
  export interface Heat { readonly degrees?: number }
  export interface Cook { readonly stir: () => void }
`

describe("the tables of options", () => {
  const tables = optionTables([source], ["PotOptions", "Heat"])

  it("have each option with its type, default and meaning", () => {
    assert.include(tables, '| `content` | `DurationInput` | `"1.5 l"`; 0 for none | What goes in \\| out. Stir. |')
    assert.include(tables, "### PotOptions\n\nHow to cook.")
    assert.include(tables, "And the options of [Heat](#heat).")
  })

  it("follow to the options that an option refers to, and not to what can be called", () => {
    assert.include(tables, "### LidOptions")
    assert.include(tables, "| `lid` | `LidOptions \\| boolean` |")
    assert.notInclude(tables, "### Cook")
  })

  it("are of types that exist", () => {
    assert.throws(() => optionTables([source], ["PanOptions"]), /no options PanOptions/)
  })

  it("find the default in a comment", () => {
    assert.deepStrictEqual(splitDefault("How long. Default: that of 1.5 seconds, when idle. More."), {
      default: "that of 1.5 seconds, when idle",
      meaning: "How long. More."
    })
    assert.deepStrictEqual(splitDefault("True is TLS with the defaults."), {
      default: "",
      meaning: "True is TLS with the defaults."
    })
  })
})

describe("Markdown", () => {
  it("has blocks, at their lines, with what those that run print", () => {
    const blocks = blocksOf("a\n```ts run\nb\n```\n\n```text\nc\nd\n```\n```sh\n```ts\n```\n```ts\ne\n```\n")
    assert.deepStrictEqual(blocks, [
      { code: "\n\nb", run: true, output: "c\nd" },
      { code: `${"\n".repeat(13)}e`, run: false, output: undefined }
    ])
  })

  it("has parts that scripts write, and nothing else of it is touched", () => {
    const text = "a\n<!-- x: written by scripts/x.ts -->\nold\n<!-- end of x -->\nb\n"
    const once = replacePart(text, "x", "new")
    assert.strictEqual(once, "a\n<!-- x: written by scripts/x.ts -->\n\nnew\n\n<!-- end of x -->\nb\n")
    assert.strictEqual(replacePart(once, "x", "new"), once)
    assert.throws(() => replacePart("a", "x", "new"), /There is no part/)
  })
})
