/** Conditional writes whose outcome is doubtful, as two hosts see them that answer what the test says. */
import { assert, describe, it } from "@effect/vitest"
import { Batch, Cluster, cql, Query, RetryPolicy, Session, SpeculativeExecution, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "./body.ts"
import { type Incoming, ScriptedServer } from "./ScriptedServer.ts"

const hosts = ["127.0.0.1", "127.0.0.2"]

const applied = (is: boolean) =>
  Body.rows([["[applied]", 4]], [[Buffer.from([is ? 1 : 0])]], { changedId: Buffer.from([7]) })

const connect = Effect.fnUntraced(function* (options: Cluster.ClusterOptions = {}) {
  const state = { sent: 0, answer: undefined as ((request: Incoming, attempt: number) => void) | undefined }
  let port = 0
  for (const host of hosts) {
    const peers = hosts.filter((other) => other !== host).map((address) => ({ address, releaseVersion: "5.0.9" }))
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => ScriptedServer.start({ host, port, peers })),
      (started) => Effect.promise(() => started.close())
    )
    port = server.port
    server.script = (request) => {
      const { opcode, query } = request
      if (opcode !== Opcode.batch && (opcode !== Opcode.execute || query?.includes("system") === true)) return
      state.sent++
      state.answer?.(request, state.sent)
      return true
    }
  }
  const cluster = yield* Cluster.make({
    contactPoints: hosts,
    port,
    localDataCenter: "dc1",
    timeout: "150 millis",
    retryPolicy: RetryPolicy.standardWith({ schedule: Schedule.forever }),
    ...options
  })
  return { state, session: yield* cluster.connect() }
})

/** The outcome when the hosts answer so. Each has connections of its own: what the test does to them takes a moment to mend. */
const answered = (
  run: Effect.Effect<boolean, unknown, Session.Session>,
  answer: (request: Incoming, attempt: number) => void
) =>
  Effect.flatMap(connect(), ({ session, state }) => {
    state.answer = answer
    return Effect.map(Effect.either(Effect.provideService(run, Session.Session, session)), (outcome) => ({
      outcome,
      sent: state.sent
    }))
  })

const insert = cql`INSERT INTO t (k) VALUES (${1}) IF NOT EXISTS`.pipe(Statement.idempotent)
const plain = cql`INSERT INTO t (k) VALUES (${1})`.pipe(Statement.idempotent)
const yes = (request: Incoming) => request.connection.answer(request, Opcode.result, applied(true))
const no = (request: Incoming) => request.connection.answer(request, Opcode.result, applied(false))
const error =
  (code: number, rest: Buffer = Buffer.alloc(0)) =>
  (request: Incoming) =>
    request.connection.error(request, code, "made by the test", rest)
const slow = (request: Incoming) => void setTimeout(() => yes(request), 60)
const replicas = Buffer.concat([Body.short(4), Body.int(1), Body.int(2)])

/** Whatever leaves it open whether the first attempt was applied, with what decides to send it again. */
const again = RetryPolicy.make({
  decide: (_, { retries }) => (retries < 2 ? RetryPolicy.retryNextHost : RetryPolicy.rethrow),
  schedule: Schedule.forever
})
const unknown: ReadonlyArray<readonly [string, (request: Incoming) => void, RetryPolicy.RetryPolicy]> = [
  ["a timeout of the client", () => {}, RetryPolicy.standard],
  ["a lost connection", ({ connection }) => void connection.socket.destroy(), RetryPolicy.standard],
  ["an overloaded coordinator", error(0x1001), RetryPolicy.standard],
  [
    "a write timeout of the commit",
    error(0x1100, Buffer.concat([replicas, Body.string("SIMPLE")])),
    RetryPolicy.standard
  ],
  ["a write timeout of the vote", error(0x1100, Buffer.concat([replicas, Body.string("CAS")])), again],
  ["an unknown outcome", error(0x1700, replicas), again],
  ["a server error", error(0x0000), again],
  ["too few replicas for the commit", error(0x1000, replicas), again]
]

const ways: Readonly<
  Record<string, (policy: RetryPolicy.RetryPolicy) => Effect.Effect<boolean, unknown, Session.Session>>
> = {
  "session.execute": (policy) =>
    Effect.flatMap(Session.Session, (session) =>
      Effect.map(session.execute(Statement.withRetryPolicy(insert, policy)), ({ wasApplied }) =>
        Option.getOrThrow(wasApplied)
      )
    ),
  "session.batch": (policy) =>
    Effect.flatMap(Session.Session, (session) =>
      Effect.map(session.batch(Batch.make("LOGGED", [plain, insert], { retryPolicy: policy })), ({ wasApplied }) =>
        Option.getOrThrow(wasApplied)
      )
    ),
  "Query.applied": (policy) =>
    Query.applied({ Request: Schema.Void, execute: () => Statement.withRetryPolicy(insert, policy) })()
}

