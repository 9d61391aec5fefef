import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Partitioner, partitionerOf } from "../../src/internal/topology/partitioner.ts"
import { parseReplication, type Replication } from "../../src/internal/topology/replication.ts"
import { type RingNode, TokenRing } from "../../src/internal/topology/ring.ts"
import { recordings } from "./recordings.ts"

const murmur3 = partitionerOf("Murmur3Partitioner") as Partitioner

const ringOf = <N extends RingNode>(nodes: ReadonlyArray<N>) => new TokenRing(nodes, murmur3)

const addresses = (nodes: ReadonlyArray<RingNode>): ReadonlyArray<string> => nodes.map(({ address }) => address)

/** A node by its name: `a1x` is in data centre `a` and rack `1`. */
const node = (name: string, ...tokens: ReadonlyArray<number | bigint>): RingNode => ({
  address: name,
  dataCenter: name.charAt(0),
  rack: name.charAt(1),
  tokens: tokens.map(String)
})

const simple = (factor: string): Replication =>
  parseReplication({ class: "SimpleStrategy", replication_factor: factor })

const network = (factors: Readonly<Record<string, string>>): Replication =>
  parseReplication(
    new Map(Object.entries({ class: "org.apache.cassandra.locator.NetworkTopologyStrategy", ...factors }))
  )

/** The replicas of every token, for a ring of these names, one token each: `["a1x", "a1x"]` is one node with two. */
const replicasOf = (names: ReadonlyArray<string>, replication: Replication): ReadonlyArray<string> => {
  const nodes = [...new Set(names)].map((name) =>
    node(name, ...names.flatMap((other, i) => (other === name ? [i] : [])))
  )
  const ring = ringOf(nodes)
  return ring.tokens.map((token) => addresses(ring.replicasOfToken(replication, token)).join(" "))
}

/** The definition, without an eye to speed: walks the ring, and takes a node when the racks that are left allow it. */
const naive = (ring: TokenRing<RingNode>, start: number, factors: Readonly<Record<string, number>>) => {
  const walk = ring.owners.map((_, i) => ring.owners[(start + i) % ring.owners.length] as RingNode)
  const chosen: Array<RingNode> = []
  for (const candidate of walk) {
    const { dataCenter } = candidate
    const inside = [...new Set(walk.filter((other) => other.dataCenter === dataCenter))]
    const racks = new Set(inside.map(({ rack }) => rack)).size
    const taken = chosen.filter((other) => other.dataCenter === dataCenter)
    const factor = factors[dataCenter] ?? 0
    if (taken.length >= Math.min(factor, inside.length) || taken.includes(candidate)) continue
    const isNewRack = taken.every(({ rack }) => rack !== candidate.rack)
    const repeats = taken.length - new Set(taken.map(({ rack }) => rack)).size
    if (isNewRack || repeats < factor - racks) chosen.push(candidate)
  }
  return addresses(chosen)
}

