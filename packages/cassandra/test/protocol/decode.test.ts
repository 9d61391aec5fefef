import * as BigDecimal from "effect/BigDecimal"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { ByteWriter } from "../../src/internal/protocol/byteWriter.ts"
import type { Column } from "../../src/internal/protocol/columnType.ts"
import { Cursor, readShape } from "../../src/internal/protocol/columns.ts"
import {
  decodedTo,
  decodeRows,
  generateRows,
  interpretRows,
  type RowsDecoder
} from "../../src/internal/protocol/decodeRows.ts"
import { parseDate, formatDate } from "../../src/internal/protocol/scalars.ts"
import { readText } from "../../src/internal/protocol/decodeText.ts"
import { makeReader } from "../../src/internal/protocol/decodeValue.ts"
import { makeWriter } from "../../src/internal/protocol/encodeValue.ts"
import { isWireError } from "../../src/internal/protocol/errors.ts"
import * as driverPackage from "cassandra-driver"
import { execFileSync } from "node:child_process"
import * as Body from "../wire/body.ts"
import { columnWithValues, plainValue, type Typed, typed } from "./values.ts"

const write = (type: Column["type"], value: unknown): Buffer => {
  const w = new ByteWriter()
  makeWriter(type)(w, value)
  return Buffer.from(w.take())
}

const page = (columns: ReadonlyArray<Typed>, rows: ReadonlyArray<ReadonlyArray<unknown>>): Buffer =>
  Buffer.concat([Body.int(rows.length), ...rows.flatMap((row) => row.map((v, i) => write(columns[i]!.type, v)))])

/** What a type makes of no bytes. */
const empty = (code: number): unknown => makeReader({ code })(Buffer.alloc(0), 0, 0)

/** The shape of one int column of this name. */
const readOne = (name: string) => {
  const b = Body.columns([[name, 9]])
  return readShape(new Cursor(b, 0, b.length), 1, true)
}

/** Shapes of up to six columns of any type, and rows for them. */
const table = fc.array(typed, { minLength: 1, maxLength: 6 }).chain((types) =>
  fc.record({
    columns: fc.constant(types),
    names: fc.array(fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "a", "0")), {
      minLength: types.length,
      maxLength: types.length
    }),
    rows: fc.array(fc.tuple(...types.map((t) => fc.option(t.value, { freq: 8 }))), { maxLength: 5 })
  })
)

const columnsOf = (types: ReadonlyArray<Typed>, names: ReadonlyArray<string>): Array<Column> =>
  types.map(({ type }, i) => ({ name: names[i]!, type }))

describe("rows", () => {
  it("come back as they were written, generated or interpreted", () => {
    fc.assert(
      fc.property(table, ({ columns, names, rows }) => {
        const shape = columnsOf(columns, names)
        const body = page(columns, rows)
        const generated = generateRows(shape)(body, 4, body.length, rows.length)
        const interpreted = interpretRows(shape)(body, 4, body.length, rows.length)
        // A page in parts: the next ones begin where the ones before ended.
        for (const decode of [generateRows(shape), interpretRows(shape)]) {
          const parts: Array<unknown> = []
          let at = 4
          for (let left = rows.length; left > 0; left -= 2) {
            parts.push(...decode(body, at, body.length, Math.min(2, left)))
            at = decodedTo.offset
          }
          assert.deepStrictEqual(parts, interpreted)
          assert.strictEqual(at, body.length)
        }
        assert.deepStrictEqual(generated, interpreted)
        assert.deepStrictEqual(decodeRows(shape, body), generated)
        generated.forEach((row, r) => {
          assert.strictEqual(Object.getPrototypeOf(row), Object.prototype)
          names.forEach((name, i) => {
            // Of columns with one name the last one counts.
            if (names.lastIndexOf(name) !== i) return
            assert.isTrue(Object.hasOwn(row, name))
            assert.deepStrictEqual(Reflect.get(row, name), rows[r]![i])
          })
        })
      }),
      { numRuns: 300 }
    )
  })

  it("of corrupt bytes are a typed failure or rows, never anything else", () => {
    fc.assert(
      fc.property(table, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }), (t, flips) => {
        const shape = columnsOf(t.columns, t.names)
        const body = page(t.columns, t.rows)
        for (const [where, value] of flips) body[where % body.length] = value
        const run = (decoder: RowsDecoder): unknown => {
          try {
            return decoder(body, 4, body.length, body.readInt32BE(0))
          } catch (error) {
            if (!isWireError(error)) throw error
            return error.reason
          }
        }
        assert.deepStrictEqual(run(generateRows(shape)), run(interpretRows(shape)))
      }),
      { numRuns: 1000 }
    )
  })

  it("keep nothing of the page", () => {
    const columns = [{ name: "v", type: { code: 3 } }]
    const body = Buffer.concat([Body.int(1), Body.bytes(Buffer.from("abc"))])
    const [row] = decodeRows(columns, body)
    body.fill(0)
    assert.deepStrictEqual(row, { v: Buffer.from("abc") })
  })

  it("a count of rows that cannot be there is refused before it is allocated", () => {
    const body = Buffer.concat([Body.int(0x7fffffff), Body.int(-1)])
    assert.throws(() => decodeRows([{ name: "v", type: { code: 9 } }], body), /beyond the end/)
  })

  it("texts of every length are what UTF-8 says of their bytes", () => {
    for (let length = 0; length <= 40; length++) {
      const ascii = Buffer.from(Array.from({ length }, (_, i) => 33 + ((i * 7 + length) % 94)))
      const texts = [ascii]
      // Cut short, and in the place of any of the others.
      for (let at = 0; at < length; at++) {
        for (const bytes of ["ff", "c3a9", "e282ac", "f09f9880"]) {
          const text = Buffer.from(ascii)
          Buffer.from(bytes, "hex").copy(text, at)
          texts.push(text)
        }
      }
      for (const text of texts) {
        const inside = Buffer.concat([Buffer.from("before"), text, Buffer.from("behind")])
        assert.strictEqual(readText(inside, 6, length), text.toString("utf8"))
      }
    }
  })

  it("empty values are null, but for texts and blobs", () => {
    for (const code of [1, 10, 13]) assert.strictEqual(empty(code), "")
    for (const code of [3, 0]) assert.deepStrictEqual(empty(code), Buffer.alloc(0))
    for (const code of [2, 4, 5, 6, 7, 8, 9, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21]) assert.isNull(empty(code))
  })
})

