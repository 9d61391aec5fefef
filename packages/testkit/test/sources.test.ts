import { assert, describe, it } from "@effect/vitest"
import type { ServerOptions } from "effect-cassandra-testkit"
import { CassandraCluster, CassandraServer } from "effect-cassandra-testkit"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Defaults from "../src/internal/defaults.ts"

/** What `make` says in an environment of these variables only. */
const failure = (variables: Record<string, string>, options: ServerOptions = {}) =>
  CassandraServer.make({ onProgress: () => Effect.void, ...options }).pipe(
    Effect.scoped,
    Effect.flip,
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
  )

/** No program is found here, and nothing is in the cache. */
const nothing = { PATH: "/nonexistent", HOME: "/nonexistent", EFFECT_CASSANDRA_CACHE: "/nonexistent" }

/** The version of the server that is started in an environment of these variables only. */
const started = (variables: Record<string, string>, version?: string) =>
  Effect.map(Defaults.resolve({ version }), ({ release }) => release.version).pipe(
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
  )

describe("choosing a server", () => {
  it.live("without any, the error lists the three ways", () =>
    Effect.gen(function* () {
      const error = yield* failure(nothing, { sources: ["environment", "embedded"] })
      assert.strictEqual(error._tag, "NoServerError")
      assert.include(error.message, "CASSANDRA_CONTACT_POINTS")
      assert.include(error.message, "testcontainers")
      assert.include(error.message, "Maven")
      assert.include(error.message, "environment: CASSANDRA_CONTACT_POINTS is not set")
      assert.match(error.message, /embedded: .*(Maven|Java)/)
    })
  )

  it.live("a cluster needs Java and Maven and says so", () =>
    Effect.gen(function* () {
      const error = yield* CassandraCluster.make({ nodes: 2 }).pipe(
        Effect.scoped,
        Effect.flip,
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(nothing))))
      )
      assert.strictEqual(error._tag, "NoServerError")
    })
  )

  it.live("a Java that is not there is named", () =>
    Effect.gen(function* () {
      const error = yield* failure({ ...nothing, PATH: "/nonexistent" }, { sources: ["embedded"], version: "4.1" })
      assert.strictEqual(error._tag, "NoServerError")
      assert.match(error.message, /needs Java 11 or 8|Maven/)
    })
  )

  it.live("the cluster of the environment comes first, and is not replaced when it does not answer", () =>
    Effect.gen(function* () {
      const error = yield* failure({ CASSANDRA_CONTACT_POINTS: "127.0.0.1", CASSANDRA_PORT: "9" })
      assert.strictEqual(error._tag, "ServerStartError")
      assert.include(error.message, "127.0.0.1 port 9")
    })
  )

  it.live("the cluster of the environment does not apply when it cannot be what is asked for", () =>
    Effect.gen(function* () {
      const named = { CASSANDRA_CONTACT_POINTS: "127.0.0.1", CASSANDRA_PORT: "9" }
      const asked: ReadonlyArray<ServerOptions> = [
        { authentication: true },
        { tls: true },
        { settings: { num_tokens: 1 } },
        { jvmOptions: ["-Dx=y"] }
      ]
      for (const options of asked) {
        const error = yield* failure(named, { ...options, sources: ["environment"] })
        assert.strictEqual(error._tag, "NoServerError")
        assert.include(error.message, Object.keys(options)[0]!)
      }
    })
  )

  it.live("a port that is none is refused", () =>
    Effect.gen(function* () {
      const error = yield* failure({ CASSANDRA_CONTACT_POINTS: "127.0.0.1", CASSANDRA_PORT: "http" })
      assert.strictEqual(error._tag, "OptionsError")
    })
  )

  it.effect("the environment says which version is started, unless the options do", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* started({}), "5.0.9")
      assert.strictEqual(yield* started({ CASSANDRA_VERSION: " " }), "5.0.9")
      assert.strictEqual(yield* started({ CASSANDRA_VERSION: "4.1" }), "4.1.10")
      assert.strictEqual(yield* started({ CASSANDRA_VERSION: "4.1" }, "4.0.1"), "4.0.1")
      const wrong = yield* Effect.flip(started({ CASSANDRA_VERSION: "3.11" }))
      assert.strictEqual(wrong.option, "CASSANDRA_VERSION")
    })
  )

  it.live("a variable that is empty is not set, for all of them", () =>
    Effect.gen(function* () {
      const names = ["CONTACT_POINTS", "PORT", "LOCAL_DC", "USERNAME", "PASSWORD", "VERSION"].map(
        (n) => `CASSANDRA_${n}`
      )
      for (const blank of ["", " ", "\t\n"]) {
        const all = Object.fromEntries(names.map((name) => [name, blank]))
        const none = yield* failure(all, { sources: ["environment"] })
        assert.include(none.message, "CASSANDRA_CONTACT_POINTS is not set")
        // Whoever sets the rest gets as far as the server, which does not answer.
        for (const name of names.slice(1)) {
          const error = yield* failure(
            { [name]: blank, CASSANDRA_CONTACT_POINTS: "127.0.0.1" },
            { sources: ["environment"] }
          )
          assert.strictEqual(error._tag, "ServerStartError", name)
        }
      }
    })
  )

  it.live("a user name and a password go together", () =>
    Effect.gen(function* () {
      const named = { CASSANDRA_CONTACT_POINTS: "127.0.0.1", CASSANDRA_PORT: "9" }
      for (const [variables, missing] of [
        [{ CASSANDRA_USERNAME: "planted" }, "CASSANDRA_PASSWORD"],
        [{ CASSANDRA_PASSWORD: "planted", CASSANDRA_USERNAME: "" }, "CASSANDRA_USERNAME"]
      ] as const) {
        const error = yield* failure({ ...named, ...variables })
        assert.strictEqual(error._tag === "OptionsError" ? error.option : error._tag, missing)
        assert.notInclude(error.message, "planted")
      }
    })
  )

  it.live("options that no server can meet are refused before anything is started", () =>
    Effect.gen(function* () {
      const asked: ReadonlyArray<ServerOptions> = [{ version: "3.11" }, { heap: 12 }, { version: "4.0", tls: true }]
      for (const options of asked) {
        assert.strictEqual((yield* failure({}, options))._tag, "OptionsError")
      }
    })
  )
})
