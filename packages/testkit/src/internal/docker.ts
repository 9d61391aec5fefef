/**
 * Cassandra in a container, through the npm package `testcontainers`, which is loaded only here and only if installed.
 *
 * This way could not be tried where the kit was written, for want of an engine: it is as thin as it can be, and the
 * official image's defaults do the rest.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { CassandraServer } from "../CassandraServer.ts"
import { ServerStartError } from "../TestkitError.ts"
import type { Resolved } from "./defaults.ts"
import { superuser } from "./defaults.ts"
import { credentialsOf } from "./embedded.ts"
import * as CqlProbe from "./cqlProbe.ts"
import * as Schedule from "effect/Schedule"
import * as Duration from "effect/Duration"

/** As much of testcontainers 10 and 11 as is used. */
interface StartedContainer {
  getHost(): string
  getMappedPort(port: number): number
  stop(): Promise<unknown>
}

interface Container {
  withExposedPorts(port: number): this
  withStartupTimeout(milliseconds: number): this
  withWaitStrategy(strategy: unknown): this
  withCopyContentToContainer(content: ReadonlyArray<{ content: string; target: string }>): this
  withEnvironment(environment: Record<string, string>): this
  withEntrypoint(entrypoint: ReadonlyArray<string>): this
  withCommand(command: ReadonlyArray<string>): this
  start(): Promise<StartedContainer>
}

interface Testcontainers {
  readonly GenericContainer: new (image: string) => Container
  readonly Wait: { forListeningPorts(): unknown }
  readonly getContainerRuntimeClient: () => Promise<unknown>
}

const nativePort = 9042
const extraSettings = "/testkit.yaml"

const refusal = (options: Resolved): Option.Option<string> => {
  if (options.tls !== undefined) return Option.some("`tls` is asked for, which only the embedded server gives")
  if (options.jvmOptions.length > 0 || options.mode === "benchmark") {
    return Option.some("JVM options or mode `benchmark` are asked for, which only the embedded server gives")
  }
  return Option.none()
}

/** The name is not a literal, so that compilers and bundlers leave the optional package alone. */
const packageName = "testcontainers" as string

const load = Effect.tryPromise(async (): Promise<Testcontainers> => {
  const module = await import(packageName)
  return module.GenericContainer === undefined ? module.default : module
})

/** What the image does not set by itself; a later key of the file wins over an earlier one. */
const appended = (options: Resolved): string => {
  const settings: Record<string, unknown> = {
    ...(options.release.line === "4.0"
      ? { enable_user_defined_functions: true, enable_materialized_views: true }
      : { user_defined_functions_enabled: true, materialized_views_enabled: true }),
    ...(options.authentication ? { authenticator: "PasswordAuthenticator", authorizer: "CassandraAuthorizer" } : {}),
    ...options.settings
  }
  return Object.entries(settings)
    .map(([key, value]) => `\n${key}: ${JSON.stringify(value)}`)
    .join("")
}

const start = Effect.fnUntraced(function* (containers: Testcontainers, options: Resolved) {
  const image = `cassandra:${options.release.version}`
  const failed = (cause: unknown) =>
    new ServerStartError({
      server: `The container ${image}`,
      reason: cause instanceof Error ? cause.message : String(cause),
      log: "",
      cause
    })
  yield* options.report(`starting ${image} in Docker (the image is fetched the first time)`)
  const startup = `cat ${extraSettings} >> /etc/cassandra/cassandra.yaml && exec docker-entrypoint.sh cassandra -f`
  const container = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        new containers.GenericContainer(image)
          .withExposedPorts(nativePort)
          .withCopyContentToContainer([{ content: appended(options), target: extraSettings }])
          .withEnvironment({ MAX_HEAP_SIZE: `${options.heapMegabytes}M`, HEAP_NEWSIZE: "128M" })
          .withEntrypoint(["bash", "-c"])
          .withCommand([startup])
          .withWaitStrategy(containers.Wait.forListeningPorts())
          .withStartupTimeout(Duration.toMillis(options.startTimeout))
          .start(),
      catch: failed
    }),
    (started) => Effect.promise(() => started.stop().catch(() => undefined))
  )
  const host = container.getHost()
  const port = container.getMappedPort(nativePort)
  yield* CqlProbe.probe({ host, port, credentials: options.authentication ? superuser : undefined }).pipe(
    Effect.retry(Schedule.spaced("300 millis")),
    Effect.timeoutFail({
      duration: options.startTimeout,
      onTimeout: () => failed(`it did not serve CQL within ${Duration.format(options.startTimeout)}`)
    }),
    Effect.catchAll((error) => Effect.fail(error instanceof ServerStartError ? error : failed(error)))
  )
  yield* options.report("ready")
  const server: CassandraServer = {
    source: "docker",
    version: options.release.version,
    contactPoints: [host],
    port,
    localDataCenter: "datacenter1",
    credentials: credentialsOf(options),
    tls: Option.none(),
    logFile: Option.none(),
    pid: Option.none()
  }
  return server
})

/** A container to start, when the package is installed and an engine answers; left says what is missing. */
export const find = Effect.fnUntraced(function* (options: Resolved) {
  const refused = refusal(options)
  if (Option.isSome(refused)) return Either.left(refused.value)
  const containers = yield* Effect.option(load)
  if (Option.isNone(containers)) return Either.left("the npm package `testcontainers` is not installed")
  const engine = yield* Effect.tryPromise({
    try: () => containers.value.getContainerRuntimeClient(),
    catch: (error) => (error instanceof Error ? error.message : String(error))
  }).pipe(Effect.timeoutFail({ duration: "5 seconds", onTimeout: () => "it does not answer" }), Effect.either)
  if (Either.isLeft(engine)) return Either.left(`no Docker engine answers: ${engine.left}`)
  return Either.right(start(containers.value, options))
})
