/**
 * A single Cassandra in a Java process of our own.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Os from "node:os"
import type { CassandraServer, ServerTls } from "../CassandraServer.ts"
import { ServerStartError } from "../TestkitError.ts"
import * as Node from "./cassandraNode.ts"
import * as Yaml from "./cassandraYaml.ts"
import type { Resolved } from "./defaults.ts"
import { superuser } from "./defaults.ts"
import type { Engine } from "./engine.ts"
import * as Ports from "./ports.ts"
import type { TlsMaterial } from "./tls.ts"
import { makeTls } from "./tls.ts"
import * as Watchdog from "./watchdog.ts"

/** A directory for servers, gone with the scope or the program; and why there is none. */
export const serverDirectory = Effect.suspend(() => Watchdog.directory(Os.tmpdir(), "effect-cassandra")).pipe(
  Effect.mapError(
    (cause) =>
      new ServerStartError({ server: "Cassandra", reason: `no directory for it: ${cause.message}`, log: "", cause })
  )
)

/** Writes the certificates to files beside the server and tells how to use them. */
export const publishTls = Effect.fnUntraced(function* (
  directory: string,
  tls: TlsMaterial,
  requireClientAuth: boolean
) {
  const fs = yield* FileSystem.FileSystem
  const write = (name: string, content: string) =>
    Effect.as(fs.writeFileString(`${directory}/${name}`, content, { mode: 0o600 }), `${directory}/${name}`)
  const published: ServerTls = {
    ca: tls.ca.certificate,
    caFile: yield* write("ca.pem", tls.ca.certificate),
    cert: tls.client.certificate,
    certFile: yield* write("client.pem", tls.client.certificate),
    key: Redacted.make(tls.client.key),
    keyFile: yield* write("client.key", tls.client.key),
    requireClientAuth
  }
  return published
})

/** What the readiness check connects with. */
export const probeOptions = (options: Resolved, tls: TlsMaterial | undefined) => ({
  credentials: options.authentication ? superuser : undefined,
  tls: tls && { ca: tls.ca.certificate, cert: tls.client.certificate, key: tls.client.key }
})

/** The credentials of the superuser, when there is authentication. */
export const credentialsOf = (options: Resolved): CassandraServer["credentials"] =>
  options.authentication
    ? Option.some({ username: superuser.username, password: Redacted.make(superuser.password) })
    : Option.none()

/** The data centre of a node that was not given one. */
const dataCenter = "datacenter1"

const startOnce = Effect.fnUntraced(function* (engine: Engine, options: Resolved) {
  const { release } = engine
  const name = `cassandra-${release.version}`
  const startedAt = yield* Clock.currentTimeMillis
  const root = yield* serverDirectory
  const { ports } = yield* Ports.allocate(Effect.succeed(["127.0.0.1"]))
  const tls = options.tls && { ...makeTls(["127.0.0.1", "localhost"]), ...options.tls }
  const runtime: Node.Runtime = {
    engine,
    root,
    heapMegabytes: options.heapMegabytes,
    mode: options.mode,
    jvmOptions: options.jvmOptions,
    ringDelay: 1,
    authReplicas: 1,
    startTimeout: options.startTimeout
  }
  const node = yield* Node.prepare(
    name,
    runtime,
    Yaml.nodeSettings({
      release,
      clusterName: "effect-cassandra-testkit",
      directory: Node.directoryOf(root, name),
      address: "127.0.0.1",
      seeds: ["127.0.0.1"],
      ports,
      snitch: "SimpleSnitch",
      autoBootstrap: false,
      authentication: options.authentication,
      tls,
      extra: options.settings
    }),
    { dataCenter, rack: "rack1" }
  )
  const published = tls && (yield* publishTls(root, tls, tls.requireClientAuth))
  yield* options.report(`starting Cassandra ${release.version} on port ${ports.native}`)
  const child = yield* Node.start(node, { host: "127.0.0.1", port: ports.native, ...probeOptions(options, tls) })
  const seconds = ((yield* Clock.currentTimeMillis) - startedAt) / 1000
  yield* options.report(`ready in ${seconds.toFixed(1)} s`)
  const server: CassandraServer = {
    source: "embedded",
    version: release.version,
    contactPoints: ["127.0.0.1"],
    port: ports.native,
    localDataCenter: dataCenter,
    credentials: credentialsOf(options),
    tls: Option.fromNullable(published),
    logFile: Option.some(node.logFile),
    pid: Option.some(child.pid)
  }
  return server
})

/** Something else took the port in the seconds between our look and the server's. */
const portTaken = (error: ServerStartError) => /address already in use|BindException/i.test(error.log)

/** Starts a server; when a stranger was quicker to a port, with other ports. */
export const start = (engine: Engine, options: Resolved) =>
  startOnce(engine, options).pipe(
    Effect.mapError((error) =>
      error instanceof ServerStartError
        ? error
        : new ServerStartError({
            server: `Cassandra ${engine.release.version}`,
            reason: error.message,
            log: "",
            cause: error
          })
    ),
    Effect.retry({ times: 2, while: portTaken })
  )
