/** `cluster.driver` of the native engine: a client of cassandra-driver with the options of the cluster. */
import { assert, layer } from "@effect/vitest"
import { Cluster, cql } from "effect-cassandra"
import { CassandraServer } from "effect-cassandra-testkit"
import * as TestServer from "effect-cassandra-testkit/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { optionsFor } from "../support/client.ts"

layer(TestServer.layer, { excludeTestServices: true })("cluster.driver", (it) => {
  it.scoped("is a client of the driver for the same servers, shut down with its scope; the cluster goes on", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make(optionsFor(yield* CassandraServer.CassandraServer))
      const session = yield* cluster.connect()
      const scope = yield* Scope.make()
      const client = yield* Scope.extend(cluster.driver, scope)
      const { rows } = yield* Effect.promise(() => client.execute("SELECT release_version FROM system.local"))
      assert.strictEqual(rows[0]?.["release_version"], (yield* cluster.hosts)[0]?.version)
      yield* Scope.close(scope, Exit.void)
      const again = yield* Effect.exit(Effect.tryPromise(() => client.execute("SELECT key FROM system.local")))
      assert.isTrue(Exit.isFailure(again))
      assert.strictEqual((yield* session.rows(cql`SELECT key FROM system.local`)).length, 1)
    })
  )
})
