import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ports from "../src/internal/ports.ts"
import * as Topology from "../src/internal/topology.ts"

describe("the topology of a cluster", () => {
  it.effect("names nodes through the data centres and spreads them over racks", () =>
    Effect.gen(function* () {
      const places = yield* Topology.places({ dataCenters: { a: 3, b: 1 }, racks: 2 })
      assert.deepStrictEqual(
        places.map(({ dataCenter, name, rack }) => [name, dataCenter, rack]),
        [
          ["node1", "a", "rack1"],
          ["node2", "a", "rack2"],
          ["node3", "a", "rack1"],
          ["node4", "b", "rack1"]
        ]
      )
    })
  )

  it.effect("gives every node tokens of its own, within the ring", () =>
    Effect.gen(function* () {
      const places = yield* Topology.places({ dataCenters: { a: 3, b: 3, c: 2 } })
      const tokens = places.flatMap((place) => place.tokens).map(BigInt)
      assert.strictEqual(new Set(tokens).size, 8 * 16)
      assert.isTrue(tokens.every((token) => token > -(2n ** 63n) && token < 2n ** 63n))
    })
  )

  it.effect("refuses shapes that make no cluster", () =>
    Effect.gen(function* () {
      const shapes: ReadonlyArray<Topology.Shape> = [
        { nodes: 0 },
        { nodes: 1.5 },
        { nodes: 1, dataCenters: { a: 1 } },
        { dataCenters: {} },
        { racks: 0 }
      ]
      for (const shape of shapes) yield* Effect.flip(Topology.places(shape))
    })
  )
})

describe("free ports", () => {
  it.scoped("are given to one user at a time", () =>
    Effect.gen(function* () {
      const given = yield* Effect.all(
        Array.from({ length: 40 }, () => Ports.allocate(Effect.succeed(["127.0.0.1"]))),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(given.map(({ ports }) => ports.native)).size, 40)
      assert.isTrue(given.every(({ ports }) => ports.native > 10_000 && ports.storage < 32_768))
    })
  )

  it.scoped("are the same on each address", () =>
    Effect.gen(function* () {
      const { addresses } = yield* Ports.allocate(Topology.addresses(3))
      assert.strictEqual(new Set(addresses).size, 3)
      assert.strictEqual(new Set(addresses.map((address) => address.split(".").slice(0, 3).join("."))).size, 1)
    })
  )
})
