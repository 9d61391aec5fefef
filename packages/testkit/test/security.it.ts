import { assert, layer } from "@effect/vitest"
import { CassandraServer } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import { connect, run } from "./support/client.ts"
import { withTls } from "./support/withTls.ts"

const guarded = CassandraServer.layer({
  sources: ["embedded"],
  authentication: true,
  tls: { requireClientAuth: true },
  ...withTls
})

layer(guarded, { excludeTestServices: true })("a server with authentication and TLS", (it) => {
  const options = Effect.map(CassandraServer.CassandraServer, (server) => {
    const tls = Option.getOrThrow(server.tls)
    return {
      server,
      tls,
      ssl: { ca: [tls.ca], cert: tls.cert, key: Redacted.value(tls.key), rejectUnauthorized: true }
    }
  })

  it.scoped("lets in who has the password and a certificate", () =>
    Effect.gen(function* () {
      const { server, ssl } = yield* options
      const client = yield* connect(server, { sslOptions: ssl })
      const result = yield* run(client, "SELECT role FROM system_auth.roles")
      assert.strictEqual(result.first()["role"], "cassandra")
      yield* run(client, "CREATE ROLE someone WITH PASSWORD = 'secret' AND LOGIN = true")
    })
  )

  it.scoped("turns away a wrong password", () =>
    Effect.gen(function* () {
      const { server, ssl } = yield* options
      const error = yield* Effect.flip(
        connect(server, { sslOptions: ssl, credentials: { username: "cassandra", password: "wrong" } })
      )
      assert.include(JSON.stringify(error, Object.getOwnPropertyNames(error)), "AuthenticationError")
    })
  )

  it.scoped("turns away who does not speak TLS", () =>
    Effect.gen(function* () {
      const { server } = yield* options
      yield* Effect.flip(connect(server, { socketOptions: { connectTimeout: 2000 } }))
    })
  )

  it.scoped("turns away who shows no certificate", () =>
    Effect.gen(function* () {
      const { server, tls } = yield* options
      yield* Effect.flip(connect(server, { sslOptions: { ca: [tls.ca], rejectUnauthorized: true } }))
    })
  )

  it.scoped("is not believed by who trusts another authority", () =>
    Effect.gen(function* () {
      const { server, ssl } = yield* options
      const { ca: _, ...rest } = ssl
      yield* Effect.flip(connect(server, { sslOptions: rest }))
    })
  )

  it.effect("leaves its certificates in files as well", () =>
    Effect.gen(function* () {
      const { tls } = yield* options
      assert.strictEqual(Fs.readFileSync(tls.caFile, "utf8"), tls.ca)
      assert.strictEqual(Fs.readFileSync(tls.certFile, "utf8"), tls.cert)
      assert.strictEqual(Fs.readFileSync(tls.keyFile, "utf8"), Redacted.value(tls.key))
      assert.strictEqual(Fs.statSync(tls.keyFile).mode & 0o077, 0)
    })
  )
})
