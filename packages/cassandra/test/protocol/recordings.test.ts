/** What a real server sent, read again. `npm run recordings` makes the recordings anew. */
import * as fc from "fast-check"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { ByteWriter } from "../../src/internal/protocol/byteWriter.ts"
import type { ColumnType } from "../../src/internal/protocol/columnType.ts"
import { Cursor, readShape } from "../../src/internal/protocol/columns.ts"
import { makeWriter } from "../../src/internal/protocol/encodeValue.ts"
import { EnvelopeReader } from "../../src/internal/protocol/envelope.ts"
import { isWireError } from "../../src/internal/protocol/errors.ts"
import { readEvent } from "../../src/internal/protocol/events.ts"
import { murmur3 } from "../../src/internal/protocol/murmur3.ts"
import type { ProtocolVersion } from "../../src/internal/protocol/opcode.ts"
import { readAnswer } from "../../src/internal/protocol/responses.ts"
import { plain, type Recording, replay, requestOf, unpacked } from "./recordings/recording.ts"
import { columnOf, types } from "./recordings/types.ts"

const directory = fileURLToPath(new URL("recordings/", import.meta.url))

const recordings: ReadonlyArray<readonly [string, Recording]> = readdirSync(directory)
  .filter((file) => file.endsWith(".json"))
  .map((file) => [file.slice(0, -5), JSON.parse(readFileSync(directory + file, "utf8")) as Recording])

/** As JSON gives it back. */
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

interface Said {
  readonly Result?: { readonly rows?: ReadonlyArray<Readonly<Record<string, unknown>>> } & Readonly<
    Record<string, unknown>
  >
  readonly Error?: { readonly code: number }
  readonly event?: { readonly type: string; readonly change?: string }
}

const saidBy = (version: ProtocolVersion): ReadonlyArray<Said> =>
  recordings
    .filter(([, recording]) => recording.version === version)
    .flatMap(([, { exchanges }]) => exchanges.flatMap(({ says }) => says as ReadonlyArray<Said>))

const sorted = (values: Iterable<string>): Array<string> => [...new Set(values)].toSorted()

/** The one row that came for a request. */
const rowOf = ({ exchanges }: Recording, request: string) => {
  const said = exchanges.filter((exchange) => exchange.request === request).map(({ says }) => says[0] as Said)
  return said[0]!.Result!.rows![0]!
}
/** A value for every column, of every type. */
const columnsOf = (of: (type: (typeof types)[number]) => unknown) =>
  json(Object.fromEntries(types.map((type, i) => [columnOf(i), plain(of(type))])))

/** The bytes in pieces of many sizes. */
const odd = function* (bytes: Buffer): Iterable<Buffer> {
  for (let at = 0, size = 1; at < bytes.length; at += size, size = (size * 7) % 1009) {
    yield Buffer.from(bytes.subarray(at, at + size))
  }
}

for (const [name, recording] of recordings) {
  describe(`the recording ${name}`, () => {
    const expected = recording.exchanges.map(({ says }) => says)

    it("says what it said", () => {
      assert.deepStrictEqual(json(replay(recording)), expected)
    })

    it("says so in pieces as well, and of rows that are decoded as they are taken", () => {
      assert.deepStrictEqual(json(replay(recording, { chunks: odd, defer: true })), expected)
    })
  })
}

describe("every type", () => {
  const tours = recordings.filter(([name]) => /^v\d(-lz4)?$/.test(name))
  it("is in tours of both versions, with LZ4 and without", () => {
    assert.deepStrictEqual(tours.map(([name]) => name).toSorted(), ["v4", "v4-lz4", "v5", "v5-lz4"])
  })

  for (const [name, tour] of tours) {
    it(`is read as what its literal says, ${name}`, () => {
      assert.deepStrictEqual(rowOf(tour, "QUERY SELECT * FROM types WHERE k = 1"), {
        k: 1,
        ...Object(columnsOf((t) => t.value))
      })
    })
    it(`is read as what was bound, ${name}`, () => {
      assert.deepStrictEqual(rowOf(tour, "EXECUTE SELECT * FROM types WHERE k = ?"), {
        k: 4,
        ...Object(columnsOf((t) => t.value))
      })
    })
    it(`is read as null, ${name}`, () => {
      assert.deepStrictEqual(rowOf(tour, "QUERY SELECT * FROM types WHERE k = 2"), {
        k: 2,
        ...Object(columnsOf(() => null))
      })
    })
    it(`is read when it has no bytes, ${name}`, () => {
      assert.deepStrictEqual(rowOf(tour, "QUERY SELECT * FROM types WHERE k = 3"), {
        k: 3,
        ...Object(columnsOf((t) => t.empty ?? null))
      })
    })
  }
})

