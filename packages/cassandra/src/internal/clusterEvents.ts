/** The events of a cluster, from what the driver hears. */
import type driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { ClusterEvent, SchemaChanged } from "../ClusterEvent.ts"
import type { Breaker, BreakerState } from "./breaker.ts"
import { EventHub } from "./eventHub.ts"
import { hostOf } from "./host.ts"
import { listen, type SchemaEvent } from "./wire/client/index.ts"

const breakerEvents = {
  open: "HostBreakerOpened",
  "half-open": "HostBreakerHalfOpened",
  closed: "HostBreakerClosed"
} as const

const changes = { CREATED: "created", UPDATED: "updated", DROPPED: "dropped" } as const

const targetOf = (event: SchemaEvent): readonly [SchemaChanged["target"], string | undefined] | undefined => {
  if (event.isKeyspace) return ["keyspace", undefined]
  if (event.table) return ["table", event.table]
  if (event.udt) return ["type", event.udt]
  if (event.functionName !== undefined) return ["function", event.functionName]
  return event.aggregate === undefined ? undefined : ["aggregate", event.aggregate]
}

/** None for a kind of change that is not known. */
const schemaChanged = (event: SchemaEvent): SchemaChanged | undefined => {
  const target = targetOf(event)
  const change = changes[event.schemaChangeType]
  if (target === undefined || change === undefined) return undefined
  return {
    _tag: "SchemaChanged",
    change,
    target: target[0],
    keyspace: event.keyspace,
    name: Option.fromNullable(target[1]),
    argumentTypes: event.signature ?? []
  }
}

/** Publishes until the scope closes. Whoever subscribes later gets what happens later. */
export const make = (
  client: driver.Client,
  breaker: Breaker
): Effect.Effect<EventHub<ClusterEvent>, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const hub = new EventHub<ClusterEvent>((count) => ({ _tag: "Dropped", count }))
        /** Hosts that were added in this turn: the driver takes each one down at once, until it has connected to it. */
        const added = new Set<driver.Host>()
        breaker.listener = (state: BreakerState, address) => {
          const host = client.hosts.get(address)
          if (host !== undefined) hub.publish({ _tag: breakerEvents[state], host: hostOf(host) })
        }
        const stop = listen(client, {
          hostUp: (host) => {
            hub.publish({ _tag: "HostUp", host: hostOf(host) })
            // It has answered a handshake.
            breaker.answered(host.address)
          },
          hostDown: (host) => {
            if (!added.has(host)) hub.publish({ _tag: "HostDown", host: hostOf(host) })
          },
          hostAdded: (host) => {
            added.add(host)
            queueMicrotask(() => {
              added.delete(host)
              hub.publish({ _tag: "HostAdded", host: hostOf(host) })
            })
          },
          hostRemoved: (host) => {
            breaker.forget(host.address)
            hub.publish({ _tag: "HostRemoved", host: hostOf(host) })
          },
          schemaChanged: (event) => {
            const changed = schemaChanged(event)
            if (changed !== undefined) hub.publish(changed)
          },
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
