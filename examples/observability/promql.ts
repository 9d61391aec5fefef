/** What a query in PromQL asks for: enough of the language to find the names in it. */

export interface Matcher {
  readonly label: string
  readonly operator: "=" | "!=" | "=~" | "!~"
  readonly value: string
}

export interface Selector {
  readonly name: string
  readonly matchers: ReadonlyArray<Matcher>
}

export interface Asked {
  readonly selectors: ReadonlyArray<Selector>
  /** Labels that results are grouped or matched by. */
  readonly groupedBy: ReadonlyArray<string>
}

const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const ranges = /\[[^\]]*\]/g
const words = new Set(["and", "or", "unless", "bool", "offset", "Inf", "NaN"])
/** A name, with what follows it: matchers in braces, or a parenthesis if it is a function. */
const named = /([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g
const matcher = /(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g

const matchersOf = (braces: string): ReadonlyArray<Matcher> =>
  [...braces.matchAll(matcher)].map(([, label, operator, value]) => ({
    label: label!,
    operator: operator as Matcher["operator"],
    value: value!
  }))

export const askedBy = (query: string): Asked => {
  const groupedBy = [...query.matchAll(grouping)].flatMap(([, labels]) => labels!.split(",").map((one) => one.trim()))
  const rest = query.replace(grouping, " ").replace(ranges, " ")
  const selectors = [...rest.matchAll(named)].flatMap(([, name, after]) =>
    after === "(" || words.has(name!) ? [] : [{ name: name!, matchers: matchersOf(after ?? "") }]
  )
  return { selectors, groupedBy: groupedBy.filter((one) => one !== "") }
}

/** Whether a series is one that is asked for. A label that it does not have is empty. */
export const isSelected = (
  { matchers, name }: Selector,
  series: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
): boolean =>
  series.name === name &&
  matchers.every(({ label, operator, value }) => {
    const actual = series.labels[label] ?? ""
    const found = operator.endsWith("~") ? new RegExp(`^(?:${value})$`).test(actual) : actual === value
    return operator.startsWith("!") ? !found : found
  })
