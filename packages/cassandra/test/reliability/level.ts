/** What a client has of connections and sockets. */
import type { Cluster } from "effect-cassandra"
import * as Effect from "effect/Effect"
import { viewOf } from "../../src/internal/cluster/clusterView.ts"
import { hears } from "../support/controlConnection.ts"

/** Waits until something is so, for a time. */
export const eventually = (seconds: number, check: Effect.Effect<boolean>): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const until = performance.now() + seconds * 1000
    const again: Effect.Effect<boolean> = Effect.flatMap(check, (so) =>
      so || performance.now() > until ? Effect.succeed(so) : Effect.zipRight(Effect.sleep("100 millis"), again)
    )
    return again
  })

const sockets = () => process.getActiveResourcesInfo().filter((name) => name.startsWith("TCPSocket")).length

export interface Level {
  readonly connections: number
  readonly hosts: number
  readonly sockets: number
}

export const levelOf = (client: Cluster.Cluster): Effect.Effect<Level> =>
  Effect.map(client.state, ({ hosts }) => ({
    connections: [...hosts.values()].reduce((sum, host) => sum + host.connections, 0),
    hosts: hosts.size,
    sockets: sockets()
  }))

/** Has the client all that it had, and uses it? */
export const isWhole = (client: Cluster.Cluster): Effect.Effect<boolean> =>
  Effect.map(
    levelOf(client),
    ({ connections, hosts }) =>
      connections === hosts && hears(client) && viewOf(client).nodes.every((node) => node.isUp())
  )