/** Where a script finds a file of the wire. */
const url = (file: string) => JSON.stringify(new URL(`../../src/internal/protocol/${file}`, import.meta.url).href)

describe("without generated code", () => {
  it("the interpreter takes over by itself", () => {
    const script = `
      import { canGenerate } from ${url("canGenerate.ts")}
      import { decodeRows } from ${url("decodeRows.ts")}
      const columns = [{ name: "v", type: { code: 9 } }, { name: "t", type: { code: 13 } }]
      const body = Buffer.from("00000001000000040000002a000000026869", "hex")
      process.stdout.write(canGenerate + " " + JSON.stringify(decodeRows(columns, body)))`
    const flags = ["--disallow-code-generation-from-strings", "--import", "tsx", "--input-type=module", "-e", script]
    assert.strictEqual(execFileSync(process.execPath, flags, { encoding: "utf8" }), 'false [{"v":42,"t":"hi"}]')
  }, 30_000)
})

describe("metadata", () => {
  it("read twice is made once, and differs where one byte does", () => {
    assert.strictEqual(readOne("a"), readOne("a"))
    assert.notStrictEqual(readOne("a"), readOne("b"))
    assert.deepStrictEqual(readOne("a").columns, [
      { ksname: "ks", tablename: "t", name: "a", type: { code: 9, type: null } }
    ])
  })
})

describe("values", () => {
  it("of the driver's classes are the bytes of the plain ones", () => {
    fc.assert(
      fc.property(columnWithValues, ({ driverValue, type, value }) => {
        assert.deepStrictEqual(write(type, driverValue), write(type, value))
      }),
      { numRuns: 500 }
    )
  })

  it("that do not fit are refused", () => {
    const refused: ReadonlyArray<readonly [number, unknown]> = [
      [9, 2 ** 31],
      [9, 1.5],
      [9, Number.NaN],
      [0x14, 128],
      [0x13, -40_000],
      [2, 2n ** 63n],
      [12, "not a uuid"],
      [12, "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz"],
      [13, 5],
      [11, new Date(Number.NaN)]
    ]
    for (const [code, value] of refused) assert.throws(() => write({ code }, value), Error, undefined, `${code}`)
    assert.throws(() => write({ code: 0x20, info: { code: 9 } }, [1, null]), /null/)
  })

  it("left out are left as they are, and null is null", () => {
    assert.deepStrictEqual(write({ code: 9 }, undefined), Body.int(-2))
    assert.deepStrictEqual(write({ code: 9 }, driverPackage.types.unset), Body.int(-2))
    assert.deepStrictEqual(write({ code: 9 }, null), Body.int(-1))
  })

  it("decimals keep their scale", () => {
    const type = { code: 6 }
    const bytes = write(type, BigDecimal.make(-12_300n, -2))
    assert.deepStrictEqual(makeReader(type)(bytes, 4, bytes.length - 4), BigDecimal.make(-12_300n, -2))
  })

  it("plain values have no driver class in them", () => {
    fc.assert(fc.property(plainValue, (v) => assert.notMatch(Object.prototype.toString.call(v), /Long|Uuid/)))
  })
})

describe("dates", () => {
  it("agree with JavaScript's where it has them", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("0000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true }),
        (date) => {
          const days = Math.floor(date.getTime() / 86_400_000)
          assert.strictEqual(formatDate(days), date.toISOString().slice(0, 10))
        }
      )
    )
  })

  it("work over the whole range of 32 bits", () => {
    assert.strictEqual(formatDate(2_147_483_647), "+5881580-07-11")
    assert.strictEqual(formatDate(-2_147_483_648), "-5877641-06-23")
    assert.strictEqual(formatDate(parseDate("+10000-01-01")!), "+10000-01-01")
    assert.strictEqual(formatDate(parseDate("-0001-12-31")!), "-0001-12-31")
    assert.isUndefined(parseDate("2021-02-29"))
    fc.assert(
      fc.property(fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }), (days) => {
        assert.strictEqual(parseDate(formatDate(days)), days)
      })
    )
  })
})
