/** What Cassandra's own classes answered: `Replicas.java` writes it. */
import { readFileSync } from "node:fs"
import type { RingNode } from "../../src/internal/topology/ring.ts"

export interface RecordedPartitioner {
  readonly partitioner: string
  readonly minimum: string
  /** Each a key in hexadecimal digits, and its token. */
  readonly tokens: ReadonlyArray<readonly [string, string]>
}

export interface RecordedRing {
  readonly nodes: ReadonlyArray<RingNode>
  readonly tokens: ReadonlyArray<string>
  /** The addresses of the full replicas of each token. */
  readonly keyspaces: ReadonlyArray<{
    readonly replication: Readonly<Record<string, string>>
    readonly replicas: ReadonlyArray<ReadonlyArray<string>>
  }>
}

export const recordings = (): {
  readonly partitioners: ReadonlyArray<RecordedPartitioner>
  readonly rings: ReadonlyArray<RecordedRing>
} => {
  const lines = readFileSync(new URL("./replicas.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
  const all = lines.map((line) => JSON.parse(line) as RecordedPartitioner | RecordedRing)
  return {
    partitioners: all.filter((one): one is RecordedPartitioner => "partitioner" in one),
    rings: all.filter((one): one is RecordedRing => "nodes" in one)
  }
}
