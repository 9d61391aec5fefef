/** The table of retries on the wire: four hosts that answer what the table says, and what they see of the client. */
import { assert, describe, it } from "@effect/vitest"
import {
  Batch,
  type CassandraError as E,
  Cluster,
  type Consistency,
  cql,
  RetryPolicy,
  Statement
} from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/TestClock"
import { codes } from "../../src/Consistency.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { consistencies, type OnTheWire, table } from "../retryTable.ts"
import { type Incoming, ScriptedServer } from "../wire/ScriptedServer.ts"

/** An attempt as a host saw it. */
interface Seen {
  readonly host: string
  readonly consistency: number
}

const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"]
const releaseVersion = "5.0.9"

/** The consistency an EXECUTE or a BATCH of v5 asks for. */
const consistencyOf = ({ body, opcode }: Incoming): number => {
  if (opcode === Opcode.batch) {
    let at = 3
    for (let left = body.readUInt16BE(1); left > 0; left--) {
      // Its kind, its id, and its values.
      at += 3 + body.readUInt16BE(at + 1)
      const values = body.readUInt16BE(at)
      at += 2
      for (let i = 0; i < values; i++) at += 4 + Math.max(0, body.readInt32BE(at))
    }
    return body.readUInt16BE(at)
  }
  const afterId = 2 + body.readUInt16BE(0)
  return body.readUInt16BE(afterId + 2 + body.readUInt16BE(afterId))
}

const fail = (error: OnTheWire) => (request: Incoming) => {
  request.connection.error(request, error.code, "made by the test", error.rest)
  return true
}

/** A session with four hosts, all of which answer the statements of the test as `answer` says: true for having done so. */
const connect = Effect.fnUntraced(function* (options: Cluster.ClusterOptions = {}) {
  const state = {
    seen: [] as Array<Seen>,
    answer: undefined as ((request: Incoming, attempt: number) => boolean) | undefined
  }
  let port = 0
  for (const host of hosts) {
    const peers = hosts.filter((other) => other !== host).map((address) => ({ address, releaseVersion }))
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => ScriptedServer.start({ host, port, peers })),
      (started) => Effect.promise(() => started.close())
    )
    port = server.port
    server.script = (request) => {
      const { opcode, query } = request
      if (opcode !== Opcode.batch && (opcode !== Opcode.execute || query?.includes("system") === true)) return
      state.seen.push({ host, consistency: consistencyOf(request) })
      return state.answer?.(request, state.seen.length)
    }
  }
  const cluster = yield* Cluster.make({
    contactPoints: hosts,
    port,
    localDataCenter: "dc1",
    // The policy without its delays: they are tested apart.
    retryPolicy: RetryPolicy.standardWith({ schedule: Schedule.forever }),
    ...options
  })
  const session = yield* cluster.connect()
  const insert = cql`INSERT INTO t (k) VALUES (${1})`
  yield* session.execute(insert)
  return { state, session, insert }
})

/** What the hosts must see, by the letters of the table. */
const check = (name: string, letters: string, seen: ReadonlyArray<Seen>, consistency: Consistency.Consistency) => {
  const attempts = 1 + letters.indexOf("r")
  assert.strictEqual(seen.length, attempts, name)
  for (let i = 1; i < attempts; i++) {
    const before = seen.slice(0, i).map(({ host }) => host)
    if (letters[i - 1] === "s") assert.strictEqual(seen[i]?.host, before.at(-1), name)
    else assert.notInclude(before, seen[i]?.host, name)
  }
  for (const attempt of seen) assert.strictEqual(attempt.consistency, codes[consistency], name)
}

const onTheWire = table.flatMap((row) => (row.wire === undefined ? [] : [{ ...row, wire: row.wire }]))

describe("retries on the wire", () => {
  for (const consistency of consistencies) {
    it.scopedLive(`every error that servers send is treated by the table, idempotent or not, at ${consistency}`, () =>
      Effect.gen(function* () {
        const { insert, session, state } = yield* connect()
        for (const { error, idempotent, name, notIdempotent, wire } of onTheWire) {
          for (const [is, letters] of [
            [true, idempotent],
            [false, notIdempotent]
          ] as const) {
            state.seen = []
            state.answer = fail(wire(consistency))
            const failed = yield* Effect.flip(
              session.execute(insert.pipe(Statement.withIdempotent(is), Statement.withConsistency(consistency)))
            )
            const label = `${name}, ${is ? "idempotent" : "not idempotent"}`
            assert.strictEqual(failed._tag, error(consistency)._tag, label)
            check(label, letters, state.seen, consistency)
          }
        }
      })
    )
  }

  it.scopedLive("a batch that may be written in part is not sent again when replicas are unavailable", () =>
    Effect.gen(function* () {
      const { insert, session, state } = yield* connect()
      const unavailable = onTheWire.find(({ name }) => name === "UnavailableError")!
      state.answer = fail(unavailable.wire("QUORUM"))
      state.seen = []
      const error = yield* Effect.flip(session.batch(Batch.make("UNLOGGED", [insert, insert])))
      assert.deepStrictEqual([error._tag, error.writeState, state.seen.length], ["UnavailableError", "Unknown", 1])
      state.seen = []
      yield* Effect.flip(session.batch(Batch.idempotent(Batch.make("UNLOGGED", [insert, insert]))))
      check("batch", "nsr", state.seen, "LOCAL_ONE")
    })
  )

  for (const [name, answer, tag] of [
    ["a lost connection", (request: Incoming) => Boolean(request.connection.socket.destroy()), "ConnectionError"],
    ["the client's timeout", () => true, "OperationTimedOutError"]
  ] as const) {
    it.scopedLive(`${name} is retried on the next host when idempotent, and is final when not`, () =>
      Effect.gen(function* () {
        const { insert, session, state } = yield* connect({ timeout: "100 millis" })
        state.answer = answer
        state.seen = []
        const error = yield* Effect.flip(session.execute(insert))
        assert.deepStrictEqual([error._tag, error.writeState, state.seen.length], [tag, "Unknown", 1])
        state.seen = []
        state.answer = (request, attempt) => attempt === 1 && answer(request)
        const { info } = yield* session.execute(Statement.idempotent(insert))
        assert.strictEqual(info.attempts, 2)
        check(name, "nr", state.seen, "LOCAL_ONE")
      })
    )
  }
})

