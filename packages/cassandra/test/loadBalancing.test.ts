import { assert, describe, it } from "@effect/vitest"
import { type Host, LoadBalancing } from "effect-cassandra"
import { type CassandraError, isCassandraError } from "../src/CassandraError.ts"
import { codes } from "../src/Consistency.ts"
import { fromEngineError } from "../src/internal/request/engineErrors.ts"
import { Breaker } from "../src/internal/routing/breaker.ts"
import {
  balancingKey,
  Policies,
  type Routing,
  RoutingPolicy,
  routingKey
} from "../src/internal/routing/loadBalancing.ts"
import type { Node } from "../src/internal/topology/node.ts"

const fake = (name: string, dataCenter: string, rack = "r1"): Node => ({
  address: `${name}:9042`,
  hostId: name,
  dataCenter,
  rack,
  version: "5.0.9",
  tokens: [],
  isUp: () => true
})

const nameOf = ({ address }: { readonly address: string }) => address.replace(":9042", "")
const key = Buffer.from("key")

const twoDataCenters = () => [
  fake("a1", "dc1"),
  fake("a2", "dc1", "r2"),
  fake("a3", "dc1"),
  fake("b1", "dc2"),
  fake("b2", "dc2"),
  fake("c1", "dc3")
]

interface Setup {
  readonly policy?: LoadBalancing.LoadBalancing
  readonly others?: ReadonlyArray<LoadBalancing.LoadBalancing>
  readonly hosts?: ReadonlyArray<Node>
  readonly replicas?: ReadonlyArray<string>
  readonly localDataCenter?: string | undefined
  readonly contacts?: ReadonlyArray<string>
}

/** A policy as a connected client has it. */
const connected = (setup: Setup) => {
  let nodes = setup.hosts ?? twoDataCenters()
  const byName = (name: string) => nodes.find((node) => nameOf(node) === name)!
  const replicas = (setup.replicas ?? []).map(byName)
  const policies = new Policies(setup.policy ?? LoadBalancing.standard)
  for (const policy of setup.others ?? []) policies.add(policy)
  const localDataCenter = "localDataCenter" in setup ? setup.localDataCenter : "dc1"
  const routing = new RoutingPolicy(policies, localDataCenter, new Breaker(undefined))
  routing.init(nodes, new Set((setup.contacts ?? ["a1"]).map((name) => `${name}:9042`)))
  const hosts = {
    add: (node: Node) => routing.changed((nodes = [...nodes, node])),
    remove: (name: string) => routing.changed((nodes = nodes.filter((node) => nameOf(node) !== name)))
  }
  const asked: Array<string> = []
  type Options = NonNullable<Parameters<RoutingPolicy["plan"]>[1]>
  const plan = (options: Options = {}, bound = true) => {
    const target = {
      keyspace: "ks",
      key,
      get replicas() {
        asked.push("ks")
        return replicas
      }
    }
    return namesOf(routing.plan(bound ? target : undefined, options))
  }
  const distances = () => Object.fromEntries(nodes.map((node) => [nameOf(node), routing.distance(node)]))
  return { asked, distances, hosts, plan, policies, routing }
}

const namesOf = (plan: Iterator<Node, undefined>): ReadonlyArray<string> => {
  const names: Array<string> = []
  for (let item = plan.next(); item.done !== true; item = plan.next()) names.push(nameOf(item.value))
  return names
}

const sorted = (names: ReadonlyArray<string>) => names.toSorted()

const errorOf = (run: () => unknown): CassandraError => {
  try {
    run()
  } catch (error) {
    // The policies throw errors of their own, which are told by their shape.
    assert.isFalse(isCassandraError(error))
    return fromEngineError(error, { timeout: 0, batch: false, sent: false })
  }
  return assert.fail("nothing was thrown")
}

const failover = (options: LoadBalancing.DcAwareOptions = {}) =>
  LoadBalancing.standardWith({ remoteDataCenters: ["dc3", "dc2"], ...options })

