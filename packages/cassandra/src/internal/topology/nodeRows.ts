/** Nodes, as the rows of `system.local`, `system.peers_v2` and `system.peers` tell of them. */

/** A row of a system table, decoded: addresses and UUIDs are texts, sets are `Set`s. */
export type SystemRow = Readonly<Record<string, unknown>>

/** What a row tells of a node. */
export interface NodeRow {
  /** The UUID, as text. */
  readonly hostId: string
  /** Where it listens for clients: an IP address, IPv6 without brackets, not translated yet. */
  readonly address: string
  /** Undefined where the table has none: servers before 4.0 listen all on one port. */
  readonly port: number | undefined
  readonly dataCenter: string
  readonly rack: string
  /** The release of Cassandra; empty when unknown. */
  readonly version: string
  /** The release of DataStax Enterprise, on which Cassandra's is `version`. */
  readonly dseVersion: string | undefined
  /** As the server writes them; none for a node that has not joined. */
  readonly tokens: ReadonlyArray<string>
  /** The UUID, as text. */
  readonly schemaVersion: string | undefined
}

/** `system.local`: the node that was asked, and what holds for the cluster. */
export interface LocalRow extends NodeRow {
  /** Empty when unknown. */
  readonly clusterName: string
  /** The class; empty when unknown. */
  readonly partitioner: string
}

/** The other nodes. */
export interface PeerRows {
  readonly rows: ReadonlyArray<NodeRow>
  /** What is wrong with each row that was left out, to be logged. */
  readonly left: ReadonlyArray<string>
}

const textOf = (row: SystemRow, column: string): string => {
  const value = row[column]
  return value === null || value === undefined ? "" : String(value)
}

const tokensOf = ({ tokens }: SystemRow): ReadonlyArray<string> =>
  tokens instanceof Set || Array.isArray(tokens) ? [...(tokens as Iterable<unknown>)].map(String) : []

/** Addresses that stand for every interface of a machine: nobody can connect to one. */
const wildcards = new Set(["0.0.0.0", "::", "::ffff:0.0.0.0"])

/** A node that listens everywhere is reached where the other nodes reach it. Empty when the row has no address. */
const addressOf = (row: SystemRow): string => {
  const announced = textOf(row, "native_address") || textOf(row, "rpc_address")
  return wildcards.has(announced) ? textOf(row, "peer") || textOf(row, "broadcast_address") : announced
}

const portOf = (row: SystemRow): number | undefined => {
  const port = textOf(row, "native_address") === "" ? row["rpc_port"] : row["native_port"]
  return typeof port === "number" && port >= 1 && port <= 65_535 ? port : undefined
}

const nodeOf = (row: SystemRow): NodeRow => ({
  hostId: textOf(row, "host_id"),
  address: addressOf(row),
  port: portOf(row),
  dataCenter: textOf(row, "data_center"),
  rack: textOf(row, "rack"),
  version: textOf(row, "release_version"),
  dseVersion: textOf(row, "dse_version") || undefined,
  tokens: tokensOf(row),
  schemaVersion: textOf(row, "schema_version") || undefined
})

/**
 * The row of `system.local`; undefined when it does not say which node it is of, and in which data centre. Its address may be
 * one that leads nowhere from outside: where the client is connected to is the better one.
 */
export const readLocal = (row: SystemRow): LocalRow | undefined => {
  const node = nodeOf(row)
  if (node.hostId === "" || node.dataCenter === "") return undefined
  return { ...node, clusterName: textOf(row, "cluster_name"), partitioner: textOf(row, "partitioner") }
}

/** Without one of these a row is of a node that is not there yet, or no more. */
const missingIn = (row: SystemRow): ReadonlyArray<string> => [
  ...(addressOf(row) === "" ? ["address for clients"] : []),
  ...["host_id", "data_center", "rack", "schema_version"].filter((column) => textOf(row, column) === ""),
  ...(tokensOf(row).length === 0 ? ["tokens"] : [])
]

/**
 * The rows of `system.peers_v2` or `system.peers`. Those that lack something are left out, and so are those of a node that
 * another row has told of: `localHostId` is of the node that was asked.
 */
export const readPeers = (rows: Iterable<SystemRow>, localHostId: string): PeerRows => {
  const nodes: Array<NodeRow> = []
  const left: Array<string> = []
  const hostIds = new Set([localHostId])
  for (const row of rows) {
    const node = nodeOf(row)
    const missing = missingIn(row)
    if (missing.length > 0) {
      left.push(`The row of peer ${textOf(row, "peer")} is left out: it has no ${missing.join(", ")}`)
    } else if (hostIds.has(node.hostId)) {
      left.push(`The row of peer ${textOf(row, "peer")} is left out: there is another node of host id ${node.hostId}`)
    } else {
      hostIds.add(node.hostId)
      nodes.push(node)
    }
  }
  return { rows: nodes, left }
}
