/** A connected cluster: an engine for each keyspace that sessions ask for, shared by all who ask for the same one. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type driver from "cassandra-driver"
import type { CassandraError } from "../CassandraError.ts"
import { type Cluster, type ClusterState, TypeId } from "../Cluster.ts"
import { checkRequestOptions } from "./clusterOptions/requestOptions.ts"
import type { Resolved } from "./clusterOptions/resolve.ts"
import type { Host } from "../Host.ts"
import type { Session, SessionOptions } from "../Session.ts"
import { closedError } from "./attempt.ts"
import { isRefused } from "./connectError.ts"
import { connect, type Engine } from "./driver.ts"
import { defaultTimeout, toMillis } from "./requestOptions.ts"
import { openSession } from "./session.ts"

/** What a session needs of its cluster. */
export interface ClusterInternals {
  readonly options: Resolved
  /** The engine for a keyspace, kept until the scope closes. */
  readonly engine: (keyspace: string | undefined) => Effect.Effect<Engine, CassandraError, Scope.Scope>
}

export const make = (options: Resolved): Effect.Effect<Cluster, CassandraError, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const sessions = new Set<Session>()
    let closed = false
    // Closing twice waits for the first: whoever closes knows that everything is closed.
    const close = yield* Effect.cached(
      Effect.suspend(() => {
        closed = true
        return Effect.forEach([...sessions], (session) => session.close, { concurrency: "unbounded", discard: true })
      }).pipe(Effect.zipRight(Scope.close(scope, Exit.void)), Effect.uninterruptible)
    )
    yield* Effect.addFinalizer(() => close)

    const engines = yield* RcMap.make({
      lookup: (keyspace: string) => connectRefused(options, keyspace === "" ? undefined : keyspace)
    }).pipe(Scope.extend(scope))
    const acquire = (keyspace: string | undefined) =>
      closed ? Effect.fail(closedError("NotApplied")) : RcMap.get(engines, keyspace ?? "")
    const base = yield* Scope.extend(acquire(undefined), scope)
    const internals: ClusterInternals = {
      options,
      engine: (keyspace) => acquire(base.transport.keyspacePerRequest ? undefined : keyspace)
    }
    const { client } = base

    const openEngines = Effect.gen(function* () {
      if (closed) return []
      const keyspaces = yield* RcMap.keys(engines)
      return yield* Effect.scoped(Effect.forEach(keyspaces, (keyspace) => RcMap.get(engines, keyspace)))
    }).pipe(Effect.orElseSucceed((): Array<Engine> => []))

    return {
      [TypeId]: TypeId,
      driver: client,
      connect: (sessionOptions: SessionOptions = {}) =>
        Effect.gen(function* () {
          yield* Effect.try({
            try: () => checkRequestOptions(sessionOptions, "session"),
            catch: (error) => error as CassandraError
          })
          return yield* Effect.uninterruptibleMask((restore) =>
            Effect.tap(restore(openSession(internals, sessionOptions)), (session) => {
              sessions.add(session)
              return Effect.addFinalizer(() =>
                Effect.ensuring(
                  session.close,
                  Effect.sync(() => sessions.delete(session))
                )
              )
            })
          )
        }),
      hosts: Effect.sync(() => client.hosts.values().map(hostOf)),
      state: Effect.map(openEngines, (open) => stateOf(base, open)),
      close,
      isClosed: Effect.sync(() => closed)
    }
  })

const connectRefused = (options: Resolved, keyspace: string | undefined) =>
  connect(options, keyspace, timeoutOf(options)).pipe(
    Effect.retry({
      schedule: Schedule.exponential(options.connectBackoff),
      times: options.connectAttempts - 1,
      while: isRefused
    })
  )

const timeoutOf = ({ timeout }: Resolved): number => (timeout === undefined ? defaultTimeout : toMillis(timeout))

const hostOf = (host: driver.Host): Host => ({
  address: host.address,
  dataCenter: host.datacenter,
  rack: host.rack,
  version: host.cassandraVersion,
  hostId: String(host.hostId),
  status: host.isUp() ? "UP" : "DOWN"
})

const stateOf = (base: Engine, engines: ReadonlyArray<Engine>): ClusterState => {
  const hosts = new Map<string, { connections: number; inFlight: number; orphans: number }>()
  for (const { client, transport } of engines) {
    const state = client.getState()
    for (const host of client.hosts.values()) {
      const known = hosts.get(host.address) ?? { connections: 0, inFlight: 0, orphans: 0 }
      hosts.set(host.address, {
        connections: known.connections + state.getOpenConnections(host),
        inFlight: known.inFlight + state.getInFlightQueries(host),
        orphans: known.orphans + transport.orphans(host)
      })
    }
  }
  return {
    protocolVersion: base.transport.protocolVersion(),
    inFlight: engines.reduce((sum, engine) => sum + engine.gate.inFlight, 0),
    queued: engines.reduce((sum, engine) => sum + engine.gate.queued, 0),
    hosts
  }
}
