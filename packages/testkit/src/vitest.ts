/**
 * One server for a whole vitest run.
 *
 * The default export is a global setup: it starts the server before the first test file and stops it after the last.
 * In test files, {@link layer} gives the coordinates of that server.
 *
 * @since 0.1.0
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { TestProject } from "vitest/node"
import * as CassandraServer from "./CassandraServer.ts"
import * as Watchdog from "./internal/watchdog.ts"
import type { ServerOptions } from "./ServerOptions.ts"
import type { KeyspaceError } from "./TestkitError.ts"
import * as TestKeyspace from "./TestKeyspace.ts"

/**
 * What travels from the global setup to the test files: plain data only.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProvidedServer {
  readonly source: CassandraServer.CassandraServer["source"]
  readonly version: string
  readonly contactPoints: ReadonlyArray<string>
  readonly port: number
  readonly localDataCenter: string
  readonly credentials: { readonly username: string; readonly password: string } | null
  readonly tls: (Omit<CassandraServer.ServerTls, "key"> & { readonly key: string }) | null
  readonly logFile: string | null
  readonly pid: number | null
}

declare module "vitest" {
  export interface ProvidedContext {
    "effect-cassandra-testkit/server": ProvidedServer
  }
}

const key = "effect-cassandra-testkit/server"

const encode = (server: CassandraServer.CassandraServer): ProvidedServer => ({
  ...server,
  credentials: Option.getOrNull(
    Option.map(server.credentials, ({ password, username }) => ({ username, password: Redacted.value(password) }))
  ),
  tls: Option.getOrNull(Option.map(server.tls, (tls) => ({ ...tls, key: Redacted.value(tls.key) }))),
  logFile: Option.getOrNull(server.logFile),
  pid: Option.getOrNull(server.pid)
})

const decode = (server: ProvidedServer): CassandraServer.CassandraServer => ({
  ...server,
  credentials: Option.map(Option.fromNullable(server.credentials), ({ password, username }) => ({
    username,
    password: Redacted.make(password)
  })),
  tls: Option.map(Option.fromNullable(server.tls), (tls) => ({ ...tls, key: Redacted.make(tls.key) })),
  logFile: Option.fromNullable(server.logFile),
  pid: Option.fromNullable(server.pid)
})

/** Vitest leaves its temporary folders behind when a signal ends it; with this, they go as well. */
const sweepTemporary = (project: TestProject) =>
  Watchdog.sweep(project.vitest.projects.map(({ tmpDir }) => tmpDir)).pipe(
    Effect.ignore,
    Effect.provide(NodeContext.layer)
  )

/**
 * A global setup with options of one's own: `export default globalSetup({ authentication: true })` in a module that
 * vitest's `globalSetup` names.
 *
 * @since 0.1.0
 * @category constructors
 */
export const globalSetup =
  (options?: ServerOptions | undefined) =>
  async (project: TestProject): Promise<() => Promise<void>> => {
    const scope = Effect.runSync(Scope.make())
    const close = () => Effect.runPromise(Scope.close(scope, Exit.void))
    try {
      await Effect.runPromise(Scope.extend(sweepTemporary(project), scope))
      const server = await Effect.runPromise(Scope.extend(CassandraServer.make(options), scope))
      project.provide(key, encode(server))
      return close
    } catch (error) {
      await close()
      throw error
    }
  }

/**
 * The global setup with default options: `globalSetup: ["effect-cassandra-testkit/vitest"]`.
 *
 * @since 0.1.0
 * @category constructors
 */
export default globalSetup()

const provided: Effect.Effect<CassandraServer.CassandraServer> = Effect.flatMap(
  // Not at the top: this module is loaded by the global setup as well, where vitest's test API must not be touched.
  Effect.promise(() => import("vitest")),
  ({ inject }) => {
    const server: ProvidedServer | undefined = inject(key)
    return server === undefined
      ? Effect.dieMessage(
          `No server was provided: add "effect-cassandra-testkit/vitest" to vitest's \`globalSetup\` for this project`
        )
      : Effect.succeed(decode(server))
  }
)

/**
 * The server of the run, in a test file. Dies with an explanation when the global setup is missing.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<CassandraServer.CassandraServer> = Layer.effect(
  CassandraServer.CassandraServer,
  provided
)

/**
 * The server of the run and a keyspace of this file's own, dropped after it.
 *
 * @example
 * ```ts
 * import { layer } from "@effect/vitest"
 * import { TestKeyspace } from "effect-cassandra-testkit"
 * import * as TestServer from "effect-cassandra-testkit/vitest"
 * import * as Effect from "effect/Effect"
 *
 * layer(TestServer.layerKeyspace(), { excludeTestServices: true })("users", (it) => {
 *   it.effect("has a keyspace of its own", () =>
 *     Effect.gen(function* () {
 *       const keyspace = yield* TestKeyspace.TestKeyspace
 *       yield* Effect.log(keyspace.name)
 *     })
 *   )
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layerKeyspace = (
  options?: TestKeyspace.KeyspaceOptions | undefined
): Layer.Layer<CassandraServer.CassandraServer | TestKeyspace.TestKeyspace, KeyspaceError> =>
  Layer.provideMerge(TestKeyspace.layer(options), layer)