describe("the standard policy", () => {
  it("tries the local replicas, then the other local nodes, and no others", () => {
    const { plan } = connected({ replicas: ["a2", "b1", "a3"] })
    for (let i = 0; i < 6; i++) {
      const names = plan()
      assert.deepStrictEqual(sorted(names.slice(0, 2)), ["a2", "a3"])
      assert.deepStrictEqual(names.slice(2), ["a1"])
    }
  })

  it("begins with each replica as often as with the others", () => {
    const { plan } = connected({ replicas: ["b1", "a1", "b2", "a3", "a2"] })
    const first = Array.from({ length: 30 }, () => plan()[0])
    for (const name of ["a1", "a2", "a3"]) assert.strictEqual(first.filter((each) => each === name).length, 10)
  })

  it("takes turns where the replicas are not known", () => {
    const { asked, plan } = connected({})
    const first = Array.from({ length: 9 }, () => plan({}, false)[0])
    for (const name of ["a1", "a2", "a3"]) assert.strictEqual(first.filter((each) => each === name).length, 3)
    assert.deepStrictEqual(asked, [])
    assert.deepStrictEqual(sorted(plan()), ["a1", "a2", "a3"])
    assert.deepStrictEqual(asked, ["ks"])
  })

  it("reads at SERIAL begin with the same replica, so that coordinators do not compete", () => {
    const { plan } = connected({ replicas: ["a3", "a1", "a2"] })
    for (const level of ["SERIAL", "LOCAL_SERIAL"] as const) {
      for (let i = 0; i < 4; i++) assert.deepStrictEqual(plan({ consistency: codes[level] }), ["a3", "a1", "a2"])
    }
  })

  it("ignores every other data centre", () => {
    const { distances } = connected({})
    assert.deepStrictEqual(distances(), {
      a1: "local",
      a2: "local",
      a3: "local",
      b1: "ignored",
      b2: "ignored",
      c1: "ignored"
    })
  })

  it("knows nodes that come and go", () => {
    const { distances, hosts, plan } = connected({ hosts: [fake("a1", "dc1")] })
    assert.deepStrictEqual(plan(), ["a1"])
    hosts.add(fake("a2", "dc1"))
    assert.deepStrictEqual(sorted(plan()), ["a1", "a2"])
    assert.strictEqual(distances()["a2"], "local")
    hosts.remove("a1")
    assert.deepStrictEqual(plan(), ["a2"])
  })

  it("finds out the local data centre, and says which there are when it cannot", () => {
    const { plan } = connected({ localDataCenter: undefined, contacts: ["b1", "b2"] })
    assert.deepStrictEqual(sorted(plan()), ["b1", "b2"])
    const error = errorOf(() => connected({ localDataCenter: undefined, contacts: ["a1", "b1"] }))
    assert.strictEqual(error._tag === "ConfigurationError" && error.option, "localDataCenter")
    for (const name of ["dc1", "dc2", "dc3"]) assert.include(error.message, `"${name}"`)
  })

  it("asks for no data centre where no policy needs one", () => {
    const everyone = LoadBalancing.custom({ distance: () => "local", plan: ({ hosts }) => hosts })
    const { plan } = connected({ policy: everyone, localDataCenter: undefined, contacts: ["a1", "b1"] })
    assert.strictEqual(plan().length, 6)
  })
})

describe("a retry", () => {
  const policies: ReadonlyArray<readonly [string, LoadBalancing.LoadBalancing]> = [
    ["standard", failover()],
    ["DC-aware", LoadBalancing.dcAware({ remoteDataCenters: ["dc3", "dc2"] })],
    ["allow list", LoadBalancing.allowList(failover(), () => true)],
    ["custom", LoadBalancing.custom({ distance: () => "local", plan: ({ hosts }) => hosts })]
  ]
  for (const [name, policy] of policies) {
    it(`${name}: the preferred host comes first, and those tried come last`, () => {
      const { plan } = connected({ policy, replicas: ["a1", "a2"] })
      const routing: Routing = { tried: new Set(["a1:9042", "a2:9042"]), preferred: "a2:9042" }
      const names = plan({ [routingKey]: routing })
      assert.strictEqual(names[0], "a2")
      assert.strictEqual(names.at(-1), "a1")
      assert.strictEqual(names.length, 6)
      const next = plan({ [routingKey]: { tried: routing.tried, preferred: undefined } })
      assert.deepStrictEqual(sorted(next.slice(-2)), ["a1", "a2"])
    })
  }
})

