/** The service over HTTP: handlers, health, metrics, the API page, and what a failure of the database is to a client. */
import * as HttpApiBuilder from "@effect/platform/HttpApiBuilder"
import * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpApiSwagger from "@effect/platform/HttpApiSwagger"
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import { CassandraError, Health, PagingState } from "effect-cassandra"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Sink from "effect/Sink"
import * as Stream from "effect/Stream"
import { EmailTaken, InvalidCursor, TryLater, UserNotFound, UserPage, UsersApi } from "./Api.ts"
import { MetricsLive, withoutTracesOfProbes } from "./Telemetry.ts"
import { type User, Users, type UsersError, type UsersService } from "./Users.ts"

/** Failures that pass: another try may well succeed. */
const passing = new Set<CassandraError.CassandraErrorTag>([
  "ConnectionError",
  "NoHostAvailableError",
  "UnavailableError",
  "ReadTimeoutError",
  "WriteTimeoutError",
  "OverloadedError",
  "BootstrappingError",
  "OperationTimedOutError",
  "RequestThrottledError",
  "SessionClosedError"
])

const isUsersError = (u: unknown): u is UsersError =>
  CassandraError.isCassandraError(u) || (u as ParseError | null)?._tag === "ParseError"

/** What is none of the client's business is logged, and a 500 to it. */
const toResponse = (error: UsersError): Effect.Effect<never, TryLater | HttpApiError.InternalServerError> =>
  error._tag !== "ParseError" && passing.has(error._tag)
    ? Effect.fail(new TryLater())
    : Effect.zipRight(Effect.logError(error), Effect.fail(new HttpApiError.InternalServerError()))

const respond = <A, E, R>(self: Effect.Effect<A, E | UsersError, R>) => Effect.catchIf(self, isUsersError, toResponse)

const orNotFound = (id: string) => (user: Option.Option<User>) =>
  Option.match(user, { onNone: () => Effect.fail(new UserNotFound({ id })), onSome: Effect.succeed })

/** A page, and what a cursor that somebody made up leads to: the server refuses it. */
const pageFrom = (users: UsersService, limit: number, cursor: string | undefined) =>
  Effect.gen(function* () {
    if (cursor === undefined) return yield* users.page(limit, Option.none())
    const state = yield* Effect.mapError(PagingState.fromText(cursor), () => new InvalidCursor())
    return yield* users.page(limit, Option.some(state)).pipe(
      Effect.catchTags({
        ProtocolError: () => new InvalidCursor(),
        InvalidQueryError: () => new InvalidCursor()
      })
    )
  })

const UsersLive = HttpApiBuilder.group(UsersApi, "users", (handlers) =>
  Effect.gen(function* () {
    const users = yield* Users
    return handlers
      .handle("create", ({ payload }) =>
        users.create(payload).pipe(
          Effect.flatMap(
            Option.match({
              onNone: () => Effect.fail(new EmailTaken({ email: payload.email })),
              onSome: (user) => Effect.succeed(user)
            })
          ),
          respond
        )
      )
      .handle("get", ({ path: { id } }) => users.get(id).pipe(Effect.flatMap(orNotFound(id)), respond))
      .handle("rename", ({ path: { id }, payload }) =>
        users.rename(id, payload.name).pipe(Effect.flatMap(orNotFound(id)), respond)
      )
      .handle("remove", ({ path: { id } }) =>
        users.remove(id).pipe(
          Effect.filterOrFail(
            (found) => found,
            () => new UserNotFound({ id })
          ),
          Effect.asVoid,
          respond
        )
      )
      .handle("list", ({ urlParams: { cursor, limit } }) =>
        pageFrom(users, limit, cursor).pipe(
          Effect.map(
            (page) =>
              new UserPage({
                users: page.users,
                cursor: Option.getOrUndefined(Option.map(page.next, PagingState.toText))
              })
          ),
          respond
        )
      )
      .handle("export", () =>
        Effect.gen(function* () {
          // The first page is here before the answer begins, so that its failure has a status of its own.
          const [first, others] = yield* Stream.peel(Stream.chunks(users.all), Sink.head())
          const lines = Stream.fromIterable(Option.toArray(first)).pipe(
            Stream.concat(others),
            Stream.map(Chunk.map((user) => `${JSON.stringify(user)}\n`)),
            Stream.map(Chunk.join("")),
            Stream.encodeText
          )
          // A client that reads slowly slows the paging down, and one that goes away ends it.
          return HttpServerResponse.stream(lines, { contentType: "application/x-ndjson" })
        }).pipe(respond)
      )
  })
)

const answer = ({ body, status }: Health.Answer<unknown>) => HttpServerResponse.unsafeJson(body, { status })

const HealthLive = HttpApiBuilder.Router.use((router) =>
  Effect.gen(function* () {
    const { liveness, readiness } = yield* Health.Health
    yield* router.get("/health/ready", Effect.map(readiness, answer))
    yield* router.get("/health/live", Effect.map(liveness, answer))
  })
)

/** The whole service, given an HTTP server, the users and their database's health. */
export const HttpLive = HttpApiBuilder.serve().pipe(
  Layer.provide(HealthLive),
  Layer.provide(MetricsLive),
  Layer.provide(HttpApiSwagger.layer({ path: "/docs" })),
  Layer.provide(HttpApiBuilder.middlewareOpenApi({ path: "/openapi.json" })),
  Layer.provide(HttpApiBuilder.api(UsersApi)),
  Layer.provide(UsersLive),
  withoutTracesOfProbes
)
