/** DataStax Astra's way in: a secure connect bundle, a metadata service, and a proxy that is told by SNI which node is meant. */
import { assert, layer } from "@effect/vitest"
import { cql, Session } from "effect-cassandra"
import { DriverCluster } from "effect-cassandra/driver"
import { CassandraServer } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import * as Https from "node:https"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Tls from "node:tls"
import { makeTls } from "../../../testkit/src/internal/tls.ts"

const crc32 = (bytes: Buffer): number => {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}

const words = (...fields: ReadonlyArray<readonly [size: 2 | 4, value: number]>): Buffer =>
  Buffer.concat(
    fields.map(([size, value]) => {
      const bytes = Buffer.alloc(size)
      bytes.writeUIntLE(value, 0, size)
      return bytes
    })
  )

/** A ZIP file whose entries are stored as they are. */
const zip = (entries: Readonly<Record<string, string>>): Buffer => {
  const files: Array<Buffer> = []
  const directory: Array<Buffer> = []
  let offset = 0
  for (const [name, text] of Object.entries(entries)) {
    const data = Buffer.from(text)
    const path = Buffer.from(name)
    // Version, flags, method, time, date, and what the data is like.
    const common = words(
      [2, 20],
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0x21],
      [4, crc32(data)],
      [4, data.length],
      [4, data.length],
      [2, path.length],
      [2, 0]
    )
    const file = Buffer.concat([words([4, 0x04034b50]), common, path, data])
    directory.push(words([4, 0x02014b50], [2, 20]), common, words([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), path)
    files.push(file)
    offset += file.length
  }
  const count = Object.keys(entries).length
  const index = Buffer.concat(directory)
  const end = words([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, index.length], [4, offset], [2, 0])
  return Buffer.concat([...files, index, end])
}

/** Listens on a port of its own until the scope closes. */
const listening = <A extends Net.Server>(make: () => A) =>
  Effect.acquireRelease(
    Effect.async<{ readonly server: A; readonly port: number }>((resume) => {
      const server = make()
      server.listen(0, "127.0.0.1", () => {
        resume(Effect.succeed({ server, port: (server.address() as Net.AddressInfo).port }))
      })
    }),
    ({ server }) => Effect.promise(() => new Promise<void>((done) => void server.close(() => done())))
  )

layer(TestServer.layer, { excludeTestServices: true, timeout: "1 minute" })("a secure connect bundle", (it) => {
  it.scoped("leads through a proxy, which is told by SNI which node is meant", () =>
    Effect.gen(function* () {
      const { contactPoints, localDataCenter, port } = yield* CassandraServer.CassandraServer
      const hostId = yield* Effect.scoped(
        Effect.gen(function* () {
          const cluster = yield* DriverCluster.make({
            contactPoints: [...contactPoints],
            localDataCenter,
            protocolOptions: { port }
          })
          return (yield* cluster.hosts)[0]!.hostId
        })
      )
      const { ca, client, server } = makeTls(["127.0.0.1"])
      const tls = { ca: ca.certificate, cert: server.certificate, key: server.key, requestCert: true }
      const named: Array<string> = []
      const proxy = yield* listening(() =>
        Tls.createServer(tls, (socket) => {
          named.push(String(socket.servername))
          const node = Net.connect(port, contactPoints[0])
          socket.on("error", () => node.destroy())
          node.on("error", () => socket.destroy())
          socket.pipe(node).pipe(socket)
        })
      )
      const service = yield* listening(() =>
        Https.createServer(tls, (request, response) => {
          assert.strictEqual(request.url, "/metadata")
          response.end(
            JSON.stringify({
              version: 1,
              contact_info: {
                type: "sni_proxy",
                local_dc: localDataCenter,
                contact_points: [hostId],
                sni_proxy_address: `127.0.0.1:${proxy.port}`
              }
            })
          )
        })
      )
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "bundle-"))),
        (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
      )
      const bundle = join(folder, "secure-connect-shop.zip")
      yield* Effect.promise(() =>
        writeFile(
          bundle,
          zip({
            "config.json": JSON.stringify({ host: "127.0.0.1", port: service.port }),
            "ca.crt": ca.certificate,
            cert: client.certificate,
            key: client.key
          })
        )
      )
      const live = Session.layer().pipe(Layer.provide(DriverCluster.layer({ cloud: { secureConnectBundle: bundle } })))
      const row = yield* Effect.flatMap(Session.Session, (session) =>
        session.one(cql`SELECT data_center FROM system.local`)
      ).pipe(Effect.provide(live))
      assert.deepStrictEqual(row, Option.some({ data_center: localDataCenter }))
      assert.isNotEmpty(named)
      assert.deepStrictEqual([...new Set(named)], [hostId])
      const missing = DriverCluster.make({ cloud: { secureConnectBundle: join(folder, "none.zip") } })
      const error = yield* Effect.flip(Effect.scoped(missing))
      assert.strictEqual(error._tag, "ConnectionError")
    })
  )
})
