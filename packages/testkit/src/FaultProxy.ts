/**
 * A TCP proxy in front of a server, which does to the traffic what networks do on bad days.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { CassandraServer } from "./CassandraServer.ts"
import type { LinkFaults } from "./internal/faultLink.ts"
import { healthy } from "./internal/faultLink.ts"
import { FaultListener } from "./internal/faultListener.ts"
import * as Ports from "./internal/ports.ts"
import { OptionsError, ProxyError } from "./TestkitError.ts"

/**
 * Which bytes a fault is about: those from the client `toServer`, those from the server `toClient`, or both.
 *
 * @since 0.1.0
 * @category models
 */
export type Direction = "toServer" | "toClient" | "both"

/**
 * What is wrong with a direction. Times are real ones, whatever the `Clock`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Faults {
  /** How long every byte takes on its way. Default: 0. */
  readonly latency?: Duration.DurationInput | undefined
  /** By up to so much the latency is longer or shorter, by lot; the order of the bytes stays. Default: 0. */
  readonly jitter?: Duration.DurationInput | undefined
  /** Bytes a second. Default: no limit. */
  readonly bandwidth?: number | undefined
  /**
   * In which part of the pieces that are read, by lot, one bit is turned over: from 0 to 1. A piece is what the system has at once, such
   * as an answer, or many. Default: 0.
   */
  readonly corruption?: number | undefined
  /**
   * - `pass`: bytes go on.
   * - `drop`: bytes are taken and thrown away, as is the end of a connection; nobody is told. A black hole.
   * - `hold`: bytes are not read, so that the sender's buffers fill up; nothing is lost once they pass again.
   *
   * Default: `pass`.
   */
  readonly flow?: "pass" | "drop" | "hold" | undefined
}

/**
 * What went through a proxy.
 *
 * @since 0.1.0
 * @category models
 */
export interface Traffic {
  /** Connections that are open, to the client or to the server. */
  readonly open: number
  /** Connections that were ever accepted. */
  readonly accepted: number
  /** Bytes that were sent on. */
  readonly toServer: number
  readonly toClient: number
}

/**
 * A proxy. Whatever is changed counts for the connections that are open and for those to come.
 *
 * @since 0.1.0
 * @category models
 */
export interface FaultProxy {
  /** Where it listens. */
  readonly host: string
  readonly port: number
  /** Where it leads. */
  readonly target: { readonly host: string; readonly port: number }
  /** Changes what is named and leaves the rest as it is. `OptionsError` for a value that makes no sense. */
  readonly set: (faults: Faults, direction?: Direction | undefined) => Effect.Effect<void, OptionsError>
  /**
   * A black hole: connections are accepted, nothing gets through, nobody is told. In one direction only, the connection is
   * half open. What was thrown away is lost: connections that missed something are reset when bytes pass again.
   */
  readonly drop: (direction?: Direction | undefined) => Effect.Effect<void>
  /** Nothing is read until `resume`, and nothing is lost: a network, or a process, that stands still for a while. */
  readonly pause: (direction?: Direction | undefined) => Effect.Effect<void>
  /** The end of `pause` and of `drop`. */
  readonly resume: (direction?: Direction | undefined) => Effect.Effect<void>
  /** New connections are refused; those that are open stay. */
  readonly refuse: Effect.Effect<void>
  /** New connections are accepted again. */
  readonly accept: Effect.Effect<void, ProxyError>
  /** Breaks every open connection at once, with a reset (RST) to both sides. */
  readonly reset: Effect.Effect<void>
  /** Closes every open connection in an orderly way (FIN). */
  readonly close: Effect.Effect<void>
  /** The end of all faults. */
  readonly heal: Effect.Effect<void, ProxyError>
  readonly traffic: Effect.Effect<Traffic>
}

/**
 * The service of the proxy that {@link layer} puts before a server.
 *
 * @since 0.1.0
 * @category tags
 */
export const FaultProxy = Context.GenericTag<FaultProxy>("effect-cassandra-testkit/FaultProxy")

/**
 * Where a proxy leads, and where it listens.
 *
 * @since 0.1.0
 * @category models
 */
export interface ProxyOptions {
  /** The server to put it before. */
  readonly target: { readonly host: string; readonly port: number }
  /** The address to listen on. Default: 127.0.0.1. */
  readonly host?: string | undefined
  /** The port to listen on. Default: a free one. */
  readonly port?: number | undefined
}

const ways = (direction: Direction = "both") =>
  direction === "both" ? (["toServer", "toClient"] as const) : [direction]

const millis = (option: string, input: Duration.DurationInput): Effect.Effect<number, OptionsError> =>
  Effect.flatMap(
    Effect.orElseFail(Duration.decodeUnknown(input), () => new OptionsError({ option, reason: "not a duration" })),
    (duration) => {
      const value = Duration.toMillis(duration)
      // Node's timers cannot wait longer.
      return value < 2 ** 31
        ? Effect.succeed(value)
        : Effect.fail(new OptionsError({ option, reason: "at most 24 days; for ever is `drop`" }))
    }
  )

