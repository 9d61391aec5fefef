/**
 * The driver's query plans, told what a retry wants: another host than those tried, or the same one again.
 */
import driver from "cassandra-driver"
import { ConfigurationError } from "../CassandraError.ts"
import { contactPoints } from "./driverPrivate.ts"

const { LoadBalancingPolicy } = driver.policies.loadBalancing
const { distance } = driver.types

/** The key under which a request's options carry its `Routing`. */
export const routingKey: unique symbol = Symbol.for("effect-cassandra/routing")

/** What a retry asks of the query plan. */
export interface Routing {
  /** Hosts to try last. */
  readonly tried: ReadonlySet<string>
  /** The host to try first. */
  readonly preferred: string | undefined
}

const done: IteratorResult<driver.Host, undefined> = { done: true, value: undefined }

/** The hosts of a plan, one after the other: the replicas, from a place of its own, and then the others. */
class Plan implements Iterator<driver.Host, undefined> {
  readonly #replicas: ReadonlyArray<driver.Host>
  readonly #hosts: ReadonlyArray<driver.Host>
  readonly #start: number
  #at = 0

  constructor(replicas: ReadonlyArray<driver.Host>, hosts: ReadonlyArray<driver.Host>, start: number) {
    this.#replicas = replicas
    this.#hosts = hosts
    this.#start = start
  }

  next(): IteratorResult<driver.Host, undefined> {
    const replicas = this.#replicas
    const hosts = this.#hosts
    while (this.#at < replicas.length) {
      return { done: false, value: replicas[(this.#start + this.#at++) % replicas.length] as driver.Host }
    }
    while (this.#at < replicas.length + hosts.length) {
      const host = hosts[(this.#start + this.#at++) % hosts.length] as driver.Host
      if (!replicas.includes(host)) return { done: false, value: host }
    }
    return done
  }
}

/** The hosts of a plan in the order a retry wants. */
function* rearrange(plan: Plan, routing: Routing): Generator<driver.Host, undefined> {
  const hosts: Array<driver.Host> = []
  for (let item = plan.next(); item.done !== true; item = plan.next()) hosts.push(item.value)
  const isPreferred = (host: driver.Host) => host.address === routing.preferred
  yield* hosts.filter(isPreferred)
  yield* hosts.filter((host) => !isPreferred(host) && !routing.tried.has(host.address))
  yield* hosts.filter((host) => !isPreferred(host) && routing.tried.has(host.address))
  return undefined
}

/**
 * Token-aware over the nodes of one data centre. The data centre is the one named, or the one that all contact points are
 * in; when that cannot be told, connecting fails and the candidates are named.
 */
export class RoutingPolicy extends LoadBalancingPolicy {
  readonly #wanted: string | undefined
  #local: string | undefined
  #client: driver.Client | undefined
  #hosts: driver.HostMap | undefined
  /** The nodes of the local data centre; undefined when nodes came or went. */
  #localHosts: ReadonlyArray<driver.Host> | undefined
  #turn = 0

  constructor(localDataCenter: string | undefined) {
    super()
    this.#wanted = localDataCenter
  }

  override init(client: driver.Client, hosts: driver.HostMap, callback: (error: Error) => void): void {
    const dataCenters = [...new Set(hosts.values().map((host) => host.datacenter))]
    const local = this.#wanted ?? inferDataCenter(client, hosts)
    if (local === undefined || !dataCenters.includes(local)) {
      const problem =
        local === undefined
          ? "The contact points are in several data centres: say which is local"
          : `There is no data centre "${local}"`
      const message = `${problem}. The cluster has ${dataCenters.map((name) => `"${name}"`).join(", ")}.`
      return callback(new ConfigurationError({ option: "localDataCenter", message }))
    }
    this.#local = local
    this.#client = client
    this.#hosts = hosts
    const changed = () => {
      this.#localHosts = undefined
    }
    hosts.on("add", changed)
    hosts.on("remove", changed)
    // The driver's declaration asks for an error where there is none.
    ;(callback as () => void)()
  }

  /** Before it knows the data centre, the driver asks for the distance of every host it connects to. */
  override getDistance(host: driver.Host): driver.types.distance {
    return this.#local === undefined || host.datacenter === this.#local ? distance.local : distance.ignored
  }

  override newQueryPlan(
    keyspace: string,
    executionOptions: driver.ExecutionOptions | null,
    callback: (error: Error, iterator: Iterator<driver.Host>) => void
  ): void {
    // Nothing for an error, which the driver's declaration does not foresee.
    const answer = callback as unknown as (error: Error | null, iterator?: Iterator<driver.Host>) => void
    const client = this.#client
    const hosts = this.#hosts
    if (client === undefined || hosts === undefined) {
      return answer(new Error("The load balancing policy is not initialised"))
    }
    const local = (this.#localHosts ??= hosts.values().filter((host) => host.datacenter === this.#local))
    const start = (this.#turn = (this.#turn + 1) & 0x3fffffff)
    // The driver passes no options when it plans for preparing and for its control connection.
    const key = executionOptions?.getRoutingKey() as Buffer | undefined
    const replicas =
      executionOptions === null || key === undefined || key === null
        ? none
        : this.#localOnly(client.getReplicas(executionOptions.getKeyspace() ?? keyspace, key))
    const plan = new Plan(replicas, local, start)
    const options = executionOptions?.getRawQueryOptions() as { readonly [routingKey]?: Routing } | undefined
    const routing = options?.[routingKey]
    answer(null, routing === undefined ? plan : rearrange(plan, routing))
  }

  #localOnly(replicas: ReadonlyArray<driver.Host> | null): ReadonlyArray<driver.Host> {
    if (replicas === null) return none
    for (const host of replicas) {
      if (host.datacenter !== this.#local) return replicas.filter((replica) => replica.datacenter === this.#local)
    }
    return replicas
  }

  override getOptions(): Map<string, object> {
    return new Map([["localDataCenter", (this.#local ?? this.#wanted ?? "") as unknown as object]])
  }
}

const none: ReadonlyArray<driver.Host> = []

/** The data centre of the contact points, if it is one. */
const inferDataCenter = (client: driver.Client, hosts: driver.HostMap): string | undefined => {
  const all = hosts.values()
  const contacts = contactPoints(client)
  const known = all.filter((host) => contacts.has(host.address))
  const names = new Set((known.length > 0 ? known : all).map((host) => host.datacenter))
  return names.size === 1 ? [...names][0] : undefined
}
