import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { EventEmitter } from "node:events"
import { control } from "../support/controlConnection.ts"
import { announce, connect, isolate, never, pair, server, timers, topologyChange, until } from "./support.ts"

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
        yield* until(() => control(cluster).host === null)
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
        const options = { reconnection: Schedule.spaced("20 millis"), topologyRefreshWindow: "immediate" } as const
        const cluster = yield* Scope.extend(connect(first, options), scope)
        const gone = cluster.driver.hosts.values().find(({ address }) => address.startsWith("127.0.0.2:"))!
        const door = isolate(second)
        yield* until(() => !gone.isUp())
        peers.length = 0
        announce(first, topologyChange("REMOVED_NODE", "127.0.0.2"))
        yield* until(() => cluster.driver.hosts.length === 1)
        // What an announcement that it is up does, when it is dealt with only now.
        ;(gone as unknown as { checkIsUp(): void }).checkIsUp()
        yield* Effect.sleep("100 millis")
        const attempts = door.attempts.length
        yield* Effect.sleep("200 millis")
        assert.strictEqual(door.attempts.length, attempts)
        yield* Scope.close(scope, Exit.void)
        door.end()
        yield* until(() => timers() <= before)
      })
    )
  )

  it.live("opens no pool that the driver had not closed, or makes afterwards", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const [first] = yield* pair()
        const scope = yield* Scope.make()
        const cluster = yield* Scope.extend(connect(first, { reconnection: Schedule.spaced("20 millis") }), scope)
        const { pool } = cluster.driver.hosts.values()[1] as unknown as {
          readonly pool: EventEmitter & { scheduleNewConnectionAttempt(delay: number): void }
        }
        yield* Scope.close(scope, Exit.void)
        let attempts = 0
        pool.on("open", () => attempts++)
        Object.assign(pool, { _state: 0 })
        pool.scheduleNewConnectionAttempt(0)
        yield* Effect.sleep("200 millis")
        assert.strictEqual(attempts, 0)
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
        yield* until(() => control(cluster).connection === null)
        yield* Effect.sleep("200 millis")
        yield* server({ port })
        yield* until(() => control(cluster).connection !== null)
      })
    )
  )
})
