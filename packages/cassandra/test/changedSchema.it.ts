/** Statements that were prepared before their table or a column of it went: what the server says of them is their error. */
import { assert, layer } from "@effect/vitest"
import { Batch, type CassandraError as E, cql, Session, Statement } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { connect, sessionLayer } from "./support/client.ts"

type Run = (session: Session.Session, table: string) => Effect.Effect<unknown, E.CassandraError>

const select = (table: string) => cql`SELECT id, c FROM ${cql.id(table)} WHERE id = ${1}`
const insert = (table: string) => cql`INSERT INTO ${cql.id(table)} (id, c) VALUES (${1}, ${1})`

const paths: Readonly<Record<string, Run>> = {
  execute: (session, table) => session.execute(select(table)),
  "a write": (session, table) => session.execute(insert(table)),
  "an idempotent write": (session, table) => session.execute(Statement.idempotent(insert(table))),
  "without values": (session, table) => session.execute(cql`SELECT id, c FROM ${cql.id(table)}`),
  one: (session, table) => session.one(select(table)),
  rows: (session, table) => session.rows(select(table)),
  stream: (session, table) => Stream.runDrain(session.stream(select(table))),
  pages: (session, table) => Stream.runDrain(session.pages(select(table))),
  batch: (session, table) => session.batch(Batch.make("LOGGED", [insert("kept"), insert(table)])),
  "batch of one": (session, table) => session.batch(Batch.make("UNLOGGED", [insert(table)])),
  "prepare, bind": (session, table) =>
    Effect.flatMap(session.prepare(`SELECT c FROM ${table} WHERE id = ?`), ({ bind }) => session.execute(bind([1]))),
  "prepare anew": (session, table) => session.prepare(select(table).query, { refresh: true }),
  withHost: (session, table) =>
    Effect.flatMap(session.execute(select("kept")), ({ info }) =>
      session.execute(select(table).pipe(Statement.withHost(info.coordinator)))
    ),
  withKeyspace: (session, table) =>
    session.execute(select(table).pipe(Statement.withKeyspace(Option.getOrThrow(session.keyspace))))
}

const changes: Readonly<Record<string, (table: string) => string>> = {
  "DROP TABLE": (table) => `DROP TABLE ${table}`,
  "ALTER TABLE … DROP": (table) => `ALTER TABLE ${table} DROP c`,
  "ALTER TABLE … RENAME": (table) => `ALTER TABLE ${table} RENAME id TO renamed`
}

const create = (session: Session.Session, table: string) =>
  session.execute(Statement.make(`CREATE TABLE IF NOT EXISTS ${table} (id int PRIMARY KEY, c int)`))

const setup = Layer.effectDiscard(Effect.flatMap(Session.Session, (session) => create(session, "kept"))).pipe(
  Layer.provideMerge(sessionLayer("changed"))
)

layer(setup, { excludeTestServices: true, timeout: 120_000 })("a statement that was prepared before", (it) => {
  Object.entries(changes).forEach(([change, text], i) => {
    for (const minimumProtocolVersion of [5, 4] as const) {
      it.scoped(
        `is an InvalidQueryError after ${change}, under protocol v${minimumProtocolVersion}`,
        () =>
          Effect.gen(function* () {
            const admin = yield* Session.Session
            const table = `t${i}_${minimumProtocolVersion}`
            yield* create(admin, table)
            const session = yield* connect(
              minimumProtocolVersion === 5 ? {} : { minimumProtocolVersion, protocolVersion: 4 }
            )
            for (const run of Object.values(paths)) yield* run(session, table)
            yield* admin.execute(Statement.make(text(table)))
            for (const [path, run] of Object.entries(paths)) {
              // Twice: what was learned the first time must not be another error the second.
              for (let times = 0; times < 2; times++) {
                const error = yield* Effect.flip(run(session, table))
                assert.strictEqual(error._tag, "InvalidQueryError", `${path}: ${error.message}`)
                assert.strictEqual(error.writeState, "NotApplied", path)
                assert.isFalse(error.isRetryable, path)
                if (error._tag === "InvalidQueryError") {
                  assert.include(error.query, table, path)
                  assert.isDefined(error.host, path)
                }
              }
            }
            yield* session.execute(select("kept"))
          }),
        60_000
      )
    }
  })

  it.effect("works again once its column is back", () =>
    Effect.gen(function* () {
      const session = yield* Session.Session
      yield* create(session, "back")
      yield* session.execute(insert("back"))
      yield* session.execute(cql`ALTER TABLE back DROP c`)
      assert.strictEqual((yield* Effect.flip(session.execute(insert("back"))))._tag, "InvalidQueryError")
      yield* session.execute(cql`ALTER TABLE back ADD c int`)
      yield* session.execute(insert("back"))
    })
  )
})