describe("failover to other data centres", () => {
  it("comes after every local node, in the order they are named, each in turns", () => {
    const { distances, plan } = connected({ policy: failover(), replicas: ["a2", "b2", "c1"] })
    const plans = Array.from({ length: 12 }, () => plan())
    for (const names of plans) {
      assert.strictEqual(names[0], "a2")
      assert.deepStrictEqual(sorted(names.slice(0, 3)), ["a1", "a2", "a3"])
      assert.strictEqual(names[3], "c1")
      assert.deepStrictEqual(sorted(names.slice(4)), ["b1", "b2"])
    }
    assert.strictEqual(plans.filter((names) => names[4] === "b1").length, 6)
    const { a1, b1, c1 } = distances()
    assert.deepStrictEqual([a1, b1, c1], ["local", "remote", "remote"])
  })

  it("is limited to so many nodes of each", () => {
    const { distances, plan } = connected({ policy: failover({ hostsPerRemoteDataCenter: 1 }) })
    assert.strictEqual(plan().length, 5)
    const { b1, b2 } = distances()
    assert.deepStrictEqual(sorted([b1 ?? "", b2 ?? ""]), ["ignored", "remote"])
  })

  it("can be closed to local consistencies", () => {
    const { plan } = connected({ policy: failover({ failoverLocalConsistencies: false }) })
    for (const level of ["LOCAL_ONE", "LOCAL_QUORUM", "LOCAL_SERIAL"] as const) {
      assert.strictEqual(plan({ consistency: codes[level] }).length, 3)
    }
    assert.strictEqual(plan({ consistency: codes.QUORUM, serialConsistency: codes.LOCAL_SERIAL }).length, 3)
    assert.strictEqual(plan({ consistency: codes.QUORUM }).length, 6)
    assert.strictEqual(connected({ policy: failover() }).plan({ consistency: codes.LOCAL_QUORUM }).length, 6)
  })

  it("names data centres that exist, and not the local one", () => {
    const missing = errorOf(() => connected({ policy: LoadBalancing.standardWith({ remoteDataCenters: ["dc9"] }) }))
    assert.strictEqual(missing._tag === "ConfigurationError" && missing.option, "remoteDataCenters")
    assert.include(missing.message, '"dc9"')
    const local = errorOf(() => connected({ policy: LoadBalancing.standardWith({ remoteDataCenters: ["dc1"] }) }))
    assert.strictEqual(local._tag === "ConfigurationError" && local.option, "remoteDataCenters")
  })

  it("has a data centre of its own where the policy names one", () => {
    const { plan } = connected({ policy: LoadBalancing.standardWith({ localDataCenter: "dc2" }) })
    assert.deepStrictEqual(sorted(plan()), ["b1", "b2"])
  })

  it("without tokens, it goes round the data centre whoever has the data", () => {
    const { asked, plan } = connected({ policy: LoadBalancing.dcAware(), replicas: ["a2"] })
    const first = new Set(Array.from({ length: 3 }, () => plan()[0]))
    assert.strictEqual(first.size, 3)
    assert.deepStrictEqual(asked, [])
  })
})

describe("an allow list", () => {
  const lists: ReadonlyArray<readonly [string, Parameters<typeof LoadBalancing.allowList>[1]]> = [
    ["addresses", ["a1", "b1"]],
    ["addresses with ports", ["a1:9042", "b1:9042"]],
    ["a predicate", (host: Host.Host) => host.address.endsWith("1:9042") && host.dataCenter !== "dc3"]
  ]
  for (const [name, allowed] of lists) {
    it(`of ${name} leaves the others out, replicas too`, () => {
      const policy = LoadBalancing.allowList(failover(), allowed)
      const { distances, plan } = connected({ policy, replicas: ["a2", "a1"] })
      assert.deepStrictEqual(plan(), ["a1", "b1"])
      const { a1, a2, b1, b2 } = distances()
      assert.deepStrictEqual([a1, a2, b1, b2], ["local", "ignored", "remote", "ignored"])
    })
  }

  it("can be inside of token-aware, and over a custom policy", () => {
    const inside = LoadBalancing.tokenAware(LoadBalancing.allowList(LoadBalancing.dcAware(), ["a2", "a3"]))
    assert.deepStrictEqual(connected({ policy: inside, replicas: ["a1", "a3"] }).plan(), ["a3", "a2"])
    const everyone = LoadBalancing.custom({ distance: () => "local", plan: ({ hosts }) => hosts })
    assert.deepStrictEqual(connected({ policy: LoadBalancing.allowList(everyone, ["b2"]) }).plan(), ["b2"])
  })
})

