/**
 * Which nodes a cluster has: their names, addresses, data centres, racks and tokens.
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { OptionsError } from "../TestkitError.ts"

/** A node before it has an address. */
export interface Place {
  readonly name: string
  readonly dataCenter: string
  readonly rack: string
  /** Its tokens, spread evenly over the ring of its data centre; none for a node that draws its own when it joins. */
  readonly tokens: ReadonlyArray<string>
}

const tokensPerNode = 16
const ring = 1n << 64n
const least = -(1n << 63n)

/** The tokens of the node `index` among `count`; data centres are shifted, for no two nodes may have the same. */
const tokens = (index: number, count: number, dataCenter: number): ReadonlyArray<string> =>
  Array.from({ length: tokensPerNode }, (_, turn) => {
    const position = BigInt(turn * count + index)
    return String(least + 1n + BigInt(dataCenter) * 1000n + (ring * position) / BigInt(tokensPerNode * count))
  })

/** What a cluster is to consist of. */
export interface Shape {
  readonly nodes?: number | undefined
  readonly dataCenters?: Readonly<Record<string, number>> | undefined
  readonly racks?: number | undefined
}

export const maxNodes = 200

/** The nodes of a cluster, `node1` and up, one data centre after the other. */
export const places = (shape: Shape): Effect.Effect<ReadonlyArray<Place>, OptionsError> =>
  Effect.suspend(() => {
    if (shape.nodes !== undefined && shape.dataCenters !== undefined) {
      return new OptionsError({ option: "nodes", reason: "give either `nodes` or `dataCenters`" })
    }
    const dataCenters = Object.entries(shape.dataCenters ?? { dc1: shape.nodes ?? 3 })
    const counts = dataCenters.map(([, count]) => count)
    const total = counts.reduce((sum, count) => sum + count, 0)
    const racks = shape.racks ?? 1
    if (!counts.every((count) => Number.isInteger(count) && count > 0) || total === 0 || total > maxNodes) {
      return new OptionsError({
        option: shape.dataCenters === undefined ? "nodes" : "dataCenters",
        reason: `at least one node in each data centre, at most ${maxNodes} in all`
      })
    }
    if (!Number.isInteger(racks) || racks < 1) {
      return new OptionsError({ option: "racks", reason: "a whole number from 1" })
    }
    let number = 0
    const result = dataCenters.flatMap(([dataCenter, count], dcIndex) =>
      Array.from({ length: count }, (_, index): Place => {
        number += 1
        return {
          name: `node${number}`,
          dataCenter,
          rack: `rack${(index % racks) + 1}`,
          tokens: tokens(index, count, dcIndex)
        }
      })
    )
    return Effect.succeed(result)
  })

/** The address of the node after so many others, whose first one is this. */
export const nextAddress = (first: string, count: number): string => first.replace(/\d+$/, String(count + 1))

/** So many addresses on the loopback network, all with the same beginning, which is drawn by lot. */
export const addresses = (count: number): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(Effect.zip(Random.nextIntBetween(1, 255), Random.nextIntBetween(0, 255)), ([second, third]) =>
    Array.from({ length: count }, (_, index) => `127.${second}.${third}.${index + 1}`)
  )

/** The most nodes that proxies can be put before. */
export const maxProxied = 100

/** Where the proxy of the node at this address listens: its neighbour on the loopback network. */
export const proxyAddress = (address: string): string => {
  const [first, second, third, last] = address.split(".")
  return `${first}.${second}.${third}.${Number(last) + maxProxied}`
}
