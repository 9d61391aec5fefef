/**
 * The users, in Cassandra: one table by their id, and one by their e-mail address, which keeps addresses unique.
 *
 * Every write of these tables is conditional. Such writes are put in order by the replicas, others by the clocks of who sends
 * them: a mixture of both loses writes when clocks differ.
 */
import { type CassandraError, Columns, cql, type PagingState, Query, Session, Statement } from "effect-cassandra"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"

export class User extends Schema.Class<User>("User")({
  id: Schema.UUID,
  name: Schema.NonEmptyTrimmedString,
  email: Schema.String.pipe(Schema.pattern(/^\S+@\S+$/))
}) {}

export const NewUser = Schema.Struct({ name: User.fields.name, email: User.fields.email })

/** Some users, and where the next ones begin. */
export interface Page {
  readonly users: ReadonlyArray<User>
  readonly next: Option.Option<PagingState.PagingState>
}

export type UsersError = CassandraError.CassandraError | ParseError

export interface UsersService {
  /** None when someone has the e-mail address already. */
  readonly create: (user: typeof NewUser.Type) => Effect.Effect<Option.Option<User>, UsersError>
  readonly get: (id: string) => Effect.Effect<Option.Option<User>, UsersError>
  /** None when there is no such user. */
  readonly rename: (id: string, name: string) => Effect.Effect<Option.Option<User>, UsersError>
  /** Whether there was such a user. */
  readonly remove: (id: string) => Effect.Effect<boolean, UsersError>
  readonly page: (limit: number, from: Option.Option<PagingState.PagingState>) => Effect.Effect<Page, UsersError>
  readonly all: Stream.Stream<User, UsersError>
}

const createTables = (session: Session.Session) =>
  Effect.all([
    session.execute(cql`CREATE TABLE IF NOT EXISTS users (id uuid PRIMARY KEY, name text, email text)`),
    session.execute(cql`CREATE TABLE IF NOT EXISTS users_by_email (email text PRIMARY KEY, id uuid)`)
  ])

const byId = Query.findOne({
  Request: User.fields.id,
  Result: User,
  execute: (id) => cql`SELECT ${Columns.select(User)} FROM users WHERE id = ${id}`
})
// The id is new: what is there already is the same user, from an earlier try. So this may be sent again.
const insert = Query.void({
  Request: User,
  execute: (user) => cql`INSERT INTO users ${Columns.insert(User, user)} IF NOT EXISTS`.pipe(Statement.idempotent)
})
const claimEmail = Query.applied({
  Request: User,
  execute: ({ email, id }) => cql`INSERT INTO users_by_email (email, id) VALUES (${email}, ${id}) IF NOT EXISTS`
})
const releaseEmail = Query.void({
  Request: User,
  execute: ({ email, id }) =>
    cql`DELETE FROM users_by_email WHERE email = ${email} IF id = ${id}`.pipe(Statement.idempotent)
})
const rename = Query.applied({
  Request: Schema.Struct({ id: User.fields.id, name: User.fields.name }),
  execute: ({ id, name }) => cql`UPDATE users SET name = ${name} WHERE id = ${id} IF EXISTS`
})
const remove = Query.applied({
  Request: User.fields.id,
  execute: (id) => cql`DELETE FROM users WHERE id = ${id} IF EXISTS`
})
const everyone = {
  Request: Schema.Void,
  Result: User,
  execute: () => cql`SELECT ${Columns.select(User)} FROM users`.pipe(Statement.withPageSize(100))
}
const queries = {
  byId,
  insert,
  claimEmail,
  releaseEmail,
  rename,
  remove,
  page: Query.page(everyone),
  all: Query.stream(everyone)
}

const make = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* createTables(session)
  // Everything is prepared before the first request comes: what does not fit the tables ends the service here.
  const users = yield* Query.prepareAll(queries)

  return {
    create: (fields) =>
      Effect.gen(function* () {
        const user = new User({ id: randomUUID(), ...fields })
        if (!(yield* users.claimEmail(user))) return Option.none()
        // Where nobody knows whether the user was written, the address stays taken: it must not get two users.
        yield* Effect.tapError(users.insert(user), (error) =>
          error._tag === "ParseError" || error.writeState === "NotApplied"
            ? Effect.ignore(users.releaseEmail(user))
            : Effect.void
        )
        return Option.some(user)
        // Nor may a client that goes away in between leave an address that belongs to nobody.
      }).pipe(Effect.uninterruptible),
    get: users.byId,
    rename: (id, name) =>
      Effect.flatMap(users.rename({ id, name }), (found) => (found ? users.byId(id) : Effect.succeedNone)),
    remove: (id) =>
      Effect.gen(function* () {
        const user = yield* users.byId(id)
        const found = yield* users.remove(id)
        if (found && Option.isSome(user)) yield* users.releaseEmail(user.value)
        return found
      }),
    page: (limit, from) =>
      Effect.map(users.page({ request: undefined, after: from, pageSize: limit }), ({ pagingState, rows }) => ({
        users: rows,
        next: pagingState
      })),
    all: users.all()
  } satisfies UsersService
})

export class Users extends Context.Tag("Users")<Users, UsersService>() {
  static readonly layer = Layer.effect(Users, make)
}
