/**
 * Replication: how a keyspace's data is spread over the ring. The replicas of a token are those that Cassandra's own
 * strategies choose, in the order in which they choose them.
 *
 * Transient replicas (`3/1`: three replicas, one of them transient) are left out. They keep data only until the full replicas
 * have been repaired, and a read needs a full one: as a coordinator a transient replica is no better than any other node.
 */

/** The number of replicas, and how many of them are transient. */
export interface ReplicationFactor {
  readonly all: number
  readonly transient: number
}

/**
 * - `Simple`: so many replicas along the ring, wherever they are
 * - `NetworkTopology`: so many in each data centre, in different racks as far as possible
 * - `Local`: each node's own data, which has no replicas
 * - `Unknown`: a strategy whose replicas the client cannot tell
 *
 * Keyspaces that are replicated alike have the same `key`.
 */
export type Replication =
  | { readonly _tag: "Simple"; readonly key: string; readonly factor: ReplicationFactor }
  | { readonly _tag: "NetworkTopology"; readonly key: string; readonly factors: ReadonlyMap<string, ReplicationFactor> }
  | { readonly _tag: "Local"; readonly key: string }
  | { readonly _tag: "Unknown"; readonly key: string; readonly className: string }

const local: Replication = { _tag: "Local", key: "Local" }

const factorPattern = /^\+?(\d+)(?:\/\+?(\d+))?$/

/** `3` or `3/1`. No replicas for anything else: the server would not have accepted it. */
const parseFactor = (value: unknown): ReplicationFactor => {
  const match = factorPattern.exec(String(value))
  return { all: Number(match?.[1] ?? 0), transient: Number(match?.[2] ?? 0) }
}

const textOf = ({ all, transient }: ReplicationFactor): string =>
  transient === 0 ? String(all) : `${all}/${transient}`

const entriesOf = (value: unknown): ReadonlyArray<readonly [string, unknown]> => {
  if (value instanceof Map) return [...(value as Map<string, unknown>)]
  return typeof value === "object" && value !== null ? Object.entries(value) : []
}

/** The replication of a keyspace, from the column `replication` of `system_schema.keyspaces`: a `Map` or a record. */
export const parseReplication = (value: unknown): Replication => {
  const options = new Map(entriesOf(value))
  const className = String(options.get("class") ?? "")
  options.delete("class")
  switch (className.slice(className.lastIndexOf(".") + 1)) {
    case "SimpleStrategy": {
      const factor = parseFactor(options.get("replication_factor"))
      return { _tag: "Simple", key: `Simple ${textOf(factor)}`, factor }
    }
    case "NetworkTopologyStrategy": {
      const factors = new Map(
        [...options].map(([dataCenter, factor]): [string, ReplicationFactor] => [dataCenter, parseFactor(factor)])
      )
      const texts = [...factors].map(([dataCenter, factor]) => [dataCenter, textOf(factor)] as const)
      const sorted = texts.toSorted(([a], [b]) => (a < b ? -1 : 1))
      return { _tag: "NetworkTopology", key: `NetworkTopology ${JSON.stringify(sorted)}`, factors }
    }
    case "LocalStrategy":
      return local
    default:
      return { _tag: "Unknown", key: `Unknown ${className}`, className }
  }
}

/** What a strategy looks at in a node. */
export interface Placed {
  readonly dataCenter: string
  readonly rack: string
}

/** How many nodes and racks of a data centre have tokens. */
export interface DataCenterSize {
  readonly nodes: number
  readonly racks: number
}

/** The sizes of the data centres, by name. */
export const dataCenterSizes = (nodes: Iterable<Placed>): ReadonlyMap<string, DataCenterSize> => {
  const sizes = new Map<string, { nodes: number; racks: Set<string> }>()
  for (const { dataCenter, rack } of nodes) {
    const size = sizes.get(dataCenter) ?? { nodes: 0, racks: new Set() }
    sizes.set(dataCenter, size)
    size.nodes++
    size.racks.add(rack)
  }
  return new Map([...sizes].map(([name, size]) => [name, { nodes: size.nodes, racks: size.racks.size }]))
}

/** Chooses the replicas of one data centre: one of each rack first, if it can be. */
class Choice {
  readonly #racks = new Set<string>()
  #left: number
  #transient: number
  #repeats: number

  constructor({ all, transient }: ReplicationFactor, { nodes, racks }: DataCenterSize) {
    this.#left = Math.min(all, nodes)
    // With fewer nodes than replicas it is transient ones that are missing.
    this.#transient = Math.max(transient - (all - this.#left), 0)
    this.#repeats = all - racks
  }

  get isDone(): boolean {
    return this.#left <= 0
  }

  /** Is the next node that is taken a full replica? The transient ones come last. */
  get isFull(): boolean {
    return this.#left > this.#transient
  }

  takes(rack: string): boolean {
    if (this.#racks.has(rack)) {
      // The racks that are left have to be enough.
      if (this.#repeats <= 0) return false
      this.#repeats--
    }
    this.#racks.add(rack)
    this.#left--
    return true
  }
}

const networkReplicas = <N extends Placed>(
  factors: ReadonlyMap<string, ReplicationFactor>,
  owners: ReadonlyArray<N>,
  start: number,
  sizes: ReadonlyMap<string, DataCenterSize>
): ReadonlyArray<N> => {
  const choices = new Map<string, Choice>()
  for (const [name, factor] of factors) {
    const size = sizes.get(name)
    if (size !== undefined && factor.all > 0) choices.set(name, new Choice(factor, size))
  }
  const seen = new Set<N>()
  const replicas: Array<N> = []
  for (let i = 0; i < owners.length && choices.size > 0; i++) {
    const node = owners[(start + i) % owners.length]!
    const choice = choices.get(node.dataCenter)
    if (choice === undefined || seen.has(node)) continue
    const { isFull } = choice
    if (!choice.takes(node.rack)) continue
    seen.add(node)
    if (isFull) replicas.push(node)
    if (choice.isDone) choices.delete(node.dataCenter)
  }
  return replicas
}

const simpleReplicas = <N>(
  { all, transient }: ReplicationFactor,
  owners: ReadonlyArray<N>,
  start: number
): ReadonlyArray<N> => {
  const replicas = new Set<N>()
  for (let i = 0; i < owners.length && replicas.size < all - transient; i++) {
    replicas.add(owners[(start + i) % owners.length]!)
  }
  return [...replicas]
}

/**
 * The full replicas of the token at `start`. `owners` are the nodes of all tokens, in the ring's order; `sizes` those of their
 * data centres.
 */
export const chooseReplicas = <N extends Placed>(
  replication: Replication,
  owners: ReadonlyArray<N>,
  start: number,
  sizes: ReadonlyMap<string, DataCenterSize>
): ReadonlyArray<N> => {
  switch (replication._tag) {
    case "Simple":
      return simpleReplicas(replication.factor, owners, start)
    case "NetworkTopology":
      return networkReplicas(replication.factors, owners, start, sizes)
    default:
      return []
  }
}
