/**
 * The engine: one client of the driver, its pools and what is remembered about it. This is the one place that runs queries
 * with the driver; everything above speaks of attempts, and everything below is the driver's.
 */
import driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type CassandraError, ConfigurationError } from "../CassandraError.ts"
import type { Resolved } from "./clusterOptions/resolve.ts"
import { Gate } from "./admission.ts"
import { connectError } from "./connectError.ts"
import { failureOf } from "./driverErrors.ts"
import { clientOptions, type Hooks } from "./driverOptions.ts"
import type { RoutingPolicy } from "./loadBalancing.ts"
import { stockTransport } from "./stockTransport.ts"
import type { Transport } from "./transport.ts"
import { abortable, amend, loadBalancingOf, shutdown, unresolved } from "./wire/client/index.ts"
import * as wire from "./wire/index.ts"
import { wireTransport } from "./wireTransport.ts"

export interface Engine {
  readonly client: driver.Client
  /** The keyspace of its connections; none where the keyspace travels with the request. */
  readonly keyspace: string | undefined
  readonly gate: Gate
  readonly transport: Transport
  readonly routing: RoutingPolicy
}

/**
 * Connects a client, once. Closing the scope closes it; interrupting closes what was opened so far.
 */
export const connect = (
  options: Resolved,
  hooks: Hooks,
  keyspace: string | undefined,
  timeout: number
): Effect.Effect<Engine, CassandraError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const usesWire = yield* wireUsable(options)
      const [client, abort] = yield* restore(open(options, hooks, keyspace, timeout, usesWire))
      yield* Effect.addFinalizer(() => Effect.promise(() => shutdown(client, abort)))
      return makeEngine(client, options, hooks, keyspace, usesWire)
    })
  )

let warned = false

/** Whether the wire can be used. Where it cannot, the stock driver serves as long as protocol v4 is allowed. */
const wireUsable = (options: Resolved): Effect.Effect<boolean, ConfigurationError> => {
  const status = wire.wireStatus()
  if (status._tag === "Available") return Effect.succeed(true)
  if (options.minimumProtocolVersion > 4) {
    const message = `Protocol v5 cannot be spoken: ${status.reason}. With minimumProtocolVersion: 4 the driver is used as it is.`
    return Effect.fail(new ConfigurationError({ option: "minimumProtocolVersion", message }))
  }
  if (warned) return Effect.succeed(false)
  warned = true
  return Effect.as(
    Effect.logWarning(`effect-cassandra works without its wire, at protocol v4: ${status.reason}`),
    false
  )
}

const open = (
  options: Resolved,
  hooks: Hooks,
  keyspace: string | undefined,
  timeout: number,
  usesWire: boolean
): Effect.Effect<readonly [driver.Client, abort: () => void], CassandraError> =>
  Effect.async((resume) => {
    let client: driver.Client
    let abort: () => void
    try {
      client = new driver.Client(clientOptions(options, hooks, keyspace, timeout))
      amend(client, options)
      if (usesWire) {
        const wireClient = wire.clientInside(client)
        wire.attach(wireClient, {
          plan: plannerOf(client),
          breaker: hooks.breaker,
          compression: options.compression,
          minimumProtocolVersion: options.minimumProtocolVersion,
          maximumProtocolVersion: options.maximumProtocolVersion,
          cqlVersion: options.cqlVersion,
          controlTimeout: options.controlConnectionTimeout,
          heartbeatTimeout: options.heartbeatTimeout
        })
        abort = () => wire.abort(wireClient)
      } else {
        abort = abortable(client)
      }
    } catch (error) {
      const option = wire.isWireError(error) ? "compression" : "advanced"
      const message = error instanceof Error ? error.message : "The driver refused its options"
      return resume(Effect.fail(new ConfigurationError({ option, message, cause: error })))
    }
    const connected = client.connect()
    connected.then(
      () => resume(Effect.succeed([client, abort] as const)),
      (error: unknown) => {
        abort()
        const failure = failureOf(error, { timeout, batch: false, sent: false })
        resume(Effect.mapError(failure, (failed) => connectError(failed, options, unresolved(client))))
      }
    )
    return Effect.promise(async () => {
      abort()
      await connected.catch(() => undefined)
      await shutdown(client, abort)
    })
  })

/** Plans by our own policy, which knows the driver's hosts as the driver declares them. */
const plannerOf = (client: driver.Client): wire.WireOptions["plan"] =>
  (loadBalancingOf(client) as RoutingPolicy).plan as unknown as wire.WireOptions["plan"]

const makeEngine = (
  client: driver.Client,
  options: Resolved,
  { breaker }: Hooks,
  keyspace: string | undefined,
  usesWire: boolean
): Engine => {
  const routing = loadBalancingOf(client) as RoutingPolicy
  const local = client.hosts.values().filter((host) => routing.getDistance(host) === driver.types.distance.local).length
  return {
    client,
    keyspace,
    gate: new Gate(
      options.maxConcurrentRequests ??
        Math.max(1, local) * options.connectionsPerHost.local * options.maxRequestsPerConnection,
      options.maxQueuedRequests
    ),
    routing,
    transport: usesWire
      ? wireTransport(client, options.maxPreparedStatements)
      : stockTransport(client, options.maxPreparedStatements, breaker)
  }
}
