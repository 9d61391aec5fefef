import { assert, describe, it } from "@effect/vitest"
import { Cluster, type ClusterEvent, cql, RetryPolicy, type Session, Statement } from "effect-cassandra"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Breaker } from "../src/internal/routing/breaker.ts"
import type { Node } from "../src/internal/topology/node.ts"
import { Opcode } from "../src/internal/protocol/opcode.ts"
import { ScriptedServer } from "./wire/ScriptedServer.ts"

/** A breaker with a clock of the test's, and what it told. */
const setup = (options: Partial<ConstructorParameters<typeof Breaker>[0]> = {}) => {
  const clock = { now: 1_000_000 }
  const breaker = new Breaker(
    { failures: 3, window: 1000, openFor: 500, halfOpenRequests: 1, ...options },
    () => clock.now
  )
  const told: Array<string> = []
  breaker.listener = (state, address) => told.push(`${address} ${state}`)
  const fail = (address: string, times = 1) => {
    for (let i = 0; i < times; i++) breaker.timedOut(address, 0)
  }
  /** The order in which hosts that a policy gives in the order of the letters are tried. */
  const order = (letters: string, trial = true) => {
    const hosts = letters.split("").map((address) => ({ address }) as Node)
    return [...breaker.rearranged(hosts.values() as Iterator<Node, undefined>, trial)]
      .map(({ address }) => address)
      .join("")
  }
  return { breaker, clock, fail, order, told }
}

describe("a breaker", () => {
  it("opens after failures in a row, for the one host", () => {
    const { breaker, fail, order, told } = setup()
    fail("a", 2)
    assert.deepStrictEqual([breaker.state("a"), breaker.troubled, breaker.tripped], ["closed", 1, 0])
    assert.strictEqual(order("abc"), "abc")
    fail("a")
    assert.deepStrictEqual([breaker.state("a"), breaker.state("b"), breaker.tripped], ["open", "closed", 1])
    fail("a", 5)
    assert.deepStrictEqual(told, ["a open"])
    assert.deepStrictEqual(breaker.counts, { opened: 1, halfOpened: 0, closed: 0 })
  })

  it("keeps every host in the plan: those that are open at its end, in its order", () => {
    const { fail, order } = setup()
    fail("a", 3)
    assert.strictEqual(order("abc"), "bca")
    assert.strictEqual(order("bac"), "bca")
    assert.strictEqual(order("a"), "a")
    assert.strictEqual(order(""), "")
    fail("c", 3)
    assert.strictEqual(order("abc"), "bac")
    fail("b", 3)
    assert.strictEqual(order("abc"), "abc")
    assert.strictEqual(order("cab"), "cab")
  })

  it("stays closed when an answer comes between, or when the row takes too long", () => {
    const { breaker, clock, fail, told } = setup()
    fail("a", 2)
    breaker.answered("a")
    assert.strictEqual(breaker.troubled, 0)
    fail("a", 2)
    clock.now += 1001
    fail("a", 2)
    assert.strictEqual(breaker.state("a"), "closed")
    fail("a")
    assert.strictEqual(breaker.state("a"), "open")
    assert.deepStrictEqual(told, ["a open"])
  })

  it("counts the loss of a connection once, however many requests were on it", () => {
    const { breaker } = setup()
    const connections = [{}, {}, {}] as const
    for (let i = 0; i < 10; i++) breaker.lost("a", connections[0])
    assert.strictEqual(breaker.state("a"), "closed")
    breaker.lost("a", connections[1])
    breaker.lost("a", connections[2])
    assert.strictEqual(breaker.state("a"), "open")
  })

  it("half-opens with a request that would go to the host first, and lets no other through", () => {
    const { breaker, clock, fail, order, told } = setup()
    fail("a", 3)
    clock.now += 499
    assert.strictEqual(order("ab"), "ba")
    clock.now += 1
    assert.strictEqual(order("ba"), "ba")
    assert.strictEqual(order("ab", false), "ba")
    assert.strictEqual(breaker.state("a"), "open")
    assert.strictEqual(order("ab"), "ab")
    assert.strictEqual(breaker.state("a"), "half-open")
    assert.strictEqual(order("ab"), "ba")
    breaker.answered("a")
    assert.strictEqual(order("ab"), "ab")
    assert.deepStrictEqual([breaker.troubled, breaker.tripped], [0, 0])
    assert.deepStrictEqual(told, ["a open", "a half-open", "a closed"])
    assert.deepStrictEqual(breaker.counts, { opened: 1, halfOpened: 1, closed: 1 })
  })

  it("opens again when the trial fails, and for as long", () => {
    const { breaker, clock, fail, order } = setup({ halfOpenRequests: 2 })
    fail("a", 3)
    clock.now += 500
    assert.deepStrictEqual([order("ab"), order("ab"), order("ab")], ["ab", "ab", "ba"])
    fail("a")
    assert.strictEqual(breaker.state("a"), "open")
    clock.now += 499
    assert.strictEqual(order("ab"), "ba")
    clock.now += 1
    assert.strictEqual(order("ab"), "ab")
  })

  it("lets another through after a while when nothing is heard of the first", () => {
    const { clock, fail, order } = setup()
    fail("a", 3)
    clock.now += 500
    assert.deepStrictEqual([order("ab"), order("ab")], ["ab", "ba"])
    clock.now += 500
    assert.deepStrictEqual([order("ab"), order("ab")], ["ab", "ba"])
  })

  it("takes nothing from requests that were sent before it changed", () => {
    const { breaker, clock, fail, order } = setup()
    fail("a", 3)
    clock.now += 500
    order("ab")
    clock.now += 10
    breaker.timedOut("a", 400)
    assert.strictEqual(breaker.state("a"), "half-open")
    breaker.answered("a")
    for (let i = 0; i < 10; i++) breaker.timedOut("a", 400)
    assert.deepStrictEqual([breaker.state("a"), breaker.troubled], ["closed", 0])
    clock.now += 100
    for (let i = 0; i < 3; i++) breaker.timedOut("a", 50)
    assert.strictEqual(breaker.state("a"), "open")
  })

  it("forgets a host that leaves, and never opens where it is switched off", () => {
    const { breaker, fail, order } = setup()
    fail("a", 3)
    breaker.forget("a")
    assert.deepStrictEqual([breaker.state("a"), breaker.troubled, breaker.tripped], ["closed", 0, 0])
    assert.strictEqual(order("ab"), "ab")
    const none = new Breaker(undefined)
    for (let i = 0; i < 100; i++) none.timedOut("a", 0)
    assert.deepStrictEqual([none.state("a"), none.troubled], ["closed", 0])
  })
})

