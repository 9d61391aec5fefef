/** The hosts of a request, one after the other. */
import type { Node } from "../topology/index.ts"

export type Nodes = ReadonlyArray<Node>

/** What a retry asks of the query plan. */
export interface Routing {
  /** Nodes to try last. */
  readonly tried: ReadonlySet<string>
  /** The host to try first. */
  readonly preferred: string | undefined
}

const done: IteratorResult<Node, undefined> = { done: true, value: undefined }

/**
 * The replicas, from a place of its own, and then the others: group after group, each from a place of its own. Every request
 * makes one of these, so that it holds what it is given and copies nothing.
 */
export class Plan implements Iterator<Node, undefined> {
  readonly #replicas: Nodes
  readonly #groups: ReadonlyArray<Nodes>
  readonly #start: number
  #at = 0
  /** -1 for the replicas. */
  #group = -1

  constructor(replicas: Nodes, groups: ReadonlyArray<Nodes>, start: number) {
    this.#replicas = replicas
    this.#groups = groups
    this.#start = start
  }

  next(): IteratorResult<Node, undefined> {
    const replicas = this.#replicas
    if (this.#group < 0) {
      if (this.#at < replicas.length) {
        return { done: false, value: replicas[(this.#start + this.#at++) % replicas.length] as Node }
      }
      this.#group = 0
      this.#at = 0
    }
    for (let group = this.#groups[this.#group]; group !== undefined; group = this.#groups[++this.#group]) {
      while (this.#at < group.length) {
        const host = group[(this.#start + this.#at++) % group.length] as Node
        if (!replicas.includes(host)) return { done: false, value: host }
      }
      this.#at = 0
    }
    return done
  }
}

const all = (plan: Iterator<Node, undefined>): Array<Node> => {
  const hosts: Array<Node> = []
  for (let item = plan.next(); item.done !== true; item = plan.next()) hosts.push(item.value)
  return hosts
}

/** The hosts of a plan in the order a retry wants. */
export function* rearranged(plan: Iterator<Node, undefined>, routing: Routing): Generator<Node, undefined> {
  const hosts = all(plan)
  const isPreferred = (host: Node) => host.address === routing.preferred
  yield* hosts.filter(isPreferred)
  yield* hosts.filter((host) => !isPreferred(host) && !routing.tried.has(host.address))
  yield* hosts.filter((host) => !isPreferred(host) && routing.tried.has(host.address))
  return undefined
}

/** Every host of the plans, once. */
export function* union(plans: Iterable<Iterator<Node, undefined>>): Generator<Node, undefined> {
  const seen = new Set<Node>()
  for (const plan of plans) {
    for (const host of all(plan)) {
      if (seen.has(host)) continue
      seen.add(host)
      yield host
    }
  }
  return undefined
}
