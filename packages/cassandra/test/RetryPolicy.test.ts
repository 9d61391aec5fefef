import { assert, describe, it } from "@effect/vitest"
import { CassandraError as E, RetryPolicy } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"

const common = { message: "m" }
const counts = { ...common, consistency: "QUORUM" as const, received: 1, required: 2 }
const failures = { ...counts, failureCount: 1, failures: new Map() }

const readTimeout = (received: number, dataPresent: boolean) =>
  new E.ReadTimeoutError({ ...counts, received, dataPresent })
const writeTimeout = (writeType: E.WriteType) => new E.WriteTimeoutError({ ...counts, writeType })

type Expected = "rethrow" | "same host" | "next host"
/** What is expected after 0, 1, 2, 3 and 4 retries. */
type Row = readonly [name: string, error: E.CassandraError, idempotent: string, not: string]

// One letter for each number of retries: r(ethrow), s(ame host), n(ext host).
const letters: Readonly<Record<string, Expected>> = { r: "rethrow", s: "same host", n: "next host" }

const table: ReadonlyArray<Row> = [
  ["ReadTimeoutError, too few replicas, no data", readTimeout(1, false), "rrrrr", "rrrrr"],
  ["ReadTimeoutError, too few replicas, data retrieved", readTimeout(1, true), "sssrr", "sssrr"],
  ["ReadTimeoutError, enough replicas, no data", readTimeout(2, false), "sssrr", "sssrr"],
  ["ReadTimeoutError, enough replicas, data retrieved", readTimeout(2, true), "sssrr", "sssrr"],
  ["WriteTimeoutError, SIMPLE", writeTimeout("SIMPLE"), "sssrr", "rrrrr"],
  ["WriteTimeoutError, BATCH", writeTimeout("BATCH"), "sssrr", "rrrrr"],
  ["WriteTimeoutError, UNLOGGED_BATCH", writeTimeout("UNLOGGED_BATCH"), "sssrr", "rrrrr"],
  ["WriteTimeoutError, COUNTER", writeTimeout("COUNTER"), "rrrrr", "rrrrr"],
  ["WriteTimeoutError, BATCH_LOG", writeTimeout("BATCH_LOG"), "rrrrr", "rrrrr"],
  ["WriteTimeoutError, CAS", writeTimeout("CAS"), "rrrrr", "rrrrr"],
  ["WriteTimeoutError, VIEW", writeTimeout("VIEW"), "rrrrr", "rrrrr"],
  ["WriteTimeoutError, CDC", writeTimeout("CDC"), "rrrrr", "rrrrr"],
  [
    "UnavailableError",
    new E.UnavailableError({ ...common, consistency: "QUORUM", required: 2, alive: 1, writeState: "NotApplied" }),
    "nsrrr",
    "nsrrr"
  ],
  [
    "ConnectionError, known not to be written",
    new E.ConnectionError({ ...common, hosts: ["a"], writeState: "NotApplied" }),
    "nnnrr",
    "nnnrr"
  ],
  [
    "ConnectionError, perhaps written",
    new E.ConnectionError({ ...common, hosts: ["a"], writeState: "Unknown" }),
    "nnnrr",
    "rrrrr"
  ],
  [
    "OperationTimedOutError, known not to be written",
    new E.OperationTimedOutError({ ...common, timeout: 1, writeState: "NotApplied" }),
    "nnnrr",
    "nnnrr"
  ],
  [
    "OperationTimedOutError, perhaps written",
    new E.OperationTimedOutError({ ...common, timeout: 1, writeState: "Unknown" }),
    "nnnrr",
    "rrrrr"
  ],
  ["OverloadedError", new E.OverloadedError(common), "nnnrr", "rrrrr"],
  ["BootstrappingError", new E.BootstrappingError(common), "nnnrr", "nnnrr"],
  ["ReadFailureError", new E.ReadFailureError({ ...failures, dataPresent: true }), "rrrrr", "rrrrr"],
  ["WriteFailureError", new E.WriteFailureError({ ...failures, writeType: "SIMPLE" }), "rrrrr", "rrrrr"],
  ["ConfigurationError", new E.ConfigurationError({ ...common, option: "port" }), "rrrrr", "rrrrr"],
  ["AuthenticationError", new E.AuthenticationError(common), "rrrrr", "rrrrr"],
  ["UnauthorizedError", new E.UnauthorizedError(common), "rrrrr", "rrrrr"],
  ["NoHostAvailableError", new E.NoHostAvailableError({ ...common, errors: new Map() }), "rrrrr", "rrrrr"],
  ["TruncateError", new E.TruncateError(common), "rrrrr", "rrrrr"],
  ["ServerError", new E.ServerError(common), "rrrrr", "rrrrr"],
  ["ProtocolError", new E.ProtocolError(common), "rrrrr", "rrrrr"],
  [
    "FunctionFailureError",
    new E.FunctionFailureError({ ...common, keyspace: "k", functionName: "f", argumentTypes: [] }),
    "rrrrr",
    "rrrrr"
  ],
  ["CdcWriteFailureError", new E.CdcWriteFailureError(common), "rrrrr", "rrrrr"],
  ["CasWriteUnknownError", new E.CasWriteUnknownError(counts), "rrrrr", "rrrrr"],
  ["CqlSyntaxError", new E.CqlSyntaxError(common), "rrrrr", "rrrrr"],
  ["InvalidQueryError", new E.InvalidQueryError(common), "rrrrr", "rrrrr"],
  ["AlreadyExistsError", new E.AlreadyExistsError({ ...common, keyspace: "k" }), "rrrrr", "rrrrr"],
  ["ServerConfigurationError", new E.ServerConfigurationError(common), "rrrrr", "rrrrr"],
  [
    "RequestThrottledError",
    new E.RequestThrottledError({ ...common, maxConcurrentRequests: 1, maxQueuedRequests: 1 }),
    "rrrrr",
    "rrrrr"
  ],
  ["SessionClosedError", new E.SessionClosedError({ ...common, writeState: "Unknown" }), "rrrrr", "rrrrr"],
  ["QueryError", new E.QueryError({ ...common, writeState: "NotApplied" }), "rrrrr", "rrrrr"]
]

