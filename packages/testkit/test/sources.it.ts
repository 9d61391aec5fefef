import { assert, layer } from "@effect/vitest"
import { CassandraServer } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"

layer(TestServer.layer, { excludeTestServices: true })("a cluster named by the environment", (it) => {
  it.scoped("is used as it is, and asked for what was not told", () =>
    Effect.gen(function* () {
      const running = yield* CassandraServer.CassandraServer
      const environment = new Map([
        ["CASSANDRA_CONTACT_POINTS", running.contactPoints.join(", ")],
        ["CASSANDRA_PORT", String(running.port)]
      ])
      const server = yield* CassandraServer.make({ onProgress: () => Effect.void }).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(environment))
      )
      assert.strictEqual(server.source, "environment")
      assert.strictEqual(server.version, running.version)
      assert.strictEqual(server.localDataCenter, running.localDataCenter)
      assert.deepStrictEqual(server.contactPoints, running.contactPoints)
    })
  )
})
