/**
 * The driver's query plans, told what a retry wants: another host than those tried, or the same one again.
 */
import driver from "cassandra-driver"
import { ConfigurationError } from "../CassandraError.ts"

const { TokenAwarePolicy, DCAwareRoundRobinPolicy, LoadBalancingPolicy } = driver.policies.loadBalancing

/** The key under which a request's options carry its `Routing`. */
export const routingKey: unique symbol = Symbol.for("effect-cassandra/routing")

/** What a retry asks of the query plan. */
export interface Routing {
  /** Hosts to try last. */
  readonly tried: ReadonlySet<string>
  /** The host to try first. */
  readonly preferred: string | undefined
}

type Plan = Iterator<driver.Host>

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
  readonly #localDataCenter: string | undefined
  #child: driver.policies.loadBalancing.LoadBalancingPolicy | undefined

  constructor(localDataCenter: string | undefined) {
    super()
    this.#localDataCenter = localDataCenter
  }

  override init(client: driver.Client, hosts: driver.HostMap, callback: (error: Error) => void): void {
    const dataCenters = [...new Set(hosts.values().map((host) => host.datacenter))]
    const local = this.#localDataCenter ?? inferDataCenter(client, hosts)
    if (local === undefined || !dataCenters.includes(local)) {
      const problem =
        local === undefined
          ? "The contact points are in several data centres: say which is local"
          : `There is no data centre "${local}"`
      const message = `${problem}. The cluster has ${dataCenters.map((name) => `"${name}"`).join(", ")}.`
      return callback(new ConfigurationError({ option: "localDataCenter", message }))
    }
    this.#child = new TokenAwarePolicy(new DCAwareRoundRobinPolicy(local))
    return this.#child.init(client, hosts, callback)
  }

  override getDistance(host: driver.Host): driver.types.distance {
    return this.#child === undefined ? driver.types.distance.local : this.#child.getDistance(host)
  }

  override newQueryPlan(
    keyspace: string,
    executionOptions: driver.ExecutionOptions | null,
    callback: (error: Error, iterator: Plan) => void
  ): void {
    const child = this.#child
    if (child === undefined) return callback(new Error("The load balancing policy is not initialised"), [].values())
    const options = executionOptions?.getRawQueryOptions() as { readonly [routingKey]?: Routing } | undefined
    const routing = options?.[routingKey]
    // The declaration wants options; the driver itself passes null when it plans for preparing.
    const childOptions = executionOptions as driver.ExecutionOptions
    if (routing === undefined) return child.newQueryPlan(keyspace, childOptions, callback)
    return child.newQueryPlan(keyspace, childOptions, (error, plan) =>
      error ? callback(error, plan) : callback(error, rearrange(plan, routing))
    )
  }

  override getOptions(): Map<string, object> {
    return this.#child === undefined ? new Map() : this.#child.getOptions()
  }
}

/** The data centre of the contact points, if it is one. */
const inferDataCenter = (client: driver.Client, hosts: driver.HostMap): string | undefined => {
  const all = hosts.values()
  const contacts = contactAddresses(client)
  const known = all.filter((host) => contacts.has(host.address))
  const names = new Set((known.length > 0 ? known : all).map((host) => host.datacenter))
  return names.size === 1 ? [...names][0] : undefined
}

/** The resolved contact points, as `address:port`. The driver keeps them where its declarations do not reach. */
const contactAddresses = (client: driver.Client): ReadonlySet<string> => {
  const { controlConnection } = client as unknown as {
    readonly controlConnection?: { readonly _contactPoints?: unknown }
  }
  const points = controlConnection?._contactPoints
  return points instanceof Set ? (points as Set<string>) : new Set()
}
