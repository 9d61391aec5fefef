import { assert, describe, it } from "@effect/vitest"
import { ExecutionProfile, PagingState, RetryPolicy } from "effect-cassandra"
import * as Either from "effect/Either"
import { isCassandraError } from "../src/CassandraError.ts"
import type { ClusterOptions } from "../src/ClusterOptions.ts"
import { resolve } from "../src/internal/clusterOptions/resolve.ts"
import type { RequestOptions } from "../src/ExecutionProfile.ts"
import { batchOptions, type Effective, type LocalOptions, OptionSources } from "../src/internal/requestOptions.ts"
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
  return new OptionSources(Either.getOrThrow(resolve(cluster)), sources.session ?? {}, true).resolve(
    statement,
    sources.local ?? {},
    read,
    () => undefined
  )
}

const none = () => undefined

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
const otherPolicy = RetryPolicy.standardWith({ maxRetries: 2 })

/** Two values of each option, and how the outcome shows it. */
const lookedUp: ReadonlyArray<
  readonly [option: keyof RequestOptions, a: RequestOptions, b: RequestOptions, seen: (_: Effective) => unknown]
> = [
  ["consistency", { consistency: "ALL" }, { consistency: "TWO" }, (_) => `${_.consistency} ${_.driver.consistency}`],
  [
    "serialConsistency",
    { serialConsistency: "SERIAL" },
    { serialConsistency: "LOCAL_SERIAL" },
    (_) => _.driver.serialConsistency
  ],
  ["pageSize", { pageSize: 10 }, { pageSize: 20 }, (_) => _.driver.fetchSize],
  ["timeout", { timeout: "1 second" }, { timeout: "2 seconds" }, (_) => _.driver.readTimeout],
  ["deadline", { deadline: "1 second" }, { deadline: "2 seconds" }, (_) => _.deadline],
  ["retryPolicy", { retryPolicy: policy }, { retryPolicy: otherPolicy }, (_) => _.retryPolicy],
  ["prefetch", { prefetch: 0 }, { prefetch: 3 }, (_) => _.prefetch]
]

describe("the options of a request", () => {
  for (const [option, a, b, seen] of lookedUp) {
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
    assert.strictEqual(got.driver.fetchSize, 1)
    assert.strictEqual(got.consistency, "ONE")
    assert.strictEqual(got.driver.readTimeout, 7)
    assert.strictEqual(got.deadline, 9)
    assert.strictEqual(got.driver.serialConsistency, 8)
  })

  it("the defaults: LOCAL_ONE, 5,000 rows a page, 10 seconds an attempt, no deadline, the standard policy, one page ahead", () => {
    const got = effective({})
    assert.strictEqual(got.consistency, "LOCAL_ONE")
    assert.strictEqual(got.driver.fetchSize, 5000)
    assert.strictEqual(got.driver.readTimeout, 10_000)
    assert.isUndefined(got.deadline)
    assert.isUndefined(got.driver.serialConsistency)
    assert.strictEqual(got.retryPolicy, RetryPolicy.standard)
    assert.strictEqual(got.prefetch, 1)
  })

  it("the statement's profile goes before that of the local context", () => {
    const cluster = Either.getOrThrow(resolve({ profiles: { a: { pageSize: 1 }, b: { pageSize: 2 } } }))
    const sources = new OptionSources(cluster, {}, true)
    const fetchSize = (statement: StatementOptions, local: LocalOptions) =>
      sources.resolve(statement, local, true, none).driver.fetchSize
    assert.strictEqual(fetchSize({ profile: "a" }, { profile: "b" }), 1)
    assert.strictEqual(fetchSize({}, { profile: "b" }), 2)
  })

  it("a derived profile has the options of the other, but for those that are changed", () => {
    const cart = ExecutionProfile.make({ consistency: "LOCAL_QUORUM", pageSize: 10 })
    const report = ExecutionProfile.derive(cart, { pageSize: 5000 })
    const got = effective({ profile: report })
    assert.strictEqual(got.consistency, "LOCAL_QUORUM")
    assert.strictEqual(got.driver.fetchSize, 5000)
    assert.strictEqual(effective({ profile: cart }).driver.fetchSize, 10)
  })

  it("a profile that does not exist is a ConfigurationError that names those that do", () => {
    const cluster = Either.getOrThrow(resolve({ profiles: { olap: {}, oltp: {} } }))
    const error = errorOf(() => new OptionSources(cluster, {}, true).resolve({ profile: "olpa" }, {}, true, none))
    assert.strictEqual(error.option, "profile")
    for (const name of ["olpa", "olap", "oltp"]) assert.include(error.message, name)
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
    assert.isTrue(effective({ statement: { idempotent: true } }, false).driver.isIdempotent)
  })

  it("a time without end, or too long for a timer, is no limit", () => {
    for (const forever of [Infinity, "infinity" as never, "60 days"] as const) {
      const input = forever === ("infinity" as never) ? Infinity : forever
      const got = effective({ statement: { timeout: input, deadline: input } })
      assert.strictEqual(got.driver.readTimeout, 0)
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
    ["deadline", { deadline: 0 }]
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

  it("what only a statement has goes to the driver", () => {
    const { driver } = effective({
      statement: {
        timestamp: 1_234_567_890_123_456n,
        pagingState: PagingState.fromBytes(new Uint8Array([1, 2])),
        tracing: true,
        customPayload: { key: new Uint8Array([3]) },
        executeAs: "alice"
      }
    })
    assert.strictEqual(String(driver.timestamp), "1234567890123456")
    assert.deepStrictEqual(driver.pageState, Buffer.from([1, 2]))
    assert.isTrue(driver.traceQuery)
    assert.deepStrictEqual(driver.customPayload, { key: Buffer.from([3]) })
    assert.strictEqual((driver as { executeAs?: string }).executeAs, "alice")
  })

  it("tracing can be set for a scope, and unset for a statement", () => {
    assert.isTrue(effective({ local: { tracing: true } }).driver.traceQuery)
    assert.isUndefined(effective({ local: { tracing: true }, statement: { tracing: false } }).driver.traceQuery)
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
    assert.deepStrictEqual(after.driver, before.driver)
  })

  it("a batch's type goes to the driver", () => {
    const { driver } = effective({})
    assert.include(batchOptions(driver, "LOGGED"), { logged: true, counter: false })
    assert.include(batchOptions(driver, "UNLOGGED"), { logged: false, counter: false })
    assert.include(batchOptions(driver, "COUNTER"), { logged: false, counter: true })
  })
})
