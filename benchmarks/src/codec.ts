/**
 * `npm run bench:codec`: what the codec costs by itself, without a server, a socket or the rest of the client.
 *
 * Each case is run for a while, then measured in rounds that take turns, so that a machine that gets slower or faster meets all of
 * them alike. The numbers are of this machine and this moment: compare two runs, of two checkouts, made one after the other.
 */
import { parseArgs } from "node:util"
// The compiled code, as users run it. It is no export of the package.
import { ByteWriter } from "../../packages/cassandra/dist/internal/protocol/byteWriter.js"
import { Cursor, readShape } from "../../packages/cassandra/dist/internal/protocol/columns.js"
import { writersFor } from "../../packages/cassandra/dist/internal/protocol/encodeValue.js"
import { EnvelopeReader } from "../../packages/cassandra/dist/internal/protocol/envelope.js"
import { PreparedStatement } from "../../packages/cassandra/dist/internal/protocol/preparedStatement.js"
import { writeRequest } from "../../packages/cassandra/dist/internal/protocol/requests.js"
import { readResponse } from "../../packages/cassandra/dist/internal/protocol/responses.js"
import { encodeSegment } from "../../packages/cassandra/dist/internal/protocol/segment.js"
import { number, table } from "./markdown.ts"
import { median } from "./summary.ts"

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "30" },
    duration: { type: "string", default: "50" },
    only: { type: "string", default: "" },
    help: { type: "boolean", default: false }
  }
})

const help = `npm run bench:codec -- [options]

  --rounds 30      rounds of each case
  --duration 50    milliseconds of a round
  --only TEXT      cases whose name has this in it`

interface Case {
  readonly name: string
  readonly run: () => void
}

const columns = [
  { name: "id", type: { code: 0x0c }, value: "3b1f3f7e-4f0a-4d6c-9a53-0f3f0a6a5f10" },
  { name: "name", type: { code: 0x0d }, value: "somebody's name" },
  { name: "visits", type: { code: 0x02 }, value: 1_234_567n },
  { name: "score", type: { code: 0x07 }, value: 0.25 },
  { name: "seen", type: { code: 0x0b }, value: new Date(1_700_000_000_000) },
  { name: "age", type: { code: 0x09 }, value: 42 },
  { name: "active", type: { code: 0x04 }, value: true },
  { name: "tags", type: { code: 0x22, info: { code: 0x0d } }, value: new Set(["red", "green"]) }
]

const cases = (): ReadonlyArray<Case> => {
  const writers = writersFor(columns)
  const values = columns.map(({ value }) => value)
  const w = new ByteWriter()
  const bytes = (write: () => void): Buffer => {
    w.rewind()
    write()
    return Buffer.from(w.take())
  }
  const specifications = bytes(() => {
    w.string("ks")
    w.string("users")
    for (const { name, type } of columns) {
      w.string(name)
      w.i16(type.code)
      if ("info" in type) w.i16(type.info.code)
    }
  })
  const shape = readShape(new Cursor(specifications, 0, specifications.length), columns.length, true)
  const resultId = Buffer.alloc(16, 2)
  const result = { id: resultId, shape }
  const response = { id: Buffer.alloc(16, 1), resultId, variables: columns, keyspace: "ks", table: "users" }
  const prepared = new PreparedStatement("…", undefined, { ...response, partitionKey: [0], result })
  const payload = { _tag: "Execute", prepared, writers, values } as const
  const options = {
    consistency: 6,
    serialConsistency: undefined,
    pageSize: 5000,
    pageState: undefined,
    tracing: false,
    customPayload: undefined,
    nowInSeconds: undefined
  }

  /** The body of a result of so many rows, without metadata. */
  const rows = (count: number): Buffer =>
    bytes(() => {
      w.i32(2)
      w.i32(0x04)
      w.i32(columns.length)
      w.i32(count)
      for (let i = 0; i < count; i++) for (const [j, write] of writers.entries()) write(w, values[j])
    })
  const one = rows(1)
  const page = rows(5000)
  const read = (body: Buffer, defer: boolean) =>
    readResponse(5, 0, 0x08, body, 0, body.length, {
      opcode: 0x0a,
      prepared: result,
      defer,
      mostRows: 5000,
      use: false
    })

  const header = Buffer.from([0x85, 0, 0, 1, 0x08, 0, 0, 0, 0])
  header.writeInt32BE(one.length, 5)
  const segment = encodeSegment(Buffer.concat(Array.from({ length: 50 }, () => [header, one]).flat()), true, undefined)
  const reader = new EnvelopeReader(() => {})
  reader.useSegments(undefined)

  return [
    {
      name: "encode an EXECUTE of 8 values",
      run: () => {
        w.rewind()
        writeRequest(w, 5, 1, payload, options, 1_700_000_000_000_000n)
      }
    },
    { name: "decode a row of 8", run: () => void read(one, false) },
    { name: "decode a page of 5000 rows of 8", run: () => void read(page, false) },
    {
      name: "take a page of 5000 rows of 8, 500 at a time",
      run: () => {
        const { deferred } = read(page, true)
        for (let i = 0; i < 10; i++) deferred!.take(500)
      }
    },
    { name: "cut a segment into 50 envelopes", run: () => reader.push(segment) }
  ]
}

/** Runs a case for so many milliseconds; microseconds of CPU per run. */
const measure = ({ run }: Case, milliseconds: number): number => {
  const before = process.cpuUsage()
  const end = performance.now() + milliseconds
  let runs = 0
  while (performance.now() < end) {
    run()
    runs++
  }
  const { system, user } = process.cpuUsage(before)
  return (user + system) / runs
}

const main = (): void => {
  const chosen = cases().filter(({ name }) => name.includes(flags.only))
  const measured = chosen.map((one) => ({ one, micros: [] as Array<number> }))
  for (const { one } of measured) measure(one, 500)
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { micros, one } of measured) micros.push(measure(one, Number(flags.duration)))
  }
  const lines = measured.map(({ micros, one }) => [one.name, number(median(micros)), number(Math.min(...micros))])
  console.log(table([["µs of CPU per run", "median", "least"], ...lines]))
}

if (flags.help) console.log(help)
else main()
