/** The service over real HTTP, in front of a real Cassandra. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert, layer } from "@effect/vitest"
import { CassandraMetrics, Cluster, cql, Health, Session } from "effect-cassandra"
import { CassandraServer, TestKeyspace } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import { createServer } from "node:http"
import { optionsFor } from "../support/server.ts"
import { UsersApi } from "./Api.ts"
import { HttpLive } from "./Http.ts"
import { Users, type UsersService } from "./Users.ts"

interface Change {
  readonly users?: (users: UsersService) => UsersService
  readonly session?: Session.SessionOptions
}

/** The service on a port of its own, as long as the scope is open. */
const service = ({ session = {}, users = (same) => same }: Change = {}) =>
  Effect.gen(function* () {
    const { name } = yield* TestKeyspace.TestKeyspace
    const cassandra = Session.layer({ keyspace: name, ...session }).pipe(
      Layer.provideMerge(Cluster.layer(optionsFor(yield* CassandraServer.CassandraServer)))
    )
    const context = yield* Layer.build(
      HttpLive.pipe(
        Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0 })),
        Layer.provide(Layer.effect(Users, Effect.map(Users, users))),
        Layer.provide(Users.layer),
        Layer.provide(Health.layer()),
        Layer.provideMerge(cassandra)
      )
    )
    const { address } = Context.get(context, HttpServer.HttpServer)
    const url = `http://127.0.0.1:${address._tag === "TcpAddress" ? address.port : 0}`
    const api = yield* HttpApiClient.make(UsersApi, { baseUrl: url })
    return { url, users: api.users, cluster: Context.get(context, Cluster.Cluster) }
  }).pipe(Effect.provide(FetchHttpClient.layer))

/** Fields for a user that nobody else in the tests has. */
const someone = (name = "Ada") => ({ name, email: `${randomUUID()}@example.org` })

const get = (url: string, init: RequestInit = {}) => Effect.promise(() => fetch(url, init))

const json = (url: string) =>
  Effect.flatMap(get(url), (response) =>
    Effect.map(
      Effect.promise(() => response.json()),
      (body) => ({ status: response.status, body: body as Record<string, unknown> })
    )
  )

