import { assert, describe, it } from "@effect/vitest"
import { networkReplicas } from "../src/internal/wire/client/replication.ts"
import type { Host } from "../src/internal/wire/driverShape.ts"

/** The replicas of each token, by the names of hosts; `a1` is in data centre `a` and rack `1`, whatever follows. */
const replicasOf = (ring: ReadonlyArray<string>, factors: Readonly<Record<string, string>>) => {
  const hosts = new Map(
    ring.map((name) => [name, { address: name, datacenter: name.charAt(0), rack: name.charAt(1) } as Host])
  )
  const names = [...hosts.keys()]
  const dataCenters = Object.fromEntries(
    [...new Set(names.map((name) => name.charAt(0)))].map((dataCenter) => {
      const inside = names.filter((name) => name.startsWith(dataCenter))
      return [
        dataCenter,
        { hostLength: inside.length, racks: { length: new Set(inside.map((name) => name.charAt(1))).size } }
      ]
    })
  )
  const tokens = ring.map((_, i) => String(i))
  const owners = Object.fromEntries(ring.map((name, i) => [String(i), hosts.get(name) as Host]))
  const replicas = networkReplicas(factors)(undefined, tokens, owners, dataCenters)
  return tokens.map((token) => replicas[token]?.map(({ address }) => address).join(" "))
}

describe("replicas by NetworkTopologyStrategy", () => {
  it("takes no node twice, however many tokens it has", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "a1x", "a1y", "a1z"], { a: "2" }), [
      "a1x a1y",
      "a1x a1y",
      "a1y a1z",
      "a1z a1x"
    ])
  })

  it("spreads over the racks first, and then takes the nodes it met first", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "a1y", "a1x", "a1y", "a2z"], { a: "2" }), [
      "a1x a2z",
      "a1y a2z",
      "a1x a2z",
      "a1y a2z",
      "a2z a1x"
    ])
    assert.deepStrictEqual(replicasOf(["a1x", "a1y", "a1y", "a2z"], { a: "3" }), [
      "a1x a1y a2z",
      "a1y a2z a1x",
      "a1y a2z a1x",
      "a2z a1x a1y"
    ])
  })

  it("chooses in each data centre by itself, and nowhere else", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "b1x", "c1x", "b1y", "a1y"], { a: "1", b: "2" }), [
      "a1x b1x b1y",
      "b1x b1y a1y",
      "b1y a1y b1x",
      "b1y a1y b1x",
      "a1y b1x b1y"
    ])
  })

  it("has no more replicas than nodes, and counts transient ones", () => {
    assert.deepStrictEqual(replicasOf(["a1x", "a2y"], { a: "5", b: "3" }), ["a1x a2y", "a2y a1x"])
    assert.deepStrictEqual(replicasOf(["a1x", "a2y", "a3z"], { a: "2/1" }), ["a1x a2y", "a2y a3z", "a3z a1x"])
  })
})