for (const version of [4, 5] as const) {
  describe(`v${version}`, () => {
    const said = saidBy(version)

    it("every answer, every kind of result, and what can come with one", () => {
      assert.includeMembers(sorted(said.flatMap(Object.keys)), [
        "AuthSuccess",
        "Authenticate",
        "Error",
        "Ready",
        "Result",
        "Supported",
        "event"
      ])
      const parts = ["keyspaceSet", "pageState", "prepared", "rows", "schemaChange", "traceId", "warnings"]
      assert.includeMembers(sorted(said.flatMap(({ Result = {} }) => Object.keys(Result))), parts)
      assert.isTrue(said.some(({ Result }) => Result !== undefined && Object.keys(Result).length === 0))
      // Only v5 tells that the metadata is not what it was.
      assert.strictEqual(
        said.some(({ Result }) => Result?.["changed"] !== undefined),
        version === 5
      )
    })

    it("every event", () => {
      const events = said.flatMap(({ event }) => (event === undefined ? [] : [`${event.type} ${event.change ?? ""}`]))
      assert.deepStrictEqual(sorted(events), [
        "SCHEMA_CHANGE ",
        "STATUS_CHANGE DOWN",
        "STATUS_CHANGE UP",
        "TOPOLOGY_CHANGE NEW_NODE",
        "TOPOLOGY_CHANGE REMOVED_NODE"
      ])
    })

    it("the errors that can be had", () => {
      const codes = said.flatMap(({ Error }) => (Error === undefined ? [] : [Error.code.toString(16).padStart(4, "0")]))
      const expected = ["0100", "1000", "1100", "1200", "1300", "1400", "2000", "2100", "2200", "2300", "2400", "2500"]
      assert.includeMembers(sorted(codes), expected)
    })
  })
}

interface Envelope {
  readonly version: ProtocolVersion
  readonly flags: number
  readonly streamId: number
  readonly opcode: number
  readonly body: Buffer
}
const envelopesOf = ({ exchanges, version }: Recording): ReadonlyArray<Envelope> => {
  const out: Array<Envelope> = []
  const reader = new EnvelopeReader((_, flags, streamId, opcode, buf, start, end) => {
    if (version === 5 && !isSegmented && (opcode === 2 || opcode === 3)) {
      isSegmented = true
      reader.useSegments(undefined)
    }
    out.push({ version, flags, streamId, opcode, body: Buffer.from(buf.subarray(start, end)) })
  })
  let isSegmented = false
  for (const { bytes } of exchanges) reader.push(unpacked(bytes))
  return out
}

/** Reads a body that is not what the server sent. */
const read = ({ flags, opcode, streamId, version }: Envelope, body: Buffer): void => {
  try {
    if (streamId < 0) readEvent(new Cursor(body, 0, body.length))
    else readAnswer(version, flags, opcode, body, 0, body.length, requestOf(flags, opcode, body, 0, body.length), true)
  } catch (error) {
    if (!isWireError(error)) throw error
    assert.include(["Malformed", "Misplaced"], error.reason)
  }
}

/** The cells of the one row in a result with metadata, as the server wrote them. */
const cellsOf = (
  body: Buffer
): ReadonlyMap<string, { readonly type: ColumnType; readonly bytes: Buffer | undefined }> => {
  const c = new Cursor(body, 0, body.length)
  const [, flags, count] = [c.int(), c.int(), c.int()]
  const { columns } = readShape(c, count, (flags & 1) !== 0)
  assert.strictEqual(c.int(), 1)
  return new Map(columns.map(({ name, type }) => [name, { type, bytes: c.bytes() }]))
}

describe("what is written", () => {
  const tour = recordings.find(([name]) => name === "v4")![1]
  const indexOf = (request: string) => tour.exchanges.findIndex((exchange) => exchange.request === request)
  const envelopes = envelopesOf(tour)
  const bodyOf = (request: string): Buffer => envelopes[indexOf(request)]!.body
  const literals = bodyOf("QUERY SELECT * FROM types WHERE k = 1")

  it("of every type is what the server makes of a literal", () => {
    const cells = cellsOf(literals)
    for (const [i, { cql, value }] of types.entries()) {
      const w = new ByteWriter()
      const { bytes, type } = cells.get(columnOf(i))!
      makeWriter(type)(w, value)
      assert.deepStrictEqual(Buffer.from(w.take()).subarray(4), bytes, cql)
    }
  })

  it("of every partition key has the token that the server says", () => {
    const { rows } = (tour.exchanges[indexOf("QUERY SELECT k, token(k) AS t FROM tokens")]!.says[0] as Said).Result!
    assert.strictEqual(rows!.length, 49)
    for (const row of rows!) {
      const { k, t } = row as { readonly k: { readonly bytes: string }; readonly t: { readonly bigint: string } }
      const key = Buffer.from(k.bytes, "hex")
      // Not at the beginning of the buffer, nor to its end.
      const inside = Buffer.concat([Buffer.from([1, 2, 3]), key, Buffer.from([4])])
      const { high, low } = murmur3(inside, 3, 3 + key.length, { high: 0, low: 0 })
      assert.strictEqual(String((BigInt(high) << 32n) | BigInt(low >>> 0)), t.bigint, k.bytes)
    }
  })
})

describe("what is not quite what a server sends", () => {
  const envelopes = recordings
    .filter(([, { compression }]) => compression === "none")
    .flatMap(([, recording]) => envelopesOf(recording))

  it("is read, or refused as malformed, wherever it is cut", () => {
    for (const envelope of envelopes) {
      const { length } = envelope.body
      for (let end = 0; end < Math.min(length, 300); end++) read(envelope, envelope.body.subarray(0, end))
    }
  })

  it("is read, or refused as malformed, whatever byte is another", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (which, flips) => {
          const envelope = envelopes[which % envelopes.length]!
          if (envelope.body.length === 0) return
          const body = Buffer.from(envelope.body)
          for (const [at, value] of flips) body[at % body.length] = value
          read(envelope, body)
        }
      ),
      { numRuns: 5000 }
    )
  })
})
