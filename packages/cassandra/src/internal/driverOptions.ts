/** The driver's options, from ours. */
import driver from "cassandra-driver"
import * as Redacted from "effect/Redacted"
import { AddressTranslation } from "./addressTranslation.ts"
import { Authentication, NoAuthentication } from "./authentication.ts"
import type { Breaker } from "./breaker.ts"
import type { Callbacks } from "./callbacks.ts"
import type { Resolved } from "./clusterOptions/resolve.ts"
import { type Policies, RoutingPolicy } from "./loadBalancing.ts"
import { Reconnection } from "./reconnection.ts"
import { DriverTimestamps, type NextTimestamp } from "./timestamps.ts"
import * as wire from "./wire/index.ts"

/** How many more requests there may be on a connection that were given up and not answered yet. */
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
  ...(tls.passphrase === undefined ? {} : { passphrase: Redacted.value(tls.passphrase) }),
  ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
  ...(tls.acceptAnyServerName === true ? { checkServerIdentity: () => undefined } : {})
})

/** What a client of the driver calls back. */
export interface Hooks {
  readonly policies: Policies
  readonly breaker: Breaker
  readonly callbacks: Callbacks
  readonly nextTimestamp: NextTimestamp
}

/** The driver's options of a client; `timeout` is the default for its requests. */
export const clientOptions = (
  options: Resolved,
  { breaker, callbacks, nextTimestamp, policies }: Hooks,
  keyspace: string | undefined,
  timeout: number
): driver.DseClientOptions => {
  const { addressTranslator, authentication, connectTimeout } = options
  const own: driver.DseClientOptions = {
    contactPoints: [...options.contactPoints],
    ...(keyspace === undefined ? {} : { keyspace }),
    authProvider:
      authentication === undefined
        ? new NoAuthentication()
        : new Authentication(authentication, callbacks, connectTimeout),
    ...(options.tls === undefined ? {} : { sslOptions: tlsOptions(options.tls) }),
    ...(options.applicationName === undefined ? {} : { applicationName: options.applicationName }),
    ...(options.applicationVersion === undefined ? {} : { applicationVersion: options.applicationVersion }),
    protocolOptions: {
      port: options.port,
      // The wire begins with v5 whatever the driver's own limit.
      ...(wire.wireStatus()._tag === "Available" ? {} : { maxVersion: driver.types.protocolVersion.v4 })
    },
    pooling: {
      coreConnectionsPerHost: {
        [driver.types.distance.local]: options.connectionsPerHost.local,
        [driver.types.distance.remote]: options.connectionsPerHost.remote
      },
      heartBeatInterval: options.heartbeatInterval,
      maxRequestsPerConnection: options.maxRequestsPerConnection + roomForOrphans
    },
    socketOptions: {
      connectTimeout,
      readTimeout: timeout,
      tcpNoDelay: options.socket.noDelay,
      keepAlive: options.socket.keepAlive,
      keepAliveDelay: options.socket.keepAliveDelay
    },
    policies: {
      loadBalancing: new RoutingPolicy(policies, options.localDataCenter, breaker),
      retry: new NoRetries(),
      reconnection: new Reconnection(options.reconnection, callbacks.warn),
      timestampGeneration: new DriverTimestamps(nextTimestamp),
      ...(addressTranslator === undefined
        ? {}
        : { addressResolution: new AddressTranslation(addressTranslator, callbacks, connectTimeout) })
    },
    encoding: { map: Map, set: Set, useBigIntAsLong: true, useBigIntAsVarint: true },
    maxPrepared: options.maxPreparedStatements,
    prepareOnAllHosts: options.prepareOnAllHosts,
    // Ours does it, see `wire/client/reprepare.ts`.
    rePrepareOnUp: false,
    isMetadataSyncEnabled: options.schemaMetadata,
    monitorReporting: { enabled: false }
  }
  return withAdvanced(own, options.advanced)
}

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype

/** Section by section; what is no section is replaced. */
const withAdvanced = (own: driver.DseClientOptions, advanced: Resolved["advanced"]): driver.DseClientOptions => {
  const sections = own as Readonly<Record<string, unknown>>
  const entries = Object.entries(advanced).map(([key, value]): [string, unknown] => {
    const mine = sections[key]
    return [key, isSection(mine) && isSection(value) ? { ...mine, ...value } : value]
  })
  return { ...own, ...Object.fromEntries(entries) }
}
