/** The ring of tokens, as the driver has it. */
import type driver from "cassandra-driver"
import type { Host } from "../../Host.ts"
import type { ReplicatedRange, TokenMap } from "../../TokenMap.ts"
import { hostOf } from "../host.ts"
import { inOrder, orderOf, rangesOf } from "../topology/tokenRanges.ts"
import { type Ring, ringOf } from "../wire/client/index.ts"

const partitioners: Readonly<Record<string, string>> = {
  Murmur3Tokenizer: "Murmur3Partitioner",
  RandomTokenizer: "RandomPartitioner",
  ByteOrderedTokenizer: "ByteOrderedPartitioner"
}

/** A token: its text, and what the driver finds its replicas and its owner by. */
interface Place {
  readonly token: object
  readonly key: string
}

/** The tokens of the ring by their texts. The driver's own keys of tokens are no texts of the server's. */
const placesOf = (ring: Ring): ReadonlyMap<string, Place> =>
  new Map(
    ring.ring.map((token, i) => [
      // Bytes are in upper case here, and in lower case on the server.
      String(token).toLowerCase(),
      { token, key: ring.ringTokensAsStrings[i] as string }
    ])
  )

const partitionerOf = ({ tokenizer }: Ring): string =>
  `org.apache.cassandra.dht.${partitioners[tokenizer?.constructor.name ?? ""] ?? "Murmur3Partitioner"}`

const inRingOrder = (ring: Ring, places: ReadonlyMap<string, Place>): ReadonlyArray<string> =>
  inOrder(places.keys(), orderOf(partitionerOf(ring)))

/** Each host once, however many tokens it has. */
const converter = (): ((host: driver.Host) => Host) => {
  const hosts = new Map<driver.Host, Host>()
  return (host) => {
    const known = hosts.get(host) ?? hostOf(host)
    hosts.set(host, known)
    return known
  }
}

export const tokenMap = (client: driver.Client): TokenMap | undefined => {
  const ring = ringOf(client)
  if (ring === undefined) return undefined
  const toHost = converter()
  const places = placesOf(ring)
  const tokens = inRingOrder(ring, places)
  return {
    partitioner: partitionerOf(ring),
    tokens: tokens.map((token) => ({
      token,
      host: toHost(ring.primaryReplicas[(places.get(token) as Place).key] as driver.Host)
    })),
    ranges: rangesOf(tokens)
  }
}

export const replicas = (
  client: driver.Client,
  keyspace: string,
  routingKey: Uint8Array
): ReadonlyArray<Host> | undefined => {
  const ring = ringOf(client)
  if (ring === undefined || !isSpread(ring, keyspace)) return undefined
  return ring.getReplicas(keyspace, Buffer.from(routingKey))?.map(hostOf)
}

export const tokenRanges = (client: driver.Client, keyspace: string): ReadonlyArray<ReplicatedRange> | undefined => {
  const ring = ringOf(client)
  if (ring === undefined || !isSpread(ring, keyspace)) return undefined
  const toHost = converter()
  const places = placesOf(ring)
  return rangesOf(inRingOrder(ring, places)).map((range) => ({
    ...range,
    // What belongs to a token belongs to the range that it ends.
    replicas: (ring.getReplicas(keyspace, (places.get(range.end) as Place).token) ?? []).map(toHost)
  }))
}

/** Whether the data of a keyspace is spread over the ring: that of a local or virtual one is each node's own. */
const isSpread = (ring: Ring, keyspace: string): boolean => {
  if (!Object.hasOwn(ring.keyspaces, keyspace)) return false
  const { strategy, virtual } = ring.keyspaces[keyspace] as Ring["keyspaces"][string]
  return virtual !== true && typeof strategy === "string" && !strategy.endsWith("LocalStrategy")
}

/** The values of a partition key, each in its CQL form, as the partitioner takes them. */
export const routingKeyOf = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (parts.length === 1) return parts[0] as Uint8Array
  return Buffer.concat(
    parts.flatMap((part) => [Buffer.from([part.length >> 8, part.length & 0xff]), part, Buffer.from([0])])
  )
}
