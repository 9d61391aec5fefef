/**
 * The basics: tables, typed rows, writes that may be retried, a condition, a batch, and errors by their tags.
 *
 * Prints:
 *   Ada was born on 1815-12-10 and knows 2 languages
 *   nobody has that id
 *   renamed: true
 *   renamed again: false, the name is Ada Lovelace
 *   2 users: Ada Lovelace, Grace
 *   InvalidQueryError: … (may it have been written? NotApplied)
 */
import { Batch, Columns, cql, CqlType, Session, Statement } from "effect-cassandra"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { randomUUID } from "node:crypto"
import { run } from "./support/main.ts"
import { SessionLive } from "./support/server.ts"

class User extends Schema.Class<User>("User")({
  id: CqlType.uuid,
  name: CqlType.text,
  born: CqlType.date,
  languages: CqlType.set(CqlType.text)
}) {}

const findUser = (id: string) =>
  cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`.pipe(Statement.as(User))

const rename = (id: string, from: string, to: string) =>
  cql`UPDATE users SET name = ${to} WHERE id = ${id} IF name = ${from}`

const program = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* session.execute(cql`CREATE TABLE users (id uuid PRIMARY KEY, name text, born date, languages set<text>)`)
  yield* session.execute(cql`CREATE TABLE users_by_name (name text PRIMARY KEY, id uuid)`)

  // Values are bound, never part of the text. An idempotent write may be sent again after a doubtful failure.
  const ada = randomUUID()
  yield* session.execute(
    cql`INSERT INTO users (id, name, born, languages)
        VALUES (${ada}, ${"Ada"}, ${"1815-12-10"}, ${new Set(["English", "French"])})`.pipe(Statement.idempotent)
  )

  // One row, decoded by the schema: a User, or none.
  const found = yield* session.one(findUser(ada))
  yield* Option.match(found, {
    onNone: () => Console.log("nobody has that id"),
    onSome: ({ born, languages, name }) =>
      Console.log(`${name} was born on ${born} and knows ${languages.size} languages`)
  })
  const nobody = yield* session.one(findUser(randomUUID()))
  if (Option.isNone(nobody)) yield* Console.log("nobody has that id")

  // A conditional write says whether it was applied, and what was there if not.
  const first = yield* session.execute(rename(ada, "Ada", "Ada Lovelace"))
  yield* Console.log(`renamed: ${Option.getOrThrow(first.wasApplied)}`)
  const second = yield* session.execute(rename(ada, "Ada", "Augusta"))
  yield* Console.log(
    `renamed again: ${Option.getOrThrow(second.wasApplied)}, the name is ${String(second.rows[0]?.["name"])}`
  )

  // A logged batch keeps two tables in step: both writes are applied in the end, or neither.
  const grace = randomUUID()
  yield* session.batch(
    Batch.make("LOGGED", [
      cql`INSERT INTO users (id, name, born) VALUES (${grace}, ${"Grace"}, ${"1906-12-09"})`,
      cql`INSERT INTO users_by_name (name, id) VALUES (${"Grace"}, ${grace})`
    ])
  )
  const users = yield* session.rows(cql`SELECT ${Columns.select(User)} FROM users`.pipe(Statement.as(User)))
  const names = users.map(({ name }) => name).toSorted()
  yield* Console.log(`${names.length} users: ${names.join(", ")}`)

  // Every failure has a tag, and says whether the write behind it may have been applied.
  yield* session
    .execute(cql`INSERT INTO uzers (id) VALUES (${ada})`)
    .pipe(
      Effect.catchTag("InvalidQueryError", ({ _tag, message, writeState }) =>
        Console.log(`${_tag}: ${message} (may it have been written? ${writeState})`)
      )
    )
})

run(program.pipe(Effect.provide(SessionLive)))
