/** Nonsense from what users write: one typed error, which names the option. */
import { assert, it as alone, layer } from "@effect/vitest"
import {
  AuthProvider,
  Cluster,
  cql,
  LoadBalancing,
  RetryPolicy,
  Session,
  SpeculativeExecution,
  Statement,
  TimestampGenerator
} from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { inspect } from "node:util"
import { translatorOf } from "../src/internal/cluster/addressTranslation.ts"
import { connect, schema, sessionLayer } from "./support/client.ts"
import { ScriptedServer } from "./wire/ScriptedServer.ts"

const setup = Layer.effectDiscard(schema("CREATE TABLE t (id int PRIMARY KEY, c int)")).pipe(
  Layer.provideMerge(sessionLayer("callbacks"))
)

const thrower = (): never => {
  throw new TypeError("planted")
}
const forEver = function* (): Generator<{ readonly address: string }> {
  for (;;) yield { address: "192.0.2.1:9042" }
}
const nonsense: ReadonlyArray<unknown> = [
  "x",
  5,
  null,
  undefined,
  {},
  [],
  true,
  Symbol("x"),
  () => "x",
  Effect.succeed("x"),
  { _tag: "Nope" },
  { _tag: "retry", host: "same" },
  { _tag: "Retry" },
  { _tag: "Retry", host: "other" },
  { _tag: "Retry", host: "same", consistency: "NOPE" },
  { _tag: "Retry", host: "same", consistency: "ANY" },
  { _tag: "Retry", host: "same", consistency: 4 }
]

const insert = cql`INSERT INTO t (id) VALUES (${1})`
const unavailable = insert.pipe(Statement.withConsistency("THREE"), Statement.idempotent)

const failing = (statement: Statement.Statement<Statement.Row, never, never>, option: string) =>
  Effect.gen(function* () {
    const session = yield* Session.Session
    const error = yield* Effect.timeout(Effect.flip(session.execute(statement)), "10 seconds")
    assert.strictEqual(error._tag, "QueryError", inspect(error))
    assert.include(error.message, `\`${option}\``)
    assert.isFalse(error.isRetryable)
    assert.strictEqual(error.query, statement.query)
    return error
  })

