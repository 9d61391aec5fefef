/**
 * A real Cassandra server as a scoped layer: the one named by the environment, one in Docker, or a Java process of our
 * own; whichever applies first.
 *
 * @since 0.1.0
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Defaults from "./internal/defaults.ts"
import * as Docker from "./internal/docker.ts"
import * as Embedded from "./internal/embedded.ts"
import * as Engine from "./internal/engine.ts"
import * as Environment from "./internal/environment.ts"
import type { ServerOptions, Source } from "./ServerOptions.ts"
import type { TestkitError, Unavailable } from "./TestkitError.ts"
import { NoServerError } from "./TestkitError.ts"

/**
 * Who to log in as.
 *
 * @since 0.1.0
 * @category models
 */
export interface Credentials {
  readonly username: string
  readonly password: Redacted.Redacted<string>
}

/**
 * What a client needs to speak TLS with the server, as PEM text and as files that live as long as the server.
 *
 * @since 0.1.0
 * @category models
 */
export interface ServerTls {
  /** The certificate of the authority that signed the server's. */
  readonly ca: string
  readonly caFile: string
  /** A certificate the client may show. */
  readonly cert: string
  readonly certFile: string
  /** The private key of that certificate: PKCS #8, not encrypted. */
  readonly key: Redacted.Redacted<string>
  readonly keyFile: string
  /** Whether the client must show its certificate. */
  readonly requireClientAuth: boolean
}

/**
 * The coordinates of a running server.
 *
 * @since 0.1.0
 * @category models
 */
export interface CassandraServer {
  /** Where it came from. */
  readonly source: Source
  /** Its release, for example `5.0.9`. */
  readonly version: string
  /** Host names or addresses, without a port. */
  readonly contactPoints: ReadonlyArray<string>
  /** The port for CQL. */
  readonly port: number
  readonly localDataCenter: string
  /** Given when the server asks for a password. */
  readonly credentials: Option.Option<Credentials>
  /** Given when the server speaks TLS. */
  readonly tls: Option.Option<ServerTls>
  /** The server's log, while it runs; given for the embedded server. */
  readonly logFile: Option.Option<string>
  /** The process id of the embedded server. */
  readonly pid: Option.Option<number>
}

/**
 * The service of a running server.
 *
 * @since 0.1.0
 * @category tags
 */
export const CassandraServer = Context.GenericTag<CassandraServer>("effect-cassandra-testkit/CassandraServer")

const order: ReadonlyArray<Source> = ["environment", "docker", "embedded"]

const find = (source: Source, options: Defaults.Resolved) => {
  switch (source) {
    case "environment":
      return Environment.find(options)
    case "docker":
      return Docker.find(options)
    case "embedded":
      return Effect.map(
        Engine.find(options.release, options.report),
        Either.map(Effect.flatMap((engine) => Embedded.start(engine, options)))
      )
  }
}

/**
 * Finds or starts a server and waits until it serves CQL; it is gone, with its files, when the scope closes. It is gone as
 * well when the program ends in any other way: Ctrl-C, an uncaught exception, `process.exit`, even SIGKILL.
 *
 * The ways are tried in the order of `sources`, by default: the cluster named by `CASSANDRA_CONTACT_POINTS` (with
 * `CASSANDRA_PORT`, `CASSANDRA_LOCAL_DC`, `CASSANDRA_USERNAME`, `CASSANDRA_PASSWORD`); Docker, when the npm package
 * `testcontainers` is installed and an engine answers (not yet tried against a real engine); the embedded server, with
 * Java and, the first time, Maven.
 *
 * Fails with `NoServerError` when none applies, `DownloadError` when the jars cannot be fetched, `ServerStartError` (which
 * shows the end of the server's log) when the server does not come up, and `OptionsError` when the options make no sense.
 *
 * @example
 * ```ts
 * import { CassandraServer } from "effect-cassandra-testkit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* CassandraServer.make({ authentication: true })
 *   yield* Effect.log(`Cassandra ${server.version} on ${server.contactPoints[0]}:${server.port}`)
 * })
 *
 * Effect.runPromise(Effect.scoped(program))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (options?: ServerOptions | undefined) => Effect.Effect<CassandraServer, TestkitError, Scope.Scope> =
  Effect.fnUntraced(function* (options: ServerOptions = {}) {
    const resolved = yield* Defaults.resolve(options)
    const tried: Array<Unavailable> = []
    for (const source of options.sources ?? order) {
      const found = yield* find(source, resolved)
      if (Either.isRight(found)) return yield* found.right
      tried.push({ source, reason: found.left })
    }
    return yield* new NoServerError({ tried })
  }, Effect.provide(NodeContext.layer))

/**
 * The server of {@link make} as a layer: it runs as long as the layer is in use.
 *
 * @example
 * ```ts
 * import { CassandraServer } from "effect-cassandra-testkit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const { contactPoints, localDataCenter, port } = yield* CassandraServer.CassandraServer
 *   yield* Effect.log(contactPoints, port, localDataCenter)
 * })
 *
 * Effect.runPromise(Effect.provide(program, CassandraServer.layer()))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: ServerOptions | undefined): Layer.Layer<CassandraServer, TestkitError> =>
  Layer.scoped(CassandraServer, make(options))
