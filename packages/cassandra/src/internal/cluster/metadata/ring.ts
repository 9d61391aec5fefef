/** The ring of tokens, in the shape that the public API has. */
import type { Host } from "../../../Host.ts"
import type { ReplicatedRange, TokenMap } from "../../../TokenMap.ts"
import type { ClusterView } from "../../request/index.ts"
import { hostOf, type Node, type Replication, type TokenRing } from "../../topology/index.ts"

/** Each node once, however many tokens it has. */
const converter = (): ((node: Node) => Host) => {
  const hosts = new Map<Node, Host>()
  return (node) => {
    const known = hosts.get(node) ?? hostOf(node)
    hosts.set(node, known)
    return known
  }
}

export const tokenMap = ({ ring }: ClusterView): TokenMap | undefined => {
  if (ring === undefined || ring.isEmpty) return undefined
  const toHost = converter()
  return {
    partitioner: ring.partitioner.className,
    tokens: ring.tokens.map((token, i) => ({ token, host: toHost(ring.owners[i]!) })),
    ranges: ring.ranges
  }
}

/** The ring and how a keyspace is spread over it; undefined where its data is each node's own, or that is not known. */
const spread = ({
  replication,
  ring
}: Pick<ClusterView, "ring"> & { readonly replication: Replication | undefined }):
  readonly [TokenRing<Node>, Replication] | undefined =>
  ring === undefined ||
  ring.isEmpty ||
  replication === undefined ||
  replication._tag === "Local" ||
  replication._tag === "Unknown"
    ? undefined
    : [ring, replication]

export const replicas = (
  view: ClusterView,
  keyspace: string,
  routingKey: Uint8Array
): ReadonlyArray<Host> | undefined => {
  const known = spread({ ring: view.ring, replication: view.replication(keyspace) })
  if (known === undefined) return undefined
  const [ring, replication] = known
  return ring.replicasOf(replication, Buffer.from(routingKey), 0, routingKey.length).map(hostOf)
}

export const tokenRanges = (view: ClusterView, keyspace: string): ReadonlyArray<ReplicatedRange> | undefined => {
  const known = spread({ ring: view.ring, replication: view.replication(keyspace) })
  if (known === undefined) return undefined
  const [ring, replication] = known
  const toHost = converter()
  return ring
    .replicatedRanges(replication)
    .map(({ end, replicas: nodes, start }) => ({ start, end, replicas: nodes.map(toHost) }))
}

/** The values of a partition key, each in its CQL form, as the partitioner takes them. */
export const routingKeyOf = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  if (parts.length === 1) return parts[0] as Uint8Array
  return Buffer.concat(
    parts.flatMap((part) => [Buffer.from([part.length >> 8, part.length & 0xff]), part, Buffer.from([0])])
  )
}
