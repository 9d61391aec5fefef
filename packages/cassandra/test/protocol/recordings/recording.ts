/** What a real server sent, byte by byte, and what that means. */
import { createHash } from "node:crypto"
import { deflateRawSync, inflateRawSync } from "node:zlib"
import { type Column, cqlName } from "../../../src/internal/protocol/columnType.ts"
import { Cursor } from "../../../src/internal/protocol/columns.ts"
import { EnvelopeReader } from "../../../src/internal/protocol/envelope.ts"
import { readEvent } from "../../../src/internal/protocol/events.ts"
import type { Lz4 } from "../../../src/internal/protocol/lz4.ts"
import { lz4 } from "../../support/lz4.ts"
import {
  answersTo,
  HeaderFlag,
  Opcode,
  type ProtocolVersion,
  ResultKind
} from "../../../src/internal/protocol/opcode.ts"
import type { PreparedResponse, PreparedResult } from "../../../src/internal/protocol/preparedStatement.ts"
import {
  type Answer,
  MAX_UNPAGED_ROWS,
  readAnswer,
  readResponse,
  Response
} from "../../../src/internal/protocol/responses.ts"
import { ServerResponseError } from "../../../src/internal/protocol/serverError.ts"

/** What came after a request, until its answer was there. */
export interface Exchange {
  /** The request, as text: for who reads it. */
  readonly request: string
  /** The exchange that prepared the statement of this one. */
  readonly prepared?: number | undefined
  /** What came from the socket: hexadecimal, or `deflated:` and base64 when it is long. */
  readonly bytes: string
  /** What the bytes say, as plain data: events, and the answer. */
  readonly says: ReadonlyArray<unknown>
}

/** One connection. */
export interface Recording {
  /** The release of the server. */
  readonly server: string
  readonly version: ProtocolVersion
  readonly compression: "none" | "lz4"
  readonly exchanges: ReadonlyArray<Exchange>
}

const LONG = 1000

export const packed = (bytes: Buffer): string =>
  bytes.length < LONG ? bytes.toString("hex") : `deflated:${deflateRawSync(bytes, { level: 9 }).toString("base64")}`

export const unpacked = (text: string): Buffer =>
  text.startsWith("deflated:") ? inflateRawSync(Buffer.from(text.slice(9), "base64")) : Buffer.from(text, "hex")

const columnText = ({ ksname, name, tablename, type }: Column): string =>
  `${ksname}.${tablename}.${name} ${cqlName(type)}`

const preparedText = ({ result, ...prepared }: PreparedResponse): object => ({
  ...prepared,
  variables: prepared.variables.map(columnText),
  result: result.shape?.columns.map(columnText)
})

/** A value as JSON can hold it; long texts and bytes by their digest. */
export const plain = (value: unknown): unknown => {
  if (typeof value === "bigint") return { bigint: String(value) }
  if (typeof value === "number")
    return Number.isFinite(value) && !Object.is(value, -0) ? value : { number: String(value) }
  if (typeof value === "string") {
    return value.length < LONG
      ? value
      : { length: value.length, sha256: createHash("sha256").update(value).digest("hex") }
  }
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Date) return { date: value.toISOString() }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") }
  if (value instanceof Map) return { map: [...value].map(([k, v]) => [plain(k), plain(v)]) }
  if (value instanceof Set) return { set: [...value].map(plain) }
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof ServerResponseError) return plain({ ...value, message: value.message })
  if (value instanceof Response) {
    const { changed, prepared, shape, ...rest } = value
    return plain({
      ...rest,
      columns: shape?.columns.map(columnText),
      changed: changed && { id: changed.id, columns: changed.shape?.columns.map(columnText) },
      prepared: prepared && preparedText(prepared)
    })
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, v]) => v !== undefined)
      .map(([k, v]) => [k, plain(v)])
  )
}

