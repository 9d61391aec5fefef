import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import { resolve } from "../src/internal/clusterOptions/resolve.ts"

const bad: ReadonlyArray<readonly [option: string, options: Record<string, unknown>]> = [
  ["contactPoints", { contactPoints: [] }],
  ["contactPoints", { contactPoints: [""] }],
  ["contactPoints", { contactPoints: ["127.0.0.1", "  "] }],
  ["contactPoints", { contactPoints: [42] }],
  ["contactPoints", { contactPoints: "127.0.0.1" }],
  ["port", { port: 0 }],
  ["port", { port: 65_536 }],
  ["port", { port: 1.5 }],
  ["port", { port: Number.NaN }],
  ["port", { port: "9042" }],
  ["localDataCenter", { localDataCenter: "" }],
  ["localDataCenter", { localDataCenter: "  " }],
  ["credentials.password", { credentials: { username: "u", password: "plain-planted" } }],
  ["tls.cert", { tls: { cert: "PEM" } }],
  ["tls.cert", { tls: { key: Redacted.make("PEM") } }],
  ["connectTimeout", { connectTimeout: "soon" }],
  ["connectTimeout", { connectTimeout: 0 }],
  ["connectAttempts", { connectAttempts: 0 }],
  ["connectAttempts", { connectAttempts: 1.5 }],
  ["connectBackoff", { connectBackoff: "1 fortnight" }],
  ["shutdownTimeout", { shutdownTimeout: "later" }],
  ["connectionsPerHost", { connectionsPerHost: 0 }],
  ["connectionsPerHost", { connectionsPerHost: 1000 }],
  ["maxConcurrentRequests", { maxConcurrentRequests: 0 }],
  ["maxConcurrentRequests", { maxConcurrentRequests: Infinity }],
  ["maxQueuedRequests", { maxQueuedRequests: -1 }],
  ["maxPreparedStatements", { maxPreparedStatements: 0 }],
  ["heartbeatInterval", { heartbeatInterval: {} }],
  ["maxSchemaAgreementWait", { maxSchemaAgreementWait: "x" }],
  ["consistency", { consistency: "ANY" }],
  ["serialConsistency", { serialConsistency: "ONE" }],
  ["pageSize", { pageSize: 0 }],
  ["prefetch", { prefetch: -1 }],
  ["timeout", { timeout: "x" }],
  ["deadline", { deadline: "x" }],
  ["minimumProtocolVersion", { minimumProtocolVersion: 3 }],
  ["minimumProtocolVersion", { minimumProtocolVersion: 6 }],
  ["compression", { compression: "snappy" }],
  ["profiles.olap.pageSize", { profiles: { olap: { pageSize: 0 } } }]
]

describe("the options of a cluster", () => {
  for (const [option, options] of bad) {
    it(`refuses ${JSON.stringify(options)} and names ${option}`, () => {
      const resolved = resolve(options)
      if (Either.isRight(resolved)) return assert.fail("it was accepted")
      const error = resolved.left
      assert.strictEqual(error._tag, "ConfigurationError")
      assert.strictEqual(error.option, option)
      assert.strictEqual(error.writeState, "NotApplied")
      assert.isFalse(error.isRetryable)
      assert.include(error.message, option)
      assert.notInclude(JSON.stringify(error), "planted")
    })
  }

  it.live("are checked before any socket is opened", () =>
    Effect.gen(function* () {
      let connections = 0
      const server = yield* Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const created = Net.createServer(() => connections++)
          created.listen(0, "127.0.0.1", () => resume(Effect.succeed(created)))
        }),
        (created) => Effect.async<void>((resume) => void created.close(() => resume(Effect.void)))
      )
      const { port } = server.address() as Net.AddressInfo
      for (const [option, options] of bad) {
        const error = yield* Effect.flip(
          Cluster.make({ contactPoints: ["127.0.0.1"], port, ...(options as Cluster.ClusterOptions) })
        )
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, option)
      }
      assert.strictEqual(connections, 0)
    }).pipe(Effect.scoped)
  )

  it("have the documented defaults", () => {
    const options = Either.getOrThrow(resolve({}))
    assert.deepInclude(options, {
      contactPoints: ["127.0.0.1"],
      port: 9042,
      localDataCenter: undefined,
      tls: undefined,
      connectTimeout: 5000,
      connectAttempts: 3,
      connectBackoff: 200,
      shutdownTimeout: 5000,
      connectionsPerHost: { local: 1, remote: 1 },
      maxConcurrentRequests: undefined,
      maxQueuedRequests: 65_536,
      maxPreparedStatements: 1000,
      heartbeatInterval: 30_000,
      maxSchemaAgreementWait: 10_000,
      profiles: {}
    })
  })

  it("take true for TLS with the defaults, false for none", () => {
    assert.deepStrictEqual(Either.getOrThrow(resolve({ tls: true })).tls, {})
    assert.isUndefined(Either.getOrThrow(resolve({ tls: false })).tls)
  })

  it("do not print the password", () => {
    const options = Either.getOrThrow(
      resolve({ credentials: { username: "u", password: Redacted.make("planted-password") } })
    )
    assert.notInclude(JSON.stringify(options), "planted")
  })
})
