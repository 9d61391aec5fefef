import { assert, layer } from "@effect/vitest"
import { Cluster, cql } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { optionsFor } from "./support/client.ts"
import { withTls } from "./support/release.ts"

const guarded = CassandraServer.layer({ sources: ["embedded"], tls: { requireClientAuth: true }, ...withTls })

/** Connects with options for TLS that begin with the right ones. */
const connect = (change: (right: Cluster.TlsOptions) => Cluster.TlsOptions | boolean) =>
  Effect.gen(function* () {
    const server = yield* CassandraServer.CassandraServer
    const { ca, cert, key } = Option.getOrThrow(server.tls)
    return yield* Cluster.make({ ...optionsFor(server), connectAttempts: 1, tls: change({ ca, cert, key }) })
  })

const clusterName = (cluster: Cluster.Cluster) =>
  Effect.flatMap(cluster.connect(), (session) => session.one(cql`SELECT cluster_name FROM system.local`))

layer(guarded, { excludeTestServices: true, timeout: "3 minutes" })("TLS", (it) => {
  it.scoped("with the authority and a certificate of one's own connects, at protocol v5", () =>
    Effect.gen(function* () {
      const cluster = yield* connect((right) => right)
      assert.isTrue(Option.isSome(yield* clusterName(cluster)))
      assert.strictEqual((yield* cluster.state).protocolVersion, 5)
    })
  )

  const refused: ReadonlyArray<
    readonly [why: string, option: string, change: (right: Cluster.TlsOptions) => Cluster.TlsOptions | boolean]
  > = [
    ["an authority that is not trusted", "tls.ca", ({ cert, key }) => ({ cert, key })],
    ["the defaults, to which the authority is not known", "tls.ca", () => true],
    ["no certificate, where the server asks for one", "tls.cert", ({ ca }) => ({ ca })],
    ["another name than that of the certificate", "tls.serverName", (right) => ({ ...right, serverName: "b.example" })]
  ]
  for (const [why, option, change] of refused) {
    it.scoped(`with ${why} is a ConfigurationError that names the option`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(connect(change))
        assert.strictEqual(error._tag === "ConfigurationError" && error.option, option, error.message)
      })
    )
  }

  it.scoped("verifies the server unless told not to, the name and the authority each by an option of its own", () =>
    Effect.gen(function* () {
      const name = yield* connect((right) => ({ ...right, serverName: "other.example", acceptAnyServerName: true }))
      assert.isTrue(Option.isSome(yield* clusterName(name)))
      const any = yield* connect(({ cert, key }) => ({ cert, key, acceptAnyCertificate: true }))
      assert.isTrue(Option.isSome(yield* clusterName(any)))
    })
  )

  it.scoped("verifies the name that is asked for", () =>
    Effect.gen(function* () {
      const cluster = yield* connect((right) => ({ ...right, serverName: "localhost" }))
      assert.isTrue(Option.isSome(yield* clusterName(cluster)))
    })
  )
})
