/**
 * Which nodes replicate a token. The driver works it out from a keyspace's replication, but reads that as an object where our
 * clients get a `Map`, and so took every keyspace for one that is not replicated; and with several nodes in a rack it
 * counts a node more than once, and in the wrong data centre.
 */
import type driver from "cassandra-driver"
import type { Host, TokenToReplica } from "../driverShape.ts"
import { clientInside } from "../inside.ts"

/** The replicas of one data centre, as Cassandra chooses them along the ring: one of each rack first, if it can be. */
class Choice {
  readonly #racks = new Set<string>()
  #left: number
  #repeats: number

  constructor(factor: number, nodes: number, racks: number) {
    this.#left = Math.min(factor, nodes)
    this.#repeats = factor - racks
  }

  get isDone(): boolean {
    return this.#left <= 0
  }

  takes(rack: string): boolean {
    if (this.isDone) return false
    if (this.#racks.has(rack)) {
      if (this.#repeats <= 0) return false
      this.#repeats--
    }
    this.#racks.add(rack)
    this.#left--
    return true
  }
}

/** `NetworkTopologyStrategy`: so many replicas in each data centre. */
export const networkReplicas =
  (factors: Readonly<Record<string, string>>): TokenToReplica =>
  (_tokenizer, ring, owners, dataCenters) => {
    const replicas: Record<string, ReadonlyArray<Host>> = {}
    ring.forEach((token, start) => {
      const choices = new Map<string, Choice>()
      for (const [name, { hostLength, racks }] of Object.entries(dataCenters)) {
        // `3/1` is three replicas, one of them transient.
        const factor = Number.parseInt(factors[name] ?? "0", 10)
        if (factor > 0) choices.set(name, new Choice(factor, hostLength, racks.length))
      }
      const chosen = new Set<Host>()
      for (let i = 0; i < ring.length && choices.size > 0; i++) {
        const host = owners[ring[(start + i) % ring.length] as string] as Host
        const choice = choices.get(host.datacenter)
        if (choice === undefined || chosen.has(host) || !choice.takes(host.rack)) continue
        chosen.add(host)
        if (choice.isDone) choices.delete(host.datacenter)
      }
      replicas[token] = [...chosen]
    })
    return replicas
  }

const plain = (value: unknown): unknown => (value instanceof Map ? Object.fromEntries(value) : value)

/** Makes a client know the replicas of its keyspaces. Call before it connects. */
export const knowReplicas = (client: driver.Client): void => {
  const { metadata } = clientInside(client)
  const { setCassandraVersion } = metadata
  metadata.setCassandraVersion = (version) => {
    setCassandraVersion.call(metadata, version)
    // The parser is chosen by the version, once that is known.
    const parser = metadata._schemaParser
    if (Object.hasOwn(parser, "_parseKeyspace")) return
    const { _parseKeyspace } = parser
    parser._parseKeyspace = (row, virtual) => {
      const keyspace = _parseKeyspace.call(parser, { ...row, replication: plain(row["replication"]) }, virtual)
      if (keyspace.strategy?.endsWith("NetworkTopologyStrategy") === true) {
        keyspace.tokenToReplica = networkReplicas(keyspace.strategyOptions ?? {})
      }
      return keyspace
    }
  }
}
