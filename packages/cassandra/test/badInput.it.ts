import { assert, layer } from "@effect/vitest"
import { CassandraError as E, Cluster, cql, Session, Statement } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { inspect } from "node:util"
import { badValues, cases, injections, nearMisses, types as allTypes } from "./badInput.ts"
import { badClusterOptions, badSessionOptions } from "./badOptions.ts"
import { schema } from "./support/client.ts"
import * as Proxy from "./support/proxy.ts"
import { recorder, Recorder, through } from "./support/recorder.ts"
import { since } from "./support/release.ts"

const types = since("5.0", "the type vector") ? allTypes : allTypes.filter((type) => !type.includes("vector<"))

const setup = Layer.effectDiscard(
  schema(
    "CREATE TYPE pair (a int, b text)",
    "CREATE TABLE t (id int, c int, v text, PRIMARY KEY (id, c))",
    "CREATE TABLE by_text (k text PRIMARY KEY)",
    ...types.map((type, i) => `CREATE TABLE values_${i} (id int PRIMARY KEY, v ${type})`)
  )
).pipe(
  Layer.provideMerge(through),
  Layer.provideMerge(recorder),
  Layer.provideMerge(TestServer.layerKeyspace({ prefix: "bad_input" }))
)

/** The error of an effect that may throw while it is made; a defect or a success fails the test. */
const failure = (make: () => Effect.Effect<unknown, unknown>) =>
  Effect.suspend(() => {
    try {
      return make()
    } catch (error) {
      return Effect.fail(error)
    }
  }).pipe(
    Effect.flip,
    Effect.map((error) => {
      assert.isTrue(E.isCassandraError(error), `no typed error: ${inspect(error)}`)
      return error as E.CassandraError
    })
  )

/** All that an error shows anywhere. */
const shown = (error: E.CassandraError) =>
  `${inspect(error, { depth: 20, showHidden: true })} ${JSON.stringify(error)} ${String(error)} ${error.stack}`

layer(setup, { excludeTestServices: true, timeout: "3 minutes" })("bad input", (it) => {
  it.effect("has at least 200 cases", () =>
    Effect.sync(() => {
      const single = cases.length + badSessionOptions.length + badClusterOptions.length + injections.length
      const near = nearMisses.reduce((sum, [, ...values]) => sum + values.length, 0)
      assert.isAtLeast(single, 200)
      assert.isAtLeast(badValues.length + near, 200)
    })
  )

  for (const { name, quoted, run, tags } of cases) {
    it.effect(`${name} is a typed error, and no CQL`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const { texts } = yield* Recorder
        texts.length = 0
        const error = yield* failure(() => run(session))
        assert.include(tags, error._tag, error.message)
        if (quoted !== true) assert.notInclude(texts.join("\n"), "planted")
      })
    )
  }

  const valueCases = [
    ...badValues,
    ...nearMisses.flatMap(([type, ...values]) => values.map((value) => ({ type, kind: inspect(value), value })))
  ]
  for (const [i, type] of types.entries()) {
    it.effect(`what is no ${type} is a QueryError that does not show it, and nothing is sent`, () =>
      Effect.gen(function* () {
        const session = yield* Session.Session
        const { executed } = yield* Recorder
        const query = `INSERT INTO values_${i} (id, v) VALUES (?, ?)`
        yield* session.prepare(query)
        const before = executed()
        for (const { kind, value } of valueCases.filter((one) => one.type === type)) {
          const error = yield* failure(() => session.execute(Statement.make(query, [1, value])))
          assert.strictEqual(error._tag, "QueryError", kind)
          assert.strictEqual(error.writeState, "NotApplied", kind)
          assert.notInclude(shown(error), "planted", kind)
        }
        assert.strictEqual(executed(), before)
      })
    )
  }

  it.effect("texts that look like CQL are stored and found as they are", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const { texts } = yield* Recorder
      texts.length = 0
      for (const [c, text] of injections.entries()) {
        yield* session.execute(cql`INSERT INTO t (id, c, v) VALUES (${99}, ${c}, ${text})`)
        const row = yield* session.one(cql`SELECT v FROM t WHERE id = ${99} AND c = ${c}`)
        assert.deepStrictEqual(row, Option.some({ v: text }))
        yield* session.execute(Statement.make("UPDATE t SET v = :v WHERE id = 99 AND c = :c", { v: text, c }))
      }
      assert.notInclude(texts.join("\n"), "planted")
      assert.strictEqual((yield* session.rows(cql`SELECT c FROM t WHERE id = ${99}`)).length, injections.length)
    })
  )

  it.scoped("options of a session are checked before anything is sent", () =>
    Effect.gen(function* () {
      const { proxy } = yield* Recorder
      const cluster = yield* Cluster.make({
        ...Proxy.through(proxy),
        localDataCenter: (yield* CassandraServer.CassandraServer).localDataCenter
      })
      const sent = proxy.count(Proxy.opcodes.query) + proxy.count(Proxy.opcodes.prepare)
      for (const [options, option] of badSessionOptions) {
        const error = yield* failure(() => Effect.scoped(cluster.connect(options as Session.SessionOptions)))
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, option)
      }
      assert.strictEqual(proxy.count(Proxy.opcodes.query) + proxy.count(Proxy.opcodes.prepare), sent)
    })
  )

  it.effect("a keyspace that is none is an InvalidQueryError, whatever its name says", () =>
    Effect.gen(function* () {
      const { proxy, texts } = yield* Recorder
      const { localDataCenter } = yield* CassandraServer.CassandraServer
      for (const minimumProtocolVersion of [5, 4] as const) {
        for (const keyspace of injections.slice(0, 5)) {
          texts.length = 0
          const error = yield* failure(() =>
            Effect.scoped(
              Effect.flatMap(
                Cluster.make({ ...Proxy.through(proxy), localDataCenter, minimumProtocolVersion }),
                (cluster) => cluster.connect({ keyspace })
              )
            )
          )
          assert.strictEqual(error._tag, "InvalidQueryError")
          assert.notInclude(texts.join("\n"), "planted")
        }
      }
    })
  )

  it.effect("options of a cluster are checked before any connection is opened", () =>
    Effect.gen(function* () {
      const { proxy } = yield* Recorder
      const opened = proxy.opened()
      for (const [options, option] of badClusterOptions) {
        const error = yield* failure(() =>
          Effect.scoped(Cluster.make({ ...Proxy.through(proxy), ...(options as Cluster.ClusterOptions) }))
        )
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, option, error.message)
        assert.notInclude(shown(error), "planted")
      }
      assert.strictEqual(proxy.opened(), opened)
    })
  )

  it.effect("after all of it the session works, on the connection it had", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      const { name } = yield* TestKeyspace.TestKeyspace
      const tables = yield* session.rows(cql`SELECT table_name FROM system_schema.tables WHERE keyspace_name = ${name}`)
      assert.strictEqual(tables.length, types.length + 2)
    })
  )
})
