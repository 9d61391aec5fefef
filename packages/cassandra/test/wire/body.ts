/** Pieces of response bodies, for the scripted server. */
import { createHash } from "node:crypto"

export const int = (n: number): Buffer => {
  const b = Buffer.alloc(4)
  b.writeInt32BE(n)
  return b
}

export const short = (n: number): Buffer => {
  const b = Buffer.alloc(2)
  b.writeUInt16BE(n)
  return b
}

export const text = (s: string): Buffer => Buffer.from(s, "utf8")

export const string = (s: string): Buffer => Buffer.concat([short(Buffer.byteLength(s)), text(s)])

export const shortBytes = (b: Buffer): Buffer => Buffer.concat([short(b.length), b])

export const bytes = (b: Buffer | null): Buffer => (b === null ? int(-1) : Buffer.concat([int(b.length), b]))

/** The value of a `set<text>` of one element. */
export const textSet = (s: string): Buffer => Buffer.concat([int(1), bytes(text(s))])

/** A type: its code, or a code and the codes of its parameters. */
export type TypeSpec = number | ReadonlyArray<number>

const type = (t: TypeSpec): Buffer => (typeof t === "number" ? short(t) : Buffer.concat(t.map(short)))

export interface RowsOptions {
  readonly skipMetadata?: boolean
  readonly pageState?: Buffer
  /** The new id of the result's metadata, which goes with the METADATA_CHANGED flag. */
  readonly changedId?: Buffer
  /** What to say is the number of rows, instead of the truth. */
  readonly count?: number
}

export const columns = (specs: ReadonlyArray<readonly [string, TypeSpec]>): Buffer =>
  Buffer.concat([string("ks"), string("t"), ...specs.flatMap(([name, t]) => [string(name), type(t)])])

/** A RESULT of rows. */
export const rows = (
  specs: ReadonlyArray<readonly [string, TypeSpec]>,
  values: ReadonlyArray<ReadonlyArray<Buffer | null>>,
  options: RowsOptions = {}
): Buffer => {
  const skip = options.skipMetadata === true && options.changedId === undefined
  const flags = (skip ? 4 : 1) | (options.pageState === undefined ? 0 : 2) | (options.changedId === undefined ? 0 : 8)
  return Buffer.concat([
    int(2),
    int(flags),
    int(specs.length),
    ...(options.pageState === undefined ? [] : [bytes(options.pageState)]),
    ...(options.changedId === undefined ? [] : [shortBytes(options.changedId)]),
    ...(skip ? [] : [columns(specs)]),
    int(options.count ?? values.length),
    ...values.flatMap((row) => row.map(bytes))
  ])
}

/** A PREPARED result: an int variable for every question mark, and one int column `v` for a SELECT. */
export const prepared = (version: number, id: Buffer, query: string): Buffer => {
  const variables = (query.match(/\?/g) ?? []).map((_, i) => [`p${i}`, 9] as const)
  const select = /^SELECT/i.test(query)
  return Buffer.concat([
    int(4),
    shortBytes(id),
    ...(version >= 5 ? [shortBytes(createHash("md5").update(`result of ${query}`).digest())] : []),
    int(1),
    int(variables.length),
    int(variables.length > 0 ? 1 : 0),
    ...(variables.length > 0 ? [short(0)] : []),
    columns(variables),
    ...(select ? [int(1), int(1), columns([["v", 9]])] : [int(4), int(0)])
  ])
}
