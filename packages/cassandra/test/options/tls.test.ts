import { assert, describe, it, vi } from "@effect/vitest"
import { Cluster, type CassandraError } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Net from "node:net"
import * as Tls from "node:tls"
import { makeTls, type TlsMaterial } from "../../../testkit/src/internal/tls.ts"
import { server, until } from "./support.ts"

/** A scripted server behind TLS, which listens at a name of this machine; it knows which names it was asked for. */
const secured = (pki: TlsMaterial, options: Tls.TlsOptions = {}) =>
  Effect.gen(function* () {
    const to = yield* server()
    const names: Array<string | undefined> = []
    const listener = yield* Effect.acquireRelease(
      Effect.async<Tls.Server>((resume) => {
        const made = Tls.createServer({ key: pki.server.key, cert: pki.server.certificate, ...options }, (socket) => {
          names.push(socket.servername === false ? undefined : (socket.servername as unknown as string | undefined))
          const inner = Net.connect(to.port, "127.0.0.1")
          socket.pipe(inner).pipe(socket)
          socket.on("error", () => inner.destroy())
          inner.on("error", () => socket.destroy())
        })
        made.on("tlsClientError", () => undefined)
        made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
      }),
      (made) => Effect.sync(() => made.close())
    )
    const { port } = listener.address() as Net.AddressInfo
    return { names, port, to }
  })

const cluster = (port: number, tls: Cluster.TlsOptions, contactPoint = "127.0.0.1") =>
  Cluster.make({ contactPoints: [contactPoint], port, localDataCenter: "dc1", connectAttempts: 1, tls })

const refusal = (port: number, tls: Cluster.TlsOptions, contactPoint?: string) =>
  Effect.flip(Effect.scoped(cluster(port, tls, contactPoint)))

const option = (error: CassandraError.CassandraError) =>
  error._tag === "ConfigurationError" ? error.option : error._tag

describe("TLS", () => {
  const pki = makeTls(["127.0.0.1"])
  const named = makeTls(["localhost"])

  it.scopedLive("verifies the address of a node that was given by its address", () =>
    Effect.gen(function* () {
      const { port } = yield* secured(pki)
      yield* cluster(port, { ca: pki.ca.certificate })
      const other = yield* secured(named)
      assert.strictEqual(option(yield* refusal(other.port, { ca: named.ca.certificate })), "tls.serverName")
    })
  )

  it.scopedLive("verifies the host name of a node that was given by its name, and asks for it by SNI", () =>
    Effect.gen(function* () {
      const { names, port } = yield* secured(named)
      yield* cluster(port, { ca: named.ca.certificate }, "localhost")
      yield* cluster(port, { ca: named.ca.certificate }, `localhost:${port}`)
      assert.deepStrictEqual([...new Set(names)], ["localhost"])
      const other = yield* secured(pki)
      const error = yield* refusal(other.port, { ca: pki.ca.certificate }, "localhost")
      assert.strictEqual(option(error), "tls.serverName")
      for (const text of ["localhost", "`tls.serverName`", "127.0.0.1"]) assert.include(error.message, text)
    })
  )

  it.scopedLive("verifies the name that it was told, or none when told so, but the authority even then", () =>
    Effect.gen(function* () {
      const { names, port } = yield* secured(named)
      yield* cluster(port, { ca: named.ca.certificate, serverName: "localhost" })
      assert.deepStrictEqual([...new Set(names)], ["localhost"])
      yield* cluster(port, { ca: named.ca.certificate, acceptAnyServerName: true })
      assert.strictEqual(option(yield* refusal(port, { acceptAnyServerName: true })), "tls.ca")
      yield* cluster(port, { acceptAnyCertificate: true })
    })
  )

  it.scopedLive("of an unknown authority says which option to set", () =>
    Effect.gen(function* () {
      const { port, to } = yield* secured(pki)
      for (const tls of [{}, { ca: named.ca.certificate }]) {
        const error = yield* refusal(port, tls)
        assert.strictEqual(option(error), "tls.ca")
        assert.include(error.message, "`tls.ca`")
        assert.isFalse(error.isRetryable)
      }
      yield* cluster(port, { ca: [pki.ca.certificate, named.ca.certificate] })
      yield* until(() => to.connections.length > 0)
    })
  )

  it.scopedLive("with a certificate that has expired says so", () =>
    Effect.gen(function* () {
      const clock = vi.spyOn(Date, "now").mockReturnValue(Date.UTC(2020, 1, 1))
      const old = makeTls(["127.0.0.1"])
      clock.mockRestore()
      const { port } = yield* secured(old)
      const error = yield* refusal(port, { ca: old.ca.certificate })
      assert.strictEqual(error._tag, "ConnectionError")
      assert.include(error.message, "expired")
    })
  )

  const mutual = { requestCert: true, rejectUnauthorized: true, ca: pki.ca.certificate }

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    it.scopedLive(`without the certificate that the server wants says which option to set (${version})`, () =>
      Effect.gen(function* () {
        const { port } = yield* secured(pki, { ...mutual, maxVersion: version, minVersion: version })
        const error = yield* refusal(port, { ca: pki.ca.certificate })
        assert.strictEqual(option(error), "tls.cert", error.message)
        const { certificate: cert, key } = pki.client
        yield* cluster(port, { ca: pki.ca.certificate, cert, key: Redacted.make(key) })
      })
    )
  }

  it.scopedLive("to what does not speak it says so", () =>
    Effect.gen(function* () {
      const plain = yield* Effect.acquireRelease(
        Effect.async<Net.Server>((resume) => {
          const made = Net.createServer((socket) => {
            socket.on("error", () => undefined)
            socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")
          })
          made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.sync(() => made.close())
      )
      const error = yield* refusal((plain.address() as Net.AddressInfo).port, {})
      assert.strictEqual(option(error), "tls")
    })
  )
})