/** The part of a link's faults that `faults` names. */
const decode = Effect.fnUntraced(function* (faults: Faults) {
  const { bandwidth, corruption, flow, jitter, latency } = faults
  if (bandwidth !== undefined && !(bandwidth > 0)) {
    return yield* new OptionsError({ option: "bandwidth", reason: "more than 0 bytes a second; for none, `pause`" })
  }
  if (corruption !== undefined && !(corruption >= 0 && corruption <= 1)) {
    return yield* new OptionsError({ option: "corruption", reason: "from 0 to 1" })
  }
  if (flow !== undefined && !["pass", "drop", "hold"].includes(flow)) {
    return yield* new OptionsError({ option: "flow", reason: "pass, drop or hold" })
  }
  const changes: Partial<LinkFaults> = {
    ...(latency === undefined ? {} : { latency: yield* millis("latency", latency) }),
    ...(jitter === undefined ? {} : { jitter: yield* millis("jitter", jitter) }),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(corruption === undefined ? {} : { corruption }),
    ...(flow === undefined ? {} : { flow })
  }
  return changes
})

/**
 * A proxy before a server, closed with its connections when the scope closes. It forwards everything until told otherwise,
 * TLS too, for it does not look inside.
 *
 * Fails with `ProxyError` when it cannot listen.
 *
 * @example
 * ```ts
 * import { CassandraServer, FaultProxy } from "effect-cassandra-testkit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const { contactPoints, port } = yield* CassandraServer.make()
 *   const proxy = yield* FaultProxy.make({ target: { host: contactPoints[0]!, port } })
 *   // a client of proxy.host and proxy.port …
 *   yield* proxy.set({ latency: "200 millis", jitter: "50 millis" })
 *   yield* proxy.drop("toClient") // requests arrive, answers do not
 *   yield* proxy.heal
 *   yield* proxy.reset
 * })
 *
 * Effect.runPromise(Effect.scoped(program))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: (options: ProxyOptions) => Effect.Effect<FaultProxy, ProxyError, Scope.Scope> = Effect.fnUntraced(
  function* (options: ProxyOptions) {
    const { target } = options
    const host = options.host ?? "127.0.0.1"
    const port =
      options.port ??
      (yield* Effect.mapBoth(Ports.allocate(Effect.succeed([host])), {
        onSuccess: ({ ports }) => ports.native,
        onFailure: (cause) => new ProxyError({ host, port: 0, cause })
      }))
    const listener = new FaultListener({ host, port }, target)
    const accept = Effect.async<void, ProxyError>((resume) => {
      listener.start((cause) =>
        resume(cause === undefined ? Effect.void : Effect.fail(new ProxyError({ host, port, cause })))
      )
    })
    yield* Effect.acquireRelease(accept, () =>
      Effect.async<void>((resume) => {
        listener.stop(() => resume(Effect.void))
      })
    )

    const change = (changes: Partial<LinkFaults>, direction: Direction | undefined) =>
      Effect.sync(() => {
        for (const way of ways(direction)) listener.change(way, { ...listener.faults[way], ...changes })
      })
    const end = (how: "reset" | "close") => Effect.sync(() => listener.end(how))
    const proxy: FaultProxy = {
      host,
      port,
      target,
      set: (faults, direction) => Effect.flatMap(decode(faults), (changes) => change(changes, direction)),
      drop: (direction) => change({ flow: "drop" }, direction),
      pause: (direction) => change({ flow: "hold" }, direction),
      resume: (direction) => change({ flow: "pass" }, direction),
      refuse: Effect.sync(() => listener.refuse()),
      accept,
      reset: end("reset"),
      close: end("close"),
      heal: Effect.zipRight(change(healthy, "both"), accept),
      traffic: Effect.sync(() => ({
        open: listener.open,
        accepted: listener.accepted,
        toServer: listener.forwarded("toServer"),
        toClient: listener.forwarded("toClient")
      }))
    }
    return proxy
  }
)

/**
 * Puts a proxy before the `CassandraServer` in the context, and itself in its place: what is provided is a server whose
 * coordinates are the proxy's. For a single server; for the nodes of a cluster see `CassandraCluster` with `proxied`.
 *
 * @example
 * ```ts
 * import { CassandraServer, FaultProxy } from "effect-cassandra-testkit"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Faulty = FaultProxy.layer.pipe(Layer.provide(CassandraServer.layer()))
 *
 * const program = Effect.gen(function* () {
 *   const server = yield* CassandraServer.CassandraServer // a client connects to this
 *   const proxy = yield* FaultProxy.FaultProxy
 *   yield* proxy.refuse
 *   yield* proxy.reset
 *   yield* Effect.log(`nobody gets through to port ${server.port}`)
 *   yield* proxy.heal
 * })
 *
 * Effect.runPromise(Effect.provide(program, Faulty))
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<FaultProxy | CassandraServer, ProxyError, CassandraServer> = Layer.scopedContext(
  Effect.gen(function* () {
    const server = yield* CassandraServer
    const proxy = yield* make({ target: { host: server.contactPoints[0] ?? "127.0.0.1", port: server.port } })
    return Context.make(FaultProxy, proxy).pipe(
      Context.add(CassandraServer, { ...server, contactPoints: [proxy.host], port: proxy.port })
    )
  })
)
