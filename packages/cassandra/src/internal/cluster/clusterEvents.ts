/** The events of a cluster, from what an engine hears. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { ClusterEvent, SchemaChanged } from "../../ClusterEvent.ts"
import type { ClusterView } from "../request/index.ts"
import { EventHub } from "./eventHub.ts"
import type { SchemaChange } from "../protocol/index.ts"
import type { Breaker, BreakerState } from "../routing/index.ts"
import { hostOf } from "../topology/index.ts"

const breakerEvents = {
  open: "HostBreakerOpened",
  "half-open": "HostBreakerHalfOpened",
  closed: "HostBreakerClosed"
} as const

const changes = { CREATED: "created", UPDATED: "updated", DROPPED: "dropped" } as const

const targets = {
  KEYSPACE: "keyspace",
  TABLE: "table",
  TYPE: "type",
  FUNCTION: "function",
  AGGREGATE: "aggregate"
} as const

const schemaChanged = ({ argumentTypes, change, keyspace, name, target }: SchemaChange): SchemaChanged => ({
  _tag: "SchemaChanged",
  change: changes[change],
  target: targets[target],
  keyspace,
  name: Option.fromNullable(name),
  argumentTypes
})

/** Publishes until the scope closes. Whoever subscribes later gets what happens later. */
export const make = (view: ClusterView, breaker: Breaker): Effect.Effect<EventHub<ClusterEvent>, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const hub = new EventHub<ClusterEvent>((count) => ({ _tag: "Dropped", count }))
        breaker.listener = (state: BreakerState, address) => {
          const host = view.node(address)
          if (host !== undefined) hub.publish({ _tag: breakerEvents[state], host: hostOf(host) })
        }
        const stop = view.listen({
          nodeUp: (node) => {
            hub.publish({ _tag: "HostUp", host: hostOf(node) })
            // It has answered a handshake.
            breaker.answered(node.address)
          },
          nodeDown: (node) => hub.publish({ _tag: "HostDown", host: hostOf(node) }),
          nodeAdded: (node) => hub.publish({ _tag: "HostAdded", host: hostOf(node) }),
          nodeRemoved: (node) => {
            breaker.forget(node.address)
            hub.publish({ _tag: "HostRemoved", host: hostOf(node) })
          },
          schemaChanged: (change) => hub.publish(schemaChanged(change)),
          reconnected: () => hub.publish({ _tag: "Reconnected" })
        })
        return { hub, stop }
      }),
      ({ hub, stop }) =>
        Effect.sync(() => {
          stop()
          hub.close()
        })
    ),
    ({ hub }) => hub
  )
