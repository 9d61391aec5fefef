/**
 * The one policy that the driver knows: it asks ours. A node is as near as it is to the nearest of the policies in use, and the
 * plan of a request is that of the request's policy, in the order that a retry wants.
 */
import driver from "cassandra-driver"
import type { LoadBalancing } from "../LoadBalancing.ts"
import { Breaker } from "./breaker.ts"
import { rearranged, type Routing, union } from "./plan.ts"
import {
  checkPolicy,
  type Levels,
  makeRouter,
  noHosts,
  type Router,
  type Surroundings,
  type Target
} from "./routers.ts"
import { contactPoints } from "./wire/client/index.ts"

export type { Routing } from "./plan.ts"

const { LoadBalancingPolicy } = driver.policies.loadBalancing
const { distance } = driver.types

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

const distances = { local: distance.local, remote: distance.remote, ignored: distance.ignored }

export class RoutingPolicy extends LoadBalancingPolicy {
  readonly #policies: Policies
  readonly #wanted: string | undefined
  readonly #breaker: Breaker
  readonly #seed = Math.floor(Math.random() * 0x10000)
  #client: driver.Client | undefined
  #localDataCenter: string | undefined
  #main: Router | undefined
  #routers = new WeakMap<LoadBalancing, Router>()
  #distances = new Map<driver.Host, driver.types.distance>()
  /** The policies that the distances are of. */
  #generation = 0
  #turn = 0

  constructor(policies: Policies, localDataCenter: string | undefined, breaker = new Breaker(undefined)) {
    super()
    this.#breaker = breaker
    this.#policies = policies
    this.#wanted = localDataCenter
  }

  override init(client: driver.Client, hosts: driver.HostMap, callback: (error: Error) => void): void {
    this.#localDataCenter = this.#wanted ?? inferDataCenter(client, hosts)
    const surroundings = this.#surroundings(hosts)
    try {
      for (const policy of this.#policies.all) checkPolicy(policy, surroundings)
    } catch (error) {
      return callback(error as Error)
    }
    // From here on plans are made. Before, the driver connects to what it was told to.
    this.#client = client
    const changed = () => {
      this.#main = undefined
      this.#routers = new WeakMap()
      this.#distances = new Map()
    }
    changed()
    hosts.on("add", changed)
    hosts.on("remove", changed)
    // The driver's declaration asks for an error where there is none.
    ;(callback as () => void)()
  }

  /** Throws a `ConfigurationError` for a policy that cannot be meant for this cluster. */
  check(policy: LoadBalancing): void {
    checkPolicy(policy, this.#surroundings(this.#connected().hosts))
  }

  /** Before it knows the data centre, the driver asks for the distance of every host it connects to. */
  override getDistance(host: driver.Host): driver.types.distance {
    if (this.#client === undefined) return distance.local
    if (this.#generation !== this.#policies.generation) {
      this.#generation = this.#policies.generation
      this.#distances = new Map()
    }
    let nearest = this.#distances.get(host)
    if (nearest === undefined) {
      nearest = distance.ignored
      for (const policy of this.#policies.all) {
        nearest = Math.min(nearest, distances[this.#routerOf(policy).distance(host)])
      }
      this.#distances.set(host, nearest)
    }
    return nearest
  }

  /**
   * The hosts for a request, the first one first. Throws a `CassandraError` when the request's policy cannot make a plan.
   */
  readonly plan = (target: Target | undefined, options: Options | undefined): Iterator<driver.Host, undefined> => {
    const policy = options?.[balancingKey]
    const router = policy === undefined ? (this.#main ??= this.#routerOf(this.#policies.main)) : this.#routerOf(policy)
    const turn = (this.#turn = (this.#turn + 1) & 0x3fffffff)
    const plan = router.plan(target, turn, options)
    const routing = options?.[routingKey]
    const ordered = routing === undefined ? plan : rearranged(plan, routing)
    return this.#breaker.tripped === 0 ? ordered : this.#breaker.rearranged(ordered, true)
  }

  override newQueryPlan(
    keyspace: string,
    executionOptions: driver.ExecutionOptions | null,
    callback: (error: Error, iterator: Iterator<driver.Host>) => void
  ): void {
    // Nothing for an error, which the driver's declaration does not foresee.
    const answer = callback as unknown as (error: unknown, iterator?: Iterator<driver.Host>) => void
    let plan: Iterator<driver.Host>
    try {
      plan =
        executionOptions === null
          ? this.#anyNode()
          : this.plan(
              this.#targetOf(executionOptions, keyspace),
              executionOptions.getRawQueryOptions() as Options | undefined
            )
    } catch (error) {
      return answer(error)
    }
    answer(null, plan)
  }

  #targetOf(options: driver.ExecutionOptions, clientKeyspace: string): Target | undefined {
    const key = options.getRoutingKey() as Buffer | null | undefined
    if (key === undefined || key === null) return undefined
    const keyspace = options.getKeyspace() ?? clientKeyspace
    return { keyspace, key, replicas: this.#connected().getReplicas(keyspace, key) ?? noHosts }
  }

  /**
   * For preparing and for its control connection the driver gives no options. Any node will do then, the cluster's policy's
   * first: while its nodes are away, those of a profile are there.
   */
  #anyNode(): Iterator<driver.Host, undefined> {
    const turn = (this.#turn = (this.#turn + 1) & 0x3fffffff)
    const plan = (policy: LoadBalancing): Iterator<driver.Host, undefined> =>
      this.#routerOf(policy).plan(undefined, turn, undefined)
    // Nobody tells the breaker what comes of it.
    return this.#breaker.rearranged(union(Array.from(this.#policies.all, plan)), false)
  }

  #routerOf(policy: LoadBalancing): Router {
    let router = this.#routers.get(policy)
    if (router === undefined) {
      const surroundings = this.#surroundings(this.#connected().hosts)
      // One in use was checked before; a data centre that has gone since is no mistake.
      if (!this.#policies.has(policy)) checkPolicy(policy, surroundings)
      this.#routers.set(policy, (router = makeRouter(policy, surroundings)))
    }
    return router
  }

  #surroundings(hosts: driver.HostMap): Surroundings {
    return { hosts: hosts.values(), localDataCenter: this.#localDataCenter, seed: this.#seed }
  }

  #connected(): driver.Client {
    if (this.#client === undefined) throw new Error("The load balancing policy is not initialised")
    return this.#client
  }

  override getOptions(): Map<string, object> {
    return new Map([["localDataCenter", (this.#localDataCenter ?? "") as unknown as object]])
  }
}

/** The data centre of the contact points, if it is one. */
const inferDataCenter = (client: driver.Client, hosts: driver.HostMap): string | undefined => {
  const all = hosts.values()
  const contacts = contactPoints(client)
  const known = all.filter((host) => contacts.has(host.address))
  const names = new Set((known.length > 0 ? known : all).map((host) => host.datacenter))
  return names.size === 1 ? [...names][0] : undefined
}
