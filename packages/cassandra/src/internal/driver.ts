/**
 * The engine: one client of the driver, its pools and what is remembered about it. This is the one place that runs queries
 * with the driver; everything above speaks of attempts, and everything below is the driver's.
 */
import driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import {
  AuthenticationError,
  type CassandraError,
  ConfigurationError,
  ConnectionError,
  type NoHostAvailableError
} from "../CassandraError.ts"
import type { Resolved } from "../ClusterOptions.ts"
import { Gate } from "./admission.ts"
import { fromDriverError } from "./driverErrors.ts"
import * as driverPrivate from "./driverPrivate.ts"
import { RoutingPolicy } from "./loadBalancing.ts"
import { stockTransport } from "./stockTransport.ts"
import type { Transport } from "./transport.ts"
import * as wire from "./wire/index.ts"
import { wireTransport } from "./wireTransport.ts"

export interface Engine {
  readonly client: driver.Client
  /** The keyspace of its connections; none where the keyspace travels with the request. */
  readonly keyspace: string | undefined
  readonly gate: Gate
  readonly transport: Transport
}

/** Requests in flight on a connection, and how many more there may be that were given up and not answered yet. */
const requestsPerConnection = 2000
const roomForOrphans = 512

// The driver decides nothing about retries: every attempt is ours to see.
class NoRetries extends driver.policies.retry.RetryPolicy {
  override onReadTimeout() {
    return this.rethrowResult()
  }
  override onWriteTimeout() {
    return this.rethrowResult()
  }
  override onUnavailable() {
    return this.rethrowResult()
  }
  override onRequestError() {
    return this.rethrowResult()
  }
}

const tlsOptions = (tls: NonNullable<Resolved["tls"]>): NonNullable<driver.ClientOptions["sslOptions"]> => ({
  // The driver's own default is to accept any certificate.
  rejectUnauthorized: tls.acceptAnyCertificate !== true,
  ...(tls.ca === undefined ? {} : { ca: typeof tls.ca === "string" ? tls.ca : [...tls.ca] }),
  ...(tls.cert === undefined ? {} : { cert: tls.cert }),
  ...(tls.key === undefined ? {} : { key: Redacted.value(tls.key) }),
  ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  ...(tls.acceptAnyServerName === true ? { checkServerIdentity: () => undefined } : {})
})

const clientOptions = (options: Resolved, keyspace: string | undefined, timeout: number): driver.DseClientOptions => ({
  contactPoints: [...options.contactPoints],
  ...(keyspace === undefined ? {} : { keyspace }),
  ...(options.credentials === undefined
    ? {}
    : {
        credentials: {
          username: options.credentials.username,
          password: Redacted.value(options.credentials.password)
        }
      }),
  ...(options.tls === undefined ? {} : { sslOptions: tlsOptions(options.tls) }),
  ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
  ...(options.applicationVersion === undefined ? {} : { applicationVersion: options.applicationVersion }),
  protocolOptions: {
    port: options.port,
    // The wire begins with v5 whatever the driver's own limit.
    ...(wire.wireStatus()._tag === "Available" ? {} : { maxVersion: driver.types.protocolVersion.v4 }),
    maxSchemaAgreementWaitSeconds: options.maxSchemaAgreementWait / 1000
  },
  pooling: {
    coreConnectionsPerHost: {
      [driver.types.distance.local]: options.connectionsPerHost,
      [driver.types.distance.remote]: 1
    },
    heartBeatInterval: options.heartbeatInterval,
    maxRequestsPerConnection: requestsPerConnection + roomForOrphans
  },
  socketOptions: { connectTimeout: options.connectTimeout, readTimeout: timeout },
  policies: { loadBalancing: new RoutingPolicy(options.localDataCenter), retry: new NoRetries() },
  encoding: { map: Map, set: Set, useBigIntAsLong: true, useBigIntAsVarint: true },
  maxPrepared: options.maxPreparedStatements,
  monitorReporting: { enabled: false }
})

