import { assert, describe, it } from "@effect/vitest"
import { ExecutionProfile, LoadBalancing, PagingState, RetryPolicy, SpeculativeExecution } from "effect-cassandra"
import * as Either from "effect/Either"
import { isCassandraError } from "../src/CassandraError.ts"
import type { ClusterOptions } from "../src/ClusterOptions.ts"
import { resolve } from "../src/internal/options/resolve.ts"
import type { RequestOptions } from "../src/ExecutionProfile.ts"
import { balancingKey } from "../src/internal/routing/loadBalancing.ts"
import type { LocalOptions } from "../src/internal/options/index.ts"
import { type Effective, OptionSources } from "../src/internal/request/requestOptions.ts"
import { Profiles } from "../src/internal/request/profiles.ts"
import type { StatementOptions } from "../src/Statement.ts"

interface Sources {
  readonly statement?: StatementOptions
  readonly local?: LocalOptions
  readonly profile?: RequestOptions
  readonly session?: RequestOptions
  readonly cluster?: RequestOptions
}

const effective = (sources: Sources, read = true): Effective => {
  const cluster: ClusterOptions = {
    ...sources.cluster,
    ...(sources.profile === undefined ? {} : { profiles: { p: sources.profile } })
  }
  const statement = { ...sources.statement, ...(sources.profile === undefined ? {} : { profile: "p" }) }
  const got = new OptionSources(Either.getOrThrow(resolve(cluster)), sources.session ?? {}, true).resolve(
    statement,
    sources.local ?? {},
    read,
    () => undefined
  )
  // The cluster's own policy is not mentioned: it is the one that its clients have.
  return { ...got, send: { ...got.send, [balancingKey]: got.send[balancingKey] ?? cluster.loadBalancing } }
}

const none = () => undefined

const customDelays = (next: Parameters<typeof SpeculativeExecution.custom>[0]) =>
  effective({ statement: { speculativeExecution: SpeculativeExecution.custom(next) } }).send.speculation

const errorOf = (run: () => unknown) => {
  try {
    run()
  } catch (error) {
    if (isCassandraError(error) && error._tag === "ConfigurationError") return error
    throw error
  }
  return assert.fail("nothing was thrown")
}

const order = ["statement", "local", "profile", "session", "cluster"] as const

const policy = RetryPolicy.standardWith({ maxRetries: 1 })
const inDc1 = LoadBalancing.standardWith({ localDataCenter: "dc1" })
const inDc2 = LoadBalancing.standardWith({ localDataCenter: "dc2" })
const afterTen = SpeculativeExecution.constant({ delay: 10 })
const afterTwenty = SpeculativeExecution.constant({ delay: 20 })
const otherPolicy = RetryPolicy.standardWith({ maxRetries: 2 })

/** Two values of each option there is, and how the outcome shows it. */
const lookedUp: {
  readonly [K in keyof Required<RequestOptions>]: readonly [
    a: Required<RequestOptions>[K],
    b: Required<RequestOptions>[K],
    seen: (_: Effective) => unknown
  ]
} = {
  consistency: ["ALL", "TWO", (_) => `${_.consistency} ${_.send.consistency}`],
  serialConsistency: ["SERIAL", "LOCAL_SERIAL", (_) => _.send.serialConsistency],
  pageSize: [10, 20, (_) => _.send.pageSize],
  timeout: ["1 second", "2 seconds", (_) => _.send.timeout],
  deadline: ["1 second", "2 seconds", (_) => _.deadline],
  retryPolicy: [policy, otherPolicy, (_) => _.retryPolicy],
  prefetch: [0, 3, (_) => _.prefetch],
  loadBalancing: [inDc1, inDc2, (_) => _.send[balancingKey]],
  speculativeExecution: [afterTen, afterTwenty, (_) => _.send.speculation?.(1)]
}

