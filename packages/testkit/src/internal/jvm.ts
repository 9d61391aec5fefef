import { pathToFileURL } from "node:url"
import type { Java } from "./java.ts"

const opens = (packages: ReadonlyArray<string>): Array<string> =>
  packages.flatMap((name) => ["--add-opens", `${name}=ALL-UNNAMED`])

const exports = (packages: ReadonlyArray<string>): Array<string> =>
  packages.flatMap((name) => ["--add-exports", `${name}=ALL-UNNAMED`])

/** What Cassandra's own start script opens on Java 11 and later. */
const opened: ReadonlyArray<string> = [
  ...exports([
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/java.lang.ref",
    "java.base/sun.nio.ch",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.unsupported/sun.misc"
  ]),
  ...opens([
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.util",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.management/com.sun.management.internal"
  ])
]

/** What any program of Cassandra's needs on this Java. */
export const modules = (java: Java): ReadonlyArray<string> => [
  ...(java.major > 8 ? opened : []),
  // Functions of users run under a security manager, which Java 18 and later refuse unless it is allowed.
  ...(java.major > 17 ? ["-Djava.security.manager=allow"] : [])
]

/** What the arguments of a node's JVM depend on. */
export interface JvmOptions {
  readonly java: Java
  readonly jars: string
  readonly directory: string
  readonly configFile: string
  readonly logbackFile: string
  readonly rackFile: string
  readonly heapMegabytes: number
  readonly mode: "test" | "benchmark"
  /** Milliseconds to wait for the ring to settle. */
  readonly ringDelay: number
  /** Replicas of the keyspaces that hold roles and permissions. */
  readonly authReplicas: number
  readonly extra: ReadonlyArray<string>
}

/**
 * For a quick start: the first compiler only, the collector with the least to set up, and no doubts about the code of the
 * jars. Cassandra fills 100,000 rows to learn what one takes, which is a third of its start, and hashes a password for a
 * tenth of a second; a hundredth of either does.
 */
const quick: ReadonlyArray<string> = [
  "-XX:TieredStopAtLevel=1",
  "-XX:+UseSerialGC",
  "-Xshare:auto",
  "-XX:+UnlockDiagnosticVMOptions",
  "-XX:-BytecodeVerificationRemote",
  "-Dcassandra.memtable_row_overhead_computation_step=1000",
  "-Dcassandra.auth_bcrypt_gensalt_log2_rounds=4"
]

/** The arguments of the JVM. Mode `benchmark` is what a server in production runs with. */
export const jvmArguments = (options: JvmOptions): ReadonlyArray<string> => [
  `-Xms${options.mode === "test" ? Math.min(256, options.heapMegabytes) : options.heapMegabytes}M`,
  `-Xmx${options.heapMegabytes}M`,
  "-Xss512k",
  ...(options.mode === "test"
    ? quick
    : ["-XX:+UseG1GC", "-XX:+ParallelRefProcEnabled", "-XX:MaxGCPauseMillis=100", "-XX:+AlwaysPreTouch"]),
  "-XX:+ExitOnOutOfMemoryError",
  "-XX:+PerfDisableSharedMem",
  "-Djdk.attach.allowAttachSelf=true",
  "-Djava.net.preferIPv4Stack=true",
  "-Dio.netty.tryReflectionSetAccessible=true",
  `-Djava.io.tmpdir=${options.directory}`,
  ...modules(options.java),
  `-Dcassandra.config=${pathToFileURL(options.configFile).href}`,
  `-Dlogback.configurationFile=${options.logbackFile}`,
  `-Dcassandra-rackdc.properties=${pathToFileURL(options.rackFile).href}`,
  `-Dcassandra.storagedir=${options.directory}`,
  `-Dcassandra.logdir=${options.directory}`,
  "-Dcassandra-foreground=yes",
  "-Dcassandra.superuser_setup_delay_ms=0",
  "-Dcassandra.skip_wait_for_gossip_to_settle=0",
  `-Dcassandra.ring_delay_ms=${options.ringDelay}`,
  `-Dcassandra.system_auth.default_rf=${options.authReplicas}`,
  ...options.extra,
  "-cp",
  `${options.jars}/*`,
  "org.apache.cassandra.service.CassandraDaemon"
]
