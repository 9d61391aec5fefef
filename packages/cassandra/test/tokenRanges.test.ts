/** Ranges of the ring: by the arithmetic alone, and as the metadata of a client gives them. */
import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "fast-check"
import type driver from "cassandra-driver"
import { createRequire } from "node:module"
import { tokenMap, tokenRanges } from "../src/internal/metadata/ring.ts"
import { inOrder, orderOf, type Range, rangesOf } from "../src/internal/topology/tokenRanges.ts"
import { networkReplicas } from "../src/internal/wire/client/replication.ts"

const require = createRequire(import.meta.url)

const min = -(2n ** 63n)
const max = 2n ** 63n - 1n

const corners = [min, min + 1n, -1n, 0n, 1n, max - 1n, max]
const murmur3 = FastCheck.oneof(FastCheck.constantFrom(...corners), FastCheck.bigInt({ min, max })).map(String)
const random = FastCheck.oneof(
  FastCheck.constantFrom(-1n, 0n, 2n ** 127n, 2n ** 127n - 1n),
  FastCheck.bigInt({ min: 0n, max: 2n ** 127n })
).map(String)
const bytes = FastCheck.uint8Array({ maxLength: 6 }).map((some) => Buffer.from(some).toString("hex"))

/** Token by token, without a thought of the order of ranges. */
const isIn = ({ end, start }: Range, one: string, partitioner: string): boolean => {
  const order = orderOf(partitioner)
  return order(start, end) < 0
    ? order(one, start) > 0 && order(one, end) <= 0
    : order(one, start) > 0 || order(one, end) <= 0
}

for (const [partitioner, arbitrary] of [
  ["org.apache.cassandra.dht.Murmur3Partitioner", murmur3],
  ["org.apache.cassandra.dht.RandomPartitioner", random],
  ["org.apache.cassandra.dht.ByteOrderedPartitioner", bytes]
] as const) {
  const order = orderOf(partitioner)
  describe(partitioner, () => {
    it("has every token in exactly one range, which ends at the next token of the ring", () => {
      FastCheck.assert(
        FastCheck.property(
          FastCheck.array(arbitrary, { minLength: 1, maxLength: 40 }),
          FastCheck.array(arbitrary, { minLength: 1, maxLength: 40 }),
          (given, probes) => {
            const ring = inOrder(given, order)
            assert.strictEqual(ring.length, new Set(given).size)
            const ranges = rangesOf(ring)
            assert.strictEqual(ranges.length, ring.length)
            for (const probe of [...probes, ...given]) {
              const found = ranges.filter((range) => isIn(range, probe, partitioner))
              assert.strictEqual(found.length, 1, `${probe} in ${JSON.stringify(ranges)}`)
              assert.strictEqual(found[0]?.end, ring.find((one) => order(one, probe) >= 0) ?? ring[0])
            }
          }
        ),
        { numRuns: 300 }
      )
    })
  })
}

describe("a ring", () => {
  const order = orderOf("Murmur3Partitioner")
  const ranges = (...tokens: ReadonlyArray<string>) =>
    rangesOf(inOrder(tokens, order)).map(({ end, start }) => `(${start}, ${end}]`)

  it("without tokens has no ranges", () => assert.deepStrictEqual(ranges(), []))
  it("of one token is one range, the whole ring", () => {
    for (const one of [...corners, 42n].map(String)) assert.deepStrictEqual(ranges(one), [`(${one}, ${one}]`])
  })
  it("with tokens at both ends has a range over the end", () => {
    assert.deepStrictEqual(ranges(String(max), "0", String(min)), [`(${min}, 0]`, `(0, ${max}]`, `(${max}, ${min}]`])
  })
  it("with a token that two nodes claim has it once", () =>
    assert.deepStrictEqual(ranges("1", "2", "1"), ["(1, 2]", "(2, 1]"]))
  it("is in the order of numbers, not of texts", () => {
    assert.deepStrictEqual(ranges("9", "10", "-9", "-10"), ["(-10, -9]", "(-9, 9]", "(9, 10]", "(10, -10]"])
  })
})

interface Node {
  readonly name: string
  readonly rack?: string
  readonly tokens: ReadonlyArray<string>
}

type DriverMetadata = new (
  options: object,
  control: unknown
) => {
  tokenizer: unknown
  keyspaces: unknown
  buildTokens(hosts: unknown): void
}
const Metadata = require("cassandra-driver/lib/metadata") as DriverMetadata
const tokenizers = require("cassandra-driver/lib/tokenizer") as Readonly<Record<string, new () => object>>

