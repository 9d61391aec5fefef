import { assert, describe, it } from "@effect/vitest"
import { AuthProvider, Cluster } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Redacted from "effect/Redacted"
import { createPrivateKey } from "node:crypto"
import * as Net from "node:net"
import { makeTls } from "../../testkit/src/internal/tls.ts"
import { resolve } from "../src/internal/options/resolve.ts"

const pki = makeTls(["localhost"])
const locked = createPrivateKey(pki.client.key)
  .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "open sesame" })
  .toString()

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
  ["connectionsPerHost.local", { connectionsPerHost: { local: 0 } }],
  ["connectionsPerHost.remote", { connectionsPerHost: { remote: -1 } }],
  ["maxRequestsPerConnection", { maxRequestsPerConnection: 0 }],
  ["maxRequestsPerConnection", { maxRequestsPerConnection: 32_001 }],
  ["credentials.username", { credentials: { username: 1, password: Redacted.make("planted") } }],
  ["authentication", { authentication: { username: "u", password: "planted" } }],
  [
    "authentication",
    {
      authentication: AuthProvider.plainText({ username: "u", password: Redacted.make("planted") }),
      credentials: { username: "u", password: Redacted.make("planted") }
    }
  ],
  ["tls", { tls: "yes" }],
  ["tls.ca", { tls: { ca: "no certificate" } }],
  ["tls.ca", { tls: { ca: [pki.ca.certificate, "no certificate"] } }],
  ["tls.cert", { tls: { cert: "no certificate", key: Redacted.make(pki.client.key) } }],
  ["tls.key", { tls: { cert: pki.client.certificate, key: Redacted.make("planted") } }],
  ["tls.key", { tls: { cert: pki.client.certificate, key: pki.client.key } }],
  ["tls.key", { tls: { cert: pki.client.certificate, key: Redacted.make(pki.server.key) } }],
  ["tls.passphrase", { tls: { cert: pki.client.certificate, key: Redacted.make(locked) } }],
  [
    "tls.passphrase",
    { tls: { cert: pki.client.certificate, key: Redacted.make(locked), passphrase: Redacted.make("planted") } }
  ],
  ["tls.serverName", { tls: { serverName: "" } }],
  ["tls.acceptAnyCertificate", { tls: { acceptAnyCertificate: "no" } }],
  ["tls.acceptAnyServerName", { tls: { acceptAnyServerName: 0 } }],
  ["socket.noDelay", { socket: { noDelay: 1 } }],
  ["socket.keepAlive", { socket: { keepAlive: "yes" } }],
  ["socket.keepAliveDelay", { socket: { keepAliveDelay: "soon" } }],
  ["addressTranslator", { addressTranslator: { "10.0.0.1": "127.0.0.1" } }],
  ["reconnection", { reconnection: "1 second" }],
  ["prepareOnAllHosts", { prepareOnAllHosts: "no" }],
  ["reprepareOnUp", { reprepareOnUp: 0 }],
  ["heartbeatTimeout", { heartbeatTimeout: 0 }],
  ["controlConnectionTimeout", { controlConnectionTimeout: 0 }],
  ["controlConnectionTimeout", { controlConnectionTimeout: "x" }],
  ["schemaRefreshWindow", { schemaRefreshWindow: "never" }],
  ["topologyRefreshWindow", { topologyRefreshWindow: "x" }],
  ["statusRefreshWindow", { statusRefreshWindow: {} }],
  ["schemaMetadata", { schemaMetadata: "yes" }],
  ["tokenMetadata", { tokenMetadata: null }],
  ["timestampGenerator", { timestampGenerator: () => 1n }],
  ["minimumProtocolVersion", { minimumProtocolVersion: 3 }],
  ["protocolVersion", { protocolVersion: 3 }],
  ["protocolVersion", { protocolVersion: 4 }],
  ["protocolVersion", { protocolVersion: 6, minimumProtocolVersion: 4 }],
  ["cqlVersion", { cqlVersion: "3" }],
  ["compression", { compression: "snappy" }],
  ["applicationName", { applicationName: "" }],
  ["applicationVersion", { applicationVersion: 1 }],
  ["advanced", { advanced: {} }],
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

const refused = (options: object) => Either.getOrThrow(Either.flip(resolve(options))).message

const badContactPoints = [
  "127.0.0.1:99999",
  "127.0.0.1:65536",
  "127.0.0.1:0",
  "127.0.0.1:-1",
  "127.0.0.1:abc",
  "127.0.0.1:9042x",
  "127.0.0.1: 9042",
  "127.0.0.1:9042:9042",
  "127.0.0.1:1e3",
  "127.0.0.1:NaN",
  "127.0.0.1:",
  ":9042",
  ":",
  "[::1]:x",
  "[::1]:0",
  "[::1]:",
  "[::1]9042",
  "[::1",
  "::1]",
  "[]",
  "[]:9042",
  "[127.0.0.1]:9042",
  "[host]",
  "::zz",
  "256.0.0.1",
  "127.0.0.1.:x",
  "10.0.0.1,10.0.0.2",
  "10.0.0.1 10.0.0.2",
  "cassandra://10.0.0.1",
  "http://10.0.0.1:9042",
  "10.0.0.1/24",
  "user@10.0.0.1",
  "a\nb"
]