layer(setup, { excludeTestServices: true, timeout: 60_000 })("what a callback gives:", (it) => {
  it.effect("a retry policy's decision", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const value of nonsense) {
        const policy = RetryPolicy.make({ decide: () => value as never, schedule: Schedule.recurs(1e9) })
        const error = yield* failing(unavailable.pipe(Statement.withRetryPolicy(policy)), "retryPolicy")
        // What the attempt left open is what is left open.
        assert.strictEqual(error.writeState, "NotApplied")
        assert.strictEqual((error.cause as { readonly _tag?: string })._tag, "UnavailableError")
        const prepared = yield* Effect.flip(
          session.prepare("SELEKT").pipe(Session.withDefaults({ retryPolicy: policy }))
        )
        assert.strictEqual(prepared._tag, "QueryError")
        assert.include(prepared.message, "`retryPolicy`")
      }
      const thrown = yield* failing(
        unavailable.pipe(Statement.withRetryPolicy(RetryPolicy.make({ decide: thrower }))),
        "retryPolicy"
      )
      assert.instanceOf(thrown.cause, TypeError)
      const scheduled = RetryPolicy.make({
        decide: () => RetryPolicy.retrySameHost,
        schedule: Schedule.modifyDelay(Schedule.forever, thrower)
      })
      yield* failing(unavailable.pipe(Statement.withRetryPolicy(scheduled)), "retryPolicy")
    })
  )

  it.effect("the delay of a speculative execution", () =>
    Effect.gen(function* () {
      for (const value of [NaN, -1, -Infinity, "soon", "x", null, {}, true, Symbol("x"), () => 5, Effect.succeed(5)]) {
        const policy = SpeculativeExecution.custom(() => value as never)
        yield* failing(
          insert.pipe(Statement.idempotent, Statement.withSpeculativeExecution(policy)),
          "speculativeExecution"
        )
      }
      yield* failing(
        insert.pipe(Statement.idempotent, Statement.withSpeculativeExecution(SpeculativeExecution.custom(thrower))),
        "speculativeExecution"
      )
    })
  )

  it.effect("a plan", () =>
    Effect.gen(function* () {
      const plans: ReadonlyArray<() => unknown> = [
        () => undefined,
        () => null,
        () => 5,
        () => ({}),
        () => [null],
        () => [undefined],
        () => ["192.0.2.1"],
        () => [{}],
        () => "x",
        () => Effect.succeed([]),
        forEver,
        thrower
      ]
      for (const plan of plans) {
        const policy = LoadBalancing.custom({ distance: () => "local", plan: plan as never })
        const error = yield* failing(insert.pipe(Statement.withLoadBalancing(policy)), "loadBalancing")
        assert.strictEqual(error.writeState, "NotApplied")
      }
      const none = LoadBalancing.custom({ distance: () => "local", plan: () => [] })
      const session = yield* Session.Session
      const empty = yield* Effect.flip(session.execute(insert.pipe(Statement.withLoadBalancing(none))))
      assert.strictEqual(empty._tag, "NoHostAvailableError")
      assert.include(empty.message, "empty")
    })
  )

  it.effect("a distance", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      for (const distance of [() => undefined, () => "near", () => 0, () => null, thrower]) {
        const policy = LoadBalancing.custom({ distance: distance as never, plan: ({ hosts }) => hosts })
        const error = yield* Effect.flip(session.execute(insert.pipe(Statement.withLoadBalancing(policy))))
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, "loadBalancing", inspect(error))
      }
    })
  )

  it.scoped("a timestamp", () =>
    Effect.gen(function* () {
      for (const value of [5, "x", null, {}, 2n ** 63n, -(2n ** 63n) - 1n, NaN, new Date(), Symbol("x"), thrower]) {
        const next = value === thrower ? thrower : () => value as never
        const session = yield* connect({}, { timestampGenerator: TimestampGenerator.make(next) })
        const error = yield* Effect.flip(session.execute(insert))
        assert.strictEqual(error._tag, "QueryError", inspect(error))
        assert.include(error.message, "`timestampGenerator`")
        assert.strictEqual(error.writeState, "NotApplied")
      }
    })
  )
})

alone.scopedLive("what an authentication provider gives is looked at", () =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.promise(() => ScriptedServer.start({ password: "right" })),
      (started) => Effect.promise(() => started.close())
    )
    const answers: ReadonlyArray<unknown> = [
      ...["x", 5, null, undefined, {}, [1, 2], true].map((value) => ({ initialResponse: Effect.succeed(value) })),
      { initialResponse: "x" },
      { initialResponse: Effect.dieMessage("x") },
      { initialResponse: Effect.fail("x") },
      {},
      null,
      undefined
    ]
    const makes: ReadonlyArray<() => unknown> = [...answers.map((answer) => () => answer), thrower]
    for (const authenticate of makes) {
      const error = yield* Cluster.make({
        contactPoints: ["127.0.0.1"],
        port: server.port,
        localDataCenter: "dc1",
        authentication: AuthProvider.make(authenticate as never),
        connectTimeout: "5 seconds"
      }).pipe(Effect.scoped, Effect.flip, Effect.timeout("4 seconds"))
      assert.strictEqual(error._tag, "AuthenticationError", inspect(error))
      assert.include(error.message, "The authentication provider failed")
    }
  })
)

alone("what an address translator gives is looked at, and the address kept where it is none", async () => {
  for (const value of [
    "x",
    5,
    null,
    undefined,
    {},
    [],
    { address: "a" },
    { address: "a", port: 99_999 },
    { address: 5, port: 1 }
  ]) {
    const warnings: Array<string> = []
    const callbacks = { warn: (message: string) => void warnings.push(message), run: () => undefined }
    const translate = translatorOf(() => value as never, callbacks, 1000)
    assert.deepStrictEqual(await translate("192.0.2.1", 9042), { address: "192.0.2.1", port: 9042 })
    assert.lengthOf(warnings, 1)
  }
})