/** A client of the driver, as far as it knows of a ring. Keyspace `ks` has so many replicas. */
const clientOf = (nodes: ReadonlyArray<Node>, tokenizer: string, factor = 1): driver.Client => {
  const metadata = new Metadata({}, undefined)
  metadata.tokenizer = new tokenizers[tokenizer]!()
  const hosts = nodes.map(({ name, rack = "r1", tokens }) => ({
    address: name,
    datacenter: "dc1",
    rack,
    tokens,
    hostId: name,
    isUp: () => true
  }))
  metadata.buildTokens({ values: () => hosts })
  metadata.keyspaces = {
    ks: {
      name: "ks",
      strategy: "org.apache.cassandra.locator.NetworkTopologyStrategy",
      tokenToReplica: networkReplicas({ dc1: String(factor) })
    }
  }
  return { metadata } as unknown as driver.Client
}

describe("the metadata of a client", () => {
  it("has tokens as the server writes them, each with its owner, and ranges that partition the ring", () => {
    for (const [tokenizer, partitioner, arbitrary] of [
      ["Murmur3Tokenizer", "Murmur3Partitioner", murmur3],
      ["RandomTokenizer", "RandomPartitioner", random]
    ] as const) {
      const order = orderOf(partitioner)
      FastCheck.assert(
        FastCheck.property(
          FastCheck.uniqueArray(arbitrary, { minLength: 1, maxLength: 60 }),
          FastCheck.integer({ min: 1, max: 5 }),
          FastCheck.integer({ min: 1, max: 4 }),
          (tokens, count, factor) => {
            // Virtual nodes: token by token to one node after the other.
            const nodes = Array.from({ length: count }, (_, i) => ({
              name: `node${i}`,
              tokens: tokens.filter((_token, at) => at % count === i)
            })).filter((node) => node.tokens.length > 0)
            const ownerOf = new Map(nodes.flatMap(({ name, tokens: own }) => own.map((one) => [one, name] as const)))
            const client = clientOf(nodes, tokenizer, factor)
            const ring = tokenMap(client)!
            assert.strictEqual(ring.partitioner, `org.apache.cassandra.dht.${partitioner}`)
            assert.deepStrictEqual(
              ring.tokens.map(({ token }) => token),
              tokens.toSorted(order)
            )
            for (const { host, token } of ring.tokens) {
              assert.isTrue(String(BigInt(token)) === token)
              assert.strictEqual(host.address, ownerOf.get(token))
            }
            assert.deepStrictEqual(ring.ranges, rangesOf(tokens.toSorted(order)))
            const ranges = tokenRanges(client, "ks")!
            assert.deepStrictEqual(
              ranges.map(({ end, start }) => ({ start, end })),
              ring.ranges
            )
            // The owner of its end, and then the owners of the tokens after it, each once.
            const inRing = ring.tokens.map(({ host }) => host.address)
            ranges.forEach(({ replicas }, i) => {
              const from = (i + 1) % inRing.length
              const along = [...new Set([...inRing.slice(from), ...inRing.slice(0, from)])]
              assert.deepStrictEqual(
                replicas.map(({ address }) => address),
                along.slice(0, factor)
              )
            })
          }
        ),
        { numRuns: 100 }
      )
    }
  })

  it("has bytes in hexadecimal", () => {
    const client = clientOf(
      [
        { name: "a", tokens: ["ab0c", "00ff"] },
        { name: "b", tokens: ["5d"] }
      ],
      "ByteOrderedTokenizer"
    )
    assert.deepStrictEqual(tokenMap(client)?.ranges, [
      { start: "00ff", end: "5d" },
      { start: "5d", end: "ab0c" },
      { start: "ab0c", end: "00ff" }
    ])
    assert.deepStrictEqual(
      tokenRanges(client, "ks")?.map(({ replicas }) => replicas.map(({ address }) => address)),
      [["b"], ["a"], ["a"]]
    )
  })

  it("has a token that two nodes claim, as while one replaces the other, once", () => {
    const client = clientOf(
      [
        { name: "a", tokens: ["1", "2"] },
        { name: "b", tokens: ["2", "3"] }
      ],
      "Murmur3Tokenizer"
    )
    assert.deepStrictEqual(
      tokenMap(client)?.tokens.map(({ host, token }) => `${token} ${host.address}`),
      ["1 a", "2 b", "3 b"]
    )
    assert.deepStrictEqual(tokenMap(client)?.ranges.length, 3)
  })

  it("has no ring without tokens", () => {
    const client = clientOf([{ name: "a", tokens: [] }], "Murmur3Tokenizer")
    assert.deepStrictEqual([tokenMap(client), tokenRanges(client, "ks")], [undefined, undefined])
  })
})