/** What a failed connect was about, from the errors of the single hosts. */
const connectError = (error: CassandraError): CassandraError => {
  if (error._tag !== "NoHostAvailableError") return error
  const inner = [...error.errors]
  for (const [host, cause] of inner) {
    if (cause._tag === "AuthenticationError") {
      return new AuthenticationError({ message: cause.message, cause: cause.cause, host })
    }
    if (cause._tag === "ConfigurationError") return cause
    if (cause._tag === "ProtocolError") {
      return new ConfigurationError({ option: "contactPoints", message: cause.message, cause })
    }
  }
  const hosts = inner.map(([host]) => host)
  const why = inner.map(([host, cause]) => `${host}: ${cause.message}`).join("; ")
  return new ConnectionError({
    message: hosts.length === 0 ? error.message : `No connection to any contact point. ${why}`,
    cause: error,
    hosts,
    writeState: "NotApplied"
  })
}

const refusals = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE"])

/** Whether every contact point refused the connection, as a server that is still starting does. */
export const isRefused = (error: CassandraError): boolean => {
  if (error._tag !== "ConnectionError" || error.hosts.length === 0) return false
  const { errors } = error.cause as NoHostAvailableError
  return [...errors.values()].every(({ cause }) => refusals.has((cause as { code?: string } | undefined)?.code ?? ""))
}

/**
 * Connects a client, once. Closing the scope closes it; interrupting closes what was opened so far.
 */
export const connect = (
  options: Resolved,
  keyspace: string | undefined,
  timeout: number
): Effect.Effect<Engine, CassandraError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const usesWire = yield* wireUsable(options)
      const client = yield* restore(open(options, keyspace, timeout, usesWire))
      yield* Effect.addFinalizer(() => Effect.promise(() => shutdown(client)))
      return makeEngine(client, options, keyspace, usesWire)
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
  keyspace: string | undefined,
  timeout: number,
  usesWire: boolean
): Effect.Effect<driver.Client, CassandraError> =>
  Effect.async((resume) => {
    let client: driver.Client
    let abort: () => void
    try {
      client = new driver.Client(clientOptions(options, keyspace, timeout))
      driverPrivate.agreeAmongLiving(client)
      if (usesWire) {
        const wireClient = client as unknown as Parameters<typeof wire.attach>[0]
        wire.attach(wireClient, {
          compression: options.compression,
          minimumProtocolVersion: options.minimumProtocolVersion
        })
        abort = () => wire.abortConnecting(wireClient)
      } else {
        abort = driverPrivate.abortable(client)
      }
    } catch (error) {
      const option = wire.isWireError(error) ? "compression" : "cluster"
      const message = error instanceof Error ? error.message : "The driver refused its options"
      return resume(Effect.fail(new ConfigurationError({ option, message, cause: error })))
    }
    const connected = client.connect()
    connected.then(
      () => resume(Effect.succeed(client)),
      (error: unknown) =>
        resume(Effect.fail(connectError(fromDriverError(error, { timeout, batch: false, sent: false }))))
    )
    return Effect.promise(async () => {
      abort()
      await connected.catch(() => undefined)
      await shutdown(client)
    })
  })

const shutdown = (client: driver.Client): Promise<void> => client.shutdown().catch(() => undefined)

const makeEngine = (
  client: driver.Client,
  options: Resolved,
  keyspace: string | undefined,
  usesWire: boolean
): Engine => {
  const local = client.hosts.values().filter((host) => isLocal(client, host)).length
  return {
    client,
    keyspace,
    gate: new Gate(
      options.maxConcurrentRequests ?? Math.max(1, local) * options.connectionsPerHost * requestsPerConnection,
      options.maxQueuedRequests
    ),
    transport: usesWire
      ? wireTransport(client, options.maxPreparedStatements)
      : stockTransport(client, options.maxPreparedStatements)
  }
}

const isLocal = (client: driver.Client, host: driver.Host): boolean =>
  (
    client as unknown as { options: { policies: { loadBalancing: RoutingPolicy } } }
  ).options.policies.loadBalancing.getDistance(host) === driver.types.distance.local
