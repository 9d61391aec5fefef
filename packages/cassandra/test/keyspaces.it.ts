import { assert, layer } from "@effect/vitest"
import { Batch, cql, Session, Statement } from "effect-cassandra"
import { TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Chunk from "effect/Chunk"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { connect, schema } from "./support/client.ts"

class Other extends Context.Tag("Other")<Other, string>() {}

const table = "CREATE TABLE t (id int PRIMARY KEY, c int)"

/** A second keyspace beside the file's own, with the same table. */
const other = Layer.scoped(
  Other,
  Effect.gen(function* () {
    const session = yield* Session.Session
    const { name } = yield* TestKeyspace.TestKeyspace
    const second = `${name}_b`
    yield* Effect.acquireRelease(
      session.execute(
        cql`CREATE KEYSPACE ${cql.id(second)} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
      ),
      () => Effect.orDie(session.execute(cql`DROP KEYSPACE ${cql.id(second)}`))
    )
    yield* session.execute(Statement.make(table, [], { keyspace: second }))
    return second
  })
)

const setupOf = (minimumProtocolVersion: 4 | 5) =>
  other.pipe(
    Layer.provideMerge(Layer.effectDiscard(schema(table))),
    Layer.provideMerge(
      Layer.scoped(
        Session.Session,
        connect(minimumProtocolVersion === 5 ? {} : { minimumProtocolVersion, protocolVersion: minimumProtocolVersion })
      )
    ),
    Layer.provideMerge(TestServer.layerKeyspace({ prefix: `keyspaces_${minimumProtocolVersion}` }))
  )

/** The ids of the rows in each of the keyspaces, which are emptied. */
const written = Effect.gen(function* () {
  const session = yield* Session.Session
  const first = (yield* TestKeyspace.TestKeyspace).name
  const second = yield* Other
  const idsIn = (keyspace: string) => Effect.map(session.rows(cql`SELECT id FROM ${cql.id(keyspace, "t")}`), ids)
  const found = { home: yield* idsIn(first), other: yield* idsIn(second) }
  for (const keyspace of [first, second]) yield* session.execute(cql`TRUNCATE ${cql.id(keyspace, "t")}`)
  return found
})

const ids = (rows: ReadonlyArray<Statement.Row>) => rows.map(({ id }) => id as number).toSorted()
const plain = (id: number) => cql`INSERT INTO t (id, c) VALUES (${id}, ${id})`
const at = (id: number, timestamp: bigint) => plain(id).pipe(Statement.withTimestamp(timestamp))
const insert = "INSERT INTO t (id, c) VALUES (?, ?)"

for (const version of [5, 4] as const) {
  layer(setupOf(version), { excludeTestServices: true, timeout: "2 minutes" })(
    `keyspaces, protocol v${version}`,
    (it) => {
      it.effect("a bound statement belongs to the keyspace that it was prepared in", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          const keyspace = yield* Other
          const there = yield* session.prepare(insert, { keyspace })
          const here = yield* session.prepare(insert)
          yield* session.execute(there.bind([1, 1]))
          yield* session.execute(
            there.bind({ id: 2, c: 2 }).pipe(Statement.idempotent, Statement.withTimeout("5 seconds"))
          )
          yield* session.batch(Batch.make("LOGGED", [there.bind([3, 3]), there.bind([4, 4])]))
          yield* session.execute(here.bind([5, 5]))
          yield* session.batch(Batch.make("UNLOGGED", [here.bind([6, 6])]))
          const { coordinator } = (yield* session.execute(there.bind([7, 7]))).info
          yield* session.execute(there.bind([8, 8]).pipe(Statement.withHost(coordinator)))

          const select = yield* session.prepare("SELECT id FROM t", { keyspace })
          const expected = [1, 2, 3, 4, 7, 8]
          const bound = select.bind([]).pipe(Statement.withPageSize(2))
          assert.deepStrictEqual(ids(yield* session.rows(bound)), expected)
          assert.deepStrictEqual(ids(Chunk.toReadonlyArray(yield* Stream.runCollect(session.stream(bound)))), expected)
          const pages = yield* Stream.runCollect(session.pages(bound))
          assert.deepStrictEqual(ids(Chunk.toReadonlyArray(pages).flatMap(({ rows }) => rows)), expected)
          assert.deepStrictEqual(yield* written, { home: [5, 6], other: expected })
        })
      )

      it.scoped("a bound statement that another session executes stays in its keyspace", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          const elsewhere = yield* connect(version === 5 ? {} : { minimumProtocolVersion: 4, protocolVersion: 4 }, {
            keyspace: yield* Other
          })
          const prepared = yield* session.prepare(insert)
          yield* elsewhere.execute(prepared.bind([1, 1]))
          yield* elsewhere.batch(Batch.make("LOGGED", [prepared.bind([2, 2])]))
          assert.deepStrictEqual(yield* written, { home: [1, 2], other: [] })
        })
      )

      it.effect("a bound statement may be told another keyspace, as any statement", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          const prepared = yield* session.prepare(insert)
          yield* session.execute(prepared.bind([1, 1]).pipe(Statement.withKeyspace(yield* Other)))
          assert.deepStrictEqual(yield* written, { home: [], other: [1] })
        })
      )

      it.effect("a statement in a template brings its keyspace along", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          const keyspace = yield* Other
          const into = Statement.make("INSERT INTO t (id, c)").pipe(Statement.withKeyspace(keyspace))
          yield* session.execute(cql`${into} VALUES (${1}, ${1})`)
          const named = Statement.make("c = :c", { c: 2 }, { keyspace })
          yield* session.execute(cql`UPDATE t SET ${named} WHERE id = ${2}`)
          assert.deepStrictEqual(yield* written, { home: [], other: [1, 2] })
        })
      )

      it.effect("a batch goes to the keyspace of its statements, and nowhere when they disagree", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          const keyspace = yield* Other
          const home = (yield* TestKeyspace.TestKeyspace).name
          const there = (id: number) => plain(id).pipe(Statement.withKeyspace(keyspace))
          const text = (id: number) => Statement.make(`INSERT INTO t (id, c) VALUES (${id}, ${id})`, [], { keyspace })
          yield* session.batch(Batch.make("LOGGED", [there(1), there(2)]))
          yield* session.batch(Batch.make("LOGGED", [plain(3), there(4), text(5)]))
          yield* session.batch(Batch.make("LOGGED", [text(6)]))
          yield* session.batch(Batch.make("LOGGED", [plain(7)]))
          for (const batch of [
            Batch.make("LOGGED", [there(8), plain(8).pipe(Statement.withKeyspace(home))]),
            Batch.make("LOGGED", [there(8)], { keyspace: home }),
            Batch.make("LOGGED", [(yield* session.prepare(insert)).bind([8, 8]), there(8)])
          ]) {
            const error = yield* Effect.flip(session.batch(batch))
            assert.strictEqual(error._tag, "ConfigurationError")
            assert.include(error.message, "batch.keyspace")
          }
          assert.deepStrictEqual(yield* written, { home: [7], other: [1, 2, 3, 4, 5, 6] })
        })
      )

      it.effect("a batch has the timestamp of its statements", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          yield* session.batch(Batch.make("LOGGED", [at(1, 1000n), at(2, 1000n)]))
          yield* session.batch(Batch.make("LOGGED", [at(3, 2000n)], { timestamp: 2000n }))
          const rows = yield* session.rows(cql`SELECT id, writetime(c) AS at FROM t`)
          assert.deepStrictEqual(Object.fromEntries(rows.map((row) => [row["id"], row["at"]])), {
            1: 1000n,
            2: 1000n,
            3: 2000n
          })
          for (const batch of [
            Batch.make("LOGGED", [at(4, 1000n), at(5, 2000n)]),
            Batch.make("LOGGED", [at(4, 1000n), plain(4)]),
            Batch.make("LOGGED", [at(4, 1000n)], { timestamp: 2000n })
          ]) {
            assert.include((yield* Effect.flip(session.batch(batch))).message, "batch.timestamp")
          }
          assert.deepStrictEqual((yield* written).home, [1, 2, 3])
        })
      )

      it.effect("values by name are bound by name within a template", () =>
        Effect.gen(function* () {
          const session = yield* Session.Session
          const set = Statement.make("c = :c", { c: 30 })
          yield* session.execute(cql`UPDATE t SET ${set} WHERE ${Statement.make("id = :c", { c: 2 })}`)
          assert.deepStrictEqual(yield* session.rows(cql`SELECT id, c FROM t`), [{ id: 2, c: 30 }])
          for (const values of [
            { id: 1, c: 1, extra: 1 },
            { id: 1, c: 1, C: 2 }
          ]) {
            const error = yield* Effect.flip(
              session.execute(Statement.make("INSERT INTO t (id, c) VALUES (:id, :c)", values))
            )
            assert.strictEqual(error._tag, "QueryError")
            assert.match(error.message, /"(extra|C)"/)
          }
          assert.deepStrictEqual((yield* written).home, [2])
        })
      )
    }
  )
}