const goodContactPoints: ReadonlyArray<readonly [given: string, used: string]> = [
  ["127.0.0.1", "127.0.0.1"],
  [" 127.0.0.1 ", "127.0.0.1"],
  ["127.0.0.1:1", "127.0.0.1:1"],
  ["127.0.0.1:65535", "127.0.0.1:65535"],
  ["127.0.0.1:09042", "127.0.0.1:9042"],
  ["::1", "::1"],
  ["[::1]", "::1"],
  ["[::1]:9042", "[::1]:9042"],
  ["2001:db8::1", "2001:db8::1"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
  ["fe80::1%eth0", "fe80::1%eth0"],
  ["localhost", "localhost"],
  ["cassandra-0.cassandra.prod.svc.cluster.local.:9042", "cassandra-0.cassandra.prod.svc.cluster.local.:9042"],
  ["node_1:9042", "node_1:9042"]
]

describe("contact points", () => {
  for (const point of badContactPoints) {
    it.effect(`${JSON.stringify(point)} is a ConfigurationError`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Effect.scoped(Cluster.make({ contactPoints: ["127.0.0.1", point] })))
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, "contactPoints", error.message)
        assert.include(error.message, JSON.stringify(point))
      })
    )
  }

  for (const [given, used] of goodContactPoints) {
    it(`${JSON.stringify(given)} is taken`, () => {
      assert.deepStrictEqual(Either.getOrThrow(resolve({ contactPoints: [given] })).contactPoints, [used])
    })
  }
})

describe("the options of a cluster", () => {
  for (const [option, options] of bad) {
    it(`refuses ${JSON.stringify(options).slice(0, 80)} and names ${option}`, () => {
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
      heartbeatTimeout: 30_000,
      controlConnectionTimeout: 2000,
      maxRequestsPerConnection: 2000,
      prepareOnAllHosts: true,
      reprepareOnUp: true,
      schemaRefreshWindow: 2000,
      topologyRefreshWindow: 10_000,
      statusRefreshWindow: 2000,
      schemaMetadata: true,
      tokenMetadata: true,
      socket: { noDelay: true, keepAlive: true, keepAliveDelay: 0 },
      authentication: undefined,
      addressTranslator: undefined,
      minimumProtocolVersion: 5,
      maximumProtocolVersion: 5,
      cqlVersion: undefined,
      compression: "none",
      maxSchemaAgreementWait: 10_000,
      profiles: {}
    })
  })

  it("take no end for no limit, and words for windows", () => {
    const options = Either.getOrThrow(
      resolve({
        heartbeatInterval: Infinity,
        heartbeatTimeout: Infinity,
        controlConnectionTimeout: Infinity,
        schemaRefreshWindow: "immediate",
        topologyRefreshWindow: "disabled",
        statusRefreshWindow: "1 minute"
      })
    )
    assert.deepInclude(options, {
      heartbeatInterval: 0,
      heartbeatTimeout: 0,
      controlConnectionTimeout: 0,
      schemaRefreshWindow: 0,
      topologyRefreshWindow: undefined,
      statusRefreshWindow: 60_000
    })
  })

  it("refuse durations below zero, and tell a window what it may be", () => {
    const durations = [
      "connectTimeout",
      "connectBackoff",
      "shutdownTimeout",
      "heartbeatInterval",
      "heartbeatTimeout",
      "controlConnectionTimeout",
      "maxSchemaAgreementWait",
      "slowQueryThreshold",
      "timeout",
      "deadline"
    ]
    const windows = ["schemaRefreshWindow", "topologyRefreshWindow", "statusRefreshWindow"]
    for (const below of [-1, -0.5, -Infinity, NaN, -1n, "-1 second", [-1, 0]]) {
      for (const name of [...durations, ...windows]) assert.include(refused({ [name]: below }), name)
      for (const name of windows) {
        assert.strictEqual(refused({ [name]: below }), `${name}: must be a duration, "immediate" or "disabled"`)
      }
      refused({ socket: { keepAliveDelay: below } })
      refused({ metrics: { interval: below } })
    }
  })

  it("name the version that is too old, v5 and Cassandra 4.0", () => {
    for (const text of ["v3", "v5", "Cassandra 4.0"]) assert.include(refused({ protocolVersion: 3 }), text)
    for (const text of ["v4", "v5", "Cassandra 4.0", "minimumProtocolVersion: 4"]) {
      assert.include(refused({ protocolVersion: 4 }), text)
    }
    assert.deepInclude(Either.getOrThrow(resolve({ protocolVersion: 4, minimumProtocolVersion: 4 })), {
      minimumProtocolVersion: 4,
      maximumProtocolVersion: 4
    })
    assert.deepInclude(Either.getOrThrow(resolve({ protocolVersion: 5, minimumProtocolVersion: 4 })), {
      minimumProtocolVersion: 5,
      maximumProtocolVersion: 5
    })
  })

  it("take a key that its passphrase opens", () => {
    const { certificate: cert } = pki.client
    const tls = { cert, key: Redacted.make(locked), passphrase: Redacted.make("open sesame") }
    assert.deepStrictEqual(Either.getOrThrow(resolve({ tls })).tls, tls)
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
