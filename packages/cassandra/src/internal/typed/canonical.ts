/**
 * Values as a row would have them after they were written.
 *
 * There is more than one way to write a uuid, a time or an address, and a `float` rounds what it is given. What has the same bytes is the
 * same to the server, so a value is written and read again to be compared with those of rows. It keeps its form: a number that is bound to
 * a `bigint` stays a number.
 */
import * as BigDecimal from "effect/BigDecimal"
import type { CqlTypeTree } from "../cql/index.ts"
import { ByteWriter, type ColumnType, makeReader, makeWriter, Misfit, TypeCode } from "../protocol/index.ts"
import type { UserTypes } from "./schemaFit.ts"

type Change = (value: unknown) => unknown

const unchanged: Change = (value) => value

const writer = new ByteWriter()

const scalar = (name: string): Change => {
  const code = Object.hasOwn(TypeCode, name) ? TypeCode[name as keyof typeof TypeCode] : undefined
  if (code === undefined) return unchanged
  const type = { code, info: null } as unknown as ColumnType
  const write = makeWriter(type)
  const read = makeReader(type)
  return (value) => {
    writer.pos = writer.start
    try {
      write(writer, value)
    } catch (error) {
      // It will be refused when it is bound.
      if (error instanceof Misfit) return value
      throw error
    }
    // Behind the length.
    const from = writer.start + 4
    return inFormOf(value, read(Buffer.from(writer.buf.subarray(from, writer.pos)), 0, writer.pos - from))
  }
}

const inFormOf = (value: unknown, read: unknown): unknown => {
  if (typeof value === "number" && typeof read === "bigint") return Number(read)
  if (typeof value === "number" && read instanceof Date) return read.getTime()
  if (typeof value !== typeof read || read === null) return value
  const isForm = (is: (one: unknown) => boolean): boolean => is(value) === is(read)
  return isForm((one) => one instanceof Date) && isForm(BigDecimal.isBigDecimal) ? read : value
}

const nullable =
  (change: Change): Change =>
  (value) =>
    value === null || value === undefined ? value : change(value)

const elements = (change: Change): Change => {
  return (value) => {
    if (Array.isArray(value)) return value.map(change)
    return value instanceof Set ? new Set(Array.from(value, change)) : value
  }
}

const entries =
  (key: Change, item: Change): Change =>
  (value) =>
    value instanceof Map ? new Map(Array.from(value, ([k, v]) => [key(k), item(v)])) : value

const fields =
  (changes: ReadonlyMap<string, Change>): Change =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, changes.get(name)?.(one) ?? one]))
  }

/** What makes the values of a type canonical. */
export const canonicalOf = (type: CqlTypeTree, types: UserTypes): Change => {
  const { name, parameters } = type
  const [first = unchanged, second = unchanged] = parameters.map((parameter) => canonicalOf(parameter, types))
  switch (name) {
    case "list":
    case "set":
    case "vector":
      return nullable(elements(first))
    case "map":
      return nullable(entries(first, second))
    case "tuple": {
      const changes = parameters.map((parameter) => canonicalOf(parameter, types))
      return nullable((value) =>
        Array.isArray(value) ? value.map((one: unknown, i) => (changes[i] ?? unchanged)(one)) : value
      )
    }
    default: {
      const user = types(name)
      return nullable(
        user === undefined
          ? scalar(name)
          : fields(new Map(user.map((field) => [field.name, canonicalOf(field.type, types)])))
      )
    }
  }
}
