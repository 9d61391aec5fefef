import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { connect, server, until } from "./support.ts"

const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

describe("a cluster that is closed while its nodes are gone", () => {
  it.live("keeps no timer, and so does not keep the process alive", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = timers()
        const only = yield* server()
        const scope = yield* Scope.make()
        const cluster = yield* Scope.extend(connect(only, { reconnection: Schedule.spaced("1 hour") }), scope)
        yield* Effect.promise(() => only.close())
        // The control connection and the pool have failed to reconnect, and wait.
        const { controlConnection } = cluster.driver as unknown as { controlConnection: { host: unknown } }
        yield* until(() => controlConnection.host === null)
        yield* Effect.sleep("200 millis")
        yield* Scope.close(scope, Exit.void)
        yield* until(() => timers() <= before)
      })
    )
  )

  it.live("reconnects its control connection by the schedule while it is open", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const first = yield* server()
        const { port } = first
        const cluster = yield* connect(first, { reconnection: Schedule.spaced("50 millis") })
        const { controlConnection } = cluster.driver as unknown as { controlConnection: { connection: unknown } }
        yield* Effect.promise(() => first.close())
        yield* until(() => controlConnection.connection === null)
        yield* Effect.sleep("200 millis")
        yield* server({ port })
        yield* until(() => controlConnection.connection !== null)
      })
    )
  )
})