describe("replicas", () => {
  it("are those that Cassandra chooses", () => {
    for (const { keyspaces, nodes, tokens } of recordings().rings) {
      const ring = ringOf(nodes)
      assert.deepStrictEqual(ring.tokens, tokens)
      for (const { replicas, replication } of keyspaces) {
        const parsed = parseReplication(replication)
        assert.deepStrictEqual(
          tokens.map((token) => addresses(ring.replicasOfToken(parsed, token))),
          replicas,
          JSON.stringify(replication)
        )
      }
    }
  })

  it("of a data centre are of different racks first, and then the nodes that the ring meets first", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "a1x", "a1y", "a1z"], network({ a: "2" })), [
      "a1x a1y",
      "a1x a1y",
      "a1y a1z",
      "a1z a1x"
    ])
    assert.deepStrictEqual(replicasOf(["a1x", "a1y", "a1x", "a1y", "a2z"], network({ a: "2" })), [
      "a1x a2z",
      "a1y a2z",
      "a1x a2z",
      "a1y a2z",
      "a2z a1x"
    ])
    assert.deepStrictEqual(replicasOf(["a1x", "a1y", "a1y", "a2z"], network({ a: "3" })), [
      "a1x a1y a2z",
      "a1y a2z a1x",
      "a1y a2z a1x",
      "a2z a1x a1y"
    ])
    assert.deepStrictEqual(replicasOf(["a1x", "b1x", "c1x", "b1y", "a1y"], network({ a: "1", b: "2" })), [
      "a1x b1x b1y",
      "b1x b1y a1y",
      "b1y a1y b1x",
      "b1y a1y b1x",
      "a1y b1x b1y"
    ])
  })

  it("are no more than there are nodes, and none where nothing is replicated", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "a2y"], network({ a: "5", b: "3" })), ["a1x a2y", "a2y a1x"])
    assert.deepStrictEqual(replicasOf(["a1x", "b2y"], simple("7")), ["a1x b2y", "b2y a1x"])
    for (const none of [
      simple("0"),
      simple("many"),
      network({}),
      network({ a: "0" }),
      network({ b: "3" }),
      parseReplication({ class: "org.apache.cassandra.locator.LocalStrategy" }),
      parseReplication({ class: "org.apache.cassandra.locator.MetaStrategy" }),
      parseReplication({ class: "EverywhereStrategy" }),
      parseReplication({ class: "com.example.Mine", replication_factor: "3" }),
      parseReplication(null)
    ]) {
      assert.deepStrictEqual(replicasOf(["a1x", "a2y"], none), ["", ""], none.key)
    }
  })

  it("that are transient are left out: they come after the full ones, and are those that are missing first", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "a2y", "a3z"], network({ a: "3/1" })), ["a1x a2y", "a2y a3z", "a3z a1x"])
    assert.deepStrictEqual(replicasOf(["a1x", "a2y", "a3z"], simple("3/2")), ["a1x", "a2y", "a3z"])
    assert.deepStrictEqual(replicasOf(["a1x", "a2y"], network({ a: "3/1" })), ["a1x a2y", "a2y a1x"])
  })

  const nodes = fc
    .uniqueArray(
      fc.record({
        dataCenter: fc.constantFrom("a", "b", "c"),
        rack: fc.constantFrom("1", "2", "3"),
        tokens: fc.array(fc.integer({ min: -40, max: 40 }).map(String), { maxLength: 4 }),
        address: fc.nat(12).map(String)
      }),
      { selector: ({ address }) => address, maxLength: 10 }
    )
    .map((all): ReadonlyArray<RingNode> => all)

  it("are those of the definition, whatever the ring", () => {
    const factors = fc.dictionary(fc.constantFrom("a", "b", "c", "nowhere"), fc.nat(6))
    fc.assert(
      fc.property(nodes, factors, fc.nat(6), (some, wanted, factor) => {
        const ring = ringOf(some)
        const byNetwork = network(Object.fromEntries(Object.entries(wanted).map(([name, n]) => [name, String(n)])))
        const bySimple = simple(String(factor))
        ring.tokens.forEach((token, i) => {
          assert.deepStrictEqual(addresses(ring.replicasOfToken(byNetwork, token)), naive(ring, i, wanted))
          const walk = [...ring.owners.slice(i), ...ring.owners.slice(0, i)]
          assert.deepStrictEqual(ring.replicasOfToken(bySimple, token), [...new Set(walk)].slice(0, factor))
        })
      })
    )
  })

  it("of a key are those of its token, and always the same array", () => {
    fc.assert(
      fc.property(nodes, fc.uint8Array({ maxLength: 20 }), fc.nat(3), (some, key, before) => {
        const ring = ringOf(some)
        const buffer = Buffer.concat([Buffer.alloc(before, 7), key, Buffer.alloc(2, 9)])
        const of = (replication: Replication) => ring.replicasOf(replication, buffer, before, before + key.length)
        // Another keyspace, replicated alike.
        const [first, second, other] = [network({ a: "2", b: "1" }), network({ b: "1", a: "2" }), simple("2")]
        assert.strictEqual(of(first), of(second))
        assert.strictEqual(of(other), of(simple("2")))
        assert.strictEqual(of(first), ring.replicasOfToken(second, murmur3.token(key)))
      })
    )
  })
})

describe("replication", () => {
  it("is the same for keyspaces that are replicated alike, and for no others", () => {
    const different = [
      simple("1"),
      simple("2"),
      simple("2/1"),
      network({ a: "1" }),
      network({ a: "1", b: "1" }),
      network({ "a,b": "1" }),
      network({ 'a":"1","b': "1" }),
      network({ a: "2/1" }),
      parseReplication({ class: "LocalStrategy" }),
      parseReplication({ class: "MetaStrategy" }),
      parseReplication({ class: "EverywhereStrategy" })
    ]
    assert.strictEqual(new Set(different.map(({ key }) => key)).size, different.length)
    assert.strictEqual(network({ a: "1", b: "2" }).key, network({ b: "2", a: "1" }).key)
  })

  it("is read from names of every kind", () => {
    const parsed = network({ constructor: "1", "": "3" })
    assert.strictEqual(parsed._tag === "NetworkTopology" && parsed.factors.get("constructor")?.all, 1)
    for (const nothing of [undefined, null, 5, "SimpleStrategy", [], {}]) {
      assert.strictEqual(parseReplication(nothing)._tag, "Unknown")
    }
  })
})

