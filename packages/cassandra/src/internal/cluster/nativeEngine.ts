/** The engine of our own: one topology with its pools, and what sends requests by them. */
import * as BigDecimal from "effect/BigDecimal"
import * as Effect from "effect/Effect"
import type { CassandraError } from "../../CassandraError.ts"
import type { LoadBalancing } from "../../LoadBalancing.ts"
import { openClient } from "../../driver/openClient.ts"
import {
  type Engine,
  type EngineFactory,
  failureOf,
  fromEngineError,
  Gate,
  NativeClient,
  NativeTransport
} from "../request/index.ts"
import type { Resolved } from "../options/index.ts"
import { connectError } from "./connectError.ts"
import { compressionCodec } from "./compression.ts"
import { connectionSettings } from "./connectionSettings.ts"
import { decimals } from "../protocol/index.ts"
import { delays } from "./reconnection.ts"
import { RoutingPolicy } from "../routing/index.ts"
import { NoNodeError, Topology } from "../topology/index.ts"
import { translatorOf } from "./addressTranslation.ts"

decimals.make = BigDecimal.make

/** How many more requests there may be on a connection that were given up and not answered yet. */
const ROOM_FOR_ORPHANS = 512

const connect: EngineFactory<Engine>["open"] = (options, context, keyspace, timeout) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { breaker, runner, policies } = context
      const codec = yield* compressionCodec(options)
      const settings = connectionSettings(options, runner, ROOM_FOR_ORPHANS, codec)
      const routing = new RoutingPolicy(policies, options.localDataCenter, breaker)
      const topology = new Topology({
        settings,
        policy: routing,
        contactPoints: options.contactPoints,
        port: options.port,
        keyspace,
        connectionsPerHost: options.connectionsPerHost,
        maxRequestsPerConnection: options.maxRequestsPerConnection + ROOM_FOR_ORPHANS,
        requestTimeout: timeout,
        controlTimeout: options.controlConnectionTimeout,
        reconnectionDelays: () => delays(options.reconnection, runner.warn),
        translate: translatorOf(options.addressTranslator, runner, options.connectTimeout),
        schemaRefreshWindow: options.schemaRefreshWindow,
        topologyRefreshWindow: options.topologyRefreshWindow,
        statusRefreshWindow: options.statusRefreshWindow,
        tokenMetadata: options.tokenMetadata,
        schemaMetadata: options.schemaMetadata,
        maxSchemaAgreementWait: options.maxSchemaAgreementWait,
        reprepareOnUp: options.reprepareOnUp,
        maxPreparedStatements: options.maxPreparedStatements
      })
      yield* restore(open(topology, options, timeout))
      yield* Effect.addFinalizer(() => Effect.promise(() => topology.close()))
      const client = new NativeClient(
        topology,
        routing,
        breaker,
        settings.counters,
        topology.version === 5 ? undefined : keyspace,
        options.prepareOnAllHosts
      )
      const local = topology.nodes.filter((node) => routing.distance(node) === "local").length
      const gate = new Gate(
        options.maxConcurrentRequests ??
          Math.max(1, local) * options.connectionsPerHost.local * options.maxRequestsPerConnection,
        options.maxQueuedRequests
      )
      return { view: topology, keyspace, gate, transport: new NativeTransport(client), checkPolicy: check(routing) }
    })
  )

const open = (topology: Topology, options: Resolved, timeout: number): Effect.Effect<void, CassandraError> =>
  Effect.async((resume) => {
    const connected = topology.connect()
    connected.then(
      () => resume(Effect.void),
      (error: unknown) => {
        const failure = failureOf(error, { timeout, batch: false, sent: false })
        const unresolved = error instanceof NoNodeError ? error.unresolved : []
        resume(Effect.mapError(failure, (failed) => connectError(failed, options, unresolved)))
      }
    )
    return Effect.promise(async () => {
      topology.abort()
      await connected.catch(() => undefined)
    })
  })

const check =
  (routing: RoutingPolicy) =>
  (policy: LoadBalancing): void => {
    try {
      routing.check(policy)
    } catch (error) {
      throw fromEngineError(error, { timeout: 0, batch: false, sent: false })
    }
  }

/** Engines with connections of their own. */
export const native: EngineFactory<Engine> = {
  open: connect,
  driver: (options, { runner }, { view }) =>
    openClient(
      options,
      connectionSettings(options, runner, 0, undefined),
      options.localDataCenter ?? view.nodes[0]?.dataCenter
    )
}
