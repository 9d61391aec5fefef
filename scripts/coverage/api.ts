/** The names of a package's public API, as the coverage table writes them. */
import ts from "typescript"

const isModule = (symbol: ts.Symbol): boolean => (symbol.flags & ts.SymbolFlags.ValueModule) !== 0

/**
 * Tells whether there is an API of a name:
 *
 * - `cql`, `Cluster`: an export of the package;
 * - `Cluster.make`: an export of a module;
 * - `Session#stream`, `Cluster#hosts`: a member of the type that a module is named after;
 * - `ClusterOptions.port`, `UnavailableError#alive`, `cql.id`: a member of a type that some module exports, or of a value.
 */
export const publicApi = (program: ts.Program, entryPoint: string): ((name: string) => boolean) => {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(entryPoint)
  const entry = source === undefined ? undefined : checker.getSymbolAtLocation(source)
  if (entry === undefined) throw new Error(`${entryPoint} is no module`)

  const exportsOf = (module: ts.Symbol): ReadonlyMap<string, ts.Symbol> =>
    new Map(
      checker
        .getExportsOfModule(module)
        .map((symbol) => [symbol.name, symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol])
    )

  const top = exportsOf(entry)
  const modules = new Map([...top].filter(([, symbol]) => isModule(symbol)).map(([name, it]) => [name, exportsOf(it)]))
  const types = new Map([...modules.values()].flatMap((exports) => [...exports]))

  const hasMember = (symbol: ts.Symbol | undefined, name: string): boolean => {
    if (symbol === undefined) return false
    const kinds: Array<ts.Type> = []
    if (symbol.flags & ts.SymbolFlags.Type) kinds.push(checker.getDeclaredTypeOfSymbol(symbol))
    if (symbol.flags & ts.SymbolFlags.Value) kinds.push(checker.getTypeOfSymbol(symbol))
    return kinds.some((type) => checker.getPropertyOfType(type, name) !== undefined)
  }

  return (name) => {
    const match = /^(\w+)(?:([.#])(\w+))?$/.exec(name)
    if (match === null) return false
    const [, owner, separator, member] = match as unknown as readonly [string, string, string?, string?]
    if (member === undefined) return top.has(owner)
    const module = modules.get(owner)
    if (separator === "." && module !== undefined) return module.has(member)
    return hasMember(module?.get(owner) ?? top.get(owner) ?? types.get(owner), member)
  }
}
