/** Load balancing policies, worked out for the nodes there are now. They are made anew when nodes come or go. */
import type { Consistency } from "../../Consistency.ts"
import type { Host } from "../../Host.ts"
import type { AllowList, Custom, DcAware, LoadBalancing } from "../../LoadBalancing.ts"
import { consistencyCodes as codes, consistencyName } from "../protocol/index.ts"
import { hostOf, type Node, type NodeDistance } from "../topology/index.ts"
import { type Nodes, Plan } from "./plan.ts"

/** A policy that cannot be used: what is wrong with it, and the option that it is about. */
export class PolicyError extends Error {
  readonly _tag = "Policy"
  override readonly name = "PolicyError"
  readonly option: string
  constructor(option: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.option = option
  }
}

/** A policy of the user's threw when it was asked for a plan. */
export class PlanError extends Error {
  readonly _tag = "Plan"
  override readonly name = "PlanError"
}

/** What a policy needs to know of the options of a request. */
export interface Levels {
  readonly consistency?: number | undefined
  readonly serialConsistency?: number | undefined
}

export interface Router {
  readonly distance: (host: Node) => NodeDistance
  /** `turn` counts the requests. Throws a `PlanError` when a user's policy throws. */
  readonly plan: (target: Target | undefined, turn: number, levels: Levels | undefined) => Iterator<Node, undefined>
}

/** What a request is about. */
export interface Target {
  readonly keyspace: string | undefined
  readonly key: Buffer | undefined
  /** The nodes that hold it, in any data centre; none when that cannot be told. */
  readonly replicas: Nodes
}

/** What is known of the cluster. */
export interface Surroundings {
  readonly nodes: Nodes
  /** The data centre for policies that name none; undefined where it cannot be told. */
  readonly localDataCenter: string | undefined
  /** A number of the client's own, so that not every client picks the same nodes. */
  readonly seed: number
}

interface Parts {
  readonly base: DcAware | Custom
  readonly tokenAware: boolean
  readonly allowLists: ReadonlyArray<AllowList>
}

const partsOf = (policy: LoadBalancing): Parts => {
  switch (policy._tag) {
    case "TokenAware":
      return { ...partsOf(policy.policy), tokenAware: true }
    case "AllowList": {
      const inner = partsOf(policy.policy)
      return { ...inner, allowLists: [policy, ...inner.allowLists] }
    }
    default:
      return { base: policy, tokenAware: false, allowLists: [] }
  }
}

export const noNodes: Nodes = []

const localLevels = new Set<number | undefined>([codes.LOCAL_ONE, codes.LOCAL_QUORUM, codes.LOCAL_SERIAL])
const serialLevels = new Set<number | undefined>([codes.SERIAL, codes.LOCAL_SERIAL])

const allowedBy = (lists: ReadonlyArray<AllowList>, host: Node): boolean =>
  lists.length === 0 || isAllowed(lists, hostOf(host))

const isAllowed = (lists: ReadonlyArray<AllowList>, host: Host): boolean => lists.every((list) => list.allows(host))

/** The distances that a user's code gives: where it throws, the host is ignored. */
const guarded = (distance: (host: Node) => NodeDistance) => (host: Node) => {
  try {
    return checked(distance(host))
  } catch {
    return "ignored"
  }
}

const checked = (distance: NodeDistance): NodeDistance => {
  if (distance === "local" || distance === "remote" || distance === "ignored") return distance
  throw new TypeError("a distance is local, remote or ignored")
}

class DcRouter implements Router {
  readonly #tokenAware: boolean
  readonly #failsLocalLevelsOver: boolean
  readonly #local: ReadonlySet<Node>
  readonly #remote: ReadonlySet<Node>
  readonly #groups: ReadonlyArray<Nodes>
  readonly #localGroup: ReadonlyArray<Nodes>
  /** The local ones of some replicas: the ring gives the same array for the same token, and most are met again. */
  readonly #localReplicas = new WeakMap<Nodes, Nodes>()

  constructor({ allowLists, tokenAware }: Parts, base: DcAware, { nodes: hosts, localDataCenter, seed }: Surroundings) {
    const local = base.localDataCenter ?? localDataCenter
    const allowed = hosts.filter(
      (host) => guarded((each) => (allowedBy(allowLists, each) ? "local" : "ignored"))(host) === "local"
    )
    const inDataCenter = (name: string | undefined) => allowed.filter((host) => host.dataCenter === name)
    const remotes = (base.remoteDataCenters ?? []).map((name) =>
      some(inDataCenter(name), base.hostsPerRemoteDataCenter, seed)
    )
    const locals = inDataCenter(local)
    this.#tokenAware = tokenAware
    this.#failsLocalLevelsOver = base.failoverLocalConsistencies ?? true
    this.#local = new Set(locals)
    this.#remote = new Set(remotes.flat())
    this.#localGroup = [locals]
    this.#groups = [locals, ...remotes]
  }

  readonly distance = (host: Node): NodeDistance =>
    this.#local.has(host) ? "local" : this.#remote.has(host) ? "remote" : "ignored"

  readonly plan = (target: Target | undefined, turn: number, levels: Levels | undefined): Plan => {
    const groups = this.#failsLocalLevelsOver || !isLocal(levels) ? this.#groups : this.#localGroup
    // Coordinators of the same partition get into each other's way in Paxos: everybody begins with the same replica.
    const start = levels !== undefined && serialLevels.has(levels.consistency) ? 0 : turn
    const replicas = target === undefined || !this.#tokenAware ? noNodes : this.#localOf(target.replicas)
    return new Plan(replicas, groups, start)
  }

