/**
 * What decides for the policies in use. A node is as near as it is to the nearest of them, and the plan of a request is that of
 * the request's policy, in the order that a retry wants.
 */
import type { LoadBalancing } from "../../LoadBalancing.ts"
import type { Node, NodeDistance, NodePolicy } from "../topology/index.ts"
import type { Breaker } from "./breaker.ts"
import { type Nodes, rearranged, type Routing, union } from "./plan.ts"
import { checkPolicy, type Levels, makeRouter, type Router, type Surroundings, type Target } from "./routers.ts"

export type { Routing } from "./plan.ts"

/** The key under which a request's options carry its `Routing`. */
export const routingKey: unique symbol = Symbol.for("effect-cassandra/routing")

/** The key under which a request's options carry its policy, unless that is the cluster's. */
export const balancingKey: unique symbol = Symbol.for("effect-cassandra/loadBalancing")

/** The policies that decide which nodes get connections: the cluster's, its profiles' and its sessions'. */
export class Policies {
  readonly main: LoadBalancing
  readonly #uses = new Map<LoadBalancing, number>()
  /** Another number whenever the policies are others. */
  generation = 0

  constructor(main: LoadBalancing) {
    this.main = main
    this.add(main)
  }

  add(policy: LoadBalancing): void {
    const uses = this.#uses.get(policy) ?? 0
    this.#uses.set(policy, uses + 1)
    if (uses === 0) this.generation++
  }

  remove(policy: LoadBalancing): void {
    const uses = this.#uses.get(policy) ?? 0
    if (uses > 1) this.#uses.set(policy, uses - 1)
    else if (this.#uses.delete(policy)) this.generation++
  }

  has(policy: LoadBalancing): boolean {
    return this.#uses.has(policy)
  }

  /** The cluster's is the first. */
  get all(): Iterable<LoadBalancing> {
    return this.#uses.keys()
  }
}

/** What of a request's options is looked at here. */
interface Options extends Levels {
  readonly [balancingKey]?: LoadBalancing | undefined
  readonly [routingKey]?: Routing | undefined
}

/** From the nearest on. */
const ranks: Readonly<Record<NodeDistance, number>> = { local: 0, remote: 1, ignored: 2 }

export class RoutingPolicy implements NodePolicy {
  readonly #policies: Policies
  readonly #wanted: string | undefined
  readonly #breaker: Breaker
  readonly #seed = Math.floor(Math.random() * 0x10000)
  #nodes: Nodes | undefined
  #localDataCenter: string | undefined
  #main: Router | undefined
  #routers = new WeakMap<LoadBalancing, Router>()
  #distances = new Map<Node, NodeDistance>()
  /** The policies that the distances are of. */
  #generation = 0
  #turn = 0

  constructor(policies: Policies, localDataCenter: string | undefined, breaker: Breaker) {
    this.#breaker = breaker
    this.#policies = policies
    this.#wanted = localDataCenter
  }

  init(nodes: Nodes, contactPoints: ReadonlySet<string>): void {
    this.#localDataCenter = this.#wanted ?? inferDataCenter(nodes, contactPoints)
    const surroundings = this.#surroundings(nodes)
    for (const policy of this.#policies.all) checkPolicy(policy, surroundings)
    this.changed(nodes)
  }

  changed(nodes: Nodes): void {
    this.#nodes = nodes
    this.#main = undefined
    this.#routers = new WeakMap()
    this.#distances = new Map()
  }

  /** Throws a `PolicyError` for a policy that cannot be meant for this cluster. */
  check(policy: LoadBalancing): void {
    checkPolicy(policy, this.#surroundings(this.#known()))
  }

  distance(node: Node): NodeDistance {
    if (this.#generation !== this.#policies.generation) {
      this.#generation = this.#policies.generation
      this.#distances = new Map()
    }
    let nearest = this.#distances.get(node)
    if (nearest === undefined) {
      nearest = "ignored"
      for (const policy of this.#policies.all) {
        const distance = this.#routerOf(policy).distance(node)
        if (ranks[distance] < ranks[nearest]) nearest = distance
      }
      this.#distances.set(node, nearest)
    }
    return nearest
  }

  /**
   * The nodes for a request, the first one first. Throws a `PolicyError` or a `PlanError` when the request's policy cannot make a
   * plan.
   */
  readonly plan = (target: Target | undefined, options: Options | undefined): Iterator<Node, undefined> => {
    const policy = options?.[balancingKey]
    const router = policy === undefined ? (this.#main ??= this.#routerOf(this.#policies.main)) : this.#routerOf(policy)
    const turn = (this.#turn = (this.#turn + 1) & 0x3fffffff)
    const plan = router.plan(target, turn, options)
    const routing = options?.[routingKey]
    const ordered = routing === undefined ? plan : rearranged(plan, routing)
    return this.#breaker.tripped === 0 ? ordered : this.#breaker.rearranged(ordered, true)
  }

  /** The cluster's policy's nodes first: while those are away, a profile's are there. */
  anyNode(): Iterator<Node, undefined> {
    const turn = (this.#turn = (this.#turn + 1) & 0x3fffffff)
    const plan = (policy: LoadBalancing): Iterator<Node, undefined> =>
      this.#routerOf(policy).plan(undefined, turn, undefined)
    // Nobody tells the breaker what comes of it.
    return this.#breaker.rearranged(union(Array.from(this.#policies.all, plan)), false)
  }

  #routerOf(policy: LoadBalancing): Router {
    let router = this.#routers.get(policy)
    if (router === undefined) {
      const surroundings = this.#surroundings(this.#known())
      // One in use was checked before; a data centre that has gone since is no mistake.
      if (!this.#policies.has(policy)) checkPolicy(policy, surroundings)
      this.#routers.set(policy, (router = makeRouter(policy, surroundings)))
    }
    return router
  }

  #surroundings(nodes: Nodes): Surroundings {
    return { nodes, localDataCenter: this.#localDataCenter, seed: this.#seed }
  }

  #known(): Nodes {
    if (this.#nodes === undefined) throw new Error("The load balancing policy is not initialised")
    return this.#nodes
  }
}

/** The data centre of the contact points, if it is one. */
const inferDataCenter = (nodes: Nodes, contactPoints: ReadonlySet<string>): string | undefined => {
  const known = nodes.filter(({ address }) => contactPoints.has(address))
  const names = new Set((known.length > 0 ? known : nodes).map(({ dataCenter }) => dataCenter))
  return names.size === 1 ? [...names][0] : undefined
}
