import type { Endpoint } from "../connection/index.ts"

/** How far a node is, by the load balancing policies: it decides how many connections it gets. */
export type NodeDistance = "local" | "remote" | "ignored"

/** What the cluster tells of a node. */
export interface NodeInfo {
  readonly hostId: string
  readonly dataCenter: string
  readonly rack: string
  /** The release of Cassandra; empty when it is not known. */
  readonly version: string
  /** As the server writes them. */
  readonly tokens: ReadonlyArray<string>
}

/** A node as policies, plans and events see it, whatever engine keeps it. */
export interface Node extends NodeInfo {
  /** `address:port`, IPv6 without brackets. */
  readonly address: string
  isUp(): boolean
}

/** A node as it is now, in the shape that the public API has. */
export const hostOf = (node: Node) => ({
  address: node.address,
  dataCenter: node.dataCenter,
  rack: node.rack,
  version: node.version,
  hostId: node.hostId,
  status: node.isUp() ? ("UP" as const) : ("DOWN" as const),
  tokens: node.tokens
})

/** A member of the cluster. */
export class ClusterNode implements Node {
  readonly address: string
  readonly endpoint: Endpoint
  hostId = ""
  dataCenter = ""
  rack = ""
  version = ""
  tokens: ReadonlyArray<string> = []
  private up: boolean

  constructor(address: string, endpoint: Endpoint, info: NodeInfo, up: boolean) {
    this.address = address
    this.endpoint = endpoint
    this.up = up
    this.update(info)
  }

  /** Takes what the cluster tells of it now; says whether anything is different. */
  update({ dataCenter, hostId, rack, tokens, version }: NodeInfo): boolean {
    const isDifferent =
      this.hostId !== hostId ||
      this.dataCenter !== dataCenter ||
      this.rack !== rack ||
      this.version !== version ||
      this.tokens.length !== tokens.length ||
      this.tokens.some((token, i) => token !== tokens[i])
    this.hostId = hostId
    this.dataCenter = dataCenter
    this.rack = rack
    this.version = version
    if (isDifferent) this.tokens = tokens
    return isDifferent
  }

  isUp(): boolean {
    return this.up
  }

  /** Says whether it was down. */
  setUp(): boolean {
    const was = this.up
    this.up = true
    return !was
  }

  /** Says whether it was up. */
  setDown(): boolean {
    const was = this.up
    this.up = false
    return was
  }
}
