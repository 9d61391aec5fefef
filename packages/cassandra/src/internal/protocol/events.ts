import type { Cursor } from "./columns.ts"
import { readInet } from "./decodeText.ts"

/** The events that a server sends to who registered for them. */

/** A change of the schema. `name` is that of the table, type, function or aggregate; a change of a keyspace has none. */
export interface SchemaChange {
  readonly change: "CREATED" | "UPDATED" | "DROPPED"
  readonly target: "KEYSPACE" | "TABLE" | "TYPE" | "FUNCTION" | "AGGREGATE"
  readonly keyspace: string
  readonly name: string | undefined
  /** The CQL types of the arguments of a function or an aggregate. */
  readonly argumentTypes: ReadonlyArray<string>
}

/** An EVENT. The address is that which the node gives to clients. */
export type ServerEvent =
  | {
      readonly type: "TOPOLOGY_CHANGE"
      readonly change: "NEW_NODE" | "REMOVED_NODE" | "MOVED_NODE"
      readonly address: string
      readonly port: number
    }
  | { readonly type: "STATUS_CHANGE"; readonly change: "UP" | "DOWN"; readonly address: string; readonly port: number }
  | { readonly type: "SCHEMA_CHANGE"; readonly schema: SchemaChange }

const none: ReadonlyArray<string> = []

/** Reads a change of the schema; undefined for a kind of change, or of target, that nobody knows. */
export const readSchemaChange = (c: Cursor): SchemaChange | undefined => {
  const change = c.string()
  if (change !== "CREATED" && change !== "UPDATED" && change !== "DROPPED") return undefined
  const target = c.string()
  switch (target) {
    case "KEYSPACE":
      return { change, target, keyspace: c.string(), name: undefined, argumentTypes: none }
    case "TABLE":
    case "TYPE":
      return { change, target, keyspace: c.string(), name: c.string(), argumentTypes: none }
    case "FUNCTION":
    case "AGGREGATE":
      return { change, target, keyspace: c.string(), name: c.string(), argumentTypes: c.list(() => c.string()) }
    default:
      return undefined
  }
}

/** `[inet]`: the length of the address, the address, and a port. */
const readEndpoint = (c: Cursor): { readonly address: string; readonly port: number } => {
  const bytes = c.fixed(c.byte())
  return { address: readInet(bytes, 0, bytes.length), port: c.int() }
}

/** Reads the body of an EVENT; undefined for one that nobody knows. */
export const readEvent = (c: Cursor): ServerEvent | undefined => {
  const type = c.string()
  switch (type) {
    case "TOPOLOGY_CHANGE": {
      const change = c.string()
      return change === "NEW_NODE" || change === "REMOVED_NODE" || change === "MOVED_NODE"
        ? { type, change, ...readEndpoint(c) }
        : undefined
    }
    case "STATUS_CHANGE": {
      const change = c.string()
      return change === "UP" || change === "DOWN" ? { type, change, ...readEndpoint(c) } : undefined
    }
    case "SCHEMA_CHANGE": {
      const schema = readSchemaChange(c)
      return schema === undefined ? undefined : { type, schema }
    }
    default:
      return undefined
  }
}
