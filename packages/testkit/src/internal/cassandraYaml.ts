import type { Ports } from "./ports.ts"
import type { TlsMaterial } from "./tls.ts"
import type { Release } from "./versions.ts"

/** What the settings of a node depend on. */
export interface NodeSettings {
  readonly release: Release
  readonly clusterName: string
  readonly directory: string
  readonly address: string
  readonly seeds: ReadonlyArray<string>
  readonly ports: Ports
  readonly snitch: "SimpleSnitch" | "GossipingPropertyFileSnitch"
  readonly autoBootstrap: boolean
  readonly authentication: boolean
  readonly tls: (TlsMaterial & { readonly optional: boolean; readonly requireClientAuth: boolean }) | undefined
  readonly extra: Readonly<Record<string, unknown>>
}

/** Transactions. A node with them does not start again after it was killed, so clusters have none unless they are asked for. */
const transactions = ({ release, snitch }: NodeSettings): Record<string, unknown> =>
  snitch === "SimpleSnitch" && !["4.0", "4.1", "5.0"].includes(release.line) ? { accord: { enabled: true } } : {}

/** What tests may want to create is allowed; the names of these switches changed in 4.1. */
const features = (line: string): Record<string, unknown> =>
  line === "4.0"
    ? { enable_user_defined_functions: true, enable_materialized_views: true, enable_sasi_indexes: true }
    : {
        user_defined_functions_enabled: true,
        materialized_views_enabled: true,
        sasi_indexes_enabled: true
      }

const authentication = {
  authenticator: "PasswordAuthenticator",
  authorizer: "CassandraAuthorizer",
  role_manager: "CassandraRoleManager"
}

const encryption = (tls: NonNullable<NodeSettings["tls"]>) => ({
  client_encryption_options: {
    enabled: true,
    optional: tls.optional,
    require_client_auth: tls.requireClientAuth,
    ssl_context_factory: {
      class_name: "org.apache.cassandra.security.PEMBasedSslContextFactory",
      parameters: {
        private_key: `${tls.server.key}${tls.server.certificate}`,
        trusted_certificates: tls.ca.certificate
      }
    }
  }
})

/** The settings of a node; what the caller adds wins. */
export const nodeSettings = (node: NodeSettings): Record<string, unknown> => ({
  cluster_name: node.clusterName,
  num_tokens: 16,
  partitioner: "org.apache.cassandra.dht.Murmur3Partitioner",
  auto_bootstrap: node.autoBootstrap,
  commitlog_sync: "periodic",
  [node.release.line === "4.0" ? "commitlog_sync_period_in_ms" : "commitlog_sync_period"]:
    node.release.line === "4.0" ? 10_000 : "10s",
  disk_failure_policy: "die",
  commit_failure_policy: "die",
  data_file_directories: [`${node.directory}/data`],
  commitlog_directory: `${node.directory}/commitlog`,
  saved_caches_directory: `${node.directory}/saved_caches`,
  hints_directory: `${node.directory}/hints`,
  cdc_raw_directory: `${node.directory}/cdc_raw`,
  seed_provider: [
    {
      class_name: "org.apache.cassandra.locator.SimpleSeedProvider",
      parameters: [{ seeds: node.seeds.map((seed) => `${seed}:${node.ports.storage}`).join(",") }]
    }
  ],
  listen_address: node.address,
  rpc_address: node.address,
  storage_port: node.ports.storage,
  native_transport_port: node.ports.native,
  endpoint_snitch: node.snitch,
  ...features(node.release.line),
  ...transactions(node),
  ...(node.authentication ? authentication : {}),
  ...(node.tls === undefined ? {} : encryption(node.tls)),
  ...node.extra
})

/** Settings as a file: JSON is YAML. */
export const render = (settings: Record<string, unknown>): string => `${JSON.stringify(settings, null, 2)}\n`

/** Everything goes to the standard output, which is the log file. */
export const logback = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level [%thread] %date{HH:mm:ss.SSS} %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
  <logger name="com.codahale.metrics" level="OFF"/>
</configuration>
`
