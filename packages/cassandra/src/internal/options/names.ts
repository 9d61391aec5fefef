/** The names of the options, by where they are taken. */
import type { BatchOptions } from "../../Batch.ts"
import type { MetricsOptions } from "../../CassandraMetrics.ts"
import type {
  BreakerOptions,
  ClusterOptions,
  Credentials,
  PoolSizes,
  SocketOptions,
  TlsOptions
} from "../../ClusterOptions.ts"
import type { AddProfileOptions } from "../../Cluster.ts"
import type { SubscribeOptions } from "../../ClusterEvent.ts"
import type { AgreementOptions } from "../../Metadata.ts"
import type { ExecutionProfile, RequestOptions } from "../../ExecutionProfile.ts"
import type { PrepareOptions, SessionOptions } from "../../Session.ts"
import type { StatementOptions } from "../../Statement.ts"
import { namesOf } from "./optionNames.ts"

const ofRequests = {
  consistency: true,
  serialConsistency: true,
  pageSize: true,
  timeout: true,
  deadline: true,
  retryPolicy: true,
  prefetch: true,
  loadBalancing: true,
  speculativeExecution: true
} as const

export const requestOptions = namesOf<RequestOptions>(ofRequests)

/** Options that a fiber sets for the requests made in it. */
export interface LocalOptions extends RequestOptions {
  /** The name of an execution profile of the cluster, or a profile. */
  readonly profile?: string | ExecutionProfile | undefined
  readonly tracing?: boolean | undefined
}

export const localOptions = namesOf<LocalOptions>({ ...ofRequests, profile: true, tracing: true })

const ofStatements = {
  ...ofRequests,
  idempotent: true,
  profile: true,
  timestamp: true,
  nowInSeconds: true,
  pagingState: true,
  tracing: true,
  customPayload: true,
  host: true,
  keyspace: true,
  executeAs: true,
  prepared: true
} as const

export const statementOptions = namesOf<StatementOptions>(ofStatements)

const { pageSize: _, pagingState: __, prefetch: ___, prepared: ____, ...ofBatches } = ofStatements

export const batchOptions = namesOf<BatchOptions>(ofBatches)

const onePage = "a batch has no pages"

/** What only statements have, and why a batch does not. */
export const notOfBatches: Readonly<Record<string, string>> = {
  pageSize: onePage,
  pagingState: onePage,
  prefetch: onePage,
  prepared: "it is for each statement of the batch: use Statement.prepared"
}

export const prepareOptions = namesOf<PrepareOptions>({
  keyspace: true,
  timeout: true,
  refresh: true,
  customPayload: true
})

export const sessionOptions = namesOf<SessionOptions>({
  ...ofRequests,
  keyspace: true,
  waitForAllPools: true,
  connectTimeout: true,
  timestampGenerator: true
})

export const subscribeOptions = namesOf<SubscribeOptions>({ capacity: true })
export const agreementOptions = namesOf<AgreementOptions>({ maxWait: true })
export const addProfileOptions = namesOf<AddProfileOptions>({ poolWaitTimeout: true })

export const clusterOptions = namesOf<ClusterOptions>({
  ...ofRequests,
  contactPoints: true,
  port: true,
  localDataCenter: true,
  credentials: true,
  authentication: true,
  tls: true,
  socket: true,
  addressTranslator: true,
  connectTimeout: true,
  connectAttempts: true,
  connectBackoff: true,
  reconnection: true,
  shutdownTimeout: true,
  connectionsPerHost: true,
  maxRequestsPerConnection: true,
  maxConcurrentRequests: true,
  maxQueuedRequests: true,
  maxPreparedStatements: true,
  prepareOnAllHosts: true,
  reprepareOnUp: true,
  heartbeatInterval: true,
  heartbeatTimeout: true,
  controlConnectionTimeout: true,
  maxSchemaAgreementWait: true,
  schemaRefreshWindow: true,
  topologyRefreshWindow: true,
  statusRefreshWindow: true,
  schemaMetadata: true,
  tokenMetadata: true,
  timestampGenerator: true,
  breaker: true,
  profiles: true,
  minimumProtocolVersion: true,
  protocolVersion: true,
  cqlVersion: true,
  compression: true,
  metrics: true,
  slowQueryThreshold: true,
  applicationName: true,
  applicationVersion: true
})

/** What people look for in a cluster's options, and where it is. */
export const notOfClusters: Readonly<Record<string, string>> = {
  keyspace: "it is an option of a session: Session.layer({ keyspace })",
  waitForAllPools: "it is an option of a session: Session.layer({ waitForAllPools })",
  username: 'use "credentials.username"',
  password: 'use "credentials.password"',
  authProvider: 'use "authentication"',
  ssl: 'use "tls"',
  sslOptions: 'use "tls"',
  pooling: 'use "connectionsPerHost"',
  queryOptions: "each of them is an option of the cluster",
  socketOptions: 'use "socket", "connectTimeout" and "timeout"',
  protocolOptions: 'use "port", "protocolVersion" and "maxSchemaAgreementWait"',
  policies: 'use "loadBalancing", "retryPolicy", "reconnection" and "speculativeExecution"',
  advanced: 'options of cassandra-driver are for "DriverCluster.layer" of effect-cassandra/driver',
  hosts: 'use "contactPoints"',
  nodes: 'use "contactPoints"',
  seeds: 'use "contactPoints"'
}

export const tlsOptions = namesOf<TlsOptions>({
  ca: true,
  cert: true,
  key: true,
  passphrase: true,
  serverName: true,
  acceptAnyCertificate: true,
  acceptAnyServerName: true
})

/** What TLS of Node calls otherwise. */
export const notOfTls: Readonly<Record<string, string>> = {
  servername: 'use "tls.serverName"',
  host: 'use "tls.serverName"',
  rejectUnauthorized: 'use "tls.acceptAnyCertificate"',
  checkServerIdentity: 'use "tls.acceptAnyServerName"',
  pfx: 'use "tls.cert" and "tls.key"'
}

export const socketOptions = namesOf<SocketOptions>({ noDelay: true, keepAlive: true, keepAliveDelay: true })
export const poolSizes = namesOf<PoolSizes>({ local: true, remote: true })
export const credentials = namesOf<Credentials>({ username: true, password: true })
export const breakerOptions = namesOf<BreakerOptions>({
  failures: true,
  window: true,
  openFor: true,
  halfOpenRequests: true
})
export const metricsOptions = namesOf<MetricsOptions>({ interval: true, tags: true, maxStatements: true, sinks: true })
