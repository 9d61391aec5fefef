/** What a request does, in few words: the names that metrics and spans have for it. */

export type OperationKind = "read" | "write" | "batch" | "prepare" | "schema" | "other"

export interface Operation {
  /** In the order of {@link operations}: the series of a metric are found by it. */
  readonly index: number
  /** `SELECT`, `INSERT`, … The first word of the text, if it is one of few: anybody can send a text that begins with anything. */
  readonly name: string
  readonly kind: OperationKind
}

const kinds: Readonly<Record<string, OperationKind>> = {
  SELECT: "read",
  INSERT: "write",
  UPDATE: "write",
  DELETE: "write",
  TRUNCATE: "write",
  BATCH: "batch",
  PREPARE: "prepare",
  CREATE: "schema",
  ALTER: "schema",
  DROP: "schema",
  GRANT: "other",
  REVOKE: "other",
  LIST: "other",
  OTHER: "other"
}

const operations = new Map(
  Object.entries(kinds).map(([name, kind], index): [string, Operation] => [name, { index, name, kind }])
)

export const batch = operations.get("BATCH")!
const other = operations.get("OTHER")!

/** What a text without comments does. */
export const operationOf = (text: string): Operation => {
  const word = /^[a-z]*/i.exec(text)![0].toUpperCase()
  // A batch that is written as text.
  return word === "BEGIN" ? batch : (operations.get(word) ?? other)
}
