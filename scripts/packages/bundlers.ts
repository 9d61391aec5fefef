/** What the bundlers make of a program. A warning of theirs is a failure: users would see it, too. */
import type { Project } from "./tools.ts"

/** One way to bundle a file into another one. Gives the modules that are in it, with their sizes. */
export type Bundle = (entry: string, output: string) => Promise<ReadonlyMap<string, number>>

export type Format = "esm" | "cjs"

const complain = (warnings: ReadonlyArray<unknown>): void => {
  if (warnings.length > 0) throw new Error(warnings.map((warning) => JSON.stringify(warning)).join("\n"))
}

interface Esbuild {
  readonly build: (options: object) => Promise<{
    readonly warnings: ReadonlyArray<unknown>
    readonly metafile: {
      readonly outputs: {
        readonly [file: string]: { readonly inputs: { readonly [file: string]: { readonly bytesInOutput: number } } }
      }
    }
  }>
}

export const esbuild = async (tools: Project, format: Format, minify: boolean): Promise<Bundle> => {
  const { build } = (await tools.import("esbuild")) as Esbuild
  return async (entry, outfile) => {
    const options = { bundle: true, platform: "node", metafile: true, logLevel: "silent", format, minify }
    const { metafile, warnings } = await build({ ...options, entryPoints: [entry], outfile })
    complain(warnings)
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
    return new Map(inputs.map(([file, { bytesInOutput }]) => [file, bytesInOutput]))
  }
}

interface Rollup {
  readonly rollup: (options: object) => Promise<{
    readonly write: (options: object) => Promise<{
      readonly output: ReadonlyArray<{
        readonly modules: { readonly [file: string]: { readonly renderedLength: number } }
      }>
    }>
    readonly close: () => Promise<void>
  }>
}

export const rollup = async (tools: Project, format: Format): Promise<Bundle> => {
  const { rollup: open } = (await tools.import("rollup")) as Rollup
  const { nodeResolve } = (await tools.import("@rollup/plugin-node-resolve")) as {
    readonly nodeResolve: (options: object) => unknown
  }
  return async (input, file) => {
    const warnings: Array<unknown> = []
    const bundle = await open({
      input,
      plugins: [nodeResolve({ preferBuiltins: true })],
      onwarn: (warning: { readonly message: string; readonly id?: string }) => {
        // Others have circles and a `this` of their own.
        if (/effect-cassandra\/dist/.test(`${warning.message} ${warning.id}`)) warnings.push(warning.message)
      }
    })
    try {
      const { output } = await bundle.write({ file, format, inlineDynamicImports: true })
      complain(warnings)
      const modules = output.flatMap((chunk) => Object.entries(chunk.modules))
      return new Map(modules.map(([module, { renderedLength }]) => [module, renderedLength]))
    } finally {
      await bundle.close()
    }
  }
}

interface WebpackModule {
  readonly name: string
  readonly size: number
  readonly modules?: ReadonlyArray<WebpackModule>
}

type Webpack = (
  options: object,
  done: (
    error: Error | null,
    stats?: {
      readonly toJson: (options: object) => {
        readonly errors: ReadonlyArray<unknown>
        readonly warnings: ReadonlyArray<unknown>
        readonly modules: ReadonlyArray<WebpackModule>
      }
    }
  ) => void
) => void

export const webpack = async (tools: Project, format: Format, minimize: boolean): Promise<Bundle> => {
  const { default: build } = (await tools.import("webpack")) as { readonly default: Webpack }
  const asModule = {
    experiments: { outputModule: true },
    output: { library: { type: "module" }, chunkFormat: "module" }
  }
  const asCommonJs = { output: { library: { type: "commonjs2" } } }
  const { output: shape, ...rest } = format === "esm" ? { ...asModule } : { ...asCommonJs, experiments: {} }
  return (entry, file) =>
    new Promise((resolve, reject) => {
      const slash = file.lastIndexOf("/")
      const output = { ...shape, path: file.slice(0, slash), filename: file.slice(slash + 1) }
      build(
        { mode: "production", optimization: { minimize }, target: "node20", entry, output, ...rest },
        (error, stats) => {
          if (error !== null || stats === undefined) return reject(error ?? new Error("webpack gave no stats"))
          const json = stats.toJson({
            all: false,
            errors: true,
            warnings: true,
            modules: true,
            nestedModules: true,
            modulesSpace: Infinity,
            nestedModulesSpace: Infinity
          })
          try {
            complain([...json.errors, ...json.warnings])
          } catch (refused) {
            return reject(refused)
          }
          const leaves = ({ modules = [], name, size }: WebpackModule): ReadonlyArray<readonly [string, number]> =>
            modules.length > 0 ? modules.flatMap(leaves) : [[name, size]]
          resolve(new Map(json.modules.flatMap(leaves)))
        }
      )
    })
}
