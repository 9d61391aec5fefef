/** The users, in Cassandra: one table by their id, and one by their e-mail address, which keeps addresses unique. */
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
const insert = Query.void({
  Request: User,
  execute: (user) => cql`INSERT INTO users ${Columns.insert(User, user)}`.pipe(Statement.idempotent)
})
const everyone = cql`SELECT ${Columns.select(User)} FROM users`.pipe(Statement.as(User))

const claimEmail = ({ email, id }: User) =>
  cql`INSERT INTO users_by_email (email, id) VALUES (${email}, ${id}) IF NOT EXISTS`
const releaseEmail = ({ email, id }: User) => cql`DELETE FROM users_by_email WHERE email = ${email} IF id = ${id}`
const renameUser = (id: string, name: string) => cql`UPDATE users SET name = ${name} WHERE id = ${id} IF EXISTS`
const deleteUser = (id: string) => cql`DELETE FROM users WHERE id = ${id} IF EXISTS`

const make = Effect.gen(function* () {
  const session = yield* Session.Session
  yield* createTables(session)
  // Everything is prepared before the first request comes: what does not fit the tables ends the service here.
  const queries = yield* Query.prepareAll({ byId, insert })
  const someone = new User({ id: randomUUID(), name: "someone", email: "someone@example.org" })
  yield* Effect.forEach(
    [claimEmail(someone), releaseEmail(someone), renameUser("", ""), deleteUser(""), everyone],
    ({ query }) => session.prepare(query),
    { concurrency: "unbounded" }
  )

  const applied = (statement: Statement.Statement<Statement.Row, never, never>) =>
    Effect.map(session.execute(statement), ({ wasApplied }) => Option.contains(wasApplied, true))

  return {
    create: (fields) =>
      Effect.gen(function* () {
        const user = new User({ id: randomUUID(), ...fields })
        if (!(yield* applied(claimEmail(user)))) return Option.none()
        yield* Effect.tapError(queries.insert(user), () => Effect.ignore(session.execute(releaseEmail(user))))
        return Option.some(user)
      }),
    get: queries.byId,
    rename: (id, name) =>
      Effect.flatMap(applied(renameUser(id, name)), (found) => (found ? queries.byId(id) : Effect.succeedNone)),
    remove: (id) =>
      Effect.gen(function* () {
        const user = yield* queries.byId(id)
        const found = yield* applied(deleteUser(id))
        if (found && Option.isSome(user)) yield* session.execute(releaseEmail(user.value))
        return found
      }),
    page: (limit, from) =>
      session
        .execute(
          Option.match(from, {
            onNone: () => everyone,
            onSome: (state) => everyone.pipe(Statement.withPagingState(state))
          }).pipe(Statement.withPageSize(limit))
        )
        .pipe(Effect.map(({ pagingState, rows }) => ({ users: rows, next: pagingState }))),
    all: session.stream(everyone.pipe(Statement.withPageSize(100)))
  } satisfies UsersService
})

export class Users extends Context.Tag("Users")<Users, UsersService>() {
  static readonly layer = Layer.effect(Users, make)
}