describe("a conditional write after an attempt of unknown outcome", () => {
  for (const [way, run] of Object.entries(ways)) {
    for (const [name, failure, policy] of unknown) {
      it.scopedLive(`by ${way}: ${name}`, () =>
        Effect.gen(function* () {
          const after = (then: (request: Incoming) => void) =>
            answered(run(policy), (request, attempt) => (attempt === 1 ? failure(request) : then(request)))
          const refused = yield* after(no)
          if (refused.outcome._tag === "Right") return assert.fail("it was told as an outcome")
          const failed = refused.outcome.left as { _tag: string; writeState: string; cause?: { _tag?: string } }
          assert.deepStrictEqual([failed._tag, failed.writeState], ["CasWriteUnknownError", "Unknown"])
          assert.isDefined(failed.cause?._tag)
          assert.strictEqual(refused.sent, 2)
          // Applied is applied, and not applied at once is not applied.
          assert.deepStrictEqual(yield* after(yes), { outcome: Either.right(true), sent: 2 })
          assert.deepStrictEqual(yield* answered(run(policy), no), { outcome: Either.right(false), sent: 1 })
        })
      )
    }
  }

  it.scopedLive("that was certainly not applied is told as it is", () =>
    Effect.gen(function* () {
      const { session, state } = yield* connect()
      for (const failure of [
        error(0x1002),
        error(0x1000, Buffer.concat([Body.short(8), Body.int(2), Body.int(1)]))
      ] as const) {
        state.sent = 0
        state.answer = (request, attempt) => (attempt === 1 ? failure(request) : no(request))
        const { wasApplied } = yield* session.execute(Statement.withIdempotent(insert, false))
        assert.deepStrictEqual([wasApplied, state.sent], [Option.some(false), 2])
      }
    })
  )

  it.scopedLive("is not sent again unless it is idempotent, whatever the policy says", () =>
    Effect.gen(function* () {
      for (const [name, failure] of unknown) {
        const { session, state } = yield* connect()
        state.answer = failure
        const failed = yield* Effect.flip(
          session.execute(insert.pipe(Statement.withIdempotent(false), Statement.withRetryPolicy(again)))
        )
        assert.deepStrictEqual([failed.writeState, state.sent], ["Unknown", 1], name)
      }
    })
  )

  it.scopedLive("whose failure the policy ignores is not told as applied", () =>
    Effect.gen(function* () {
      const { session, state } = yield* connect()
      const ignoring = RetryPolicy.make({ decide: () => RetryPolicy.ignore })
      state.answer = error(0x1001)
      const { wasApplied } = yield* session.execute(Statement.withRetryPolicy(insert, ignoring))
      assert.deepStrictEqual(wasApplied, Option.none())
      const failed = yield* Effect.flip(
        Effect.provideService(ways["Query.applied"]!(ignoring), Session.Session, session)
      )
      assert.strictEqual((failed as { _tag: string })._tag, "CasWriteUnknownError")
    })
  )
})

describe("a speculative execution", () => {
  const speculation = SpeculativeExecution.constant({ delay: "10 millis", maxExecutions: 2 })

  it.scopedLive("is never started for a conditional write", () =>
    Effect.gen(function* () {
      const { session, state } = yield* connect({ speculativeExecution: speculation })
      state.answer = slow
      for (const asked of [
        session.execute(insert),
        session.batch(Batch.make("UNLOGGED", [plain, insert])),
        session.batch(Batch.idempotent(Batch.make("LOGGED", [insert]))),
        session.execute(Statement.make("UPDATE t SET v = 1 WHERE k = ?IF EXISTS", [1], { idempotent: true })),
        session.execute(
          Statement.make("BEGIN BATCH DELETE FROM t WHERE k = ? IF EXISTS; APPLY BATCH", [1], { idempotent: true })
        ),
        session.execute(Statement.withSpeculativeExecution(insert, speculation))
      ]) {
        state.sent = 0
        const { info, wasApplied } = yield* asked
        assert.deepStrictEqual([wasApplied, state.sent, info.speculativeExecutions], [Option.some(true), 1, 0])
      }
    })
  )

  it.scopedLive("is started for an idempotent write without a condition, and for a batch of them", () =>
    Effect.gen(function* () {
      const { session, state } = yield* connect({ speculativeExecution: speculation })
      state.answer = slow
      for (const asked of [session.execute(plain), session.batch(Batch.make("UNLOGGED", [plain]))]) {
        state.sent = 0
        yield* asked
        assert.strictEqual(state.sent, 2)
      }
    })
  )
})