const overloaded = onTheWire.find(({ name }) => name === "OverloadedError")!.wire("QUORUM")

/** A policy of the user's that decides so about its first failure, and passes on the second. */
const once = (decision: RetryPolicy.RetryDecision, told: Array<RetryPolicy.RetryContext> = []) =>
  RetryPolicy.make({
    decide: (_, context) => {
      told.push(context)
      return context.retries === 0 ? decision : RetryPolicy.rethrow
    },
    schedule: Schedule.forever
  })

/** What comes of an overloaded host, once or always, when the policy decides so. */
const decide = (decision: RetryPolicy.RetryDecision, told?: Array<RetryPolicy.RetryContext>, always = false) =>
  Effect.gen(function* () {
    const { insert, session, state } = yield* connect()
    state.seen = []
    state.answer = (request, attempt) => (always || attempt === 1) && fail(overloaded)(request)
    const statement = insert.pipe(
      Statement.idempotent,
      Statement.withConsistency("QUORUM"),
      Statement.withRetryPolicy(once(decision, told))
    )
    const result = yield* Effect.either(session.execute(statement))
    return { result, seen: state.seen }
  })

describe("a policy of the user's", () => {
  for (const host of ["same", "next"] as const) {
    for (const consistency of [undefined, "ONE", "ALL"] as const) {
      it.scopedLive(`may retry on the ${host} host with ${consistency ?? "the same consistency"}`, () =>
        Effect.gen(function* () {
          const { result, seen } = yield* decide({ _tag: "Retry", host, consistency })
          assert.strictEqual(result._tag, "Right")
          assert.deepStrictEqual(
            seen.map((attempt) => attempt.consistency),
            [codes.QUORUM, codes[consistency ?? "QUORUM"]]
          )
          assert.strictEqual(seen[0]?.host === seen[1]?.host, host === "same")
        })
      )
    }
  }

  it.scopedLive("is told the retries so far, and the consistency that its last decision asked for", () =>
    Effect.gen(function* () {
      const told: Array<RetryPolicy.RetryContext> = []
      const { result } = yield* decide({ _tag: "Retry", host: "next", consistency: "ONE" }, told, true)
      assert.strictEqual(result._tag === "Left" && result.left._tag, "OverloadedError")
      const query = "INSERT INTO t (k) VALUES (?)"
      assert.deepStrictEqual(told, [
        { retries: 0, idempotent: true, consistency: "QUORUM", query },
        { retries: 1, idempotent: true, consistency: "ONE", query }
      ])
    })
  )

  it.scopedLive("may ignore", () =>
    Effect.gen(function* () {
      const { result, seen } = yield* decide(RetryPolicy.ignore)
      assert.strictEqual(seen.length, 1)
      if (result._tag === "Left") return assert.fail(result.left.message)
      assert.deepStrictEqual([result.right.rows, result.right.wasApplied], [[], Option.none()])
    })
  )

  it.scopedLive("may rethrow", () =>
    Effect.gen(function* () {
      const { result, seen } = yield* decide(RetryPolicy.rethrow)
      assert.strictEqual(seen.length, 1)
      assert.strictEqual(result._tag === "Left" && (result.left as E.CassandraError)._tag, "OverloadedError")
    })
  )
})

describe("the delays between attempts", () => {
  /** The computer's own time: the test's clock stands still meanwhile. */
  const settle = Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, 30)))

  it.scoped("are those of the policy's schedule, and when it ends, so do the retries", () =>
    Effect.gen(function* () {
      const schedule = Schedule.intersect(Schedule.exponential("1 second"), Schedule.recurs(3))
      const { insert, session, state } = yield* connect()
      state.seen = []
      state.answer = fail(overloaded)
      const policy = RetryPolicy.standardWith({ maxRetries: 10, schedule })
      const fiber = yield* Effect.fork(
        session.execute(insert.pipe(Statement.idempotent, Statement.withRetryPolicy(policy))).pipe(Effect.flip)
      )
      /** Until the answer has come and the client waits for the clock. */
      const waiting: Effect.Effect<void> = Effect.flatMap(TestClock.sleeps(), (sleeps) =>
        Chunk.isNonEmpty(sleeps) ? Effect.void : Effect.zipRight(settle, waiting)
      )
      for (const [i, delay] of [1000, 2000, 4000].entries()) {
        yield* waiting
        assert.strictEqual(state.seen.length, i + 1)
        yield* TestClock.adjust(delay - 1)
        yield* settle
        assert.strictEqual(state.seen.length, i + 1)
        yield* TestClock.adjust(1)
      }
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "OverloadedError")
      assert.strictEqual(state.seen.length, 4)
    })
  )
})
