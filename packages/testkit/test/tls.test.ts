import { assert, describe, it } from "@effect/vitest"
import * as Crypto from "node:crypto"
import * as Tls from "node:tls"
import { makeTls } from "../src/internal/tls.ts"

describe("certificates", () => {
  it("are signed by the authority and valid for the hosts", () => {
    const tls = makeTls(["127.0.0.1", "localhost", "127.77.1.3"])
    const authority = new Crypto.X509Certificate(tls.ca.certificate)
    const server = new Crypto.X509Certificate(tls.server.certificate)
    const client = new Crypto.X509Certificate(tls.client.certificate)
    assert.isTrue(authority.ca)
    assert.isFalse(server.ca)
    for (const certificate of [authority, server, client]) {
      assert.isTrue(certificate.verify(authority.publicKey))
      assert.isTrue(certificate.checkIssued(authority))
      assert.isBelow(Date.parse(certificate.validFrom), Date.now())
      assert.isAbove(Date.parse(certificate.validTo), Date.now() + 29 * 24 * 3600 * 1000)
    }
    assert.isTrue(server.checkPrivateKey(Crypto.createPrivateKey(tls.server.key)))
    assert.isTrue(client.checkPrivateKey(Crypto.createPrivateKey(tls.client.key)))
    assert.strictEqual(server.checkIP("127.77.1.3"), "127.77.1.3")
    assert.strictEqual(server.checkHost("localhost"), "localhost")
    assert.isUndefined(server.checkHost("example.org"))
  })

  it("are new every time", () => {
    assert.notStrictEqual(makeTls(["localhost"]).ca.certificate, makeTls(["localhost"]).ca.certificate)
  })

  it("serve a TLS connection with both sides checked", async () => {
    const tls = makeTls(["127.0.0.1"])
    const server = Tls.createServer({
      key: tls.server.key,
      cert: tls.server.certificate,
      ca: tls.ca.certificate,
      requestCert: true,
      rejectUnauthorized: true
    })
    server.on("secureConnection", (socket) => socket.end(String(socket.getPeerCertificate().subject.CN)))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const text = await new Promise<string>((resolve, reject) => {
      const socket = Tls.connect({
        host: "127.0.0.1",
        port,
        ca: tls.ca.certificate,
        cert: tls.client.certificate,
        key: tls.client.key
      })
      let received = ""
      socket.on("data", (chunk) => (received += String(chunk)))
      socket.on("end", () => resolve(received))
      socket.on("error", reject)
    })
    server.close()
    assert.strictEqual(text, "client")
  })
})
