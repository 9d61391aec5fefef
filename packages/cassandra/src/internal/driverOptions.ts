/** The driver's options, from ours. */
import driver from "cassandra-driver"
import * as Redacted from "effect/Redacted"
import type { Resolved } from "./clusterOptions/resolve.ts"
import { type Policies, RoutingPolicy } from "./loadBalancing.ts"
import * as wire from "./wire/index.ts"

/** Requests in flight on a connection, and how many more there may be that were given up and not answered yet. */
export const requestsPerConnection = 2000
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

/** The driver's options of a client. */
export const clientOptions = (
  options: Resolved,
  policies: Policies,
  keyspace: string | undefined,
  timeout: number
): driver.DseClientOptions => ({
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
  policies: { loadBalancing: new RoutingPolicy(policies, options.localDataCenter), retry: new NoRetries() },
  encoding: { map: Map, set: Set, useBigIntAsLong: true, useBigIntAsVarint: true },
  maxPrepared: options.maxPreparedStatements,
  monitorReporting: { enabled: false }
})
