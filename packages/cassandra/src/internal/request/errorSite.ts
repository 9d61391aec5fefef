/** Which statement an error is about: put on it when a request fails, and at no cost to one that succeeds. */
import type { CassandraError } from "../../CassandraError.ts"
import { tableOf, withoutValues } from "../cql/index.ts"

/** What is known of the request that failed. */
export interface Site {
  readonly query: string | undefined
  /** The keyspace of the tables that the text names without one. */
  readonly keyspace: string | undefined
  /** The members of a batch. */
  readonly members?: ReadonlyArray<{ readonly query: string }> | undefined
}

/** The fields of an error that tell of its statement. */
export interface Located {
  readonly query?: string | undefined
  readonly keyspace?: string | undefined
  readonly table?: string | undefined
}

/** A longer text is cut: an error is no place for more. */
const longest = 1024

const passwords = /(\bpassword\s*=\s*)(?:'(?:[^']|'')*(?:'|$)|\$\$[\s\S]*?(?:\$\$|$))/gi

/** The text as an error has it: without the passwords that may stand in it, and not too long. */
const shownText = (query: string): string => {
  // What is cut off needs no looking through; a password that begins before the end is looked for to its own end.
  const text = (query.length > 2 * longest ? query.slice(0, 2 * longest) : query).replace(passwords, "$1'…'")
  return text.length > longest || query.length > 2 * longest ? `${text.slice(0, longest)}…` : text
}

/** The text of a batch, from those of its members: each once. */
export const batchText = (type: string, members: ReadonlyArray<{ readonly query: string }>): string => {
  const texts = new Set<string>()
  let length = 0
  for (const { query } of members) {
    if (length > longest) break
    if (!texts.has(query)) length += query.length
    texts.add(query)
  }
  return `BEGIN ${type === "LOGGED" ? "" : `${type} `}BATCH ${[...texts].join("; ")}; APPLY BATCH`
}

const name = String.raw`(?:"(?:[^"]|"")*"|\w+)`
const parts = new RegExp(`^(?:(${name})\\.)?(${name})$`)
const definition = new RegExp(
  String.raw`^(?:create|alter|drop)\s+(?:table|columnfamily)\s+(?:if\s+(?:not\s+)?exists\s+)?((?:${name}\.)?${name})`,
  "i"
)

const unquoted = (identifier: string): string =>
  identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier.toLowerCase()

interface Target {
  readonly keyspace: string | undefined
  readonly table: string
}

const readTarget = (query: string): Target | undefined => {
  const text = withoutValues(query)
  const found = parts.exec(tableOf(text) ?? definition.exec(text)?.[1] ?? "")
  const [, keyspace, table] = found ?? []
  return table === undefined
    ? undefined
    : { keyspace: keyspace === undefined ? undefined : unquoted(keyspace), table: unquoted(table) }
}

/** What was asked for last: where one request fails, many of the same text do. */
let last: { readonly query: string; readonly target: Target | undefined } = { query: "", target: undefined }

const tableIn = (query: string): Target | undefined => {
  if (query !== last.query) last = { query, target: readTarget(query) }
  return last.target
}

/** The tables of a batch are looked for in so many of its texts: with more of them it has no table. */
const mostTexts = 16

const only = <A>(all: ReadonlyArray<A>): A | undefined => (new Set(all).size === 1 ? all[0] : undefined)

/** The one keyspace and table of all texts, as far as there is one. */
const targetOf = (texts: ReadonlySet<string>, keyspace: string | undefined): Located => {
  if (texts.size > mostTexts) return { keyspace }
  const found = [...texts].map(tableIn)
  return { keyspace: only(found.map((one) => one?.keyspace ?? keyspace)), table: only(found.map((one) => one?.table)) }
}

/** What can be said of a request in an error about it; `atFault` is the text that is, where that is known. */
export const siteOf = ({ keyspace: given, members, query }: Site, atFault?: string): Located => {
  // It may be what was refused.
  const keyspace = typeof given === "string" ? given : undefined
  const text = atFault ?? query
  if (text === undefined) return { keyspace }
  const texts = atFault === undefined && members !== undefined ? members.map((one) => one.query) : [text]
  return { query: shownText(text), ...targetOf(new Set(texts), keyspace) }
}

/** The lines that tell of the statement, for what prints an error. */
export const detailsOf = ({ keyspace, query, table }: Located): string => {
  const of = table === undefined ? keyspace : keyspace === undefined ? table : `${keyspace}.${table}`
  const first = query === undefined ? "" : `\n    query: ${query.replace(/\s+/g, " ")}`
  return of === undefined ? first : `${first}\n    ${table === undefined ? "keyspace" : "table"}: ${of}`
}

const define = (error: object, field: string, value: unknown, enumerable: boolean): void => {
  if (value === undefined) return
  Object.defineProperty(error, field, { value, enumerable, configurable: true, writable: true })
}

/** The text of the request that an error was located in. */
const requests = new WeakMap<object, string | undefined>()

/** An error that other requests fail with too tells each of them of its own statement. */
const copyOf = <E extends object>(error: E): E =>
  Object.create(Object.getPrototypeOf(error) as object, Object.getOwnPropertyDescriptors(error)) as E

/** What the server names is what it is about: a keyspace that exists already has no table, whatever the text says. */
const put = (error: Located, facts: Located, enumerable: boolean): void => {
  define(error, "query", facts.query, enumerable)
  if (!Object.hasOwn(error, "keyspace")) define(error, "keyspace", facts.keyspace, enumerable)
  if (!Object.hasOwn(error, "table")) define(error, "table", facts.table, enumerable)
}

const framesOf = (error: Error): ReadonlyArray<string> =>
  (error.stack ?? "").split("\n").filter((line) => line.startsWith("    at "))

/** The stack that tells of the statement as well. */
const renewStack = (error: CassandraError): void => {
  const lines = [`${error.name}: ${error.message}${detailsOf(error)}`, ...framesOf(error)]
  define(error, "stack", lines.join("\n"), false)
}

/** An error of a request of our own, made for a session in the keyspace: the caller knows of no statement. */
export const concerning = <E extends CassandraError>(given: E, keyspace: string): E => {
  const error: E & { query?: unknown; table?: unknown } = copyOf(given)
  delete error.query
  delete error.table
  if (!Object.hasOwn(error, "keyspace")) define(error, "keyspace", keyspace, true)
  renewStack(error)
  if (error._tag === "NoHostAvailableError") {
    const inner = [...error.errors].map(([host, one]) => [host, concerning(one, keyspace)] as const)
    define(error, "errors", new Map(inner), true)
  }
  return error
}

/** Says of an error which statement it is about. What prints it shows that, below the message. */
export const locate = <E extends CassandraError>(given: E, site: Site): E => {
  const shared = requests.has(given)
  if (shared && requests.get(given) === site.query) return given
  const error: E & Located = shared ? copyOf(given) : given
  requests.set(error, site.query)
  // The member of a batch that is at fault says more than the batch.
  const facts = siteOf(site, shared ? undefined : error.query)
  put(error, facts, true)
  renewStack(error)
  // Those of the hosts are about the same statement; their text is not printed again.
  if (error._tag === "NoHostAvailableError") for (const inner of error.errors.values()) put(inner, facts, false)
  return error
}