describe("the options of a request", () => {
  for (const [option, [valueA, valueB, seen]] of Object.entries(lookedUp)) {
    const a: RequestOptions = { [option]: valueA }
    const b: RequestOptions = { [option]: valueB }
    const onlyA = seen(effective({ statement: a }))
    for (const [i, nearer] of order.entries()) {
      it(`${option} of the ${nearer} counts when it is the only one`, () => {
        assert.strictEqual(seen(effective({ [nearer]: a })), onlyA)
      })
      for (const farther of order.slice(i + 1)) {
        it(`${option} of the ${nearer} goes before that of the ${farther}`, () => {
          const got = seen(effective({ [nearer]: a, [farther]: b }))
          assert.strictEqual(got, onlyA)
          assert.notStrictEqual(got, seen(effective({ [farther]: b })))
        })
        it(`${option} undefined in the ${nearer} leaves it to the ${farther}`, () => {
          const unset = { [option]: undefined } as RequestOptions
          assert.strictEqual(seen(effective({ [nearer]: unset, [farther]: a })), onlyA)
        })
      }
    }
  }

  it("each option is looked up by itself", () => {
    const got = effective({
      statement: { pageSize: 1 },
      local: { consistency: "ONE" },
      profile: { timeout: 7 },
      session: { deadline: 9 },
      cluster: { serialConsistency: "SERIAL", pageSize: 2, consistency: "ALL", timeout: 3 }
    })
    assert.strictEqual(got.send.pageSize, 1)
    assert.strictEqual(got.consistency, "ONE")
    assert.strictEqual(got.send.timeout, 7)
    assert.strictEqual(got.deadline, 9)
    assert.strictEqual(got.send.serialConsistency, 8)
  })

  it("the defaults: LOCAL_ONE, 5,000 rows a page, 10 seconds an attempt, no deadline, the standard policy, one page ahead", () => {
    const got = effective({})
    assert.strictEqual(got.consistency, "LOCAL_ONE")
    assert.strictEqual(got.send.pageSize, 5000)
    assert.strictEqual(got.send.timeout, 10_000)
    assert.isUndefined(got.deadline)
    assert.isUndefined(got.send.serialConsistency)
    assert.strictEqual(got.retryPolicy, RetryPolicy.standard)
    assert.strictEqual(got.prefetch, 1)
  })

  it("the statement's profile goes before that of the local context", () => {
    const cluster = Either.getOrThrow(resolve({ profiles: { a: { pageSize: 1 }, b: { pageSize: 2 } } }))
    const sources = new OptionSources(cluster, {}, true)
    const fetchSize = (statement: StatementOptions, local: LocalOptions) =>
      sources.resolve(statement, local, true, none).send.pageSize
    assert.strictEqual(fetchSize({ profile: "a" }, { profile: "b" }), 1)
    assert.strictEqual(fetchSize({}, { profile: "b" }), 2)
  })

  it("a derived profile has the options of the other, but for those that are changed", () => {
    const cart = ExecutionProfile.make({ consistency: "LOCAL_QUORUM", pageSize: 10 })
    const report = ExecutionProfile.derive(cart, { pageSize: 5000 })
    const got = effective({ profile: report })
    assert.strictEqual(got.consistency, "LOCAL_QUORUM")
    assert.strictEqual(got.send.pageSize, 5000)
    assert.strictEqual(effective({ profile: cart }).send.pageSize, 10)
  })

  it("a profile that does not exist is a ConfigurationError that names those that do", () => {
    const cluster = Either.getOrThrow(resolve({ profiles: { olap: {}, oltp: {} } }))
    const error = errorOf(() => new OptionSources(cluster, {}, true).resolve({ profile: "olpa" }, {}, true, none))
    assert.strictEqual(error.option, "profile")
    for (const name of ["olpa", "olap", "oltp"]) assert.include(error.message, name)
  })

  it("a profile can be given itself, in the statement and in the local context", () => {
    const sources = new OptionSources(Either.getOrThrow(resolve({ profiles: { a: { pageSize: 1 } } })), {}, true)
    const fetchSize = (statement: StatementOptions, local: LocalOptions) =>
      sources.resolve(statement, local, true, none).send.pageSize
    const given = ExecutionProfile.make({ pageSize: 7 })
    assert.strictEqual(fetchSize({ profile: given }, { profile: "a" }), 7)
    assert.strictEqual(fetchSize({ profile: "a" }, { profile: given }), 1)
    assert.strictEqual(fetchSize({}, { profile: given }), 7)
    assert.strictEqual(fetchSize({ profile: given, pageSize: 9 }, {}), 9)
    const error = errorOf(() => sources.resolve({ profile: { pageSize: -1 } }, {}, true, none))
    assert.strictEqual(error.option, "statement.profile.pageSize")
  })

  it("a profile called default stands in for the cluster's own options, below those of the session", () => {
    const profiles = { default: { pageSize: 1, consistency: undefined }, other: { timeout: 5 } }
    const cluster = Either.getOrThrow(resolve({ pageSize: 2, consistency: "TWO", profiles }))
    const fetchSize = (session: RequestOptions, statement: StatementOptions) =>
      new OptionSources(cluster, session, true).resolve(statement, {}, true, none).send.pageSize
    assert.strictEqual(fetchSize({}, {}), 1)
    assert.strictEqual(fetchSize({}, { profile: "other" }), 1)
    assert.strictEqual(fetchSize({ pageSize: 3 }, {}), 3)
    // Named, it is a profile like any other.
    assert.strictEqual(fetchSize({ pageSize: 3 }, { profile: "default" }), 1)
    const plain = new OptionSources(cluster, {}, true).resolve({}, {}, true, none)
    assert.strictEqual(plain.consistency, "TWO")
  })

  it("default can be named where there is no such profile: it leaves that of the local context", () => {
    const sources = new OptionSources(Either.getOrThrow(resolve({ profiles: { a: { pageSize: 1 } } })), {}, true)
    assert.strictEqual(sources.resolve({ profile: "default" }, { profile: "a" }, true, none).send.pageSize, 5000)
  })

  it("a profile that is added is there for sessions that are open", () => {
    const cluster = Either.getOrThrow(resolve({}))
    const profiles = new Profiles(cluster.profiles)
    const sources = new OptionSources(cluster, {}, true, profiles)
    assert.strictEqual(errorOf(() => sources.resolve({ profile: "p" }, {}, true, none)).option, "profile")
    profiles.add("p", { pageSize: 3 })
    assert.strictEqual(sources.resolve({ profile: "p" }, {}, true, none).send.pageSize, 3)
  })

  it("only what is idempotent is speculated on", () => {
    const session = { speculativeExecution: SpeculativeExecution.constant({ delay: "20 millis", maxExecutions: 3 }) }
    const delays = effective({ session }, true).send.speculation
    assert.deepStrictEqual(
      [1, 2, 3, 4].map((started) => delays?.(started)),
      [20, 20, undefined, undefined]
    )
    assert.isUndefined(effective({ session }, false).send.speculation)
    assert.isUndefined(effective({ session, statement: { idempotent: false } }, true).send.speculation)
    assert.isDefined(effective({ session, statement: { idempotent: true } }, false).send.speculation)
    const off = { speculativeExecution: SpeculativeExecution.none }
    assert.isUndefined(effective({ session, statement: off }, true).send.speculation)
  })

  it("speculation of one's own: delays in milliseconds, none where no timer can wait, a typed error where it throws", () => {
    const delays = customDelays((started) => (started === 1 ? "1 second" : started === 2 ? Infinity : undefined))
    assert.deepStrictEqual(
      [1, 2, 3].map((started) => delays?.(started)),
      [1000, undefined, undefined]
    )
    for (const bad of [() => "soon" as never, () => assert.fail("oops")]) {
      let thrown: unknown
      try {
        customDelays(bad)?.(1)
      } catch (error) {
        thrown = error
      }
      assert.isTrue(isCassandraError(thrown) && thrown._tag === "QueryError")
    }
  })

  it("a profile is not looked up in what every object inherits", () => {
    const cluster = Either.getOrThrow(resolve({}))
    for (const profile of ["toString", "__proto__", "constructor"]) {
      const error = errorOf(() => new OptionSources(cluster, {}, true).resolve({ profile }, {}, true, none))
      assert.strictEqual(error.option, "profile")
    }
  })

  it("unset, a read is idempotent and a write is not; the statement's word counts", () => {
    assert.isTrue(effective({}, true).idempotent)
    assert.isFalse(effective({}, false).idempotent)
    assert.isFalse(effective({ statement: { idempotent: false } }, true).idempotent)
    assert.isTrue(effective({ statement: { idempotent: true } }, false).idempotent)
    assert.isTrue(effective({ statement: { idempotent: true } }, false).send.idempotent)
  })

  it("a time without end, or too long for a timer, is no limit", () => {
    for (const forever of [Infinity, "infinity" as never, "60 days"] as const) {
      const input = forever === ("infinity" as never) ? Infinity : forever
      const got = effective({ statement: { timeout: input, deadline: input } })
      assert.strictEqual(got.send.timeout, 0)
      assert.isTrue(got.deadline === undefined || got.deadline > 1e9)
    }
  })

  const bad: ReadonlyArray<readonly [option: string, options: Record<string, unknown>]> = [
    ["consistency", { consistency: "ANY" }],
    ["consistency", { consistency: "quorum" }],
    ["consistency", { consistency: "toString" }],
    ["consistency", { consistency: 1 }],
    ["serialConsistency", { serialConsistency: "QUORUM" }],
    ["pageSize", { pageSize: 0 }],
    ["pageSize", { pageSize: 1.5 }],
    ["pageSize", { pageSize: Number.NaN }],
    ["pageSize", { pageSize: 2 ** 31 }],
    ["prefetch", { prefetch: -1 }],
    ["prefetch", { prefetch: 1e9 }],
    ["timeout", { timeout: "soon" }],
    ["timeout", { timeout: 0 }],
    ["timeout", { timeout: -1 }],
    ["deadline", { deadline: "1 fortnight" }],
    ["deadline", { deadline: 0 }],
    ["loadBalancing", { loadBalancing: { _tag: "RoundRobin" } }],
    ["loadBalancing", { loadBalancing: { _tag: "TokenAware" } }],
    ["loadBalancing", { loadBalancing: { _tag: "AllowList", policy: { _tag: "DcAware" } } }],
    ["loadBalancing", { loadBalancing: LoadBalancing.dcAware({ hostsPerRemoteDataCenter: 0 }) }],
    ["loadBalancing", { loadBalancing: LoadBalancing.standardWith({ localDataCenter: " " }) }],
    ["loadBalancing", { loadBalancing: LoadBalancing.standardWith({ remoteDataCenters: ["a", "a"] }) }],
    ["loadBalancing", { loadBalancing: LoadBalancing.custom({ plan: () => [] } as never) }],
    ["speculativeExecution", { speculativeExecution: {} }],
    ["speculativeExecution", { speculativeExecution: SpeculativeExecution.custom(1 as never) }],
    ["speculativeExecution.delay", { speculativeExecution: SpeculativeExecution.constant({ delay: "soon" as never }) }],
    [
      "speculativeExecution.maxExecutions",
      { speculativeExecution: SpeculativeExecution.constant({ delay: 1, maxExecutions: 0 }) }
    ]
  ]
  for (const [option, value] of bad) {
    it(`refuses ${JSON.stringify(value)} in every source, and names it`, () => {
      const given = value as RequestOptions
      assert.strictEqual(errorOf(() => effective({ statement: given })).option, `statement.${option}`)
      assert.strictEqual(errorOf(() => effective({ local: given })).option, `Session.withDefaults.${option}`)
      const cluster = resolve(given)
      assert.strictEqual(Either.isLeft(cluster) && cluster.left.option, option)
      const profile = resolve({ profiles: { x: given } })
      assert.strictEqual(Either.isLeft(profile) && profile.left.option, `profiles.x.${option}`)
    })
  }

  it("what only a statement has goes with it", () => {
    const { send } = effective({
      statement: {
        timestamp: 1_234_567_890_123_456n,
        pagingState: PagingState.fromBytes(new Uint8Array([1, 2])),
        tracing: true,
        customPayload: { key: new Uint8Array([3]) },
        executeAs: "alice"
      }
    })
    assert.strictEqual(send.timestamp, 1_234_567_890_123_456n)
    assert.deepStrictEqual(send.pageState, Buffer.from([1, 2]))
    assert.isTrue(send.tracing)
    assert.deepStrictEqual(send.customPayload, { key: Buffer.from([3]), ProxyExecute: Buffer.from("alice") })
  })

  it("tracing can be set for a scope, and unset for a statement", () => {
    assert.isTrue(effective({ local: { tracing: true } }).send.tracing)
    assert.isFalse(effective({ local: { tracing: true }, statement: { tracing: false } }).send.tracing)
  })

  it("a host that the cluster does not have is a ConfigurationError that names it", () => {
    const error = errorOf(() => effective({ statement: { host: "10.9.9.9:9042" } }))
    assert.strictEqual(error.option, "host")
    assert.include(error.message, "10.9.9.9:9042")
  })

  it("one statement's options touch no other's", () => {
    const sources = new OptionSources(Either.getOrThrow(resolve({})), {}, true)
    const before = sources.resolve({}, {}, true, none)
    sources.resolve({ pageSize: 3, consistency: "ALL" }, {}, true, none)
    const after = sources.resolve({}, {}, true, none)
    assert.deepStrictEqual(after.send, before.send)
  })
})