const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
const select = cql`SELECT v FROM t WHERE k = ${1}`.pipe(Statement.withTimeout("100 millis"))

/** Three servers, and whether each is to be silent. */
const three = Effect.gen(function* () {
  const silent = new Set<string>()
  let port = 0
  for (const host of hosts) {
    const peers = hosts.filter((other) => other !== host).map((address) => ({ address, releaseVersion: "5.0.9" }))
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => ScriptedServer.start({ host, port, peers })),
      (started) => Effect.promise(() => started.close())
    )
    port = server.port
    server.script = ({ opcode, query }) =>
      opcode === Opcode.execute && query?.includes("system") !== true && silent.has(host)
  }
  return { silent, port }
})

const connect = Effect.fnUntraced(function* (breaker: Cluster.ClusterOptions["breaker"]) {
  const { port, silent } = yield* three
  const cluster = yield* Cluster.make({
    contactPoints: hosts,
    port,
    localDataCenter: "dc1",
    breaker,
    retryPolicy: RetryPolicy.standardWith({ schedule: Schedule.forever })
  })
  const events: Array<string> = []
  yield* Effect.forkScoped(
    Stream.runForEach(yield* cluster.subscribe(), (event: ClusterEvent.ClusterEvent) =>
      Effect.sync(() => {
        if (event._tag.startsWith("HostBreaker") && "host" in event) events.push(`${event._tag} ${event.host.address}`)
      })
    )
  )
  const session = yield* cluster.connect()
  yield* session.execute(select)
  const stateOf = (address: string) =>
    Effect.map(cluster.state, (state) => state.hosts.get(`${address}:${port}`)?.breaker)
  return { events, port, session, silent, stateOf }
})

/** The hosts that were asked for one read after the other. */
const coordinators = (session: Session.Session, times: number) =>
  Effect.map(
    Effect.replicateEffect(session.execute(select), times),
    (results) => new Set(results.map(({ info }) => info.coordinator.split(":")[0]))
  )

describe("a client with a silent host", () => {
  it.scopedLive("asks the others once its breaker is open, and the host again when it answers", () =>
    Effect.gen(function* () {
      const { events, port, session, silent, stateOf } = yield* connect({ failures: 2, openFor: "300 millis" })
      silent.add("127.0.0.2")
      yield* Effect.repeat(session.execute(select), {
        until: () => Effect.map(stateOf("127.0.0.2"), (state) => state === "open")
      })
      const [took, asked] = yield* Effect.timed(coordinators(session, 30))
      assert.notInclude([...asked], "127.0.0.2")
      // Not a timeout each: at most some trials.
      assert.isBelow(Duration.toMillis(took), 1_000)
      silent.delete("127.0.0.2")
      yield* Effect.repeat(session.execute(select), {
        until: () => Effect.map(stateOf("127.0.0.2"), (state) => state === "closed"),
        schedule: Schedule.spaced("10 millis")
      })
      assert.include([...(yield* coordinators(session, 30))], "127.0.0.2")
      const expected = (tag: string) => `${tag} 127.0.0.2:${port}`
      assert.strictEqual(events[0], expected("HostBreakerOpened"))
      assert.deepStrictEqual(events.slice(-2), [expected("HostBreakerHalfOpened"), expected("HostBreakerClosed")])
    })
  )

  it.scopedLive("asks it all the same when it is the only one", () =>
    Effect.gen(function* () {
      const { port, session, silent, stateOf } = yield* connect({ failures: 1, openFor: "1 hour" })
      silent.add("127.0.0.2")
      const only = select.pipe(Statement.withHost(`127.0.0.2:${port}`), Statement.withRetryPolicy(RetryPolicy.never))
      const error = yield* Effect.flip(session.execute(only))
      assert.strictEqual(error._tag, "OperationTimedOutError")
      assert.strictEqual(yield* stateOf("127.0.0.2"), "open")
      for (const host of hosts) silent.add(host)
      yield* Effect.exit(session.execute(select))
      silent.clear()
      // Every breaker is open: the plan is as it ever was.
      yield* session.execute(select)
      yield* session.execute(only)
      assert.strictEqual(yield* stateOf("127.0.0.2"), "closed")
    })
  )

  it.scopedLive("asks it every time without a breaker", () =>
    Effect.gen(function* () {
      const { events, session, silent, stateOf } = yield* connect(false)
      silent.add("127.0.0.2")
      const results = yield* Effect.replicateEffect(session.execute(select), 18)
      // A retry takes its turn as well, so that it may be more than every third.
      assert.isAtLeast(results.filter(({ info }) => info.attempts > 1).length, 6)
      assert.strictEqual(yield* stateOf("127.0.0.2"), "closed")
      assert.deepStrictEqual(events, [])
    })
  )
})
