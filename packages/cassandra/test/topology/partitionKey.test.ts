import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { TypeCode } from "../../src/internal/protocol/columnType.ts"
import { makeWriter, type ValueWriter } from "../../src/internal/protocol/encodeValue.ts"
import { PartitionKey } from "../../src/internal/topology/partitionKey.ts"

const blob = makeWriter({ code: TypeCode.blob } as never)
const int = makeWriter({ code: TypeCode.int } as never)
const unset: ValueWriter = (w) => w.i32(-2)
const isNull: ValueWriter = (w) => w.i32(-1)

const blobs = (parts: ReadonlyArray<unknown>): ReadonlyArray<ValueWriter> => parts.map(() => blob)

const indexes = (parts: ReadonlyArray<unknown>): ReadonlyArray<number> => parts.map((_, i) => i)

describe("a partition key", () => {
  const key = new PartitionKey()

  it("is its one value, or the parts with their lengths", () => {
    const part = fc.uint8Array({ maxLength: 300 })
    fc.assert(
      fc.property(part, (value) => {
        assert.strictEqual(key.write([0], [blob], [value]), value.length > 0)
        if (value.length > 0) assert.deepStrictEqual(key.copy(), Buffer.from(value))
      })
    )
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 5 }), (parts) => {
        assert.isTrue(key.write(indexes(parts), blobs(parts), parts))
        const expected = Buffer.concat(
          parts.flatMap((bytes) => [Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes, Buffer.from([0])])
        )
        assert.deepStrictEqual(key.copy(), expected)
        assert.deepStrictEqual(key.buffer.subarray(key.start, key.end), expected)
      })
    )
  })

  it("takes its values in the order of the key, not of the statement", () => {
    assert.isTrue(key.write([2, 0], [int, blob, int], [1, Buffer.from("x"), 2]))
    assert.deepStrictEqual([...key.copy()], [0, 4, 0, 0, 0, 2, 0, 0, 4, 0, 0, 0, 1, 0])
    assert.isTrue(key.write([2], [int, blob, int], [1, Buffer.from("x"), 2]))
    assert.deepStrictEqual([...key.copy()], [0, 0, 0, 2])
  })

  it("is not there when a part is not, or cannot be one", () => {
    const value = Buffer.from("x")
    assert.isFalse(key.write([], [], []))
    assert.isFalse(key.write([0], [blob], [null]))
    assert.isFalse(key.write([0], [blob], [undefined]))
    assert.isFalse(key.write([3], [blob], [value]))
    assert.isFalse(key.write([0, 3], [blob], [value]))
    assert.isFalse(key.write([0, 1], [blob, blob], [value, null]))
    for (const none of [unset, isNull]) {
      assert.isFalse(key.write([0], [none], [value]))
      assert.isFalse(key.write([0, 1], [blob, none], [value, value]))
    }
    // A value that its type does not have.
    assert.isFalse(key.write([0], [int], ["x"]))
    assert.isFalse(key.write([0, 1], [int, int], [1, "x"]))
  })

  it("is not longer than the server takes one", () => {
    const longest = Buffer.alloc(0xffff, 1)
    const longer = Buffer.alloc(0x10000, 1)
    assert.isTrue(key.write([0], [blob], [longest]))
    assert.isFalse(key.write([0], [blob], [longer]))
    assert.isFalse(key.write([0, 1], [blob, blob], [Buffer.from("x"), longer]))
    assert.isFalse(key.write([0, 1], [blob, blob], [longest, longest]))
    // What was large is not kept.
    assert.isFalse(key.write([0], [blob], [Buffer.alloc(2_000_000)]))
    assert.isTrue(key.write([0], [int], [7]))
    assert.isBelow(key.buffer.length, 1_000_000)
    assert.deepStrictEqual([...key.copy()], [0, 0, 0, 7])
  })
})