  #localOf(replicas: Nodes): Nodes {
    if (replicas.length <= 1) return replicas.length === 1 && this.#isLocal(replicas[0]) ? replicas : noNodes
    let local = this.#localReplicas.get(replicas)
    if (local === undefined) {
      local = replicas.every((host) => this.#local.has(host))
        ? replicas
        : replicas.filter((host) => this.#local.has(host))
      this.#localReplicas.set(replicas, local)
    }
    return local
  }

  #isLocal(host: Node | undefined): boolean {
    return host !== undefined && this.#local.has(host)
  }
}

const isLocal = (levels: Levels | undefined): boolean =>
  levels !== undefined && (localLevels.has(levels.consistency) || levels.serialConsistency === codes.LOCAL_SERIAL)

const some = (hosts: Nodes, most: number | undefined, seed: number): Nodes =>
  most === undefined || hosts.length <= most
    ? hosts
    : Array.from({ length: most }, (_, i) => hosts[(seed + i) % hosts.length] as Node)

/** A plan may name hosts more than once, but not for ever. */
const mostSteps = 100_000

class CustomRouter implements Router {
  readonly #tokenAware: boolean
  readonly #policy: Custom
  readonly #distances: ReadonlyMap<Node, NodeDistance>
  readonly #byAddress: ReadonlyMap<string, Node>

  constructor({ allowLists, tokenAware }: Parts, base: Custom, { nodes: hosts }: Surroundings) {
    const distance = guarded(customDistance(base, allowLists))
    this.#tokenAware = tokenAware
    this.#policy = base
    this.#distances = new Map(hosts.map((host) => [host, distance(host)]))
    this.#byAddress = new Map(
      hosts.filter((host) => this.distance(host) !== "ignored").map((host) => [host.address, host])
    )
  }

  readonly distance = (host: Node): NodeDistance => this.#distances.get(host) ?? "ignored"

  readonly plan = (target: Target | undefined, turn: number, levels: Levels | undefined): Plan => {
    const planned: Array<Node> = []
    const replicas = target?.replicas ?? noNodes
    try {
      const request = {
        keyspace: target?.keyspace,
        routingKey: target?.key,
        replicas: replicas.map(hostOf),
        hosts: [...this.#byAddress.values()].map(hostOf),
        consistency:
          levels?.consistency === undefined ? undefined : (consistencyName(levels.consistency) as Consistency),
        turn
      }
      let steps = 0
      for (const item of this.#policy.plan(request) as Iterable<unknown>) {
        const address = (item as { readonly address?: unknown } | null | undefined)?.address
        if (typeof address !== "string") throw new TypeError("a plan is made of hosts")
        // One that has gone meanwhile is no mistake; one that never ends is.
        if (++steps > mostSteps) throw new RangeError("a plan comes to an end")
        const host = this.#byAddress.get(address)
        if (host !== undefined && !planned.includes(host)) planned.push(host)
      }
    } catch (cause) {
      throw new PlanError(
        "The load balancing policy (`loadBalancing`) failed: `plan` threw, or gave something else than hosts",
        { cause }
      )
    }
    const first = this.#tokenAware
      ? planned.filter((host) => replicas.includes(host) && this.distance(host) === "local")
      : noNodes
    return new Plan(first, [planned], 0)
  }
}

const customDistance =
  (base: Custom, allowLists: ReadonlyArray<AllowList>) =>
  (host: Node): NodeDistance => {
    const value = hostOf(host)
    return isAllowed(allowLists, value) ? base.distance(value) : "ignored"
  }

export const makeRouter = (policy: LoadBalancing, surroundings: Surroundings): Router => {
  const parts = partsOf(policy)
  return parts.base._tag === "DcAware"
    ? new DcRouter(parts, parts.base, surroundings)
    : new CustomRouter(parts, parts.base, surroundings)
}

/** Throws a `PolicyError` for a policy that cannot be meant for this cluster. */
export const checkPolicy = (policy: LoadBalancing, { nodes: hosts, localDataCenter }: Surroundings): void => {
  const { allowLists, base } = partsOf(policy)
  if (base._tag === "DcAware") {
    const names = [...new Set(hosts.map((host) => host.dataCenter))]
    const there = `The cluster has ${names.map((name) => `"${name}"`).join(", ")}.`
    const local = base.localDataCenter ?? localDataCenter
    if (local === undefined) {
      throw refusal("localDataCenter", `The contact points are in several data centres: say which is local. ${there}`)
    }
    for (const [option, name] of [
      ["localDataCenter", local] as const,
      ...(base.remoteDataCenters ?? []).map((remote) => ["remoteDataCenters", remote] as const)
    ]) {
      if (!names.includes(name)) throw refusal(option, `There is no data centre "${name}". ${there}`)
      if (option === "remoteDataCenters" && name === local) {
        throw refusal(option, `"${name}" is the local data centre: it cannot be failed over to.`)
      }
    }
  }
  try {
    for (const host of hosts) {
      if (base._tag === "Custom") checked(customDistance(base, allowLists)(host))
      else allowedBy(allowLists, host)
    }
  } catch (cause) {
    throw new PolicyError(
      "loadBalancing",
      "loadBalancing: the policy threw when it was asked about the nodes, or gave no answer",
      cause
    )
  }
}

const refusal = (option: string, message: string): PolicyError => new PolicyError(option, message)
