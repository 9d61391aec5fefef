/** Options of clusters and sessions that make no sense, each with the option that the error has to name. */
import { planted } from "./badInput.ts"

/** Options of a session that make no sense. */
export const badSessionOptions: ReadonlyArray<readonly [options: unknown, option: string]> = [
  [{ keyspace: "" }, "session.keyspace"],
  [{ keyspace: 5 }, "session.keyspace"],
  [{ keyspace: null }, "session.keyspace"],
  [{ consistency: "ANY" }, "session.consistency"],
  [{ consistency: planted }, "session.consistency"],
  [{ pageSize: 0 }, "session.pageSize"],
  [{ timeout: "soon" }, "session.timeout"],
  [{ timeout: 0 }, "session.timeout"],
  [{ deadline: -1 }, "session.deadline"],
  [{ prefetch: 1e9 }, "session.prefetch"],
  [{ serialConsistency: "ALL" }, "session.serialConsistency"],
  [{ connectTimeout: 0 }, "session.connectTimeout"],
  [{ waitForAllPools: "yes" }, "session.waitForAllPools"],
  [{ timestampGenerator: () => 1n }, "session.timestampGenerator"]
]

/** Options of a cluster that contradict each other or make no sense; `ClusterOptions.test.ts` has the single ones. */
export const badClusterOptions: ReadonlyArray<readonly [options: Readonly<Record<string, unknown>>, option: string]> = [
  [{ contactPoints: [] }, "contactPoints"],
  [{ contactPoints: planted }, "contactPoints"],
  [{ contactPoints: [null] }, "contactPoints"],
  [{ port: 0 }, "port"],
  [{ port: 65536 }, "port"],
  [{ port: "9042" }, "port"],
  [{ localDataCenter: "" }, "localDataCenter"],
  [{ localDataCenter: 1 }, "localDataCenter"],
  [{ credentials: { username: "u", password: planted } }, "credentials.password"],
  [{ credentials: { username: 5, password: planted } }, "credentials.username"],
  [{ authentication: {} }, "authentication"],
  [{ tls: "yes" }, "tls"],
  [{ tls: { ca: planted } }, "tls.ca"],
  [{ tls: { cert: planted } }, "tls.cert"],
  [{ tls: { serverName: "" } }, "tls.serverName"],
  [{ tls: { acceptAnyCertificate: "yes" } }, "tls.acceptAnyCertificate"],
  [{ minimumProtocolVersion: 3 }, "minimumProtocolVersion"],
  [{ minimumProtocolVersion: 5, protocolVersion: 4 }, "protocolVersion"],
  [{ protocolVersion: 6 }, "protocolVersion"],
  [{ compression: "snappy" }, "compression"],
  [{ connectTimeout: 0 }, "connectTimeout"],
  [{ connectAttempts: 0 }, "connectAttempts"],
  [{ connectionsPerHost: 0 }, "connectionsPerHost"],
  [{ connectionsPerHost: { local: 129 } }, "connectionsPerHost.local"],
  [{ maxConcurrentRequests: 0 }, "maxConcurrentRequests"],
  [{ maxQueuedRequests: -1 }, "maxQueuedRequests"],
  [{ maxRequestsPerConnection: 40_000 }, "maxRequestsPerConnection"],
  [{ heartbeatTimeout: 0 }, "heartbeatTimeout"],
  [{ reconnection: "1 second" }, "reconnection"],
  [{ addressTranslator: {} }, "addressTranslator"],
  [{ cqlVersion: planted }, "cqlVersion"],
  [{ applicationName: "" }, "applicationName"],
  [{ advanced: { credentials: planted } }, "advanced"],
  [{ breaker: true }, "breaker"],
  [{ breaker: null }, "breaker"],
  [{ breaker: { failures: 0 } }, "breaker.failures"],
  [{ breaker: { window: 0 } }, "breaker.window"],
  [{ breaker: { openFor: "soon" } }, "breaker.openFor"],
  [{ breaker: { halfOpenRequests: 1.5 } }, "breaker.halfOpenRequests"],
  [{ profiles: { bad: { pageSize: 0 } } }, "profiles.bad.pageSize"]
]