describe("a policy of one's own", () => {
  it("is told what there is to know, and its plan is followed", () => {
    const requests: Array<LoadBalancing.RoutingRequest> = []
    const policy = LoadBalancing.custom({
      distance: (host) => (host.dataCenter === "dc1" ? "local" : host.dataCenter === "dc2" ? "remote" : "ignored"),
      plan: (request) => {
        requests.push(request)
        return request.hosts.toReversed()
      }
    })
    const { distances, plan } = connected({ policy, replicas: ["a2", "b1"] })
    assert.deepStrictEqual(plan({ consistency: codes.QUORUM }), ["b2", "b1", "a3", "a2", "a1"])
    plan()
    const [first, second] = requests
    assert.deepStrictEqual(first?.replicas.map(nameOf), ["a2", "b1"])
    assert.strictEqual(first?.keyspace, "ks")
    assert.strictEqual(first?.consistency, "QUORUM")
    assert.deepStrictEqual(first?.routingKey, key)
    assert.strictEqual(first?.hosts[0]?.status, "UP")
    assert.isUndefined(second?.consistency)
    assert.strictEqual(second?.turn, (first?.turn ?? 0) + 1)
    assert.strictEqual(distances()["c1"], "ignored")
  })

  it("under token-aware its local replicas go first, in its order", () => {
    const custom = LoadBalancing.custom({
      distance: (host) => (host.dataCenter === "dc1" ? "local" : "remote"),
      plan: ({ hosts }) => hosts.toReversed()
    })
    const { plan } = connected({ policy: LoadBalancing.tokenAware(custom), replicas: ["a1", "a3", "b1"] })
    assert.deepStrictEqual(plan(), ["a3", "a1", "c1", "b2", "b1", "a2"])
  })

  it("may plan for hosts that are not there, or twice", () => {
    const ghost = { address: "z9:9042" } as Host.Host
    const policy = LoadBalancing.custom({
      distance: (host) => (host.dataCenter === "dc1" ? "local" : "ignored"),
      plan: ({ hosts }) => [ghost, ...hosts, ...hosts]
    })
    assert.deepStrictEqual(connected({ policy }).plan(), ["a1", "a2", "a3"])
  })

  const bad: ReadonlyArray<readonly [string, () => ReadonlyArray<Host.Host>]> = [
    [
      "throws",
      () => {
        throw new Error("oops")
      }
    ],
    ["gives no list", () => 7 as never],
    ["gives a list of nothing", () => [undefined as never]]
  ]
  for (const [name, plan] of bad) {
    it(`fails the request when its plan ${name}`, () => {
      const policy = LoadBalancing.custom({ distance: () => "local", plan })
      const error = errorOf(() => connected({ policy }).plan())
      assert.strictEqual(error._tag, "QueryError")
      assert.strictEqual(error.writeState, "NotApplied")
    })
  }

  it("that throws about a node fails connecting; a node that comes later is ignored", () => {
    const policy = LoadBalancing.custom({
      distance: ({ address }) => (address.startsWith("x") ? assert.fail("oops") : "local"),
      plan: ({ hosts }) => hosts
    })
    const error = errorOf(() => connected({ policy, hosts: [fake("a1", "dc1"), fake("x1", "dc1")] }))
    assert.strictEqual(error._tag === "ConfigurationError" && error.option, "loadBalancing")
    const { distances, hosts, plan } = connected({ policy, hosts: [fake("a1", "dc1")] })
    hosts.add(fake("x1", "dc1"))
    assert.deepStrictEqual(distances(), { a1: "local", x1: "ignored" })
    assert.deepStrictEqual(plan(), ["a1"])
    const nonsense = LoadBalancing.custom({ distance: () => "near" as never, plan: ({ hosts: all }) => all })
    assert.strictEqual(errorOf(() => connected({ policy: nonsense }))._tag, "ConfigurationError")
  })
})

describe("several policies", () => {
  const inDc2 = LoadBalancing.standardWith({ localDataCenter: "dc2" })

  it("a node is as near as it is to the nearest", () => {
    const { distances, policies } = connected({ policy: failover(), others: [inDc2] })
    assert.deepStrictEqual(distances(), {
      a1: "local",
      a2: "local",
      a3: "local",
      b1: "local",
      b2: "local",
      c1: "remote"
    })
    policies.remove(inDc2)
    assert.strictEqual(distances()["b1"], "remote")
    policies.add(inDc2)
    policies.add(inDc2)
    policies.remove(inDc2)
    assert.strictEqual(distances()["b1"], "local")
  })

  it("a request's own policy makes its plan", () => {
    const { plan } = connected({ others: [inDc2] })
    assert.deepStrictEqual(sorted(plan({ [balancingKey]: inDc2 })), ["b1", "b2"])
    assert.deepStrictEqual(sorted(plan()), ["a1", "a2", "a3"])
  })

  it("a request's own policy that names what is not there fails the request", () => {
    const { plan } = connected({})
    const policy = LoadBalancing.standardWith({ localDataCenter: "dc9" })
    const error = errorOf(() => plan({ [balancingKey]: policy }))
    assert.strictEqual(error._tag === "ConfigurationError" && error.option, "localDataCenter")
  })

  it("preparing and the control connection go to any node, the cluster's first", () => {
    const { routing } = connected({ others: [inDc2] })
    const names = namesOf(routing.anyNode())
    assert.deepStrictEqual(sorted(names.slice(0, 3)), ["a1", "a2", "a3"])
    assert.deepStrictEqual(sorted(names.slice(3)), ["b1", "b2"])
  })
})