/** The node that has a token's data. */
const ownerIn = (ring: TokenRing<RingNode>, token: bigint) => ring.replicasOfToken(simple("1"), String(token))[0]

/** The order of these tokens on a ring. */
const order = (className: string, tokens: ReadonlyArray<string>) =>
  new TokenRing([{ ...node("a1x"), tokens }], partitionerOf(className) as Partitioner).tokens

describe("the ring", () => {
  const minimum = -(2n ** 63n)
  const maximum = 2n ** 63n - 1n

  it("without tokens has no replicas", () => {
    for (const ring of [ringOf([]), ringOf([node("a1x"), node("a1y")])]) {
      assert.isTrue(ring.isEmpty)
      assert.deepStrictEqual(ring.ranges, [])
      assert.deepStrictEqual(ring.replicasOf(simple("1"), Buffer.from("k"), 0, 1), [])
      assert.deepStrictEqual(ring.replicasOfToken(simple("1"), "0"), [])
      assert.deepStrictEqual(ring.replicatedRanges(simple("1")), [])
    }
  })

  it("with one token is all that node's", () => {
    const one = node("a1x", 5)
    const ring = ringOf([node("a1y"), one])
    assert.deepStrictEqual(ring.ranges, [{ start: "5", end: "5" }])
    for (const token of [minimum, 4n, 5n, 6n, maximum]) {
      assert.deepStrictEqual(ring.replicasOfToken(simple("3"), String(token)), [one])
    }
  })

  it("begins again beyond its last token", () => {
    const [first, second, third] = [node("a1x", minimum), node("a1y", 0), node("a1z", maximum)]
    const ends = ringOf([third, first, second])
    assert.strictEqual(ownerIn(ends, minimum), first)
    assert.strictEqual(ownerIn(ends, minimum + 1n), second)
    assert.strictEqual(ownerIn(ends, 1n), third)
    assert.strictEqual(ownerIn(ends, maximum), third)
    const inner = ringOf([node("a1x", -5), second])
    assert.strictEqual(ownerIn(inner, 1n)?.address, "a1x")
    assert.strictEqual(ownerIn(inner, maximum)?.address, "a1x")
  })

  it("gives a token that two nodes claim to the later one, and leaves out a text that is no token", () => {
    const [first, second] = [node("a1x", 1, 2), node("a1y", 2, 3)]
    const ring = ringOf([first, { ...second, tokens: [...second.tokens, "x", "", "1e3", "99999999999999999999"] }])
    assert.deepStrictEqual(ring.tokens, ["1", "2", "3"])
    assert.deepStrictEqual(addresses(ring.owners), ["a1x", "a1y", "a1y"])
  })

  it("counts only nodes that have tokens", () => {
    // The third rack has nobody in the ring.
    const ring = ringOf([node("a1x", 0), node("a1y", 1), node("a2x", 2), node("a3x")])
    assert.deepStrictEqual(addresses(ring.replicasOfToken(network({ a: "3" }), "0")), ["a1x", "a1y", "a2x"])
  })

  it("is the ranges between its tokens, each with the replicas of its end", () => {
    const ring = ringOf([node("a1x", -10, 10), node("a2y", 0)])
    assert.deepStrictEqual(
      ring.replicatedRanges(simple("2")).map(({ end, replicas, start }) => [start, end, ...addresses(replicas)]),
      [
        ["-10", "0", "a2y", "a1x"],
        ["0", "10", "a1x", "a2y"],
        ["10", "-10", "a1x", "a2y"]
      ]
    )
  })

  it("orders the tokens of other partitioners", () => {
    assert.deepStrictEqual(order("RandomPartitioner", ["100", "9", String(2n ** 127n), "0"]), [
      "0",
      "9",
      "100",
      String(2n ** 127n)
    ])
    assert.deepStrictEqual(order("ByteOrderedPartitioner", ["ff", "0a00", "0a", ""]), ["", "0a", "0a00", "ff"])
  })
})
