/** Options that nobody knows: refused wherever options are taken, with the name that was probably meant. */
import { ConfigurationError } from "../../CassandraError.ts"

/** The names of a kind of options; made with {@link namesOf}, so that the type keeps it complete. */
export type OptionNames = ReadonlySet<string>

/** Every option of `A` by its name. A name that is missing, or one too many, does not compile. */
export const namesOf = <A extends object>(names: { readonly [K in keyof Required<A>]: true }): OptionNames =>
  new Set(Object.keys(names))

/** How many characters differ: inserted, left out, replaced, or swapped with their neighbour. */
const distance = (a: string, b: string): number => {
  const rows: Array<Array<number>> = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(Math.min(row[j - 1]! + 1, rows[i - 1]![j]! + 1, replaced, swapped ? rows[i - 2]![j - 2]! + 1 : Infinity))
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, "")

/** The name that is nearest to one that is not known, if any is near: what a slip of the hand or another spelling makes of it. */
export const nearest = (name: string, names: OptionNames): string | undefined => {
  const wanted = plain(name.slice(0, 64))
  let found: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const candidate of names) {
    const known = plain(candidate)
    // `timeoutMs` for `timeout`: the name and something that is not needed.
    const within = wanted.length >= 4 && known.length >= 4 && (wanted.startsWith(known) || known.startsWith(wanted))
    const far = Math.min(distance(wanted, known), within ? 1.5 : Infinity)
    if (far < least) {
      found = candidate
      least = far
    }
  }
  return found
}

const most = 12

/** What there is to choose from, where that is little enough to be read. */
const choice = (names: OptionNames): string =>
  names.size === 0 ? "; there are none" : names.size <= most ? `; there are ${[...names].join(", ")}` : ""

/**
 * The error for the first option that is not known; undefined when all are. `path` leads to the options: `tls`, or nothing for
 * those of the function itself. Options that another kind has are told of with `elsewhere`.
 */
export const unknownOption = (
  path: string,
  options: object,
  names: OptionNames,
  elsewhere: Readonly<Record<string, string>> = {}
): ConfigurationError | undefined => {
  for (const name in options) {
    if (names.has(name)) continue
    const at = (known: string) => (path === "" ? known : `${path}.${known}`)
    const known = nearest(name, names)
    const hint = Object.hasOwn(elsewhere, name)
      ? `; ${elsewhere[name]}`
      : known === undefined
        ? choice(names)
        : `; did you mean "${at(known)}"?`
    // A name may be anything, and long: not more of it than can be read.
    const shown = at(name.length > 64 ? `${name.slice(0, 64)}…` : name)
    return new ConfigurationError({ option: shown, message: `no option "${shown}"${hint}` })
  }
  return undefined
}

/** Throws a `ConfigurationError` for an option that is not known. */
export const refuseUnknown = (
  path: string,
  options: object,
  names: OptionNames,
  elsewhere?: Readonly<Record<string, string>>
): void => {
  const error = unknownOption(path, options, names, elsewhere)
  if (error !== undefined) throw error
}