/** A response whose rows were left undecoded, with the rows taken two at a time. */
const taken = (response: Response): Response => {
  const { deferred } = response
  if (deferred === undefined) return response
  response.deferred = undefined
  response.rows = []
  for (;;) {
    const rows = deferred.take(2)
    if (rows.length === 0) return response
    response.rows.push(...rows)
  }
}

/** A request that has such an answer: recordings do not say what was sent. */
export const requestOf = (flags: number, opcode: number, buf: Buffer, start: number, end: number): number => {
  if (opcode === Opcode.result) {
    let at = start
    if ((flags & HeaderFlag.tracing) !== 0) at += 16
    if ((flags & HeaderFlag.warning) !== 0) {
      const c = new Cursor(buf, at, end)
      c.list(() => c.string())
      at = c.at
    }
    return buf.length >= at + 4 && buf.readInt32BE(at) === ResultKind.prepared ? Opcode.prepare : Opcode.query
  }
  const known = Object.entries(answersTo).find(([, answers]) => answers.includes(opcode))
  return known === undefined ? Opcode.options : Number(known[0])
}

/** Reads one connection's bytes, as a client would. */
export class Player {
  readonly lz4: Lz4 | undefined
  /** What the statement of the request under way was prepared with. */
  prepared: PreparedResult | undefined
  /** What came since this was emptied last. */
  says: Array<unknown> = []
  last: Answer | undefined
  segmented = false
  private readonly reader: EnvelopeReader
  private readonly version: ProtocolVersion
  private readonly defer: boolean

  constructor({ compression, version }: Pick<Recording, "compression" | "version">, defer = false) {
    this.version = version
    this.defer = defer
    this.lz4 = compression === "lz4" ? lz4 : undefined
    this.reader = new EnvelopeReader((...envelope) => this.read(...envelope))
    if (version === 4 && this.lz4 !== undefined) this.reader.useCompression(this.lz4)
  }

  push(chunk: Buffer): void {
    this.reader.push(chunk)
  }

  private read(
    _version: number,
    flags: number,
    streamId: number,
    opcode: number,
    buf: Buffer,
    start: number,
    end: number
  ): void {
    if (streamId < 0) {
      this.says.push({ event: plain(readEvent(new Cursor(buf, start, end))) })
      return
    }
    if (this.version === 5 && !this.segmented && (opcode === Opcode.ready || opcode === Opcode.authenticate)) {
      this.segmented = true
      this.reader.useSegments(this.lz4)
    }
    const { defer, prepared, version } = this
    const request = requestOf(flags, opcode, buf, start, end)
    const asked = { opcode: request, prepared, defer, mostRows: MAX_UNPAGED_ROWS, use: true }
    this.last =
      opcode === Opcode.result
        ? { _tag: "Result", response: taken(readResponse(version, flags, opcode, buf, start, end, asked)) }
        : readAnswer(version, flags, opcode, buf, start, end, request)
    const { _tag, ...rest } = this.last
    this.says.push({ [_tag]: plain(Object.values(rest)[0] ?? null) })
  }
}

/**
 * What a recording says, exchange by exchange. `chunks` cuts what came into other pieces; `defer` leaves the rows undecoded until
 * they are taken.
 */
export const replay = (
  recording: Recording,
  options: { readonly chunks?: (bytes: Buffer) => Iterable<Buffer>; readonly defer?: boolean } = {}
): ReadonlyArray<ReadonlyArray<unknown>> => {
  const player = new Player(recording, options.defer)
  const results: Array<PreparedResult | undefined> = []
  return recording.exchanges.map(({ bytes, prepared }) => {
    player.says = []
    player.prepared = prepared === undefined ? undefined : results[prepared]
    for (const chunk of (options.chunks ?? ((all: Buffer) => [all]))(unpacked(bytes))) player.push(chunk)
    const { last } = player
    results.push(last?._tag === "Result" ? last.response.prepared?.result : undefined)
    return player.says
  })
}