layer(TestServer.layerKeyspace({ prefix: "http" }), { excludeTestServices: true })("the HTTP service", (it) => {
  it.scoped("creates, reads, renames and removes a user", () =>
    Effect.gen(function* () {
      const { users } = yield* service()
      const fields = someone()
      const created = yield* users.create({ payload: fields })
      assert.deepInclude(created, fields)
      const path = { id: created.id }
      assert.deepStrictEqual(yield* users.get({ path }), created)
      const renamed = yield* users.rename({ path, payload: { name: "Augusta" } })
      assert.deepStrictEqual({ ...renamed }, { ...created, name: "Augusta" })
      yield* users.remove({ path })
      assert.deepInclude(yield* Effect.flip(users.get({ path })), { _tag: "UserNotFound", id: created.id })
      // The address is free again.
      assert.strictEqual((yield* users.create({ payload: fields })).email, fields.email)
    })
  )

  it.scoped("answers 400, 404, 409 and 503 by the tag of the error", () =>
    Effect.gen(function* () {
      const { url, users } = yield* service()
      const status = (path: string, init?: RequestInit) =>
        Effect.map(get(`${url}${path}`, init), (response) => response.status)
      const post = (body: unknown) =>
        status("/users", {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body)
        })

      assert.strictEqual(yield* status("/users/no-uuid"), 400)
      assert.strictEqual(yield* post({ name: "", email: "a@b" }), 400)
      assert.strictEqual(yield* post({ name: "Ada", email: "no address" }), 400)
      assert.strictEqual(yield* status("/users?limit=0"), 400)
      assert.strictEqual(yield* status("/users?cursor=%20"), 400)
      // Text of the right form that no server gave.
      assert.strictEqual(yield* status("/users?cursor=AAAA"), 400)

      const path = { id: randomUUID() }
      assert.strictEqual(yield* status(`/users/${path.id}`), 404)
      assert.strictEqual((yield* Effect.flip(users.rename({ path, payload: { name: "Nobody" } })))._tag, "UserNotFound")
      assert.strictEqual((yield* Effect.flip(users.remove({ path })))._tag, "UserNotFound")

      const taken = someone()
      yield* users.create({ payload: taken })
      assert.strictEqual(yield* post(taken), 409)

      // Three replicas cannot answer, for there is one.
      const unable = yield* service({ session: { consistency: "THREE" } })
      assert.strictEqual((yield* get(`${unable.url}/users`)).status, 503)
      assert.strictEqual((yield* get(`${unable.url}/users.ndjson`)).status, 503)
      assert.strictEqual((yield* Effect.flip(unable.users.create({ payload: someone() })))._tag, "TryLater")
    })
  )

  it.scoped("gives an address to one of many who ask for it at once", () =>
    Effect.gen(function* () {
      const { users } = yield* service()
      const fields = someone()
      const tags = yield* Effect.forEach(
        Array.from({ length: 5 }),
        () =>
          users.create({ payload: fields }).pipe(
            Effect.map(() => "created"),
            Effect.catchAll(({ _tag }) => Effect.succeed(_tag))
          ),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(tags.filter((tag) => tag === "created").length, 1)
    })
  )

  it.scoped("lists by cursor: every user once", () =>
    Effect.gen(function* () {
      const { users } = yield* service()
      yield* Effect.forEach(Array.from({ length: 12 }), () => users.create({ payload: someone() }))
      const ids: Array<string> = []
      let cursor: string | undefined
      let pages = 0
      do {
        const page = yield* users.list({ urlParams: { limit: 5, cursor } })
        assert.isAtMost(page.users.length, 5)
        ids.push(...page.users.map(({ id }) => id))
        cursor = page.cursor
        pages++
      } while (cursor !== undefined)
      assert.isAtLeast(pages, 3)
      assert.isAtLeast(ids.length, 12)
      assert.strictEqual(new Set(ids).size, ids.length)
      const exported = (yield* users.export()).trimEnd().split("\n")
      assert.deepStrictEqual(
        exported.map((line) => (JSON.parse(line) as { readonly id: string }).id).toSorted(),
        ids.toSorted()
      )
    })
  )

  it.scoped("fetches no page that the client of a stream does not read, and none after it has gone away", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<void>()
      const keyspace = yield* TestKeyspace.make({ prefix: "http_stream" })
      const { cluster, url } = yield* service({
        users: (users) => ({ ...users, all: Stream.ensuring(users.all, Deferred.succeed(ended, undefined)) })
      }).pipe(Effect.provideService(TestKeyspace.TestKeyspace, keyspace))
      const session = yield* cluster.connect({ keyspace: keyspace.name })
      const fetched = Effect.map(
        Effect.provideService(CassandraMetrics.snapshot, Cluster.Cluster, cluster),
        ({ streams }) => streams.pages
      )
      // 40 pages of 800 kB: more than what sockets hold on the way.
      const name = "x".repeat(8_000)
      yield* Effect.forEach(
        Array.from({ length: 4_000 }, () => randomUUID()),
        (id) => session.execute(cql`INSERT INTO users (id, name, email) VALUES (${id}, ${name}, ${"a@example.org"})`),
        { concurrency: 64, discard: true }
      )

      const controller = new AbortController()
      const response = yield* get(`${url}/users.ndjson`, { signal: controller.signal })
      assert.strictEqual(response.status, 200)
      const reader = response.body?.getReader()
      yield* Effect.promise(async () => reader?.read())
      const settled = Effect.gen(function* () {
        const before = yield* fetched
        yield* Effect.sleep("300 millis")
        return (yield* fetched) === before
      })
      yield* Effect.repeat(settled, { until: (still) => still })
      const held = yield* fetched
      assert.isAtLeast(held, 1)
      assert.isBelow(held, 35)
      assert.isFalse(yield* Deferred.isDone(ended))

      controller.abort()
      yield* Deferred.await(ended)
      assert.isAtMost(yield* fetched, held + 1)
      assert.strictEqual((yield* cluster.state).inFlight, 0)
    })
  )

  it.scoped("says that it is ready and alive, and describes itself", () =>
    Effect.gen(function* () {
      const { cluster, url } = yield* service()
      const ready = yield* json(`${url}/health/ready`)
      assert.deepInclude({ ...ready, body: ready.body["status"] }, { status: 200, body: "healthy" })
      assert.deepStrictEqual(yield* json(`${url}/health/live`), { status: 200, body: { status: "alive" } })

      const { body } = yield* json(`${url}/openapi.json`)
      assert.deepStrictEqual(Object.keys(body["paths"] as object).toSorted(), [
        "/users",
        "/users.ndjson",
        "/users/{id}"
      ])
      const page = yield* get(`${url}/docs`)
      assert.include(yield* Effect.promise(() => page.text()), "SwaggerUIBundle")

      yield* cluster.close
      assert.deepStrictEqual(yield* json(`${url}/health/live`), { status: 503, body: { status: "closed" } })
      assert.strictEqual((yield* get(`${url}/users`)).status, 503)
    })
  )

  it.scoped("lets what is under way end before it closes, and takes nothing new", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const begun = yield* Deferred.make<void>()
      const { cluster, url, users } = yield* Scope.extend(
        service({
          users: (same) => ({
            ...same,
            get: (id) => Effect.zipRight(Deferred.succeed(begun, undefined), Effect.delay(same.get(id), "500 millis"))
          })
        }),
        scope
      )
      const { id } = yield* users.create({ payload: someone() })
      const slow = yield* Effect.fork(get(`${url}/users/${id}`))
      yield* Deferred.await(begun)
      const closing = yield* Effect.fork(Scope.close(scope, Exit.void))
      assert.strictEqual((yield* Fiber.join(slow)).status, 200)
      yield* Fiber.join(closing)
      assert.isTrue(yield* cluster.isClosed)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Effect.tryPromise(() => fetch(url)))))
    })
  )
})
