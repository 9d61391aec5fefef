import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Partitioner, partitionerOf } from "../../src/internal/topology/partitioner.ts"
import { recordings } from "./recordings.ts"

const { partitioners } = recordings()

const known = (className: string): Partitioner => partitionerOf(className) as Partitioner

/** The same tokens as bigints, or bytes: what the order of each partitioner is by definition. */
const models = {
  Murmur3Partitioner: {
    token: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    below: (a: string, b: string) => BigInt(a) < BigInt(b)
  },
  RandomPartitioner: {
    token: fc.bigInt({ min: -1n, max: 2n ** 127n }).map(String),
    below: (a: string, b: string) => BigInt(a) < BigInt(b)
  },
  ByteOrderedPartitioner: {
    token: fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString("hex")),
    below: (a: string, b: string) => Buffer.compare(Buffer.from(a, "hex"), Buffer.from(b, "hex")) < 0
  }
}

describe("partitioners", () => {
  for (const { minimum, partitioner: className, tokens } of partitioners) {
    it(`${className} gives the tokens that Cassandra gives`, () => {
      const partitioner = known(className)
      assert.strictEqual(partitioner.className, className)
      assert.strictEqual(partitioner.minimum, minimum)
      for (const [key, token] of tokens) assert.strictEqual(partitioner.token(Buffer.from(key, "hex")), token)
    })
  }

  it("are found with their package or without, and others are not known", () => {
    assert.strictEqual(
      partitionerOf("Murmur3Partitioner"),
      partitionerOf("org.apache.cassandra.dht.Murmur3Partitioner")
    )
    for (const name of [
      "",
      "OrderPreservingPartitioner",
      "org.apache.cassandra.dht.LocalPartitioner",
      "x.Murmur3",
      "constructor"
    ]) {
      assert.isUndefined(partitionerOf(name), name)
    }
  })

  for (const [name, { below, token }] of Object.entries(models)) {
    it(`${name} orders tokens, and finds the first one that is not below`, () => {
      const partitioner = known(name)
      fc.assert(
        fc.property(
          fc.array(token, { maxLength: 12 }),
          token,
          fc.uint8Array({ maxLength: 24 }),
          (some, sought, key) => {
            for (const other of some) {
              const expected = below(other, sought) ? -1 : below(sought, other) ? 1 : 0
              assert.strictEqual(Math.sign(partitioner.compare(other, sought)), expected)
            }
            const sorted = [...new Set(some)].toSorted((a, b) => (below(a, b) ? -1 : 1))
            const index = partitioner.index(sorted)
            const ceiling = (of: string) => sorted.filter((other) => below(other, of)).length
            assert.strictEqual(index.ceilingOf(sought), ceiling(sought))
            for (const other of sorted) assert.strictEqual(index.ceilingOf(other), ceiling(other))
            // The key in the middle of other bytes.
            const buffer = Buffer.concat([Buffer.from([1, 2, 3]), key, Buffer.from([4])])
            assert.strictEqual(index.ceiling(buffer, 3, 3 + key.length), ceiling(partitioner.token(key)))
          }
        )
      )
    })
  }

  it("know a text that is no token", () => {
    const wrong = {
      Murmur3Partitioner: ["", "x", "1.5", "0x10", " 1", String(2n ** 63n), String(-(2n ** 63n) - 1n)],
      RandomPartitioner: ["", "-2", "abc", String(2n ** 127n + 1n)],
      ByteOrderedPartitioner: ["xy", "-1"]
    }
    for (const [name, texts] of Object.entries(wrong)) {
      const partitioner = known(name)
      for (const text of texts) {
        assert.isUndefined(partitioner.valueOf(text), `${name} ${text}`)
        assert.strictEqual(partitioner.index([]).ceilingOf(text), 0)
        assert.isBelow(partitioner.compare(text, partitioner.minimum), 0)
      }
    }
  })

  it("by bytes, read hexadecimal digits as Cassandra does", () => {
    const partitioner = known("ByteOrderedPartitioner")
    assert.strictEqual(partitioner.compare("0A", "a"), 0)
    assert.isBelow(partitioner.compare("0a", "0a00"), 0)
  })
})
