/** Nodes, as the rows of `system.local`, `system.peers_v2` and `system.peers` tell of them. */

/** A row of a system table, decoded: addresses and UUIDs are texts, sets are `Set`s. */
export type SystemRow = Readonly<Record<string, unknown>>

/** What a node tells of itself. */
export interface NodeInfo {
  /** The UUID, as text. */
  readonly hostId: string
  readonly dataCenter: string
  readonly rack: string
  /** The release of Cassandra; empty when unknown. */
  readonly version: string
  /** As the server writes them; none for a node that has not joined. */
  readonly tokens: ReadonlyArray<string>
  /** The UUID, as text. */
  readonly schemaVersion: string | undefined
}

/** A node and where it listens for clients. */
export interface NodeRow extends NodeInfo {
  /** An IP address, IPv6 without brackets; not translated yet. */
  readonly address: string
  readonly port: number
  /** The release of DataStax Enterprise, on which Cassandra's is `version`. */
  readonly dseVersion: string | undefined
}

/** What a client needs to know of where it is connected to. */
export interface Endpoint {
  readonly address: string
  readonly port: number
}

/** `system.local`: the node that was asked, and what holds for the cluster. */
export interface LocalRow {
  readonly node: NodeRow
  /** Empty when unknown. */
  readonly clusterName: string
  /** The class; empty when unknown. */
  readonly partitioner: string
}

/** The other nodes, and what is to be logged about their rows. */
export interface PeerRows {
  readonly nodes: ReadonlyArray<NodeRow>
  readonly remarks: ReadonlyArray<string>
}

const has = (row: SystemRow, column: string): boolean => {
  const value = row[column]
  return value !== null && value !== undefined && value !== ""
}

const textOf = (row: SystemRow, column: string): string => (has(row, column) ? String(row[column]) : "")

const optionalText = (row: SystemRow, column: string): string | undefined =>
  has(row, column) ? String(row[column]) : undefined

const tokensOf = ({ tokens }: SystemRow): ReadonlyArray<string> =>
  tokens instanceof Set || Array.isArray(tokens) ? [...(tokens as Iterable<unknown>)].map(String) : []

const nodeOf = (row: SystemRow, { address, port }: Endpoint): NodeRow => ({
  address,
  port,
  hostId: textOf(row, "host_id"),
  dataCenter: textOf(row, "data_center"),
  rack: textOf(row, "rack"),
  version: textOf(row, "release_version"),
  dseVersion: optionalText(row, "dse_version"),
  tokens: tokensOf(row),
  schemaVersion: optionalText(row, "schema_version")
})

const required = ["host_id", "data_center"]

/**
 * The row of `system.local`. The address is where the client is connected to: the row itself often says `0.0.0.0`, or an
 * address that leads nowhere from outside. Of a row that cannot be used, the reason.
 */
export const readLocalRow = (
  row: SystemRow | undefined,
  connectedTo: Endpoint
): LocalRow | { readonly problem: string } => {
  if (row === undefined) return { problem: "system.local has no row" }
  const missing = required.filter((column) => !has(row, column))
  if (missing.length > 0) return { problem: `system.local has no ${missing.join(", ")}` }
  return {
    node: nodeOf(row, connectedTo),
    clusterName: textOf(row, "cluster_name"),
    partitioner: textOf(row, "partitioner")
  }
}

/** Addresses that mean every interface of a machine, which nobody can connect to. */
const wildcards = new Set(["0.0.0.0", "::", "::ffff:0.0.0.0"])

const isPort = (value: unknown): value is number => typeof value === "number" && value >= 1 && value <= 65_535

/** Without one of these a row is of a node that is not there yet, or no more. */
const requiredOfPeers = [...required, "rack", "schema_version"]

const missingIn = (row: SystemRow): ReadonlyArray<string> => [
  ...(has(row, "native_address") || has(row, "rpc_address") ? [] : ["native_address or rpc_address"]),
  ...requiredOfPeers.filter((column) => !has(row, column)),
  ...(tokensOf(row).length > 0 ? [] : ["tokens"])
]

/**
 * The rows of `system.peers_v2` or `system.peers`. `local` is the node that they come from, `defaultPort` that of nodes whose
 * row has none. Rows that lack something are left out, as are rows of a node that another row has told of already.
 */
export const readPeerRows = (rows: Iterable<SystemRow>, local: NodeRow, defaultPort: number): PeerRows => {
  const nodes: Array<NodeRow> = []
  const remarks: Array<string> = []
  const hostIds = new Set([local.hostId])
  const endpoints = new Set([`${local.address} ${local.port}`])
  for (const row of rows) {
    const peer = textOf(row, "peer")
    const leftOut = (why: string) =>
      void remarks.push(`The row of node ${peer} in the peers of ${local.address} is left out: ${why}`)
    const missing = missingIn(row)
    if (missing.length > 0) {
      leftOut(`it has no ${missing.join(", ")}`)
      continue
    }
    const announced = textOf(row, "native_address") || textOf(row, "rpc_address")
    const isWildcard = wildcards.has(announced)
    if (isWildcard && peer === "") {
      leftOut(`its address is ${announced}`)
      continue
    }
    const port = has(row, "native_address") && isPort(row["native_port"]) ? row["native_port"] : defaultPort
    const node = nodeOf(row, { address: isWildcard ? peer : announced, port })
    const endpoint = `${node.address} ${port}`
    if (hostIds.has(node.hostId)) {
      leftOut(`there is another one of host id ${node.hostId}`)
    } else if (endpoints.has(endpoint)) {
      leftOut(`there is another node at ${node.address}, port ${port}`)
    } else {
      if (isWildcard) remarks.push(`Node ${peer} announces ${announced} to clients: ${peer} is used instead`)
      hostIds.add(node.hostId)
      endpoints.add(endpoint)
      nodes.push(node)
    }
  }
  return { nodes, remarks }
}
