import { assert, describe, it } from "@effect/vitest"
import type { Cluster } from "effect-cassandra"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { environment, environmentKeyspace } from "../src/internal/options/environment.ts"
import * as cli from "../src/internal/migrator/cli.ts"

type Variables = Readonly<Record<string, string>>

const within =
  (variables: Variables) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.withConfigProvider(effect, ConfigProvider.fromMap(new Map(Object.entries(variables))))

const read = (variables: Variables, options: Cluster.ClusterOptions = {}) =>
  environment(options).pipe(within(variables))

/** With what is redacted in the open: a comparison would take any two for the same. */
const plain = (u: unknown): unknown => {
  if (Redacted.isRedacted(u)) return Redacted.value(u)
  if (typeof u !== "object" || u === null || Array.isArray(u)) return u
  return Object.fromEntries(Object.entries(u).map(([name, value]) => [name, plain(value)]))
}

const assertOptions = (actual: Cluster.ClusterOptions, expected: Cluster.ClusterOptions) =>
  assert.deepStrictEqual(plain(actual), plain(expected))

const failure = (variables: Variables) =>
  Effect.map(Effect.flip(read(variables)), (error) => ({ tag: error._tag, text: String(error) }))

const pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
const key = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"

/** Each variable, a value of it, and the option that this makes. */
const table: ReadonlyArray<readonly [name: string, value: string, options: Cluster.ClusterOptions]> = [
  ["CONTACT_POINTS", "10.0.0.1, node.example,,", { contactPoints: ["10.0.0.1", "node.example"] }],
  ["PORT", "9043", { port: 9043 }],
  ["LOCAL_DC", "dc1", { localDataCenter: "dc1" }],
  ["TLS", "true", { tls: {} }],
  ["TLS", "false", { tls: false }],
  ["TLS_CA", pem, { tls: { ca: pem } }],
  ["TLS_CERT", pem, { tls: { cert: pem } }],
  ["TLS_KEY", key, { tls: { key: Redacted.make(key) } }],
  ["TLS_SERVER_NAME", "node.example", { tls: { serverName: "node.example" } }]
]

const names = [...new Set(table.map(([name]) => name)), "USERNAME", "PASSWORD"].map((name) => `CASSANDRA_${name}`)

/** Something for every option that a variable sets. */
const given: Cluster.ClusterOptions = {
  contactPoints: ["192.0.2.1"],
  port: 1,
  localDataCenter: "given",
  credentials: { username: "given", password: Redacted.make("given") },
  tls: { ca: "given", serverName: "given" }
}

describe("the environment", () => {
  for (const [name, value, options] of table) {
    it.effect(`CASSANDRA_${name}=${value.slice(0, 24).trim()} is an option, and wins`, () =>
      Effect.gen(function* () {
        assertOptions(yield* read({ [`CASSANDRA_${name}`]: value }), options)
        const over = yield* read({ [`CASSANDRA_${name}`]: value }, given)
        const tls = typeof options.tls === "object" ? { tls: { ...(given.tls as object), ...options.tls } } : {}
        assertOptions(over, { ...given, ...options, ...tls })
      })
    )
  }

  for (const blank of ["", " ", "\t \n"]) {
    for (const name of names) {
      it.effect(`${name}=${JSON.stringify(blank)} is not set`, () =>
        Effect.gen(function* () {
          assertOptions(yield* read({ [name]: blank }), {})
          assertOptions(yield* read({ [name]: blank }, given), given)
        })
      )
    }

    it.effect(`all of them ${JSON.stringify(blank)} are not set, and neither is the keyspace`, () =>
      Effect.gen(function* () {
        const all = Object.fromEntries([...names, "CASSANDRA_KEYSPACE"].map((name) => [name, blank]))
        assertOptions(yield* read(all), {})
        assert.deepStrictEqual(yield* within(all)(environmentKeyspace), Option.none())
        const provider = cli.configProvider({ environment: new Map() }, all)
        assert.deepStrictEqual(yield* Effect.withConfigProvider(environment({}), provider), {})
        assert.deepStrictEqual(yield* Effect.withConfigProvider(environmentKeyspace, provider), Option.none())
      })
    )

    it.effect(`TLS stays TLS beside variables that are ${JSON.stringify(blank)}`, () =>
      Effect.gen(function* () {
        for (const name of ["TLS_CA", "TLS_CERT", "TLS_KEY", "TLS_SERVER_NAME"]) {
          const variables = { CASSANDRA_TLS: "true", [`CASSANDRA_${name}`]: blank }
          assertOptions(yield* read(variables), { tls: {} })
          assertOptions(yield* read(variables, { tls: { ca: pem } }), { tls: { ca: pem } })
        }
        assertOptions(yield* read({ CASSANDRA_TLS: blank }, { tls: true }), { tls: true })
        assertOptions(yield* read({ CASSANDRA_TLS: blank, CASSANDRA_TLS_CA: pem }), { tls: { ca: pem } })
      })
    )
  }

  it.effect("a list of contact points with nothing in it is not set", () =>
    Effect.gen(function* () {
      assertOptions(yield* read({ CASSANDRA_CONTACT_POINTS: " , ," }), {})
    })
  )

  it.effect("a user name and a password go together, and stand for another way to log in", () =>
    Effect.gen(function* () {
      const both = { CASSANDRA_USERNAME: "u", CASSANDRA_PASSWORD: " planted " }
      const { authentication, credentials } = yield* read(both, given)
      assert.isUndefined(authentication)
      assert.deepStrictEqual(plain(credentials), { username: "u", password: " planted " })
      for (const [set, other] of [
        ["USERNAME", "PASSWORD"],
        ["PASSWORD", "USERNAME"]
      ]) {
        for (const rest of [{}, { [`CASSANDRA_${other}`]: "" }]) {
          const { tag, text } = yield* failure({ [`CASSANDRA_${set}`]: "planted", ...rest })
          assert.strictEqual(tag, "ConfigurationError")
          assert.include(text, `CASSANDRA_${set} is set and CASSANDRA_${other} is not`)
          assert.notInclude(text, "planted")
        }
      }
    })
  )

  it.effect("what a variable cannot be is an error that names it", () =>
    Effect.gen(function* () {
      for (const [name, value] of [
        ["CASSANDRA_PORT", "many"],
        ["CASSANDRA_PORT", "99999"],
        ["CASSANDRA_TLS", "perhaps"]
      ] as const) {
        const { text } = yield* failure({ [name]: value })
        assert.include(text, name)
      }
    })
  )

  it.scoped("PEM comes from files, which must be there and hold some", () =>
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "environment-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      const file = (name: string, text: string) =>
        Effect.as(
          Effect.promise(() => writeFile(join(directory, name), text)),
          join(directory, name)
        )
      const good = yield* file("ca.pem", pem)
      assertOptions(yield* read({ CASSANDRA_TLS_CA: `${good}\n` }), { tls: { ca: pem } })
      for (const name of ["CASSANDRA_TLS_CA", "CASSANDRA_TLS_CERT", "CASSANDRA_TLS_KEY"]) {
        for (const path of [
          join(directory, "nowhere"),
          yield* file("empty.pem", ""),
          yield* file("blank.pem", " \n")
        ]) {
          const { tag, text } = yield* failure({ CASSANDRA_TLS: "true", [name]: path })
          assert.strictEqual(tag, "ConfigurationError")
          assert.include(text, name)
        }
      }
    })
  )
})