const nameOf = (decision: RetryPolicy.RetryDecision): string => {
  if (decision._tag !== "Retry") return decision._tag.toLowerCase()
  assert.isUndefined(decision.consistency, "the standard policy names a consistency")
  return `${decision.host} host`
}

const context = (retries: number, idempotent: boolean): RetryPolicy.RetryContext => ({
  retries,
  idempotent,
  consistency: "QUORUM",
  query: "INSERT"
})

describe("RetryPolicy.standard", () => {
  for (const [name, error, idempotent, not] of table) {
    it(`${name}: after 0 to 4 retries ${idempotent} when idempotent, ${not} when not`, () => {
      for (const [isIdempotent, expected] of [
        [true, idempotent],
        [false, not]
      ] as const) {
        for (let retries = 0; retries < expected.length; retries++) {
          const decision = RetryPolicy.standard.decide(error, context(retries, isIdempotent))
          assert.strictEqual(nameOf(decision), letters[expected[retries] as string])
        }
      }
    })
  }

  it("has every tag in the table", () => {
    const tags = new Set(table.map(([, error]) => error._tag))
    const exported = Object.keys(E).filter((name) => name.endsWith("Error") && /^[A-Z]/.test(name))
    assert.deepStrictEqual(
      [...tags].toSorted(),
      exported.filter((name) => name !== "CassandraError").toSorted() as Array<E.CassandraErrorTag>
    )
  })

  it("never retries a write that may have been applied and is not idempotent", () => {
    for (const [, error] of table) {
      if (error.writeState === "NotApplied") continue
      assert.strictEqual(RetryPolicy.standard.decide(error, context(0, false))._tag, "Rethrow", error._tag)
    }
  })
})

const timeout = writeTimeout("SIMPLE")
const decide = (maxRetries: number, retries: number) =>
  RetryPolicy.standardWith({ maxRetries }).decide(timeout, context(retries, true))._tag

describe("RetryPolicy", () => {
  it("standardWith changes the limit", () => {
    assert.strictEqual(decide(0, 0), "Rethrow")
    assert.strictEqual(decide(1, 0), "Retry")
    assert.strictEqual(decide(1, 1), "Rethrow")
    assert.strictEqual(decide(10, 9), "Retry")
  })

  it("never decides to retry nothing", () => {
    for (const [, error] of table) {
      assert.strictEqual(RetryPolicy.never.decide(error, context(0, true))._tag, "Rethrow")
    }
  })

  it("make takes the default schedule when none is given", () => {
    assert.strictEqual(RetryPolicy.make({ decide: () => RetryPolicy.ignore }).schedule, RetryPolicy.defaultSchedule)
  })

  it.effect("the default schedule starts at 25 ms, doubles up to a second, and jitters by a fifth", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const driver = yield* Schedule.driver(
        RetryPolicy.defaultSchedule.pipe(
          Schedule.delayed((delay) => {
            seen.push(Duration.toMillis(delay))
            return delay
          })
        )
      )
      const fiber = yield* Effect.fork(Effect.repeatN(driver.next(timeout), 9))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      const nominal = [25, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000]
      assert.strictEqual(seen.length, nominal.length)
      seen.forEach((delay, i) => {
        assert.isAtLeast(delay, (nominal[i] as number) * 0.8 - 1)
        assert.isAtMost(delay, (nominal[i] as number) * 1.2 + 1)
      })
    })
  )

  it.effect("the schedule of a policy ends the retries when it ends", () =>
    Effect.gen(function* () {
      const { schedule } = RetryPolicy.standardWith({ schedule: Schedule.recurs(2) })
      const delays = yield* Schedule.run(schedule, 0, Chunk.make(timeout, timeout, timeout, timeout))
      assert.strictEqual(Chunk.size(delays), 3)
      const driver = yield* Schedule.driver(schedule)
      yield* driver.next(timeout)
      yield* driver.next(timeout)
      assert.isTrue(Option.isNone(yield* Effect.option(driver.next(timeout))))
    })
  )
})
