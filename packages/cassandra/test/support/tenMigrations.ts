/** The migrations of the test of ten migrators, told apart by how often each was begun. */
import { cql, Migrator, Session } from "effect-cassandra"
import * as Effect from "effect/Effect"

const begin = (id: number) => cql`UPDATE begun SET n = n + 1 WHERE id = ${id}`

/** `meanwhile` is done in the middle of the third. */
export const migrations = (meanwhile: Effect.Effect<unknown> = Effect.void) =>
  Migrator.fromRecord({
    "0001_begun": cql`CREATE TABLE begun (id int PRIMARY KEY, n counter)`,
    "0002_users": [begin(2), cql`CREATE TABLE users (id int PRIMARY KEY, name text)`],
    "0003_ada": Effect.gen(function* () {
      const session = yield* Session.Session
      yield* session.execute(begin(3))
      yield* session.execute(cql`INSERT INTO users (id, name) VALUES (${1}, ${"Ada"})`)
      yield* meanwhile
    }),
    "0004_email": [begin(4), cql`ALTER TABLE users ADD email text`],
    "0005_teams": [begin(5), cql`CREATE TABLE teams (id int PRIMARY KEY)`]
  })
