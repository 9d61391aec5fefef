import type { BoundStatement } from "../protocol/index.ts"
import { type Node, PartitionKey, type Topology } from "../topology/index.ts"

const none: ReadonlyArray<Node> = []

/**
 * What a request is about, found out when its plan asks and not before: a key that nobody asks for is not worked out. One object
 * for all requests, good until the next one is looked at.
 */
export class Target {
  keyspace: string | undefined = undefined
  private statement: BoundStatement | undefined
  private readonly topology: Topology
  private readonly partition = new PartitionKey()

  constructor(topology: Topology) {
    this.topology = topology
  }

  /** At a statement, in a keyspace. */
  at(statement: BoundStatement, keyspace: string | undefined): this {
    this.statement = statement
    this.keyspace = keyspace
    return this
  }

  /** The bytes of the partition key; undefined when they are not known. */
  get key(): Buffer | undefined {
    return this.write() ? this.partition.copy() : undefined
  }

  /** The nodes that hold the partition; none when that cannot be told. */
  get replicas(): ReadonlyArray<Node> {
    const { keyspace, topology } = this
    const { ring } = topology
    const replication = keyspace === undefined ? undefined : topology.replication(keyspace)
    if (ring === undefined || replication === undefined || ring.isEmpty || !this.write()) return none
    return ring.replicasOf(replication, this.partition.buffer, this.partition.start, this.partition.end)
  }

  private write(): boolean {
    const { prepared, values, writers } = this.statement!
    return this.partition.write(prepared.partitionKey, writers, values)
  }
}
