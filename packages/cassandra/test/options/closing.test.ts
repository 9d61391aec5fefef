import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"
import { hears } from "../support/controlConnection.ts"
import {
  announce,
  connect,
  isolate,
  never,
  pair,
  server,
  statusChange,
  timers,
  topologyChange,
  until
} from "./support.ts"

describe("a cluster that is closed while its nodes are gone", () => {
  it.live("keeps no timer, and so does not keep the process alive", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = timers()
        const only = yield* server()
        const scope = yield* Scope.make()
        const cluster = yield* Scope.extend(connect(only, { reconnection: never }), scope)
        yield* Effect.promise(() => only.close())
        // The control connection and the pool have failed to reconnect, and wait.
        yield* until(() => !hears(cluster))
        yield* Effect.sleep("200 millis")
        yield* Scope.close(scope, Exit.void)
        yield* until(() => timers() <= before)
      })
    )
  )

  it.live("leaves a node alone that has left, whatever is heard of it later", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = timers()
        const peers = [{ address: "127.0.0.2", releaseVersion: "5.0.9" }]
        const first = yield* server({ peers })
        const second = yield* server({ host: "127.0.0.2", port: first.port })
        const scope = yield* Scope.make()
        const options = {
          reconnection: Schedule.spaced("20 millis"),
          statusRefreshWindow: "200 millis",
          topologyRefreshWindow: "immediate"
        } as const
        const cluster = yield* Scope.extend(connect(first, options), scope)
        const gone = viewOf(cluster).node(`127.0.0.2:${first.port}`)!
        const door = isolate(second)
        yield* until(() => !gone.isUp())
        // Dealt with only when the node has left already.
        announce(first, statusChange("UP", "127.0.0.2"))
        peers.length = 0
        announce(first, topologyChange("REMOVED_NODE", "127.0.0.2"))
        yield* until(() => viewOf(cluster).nodes.length === 1)
        yield* Effect.sleep("100 millis")
        const attempts = door.attempts.length
        yield* Effect.sleep("300 millis")
        assert.strictEqual(door.attempts.length, attempts)
        yield* Scope.close(scope, Exit.void)
        door.end()
        yield* until(() => timers() <= before)
      })
    )
  )

  it.live("opens no connection afterwards, whatever is asked of it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const [first, second] = yield* pair()
        const scope = yield* Scope.make()
        const cluster = yield* Scope.extend(connect(first, { reconnection: Schedule.spaced("20 millis") }), scope)
        const view = viewOf(cluster)
        yield* until(() => second.open.length === 1)
        yield* Scope.close(scope, Exit.void)
        const before = first.connections.length + second.connections.length
        yield* Effect.promise(async () => {
          await view.adjustPools()
          await view.openAllPools()
          await view.refreshNodes().catch(() => {})
        })
        yield* Effect.sleep("100 millis")
        assert.strictEqual(first.connections.length + second.connections.length, before)
      })
    )
  )

  it.live("reconnects its control connection by the schedule while it is open", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const first = yield* server()
        const { port } = first
        const cluster = yield* connect(first, { reconnection: Schedule.spaced("50 millis") })
        yield* Effect.promise(() => first.close())
        yield* until(() => !hears(cluster))
        yield* Effect.sleep("200 millis")
        yield* server({ port })
        yield* until(() => hears(cluster))
      })
    )
  )
})
