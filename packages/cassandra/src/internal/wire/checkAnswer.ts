import { Cursor, skipColumns } from "./columns.ts"
import { WireError } from "./errors.ts"
import { DIALECT, Opcode, ResultKind } from "./protocol.ts"

/**
 * Goes over the body of an answer before the driver's reader does, which allocates what it is told to, takes an address for
 * whatever is left of it, and fails with errors of the language. Throws a `WireError` where the body does not hold what it says.
 */

/** More rows than any table about the cluster itself has: those are not asked for in pages. */
export const MAX_UNPAGED_ROWS = 1_000_000

const malformed = (message: string): WireError => new WireError("Malformed", message)

const skipStrings = (c: Cursor): void => {
  const n = c.short()
  for (let i = 0; i < n; i++) c.skipString()
}

/** Tracing id, warnings and custom payload. */
const skipFlagged = (c: Cursor, flags: number): void => {
  if ((flags & 0x02) !== 0) c.skip(16)
  if ((flags & 0x08) !== 0) skipStrings(c)
  if ((flags & 0x04) === 0) return
  const n = c.short()
  for (let i = 0; i < n; i++) {
    c.skipString()
    c.skipBytes()
  }
}

const skipAddress = (c: Cursor): void => {
  const length = c.byte()
  if (length !== 4 && length !== 16) throw malformed(`an inet of ${length} bytes`)
  c.skip(length)
}

/** How many replicas failed; under v5 each with its address and the reason. */
const skipFailures = (c: Cursor, version: number): void => {
  const n = c.int()
  if (version !== DIALECT) return
  if (n < 0 || n * 7 > c.left) throw malformed(`the reasons of ${n} failures in ${c.left} bytes`)
  for (let i = 0; i < n; i++) {
    skipAddress(c)
    c.skip(2)
  }
}

/** Goes over the body of an ERROR, whose fields depend on its code. Fields that a newer server adds at the end are left. */
export const checkError = (c: Cursor, version: number): void => {
  const code = c.int()
  c.skipString()
  switch (code) {
    case 0x1000:
      return c.skip(10)
    case 0x1100:
      c.skip(10)
      c.skipString()
      if (c.left === 1) throw malformed("the number of contentions is cut")
      return
    case 0x1200:
      return c.skip(11)
    case 0x1300:
      c.skip(10)
      skipFailures(c, version)
      return c.skip(1)
    case 0x1400:
      c.skipString()
      c.skipString()
      return skipStrings(c)
    case 0x1500:
      c.skip(10)
      skipFailures(c, version)
      return c.skipString()
    case 0x1700:
      return c.skip(10)
    case 0x2400:
      c.skipString()
      return c.skipString()
    case 0x2500:
      return c.skip(c.short())
  }
}

export const checkSchemaChange = (c: Cursor): void => {
  c.skipString()
  const target = c.string()
  c.skipString()
  const ofFunction = target === "FUNCTION" || target === "AGGREGATE"
  if (ofFunction || target === "TABLE" || target === "TYPE") c.skipString()
  if (ofFunction) skipStrings(c)
}

/** Rows cost at least four bytes a column: what is announced and cannot be there must not be allocated. */
export const checkRowCount = (rows: number, columns: number, left: number): void => {
  if (rows < 0) throw malformed(`${rows} rows`)
  if (rows > 0 && (columns === 0 || rows * columns * 4 > left)) {
    throw malformed(`${rows} rows of ${columns} columns in ${left} bytes`)
  }
}

/** Metadata as it comes with rows; answers how many columns there are. */
const skipMetadata = (c: Cursor): number => {
  const flags = c.int()
  const count = c.int()
  if ((flags & 0x02) !== 0) c.skipBytes()
  if ((flags & 0x08) !== 0) c.skip(c.short())
  if ((flags & 0x04) === 0) skipColumns(c, count, (flags & 0x01) !== 0)
  return (flags & 0x04) === 0 ? count : 0
}

const checkRows = (c: Cursor): void => {
  const columns = skipMetadata(c)
  const rows = c.int()
  checkRowCount(rows, columns, c.left)
  if (rows > MAX_UNPAGED_ROWS) throw malformed(`${rows} rows where none were to be paged`)
  for (let i = rows * columns; i > 0; i--) c.skipBytes()
}

const checkPrepared = (c: Cursor, version: number): void => {
  c.skip(c.short())
  if (version === DIALECT) c.skip(c.short())
  const flags = c.int()
  const count = c.int()
  const keys = c.int()
  if (keys < 0 || keys * 2 > c.left) throw malformed(`a partition key of ${keys} variables in ${c.left} bytes`)
  for (let i = 0; i < keys; i++) {
    const index = c.short()
    if (index >= count) throw malformed(`the partition key has variable ${index} of ${count}`)
  }
  skipColumns(c, count, (flags & 0x01) !== 0)
  skipMetadata(c)
}

/** Where the answer itself begins, behind what the flags of its envelope announce. */
export const pastFlags = (flags: number, body: Buffer): Cursor => {
  const c = new Cursor(body, 0, body.length)
  skipFlagged(c, flags)
  return c
}

/** Goes over an answer to one of the driver's own requests. */
export const checkAnswer = (c: Cursor, version: number, opcode: number): void => {
  switch (opcode) {
    case Opcode.error:
      return checkError(c, version)
    case Opcode.authenticate:
      return c.skipString()
    case Opcode.authChallenge:
      return c.skipBytes()
    case Opcode.supported: {
      const n = c.short()
      for (let i = 0; i < n; i++) {
        c.skipString()
        skipStrings(c)
      }
      return
    }
    case Opcode.result:
      switch (c.int()) {
        case ResultKind.rows:
          return checkRows(c)
        case ResultKind.setKeyspace:
          return c.skipString()
        case ResultKind.prepared:
          return checkPrepared(c, version)
        case ResultKind.schemaChange:
          return checkSchemaChange(c)
      }
  }
}
