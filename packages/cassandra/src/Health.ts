/**
 * How a cluster is: each of its hosts is asked on that host. For dashboards, alerts, and the readiness and liveness probes of a
 * service.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { CassandraError } from "./CassandraError.ts"
import { Cluster } from "./Cluster.ts"
import { Argument, integer, millis, namesOf } from "./internal/options/index.ts"
import { failed, probe, type ProbeOutcome } from "./internal/cluster/index.ts"

/**
 * @since 0.1.0
 * @category type ids
 */
export const TypeId: TypeId = "~effect-cassandra/Health"

/**
 * @since 0.1.0
 * @category type ids
 */
export type TypeId = "~effect-cassandra/Health"

/**
 * - `up`: it answered in time.
 * - `failing`: it was asked, and there was no answer in time, or the answer was an error.
 * - `down`: the client has no connection to it, so it could not be asked.
 * - `ignored`: the client never uses it, because of its data centre; so it was not asked.
 *
 * @since 0.1.0
 * @category models
 */
export type HostState = "up" | "failing" | "down" | "ignored"

/**
 * One host. What it runs and where it is comes from its own answer, or, without one, from what the client knows of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface HostHealth {
  /** `address:port` */
  readonly address: string
  readonly dataCenter: string
  readonly rack: string
  /** The release of Cassandra it runs. */
  readonly version: string
  readonly state: HostState
  /** How long its answer took; given when it is `up`. */
  readonly latency: Option.Option<Duration.Duration>
  /** Connections of this client to it. */
  readonly connections: number
  /** Requests of this client on their way to it or back. */
  readonly inFlight: number
  /** Requests that were given up and that it has not answered yet. */
  readonly orphans: number
  /** Whether this client tries it last, because it did not answer; see `BreakerOptions`. */
  readonly breaker: "closed" | "open" | "half-open"
  /** Why it is not `up`. */
  readonly error: Option.Option<CassandraError>
}

/**
 * Hosts that are `ignored` do not count.
 *
 * - `healthy`: every host is up.
 * - `degraded`: not every one, but at least `minimumUp`.
 * - `unhealthy`: fewer than that, none at all, or the cluster is closed.
 *
 * @since 0.1.0
 * @category models
 */
export type Status = "healthy" | "degraded" | "unhealthy"

/**
 * A cluster at one moment, as this client sees it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClusterHealth {
  readonly status: Status
  /** When the check began. */
  readonly checkedAt: DateTime.Utc
  /** The version of the native protocol in use. */
  readonly protocolVersion: number
  /** Requests in flight, by all sessions. */
  readonly inFlight: number
  /** Requests that wait to be admitted. */
  readonly queued: number
  readonly hosts: ReadonlyArray<HostHealth>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CheckOptions {
  /** How long a host may take to answer, waiting for admission included. Default 2 seconds, at least a millisecond. */
  readonly timeout?: Duration.DurationInput | undefined
  /**
   * How many hosts must be up for the cluster to be of use. Default 1. With three replicas on three nodes and `QUORUM`, say 2.
   */
  readonly minimumUp?: number | undefined
}

const names = namesOf<WatchOptions>({ timeout: true, minimumUp: true, schedule: true })

const statusOf = (hosts: ReadonlyArray<HostHealth>, minimumUp: number): Status => {
  const counted = hosts.filter(({ state }) => state !== "ignored")
  const up = counted.filter(({ state }) => state === "up").length
  if (up === 0 || up < minimumUp) return "unhealthy"
  return up === counted.length ? "healthy" : "degraded"
}

/**
 * Asks every host, all at once, and says how it went. It never fails: what is wrong is what it reports. It takes no longer than
 * the slowest host or the timeout.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Cluster, Health } from "effect-cassandra"
 *
 * const program = Effect.gen(function* () {
 *   const { hosts, status } = yield* Health.check({ timeout: "500 millis", minimumUp: 2 })
 *   const notUp = hosts.filter(({ state }) => state !== "up").map(({ address }) => address)
 *   if (status !== "healthy") yield* Effect.logWarning(`The cluster is ${status}`, notUp)
 * }).pipe(Effect.provide(Cluster.layer({ contactPoints: ["127.0.0.1"] })))
 * ```
 *
 * @since 0.1.0
 * @category checking
 */
export const check = (options: CheckOptions = {}): Effect.Effect<ClusterHealth, never, Cluster> => {
  const { minimumUp = 1, timeout = "2 seconds" } = Argument.options("Health", options, names)
  integer("Health.minimumUp", minimumUp, 0, Number.MAX_SAFE_INTEGER)
  return checkWithin(Duration.millis(Math.max(1, millis("Health.timeout", timeout))), minimumUp)
}

const checkWithin: (limit: Duration.Duration, minimumUp: number) => Effect.Effect<ClusterHealth, never, Cluster> =
  Effect.fnUntraced(function* (limit: Duration.Duration, minimumUp: number) {
    const cluster = yield* Cluster
    const checkedAt = DateTime.unsafeMake(yield* Clock.currentTimeMillis)
    const known = yield* cluster.hosts
    const outcomes = yield* cluster.connect().pipe(
      Effect.flatMap((session) =>
        Effect.forEach(known, (host) => probe(session, host, limit), { concurrency: "unbounded" })
      ),
      Effect.scoped,
      Effect.catchAll((error) => Effect.succeed(known.map(({ address }) => failed(error, address))))
    )
    const { hosts: states, inFlight, protocolVersion, queued } = yield* cluster.state
    const hosts = known.map((host, i): HostHealth => {
      const state = states.get(host.address)
      return {
        address: host.address,
        dataCenter: host.dataCenter,
        rack: host.rack,
        version: host.version,
        connections: state?.connections ?? 0,
        inFlight: state?.inFlight ?? 0,
        orphans: state?.orphans ?? 0,
        breaker: state?.breaker ?? "closed",
        ...(outcomes[i] as ProbeOutcome)
      }
    })
    return { status: statusOf(hosts, minimumUp), checkedAt, protocolVersion, inFlight, queued, hosts }
  })

/**
 * Checks again and again, by a schedule; the first check is made at once. Each run of the stream makes checks of its own: use
 * {@link layer} to share them.
 *
 * @example
 * ```ts
 * import { Effect, Schedule, Stream } from "effect"
 * import { Health } from "effect-cassandra"
 *
 * const alarms = Health.stream(Schedule.spaced("10 seconds")).pipe(
 *   Stream.map(({ status }) => status),
 *   Stream.changes,
 *   Stream.runForEach((status) => Effect.log(`The cluster is ${status}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category checking
 */
export const stream = <B, R>(
  schedule: Schedule.Schedule<B, unknown, R>,
  options: CheckOptions = {}
): Stream.Stream<ClusterHealth, never, Cluster | R> =>
  Stream.repeatEffectWithSchedule(check(options), Argument.schedule("Health.stream", schedule))

/**
 * An answer to an HTTP probe: the status code, and a body for `JSON.stringify`. No body has the text of an error, which may
 * tell more than the outside should know.
 *
 * @since 0.1.0
 * @category models
 */
export interface Answer<out Body> {
  readonly status: 200 | 503
  readonly body: Body
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ReadinessBody {
  readonly status: Status
  /** ISO 8601 */
  readonly checkedAt: string
  readonly hosts: ReadonlyArray<{
    readonly address: string
    readonly dataCenter: string
    readonly rack: string
    readonly version: string
    readonly state: HostState
    /** In milliseconds; null unless it is `up`. */
    readonly latency: number | null
    readonly connections: number
    readonly inFlight: number
    readonly orphans: number
    readonly breaker: HostHealth["breaker"]
    /** The tag of the error; null when there is none. */
    readonly error: CassandraError["_tag"] | null
  }>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface LivenessBody {
  readonly status: "alive" | "closed"
}

/**
 * A watch over a cluster, shared by all who look at it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Health {
  readonly [TypeId]: TypeId
  /** What the last check found. */
  readonly latest: Effect.Effect<ClusterHealth>
  /**
   * What the last check found, and then what each check finds. A subscriber that is slow misses some, one that fails is gone:
   * neither the watch nor another subscriber notices.
   */
  readonly changes: Stream.Stream<ClusterHealth>
  /**
   * Whether requests may come: 200 unless the last check found the cluster `unhealthy`. It sends nothing to the cluster, so it
   * may be asked as often as anyone likes.
   */
  readonly readiness: Effect.Effect<Answer<ReadinessBody>>
  /**
   * Whether the process should live on: 200 unless the cluster was closed. A server that is down makes no difference here, for
   * restarting the service would not mend it.
   */
  readonly liveness: Effect.Effect<Answer<LivenessBody>>
}

/**
 * @since 0.1.0
 * @category models
 */
export interface WatchOptions<R = never> extends CheckOptions {
  /** When to check again; it should not end. Default: every 5 seconds, counted from the end of a check. */
  readonly schedule?: Schedule.Schedule<unknown, unknown, R> | undefined
}

/**
 * @since 0.1.0
 * @category tags
 */
export const Health: Context.Tag<Health, Health> = Context.GenericTag<Health>("effect-cassandra/Health")

const readinessOf = ({ checkedAt, hosts, status }: ClusterHealth): Answer<ReadinessBody> => ({
  status: status === "unhealthy" ? 503 : 200,
  body: {
    status,
    checkedAt: DateTime.formatIso(checkedAt),
    hosts: hosts.map(({ error, latency, ...host }) => ({
      ...host,
      latency: Option.getOrNull(Option.map(latency, Duration.toMillis)),
      error: Option.getOrNull(Option.map(error, ({ _tag }) => _tag))
    }))
  }
})

/**
 * Makes the first check, and goes on checking until the scope closes.
 *
 * @example
 * ```ts
 * import { Effect, Schedule } from "effect"
 * import { Health } from "effect-cassandra"
 *
 * const program = Effect.gen(function* () {
 *   const health = yield* Health.make({ schedule: Schedule.spaced("1 second"), minimumUp: 2 })
 *   const { body, status } = yield* health.readiness
 *   yield* Effect.log(status, JSON.stringify(body))
 * })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <R = never>(
  options: WatchOptions<R> = {}
): Effect.Effect<Health, never, Cluster | R | Scope.Scope> => {
  const asking = check(options)
  const { schedule = Schedule.spaced("5 seconds") } = options
  return watch<R>(asking, Argument.schedule("Health.make", schedule))
}

const watch: <R>(
  asking: Effect.Effect<ClusterHealth, never, Cluster>,
  schedule: Schedule.Schedule<unknown, unknown, R>
) => Effect.Effect<Health, never, Cluster | R | Scope.Scope> = Effect.fnUntraced(function* <R>(
  asking: Effect.Effect<ClusterHealth, never, Cluster>,
  schedule: Schedule.Schedule<unknown, unknown, R>
) {
  const cluster = yield* Cluster
  let latest = yield* asking
  // Room for one: what a slow subscriber has not taken gives way to what is newer.
  const checks = yield* Effect.acquireRelease(PubSub.sliding<ClusterHealth>(1), PubSub.shutdown)
  const again = Effect.flatMap(asking, (health) => {
    latest = health
    return PubSub.publish(checks, health)
  })
  yield* Effect.forkScoped(Effect.schedule(again, schedule))
  return {
    [TypeId]: TypeId,
    latest: Effect.sync(() => latest),
    changes: Stream.unwrapScoped(
      Effect.map(PubSub.subscribe(checks), (newer) =>
        Stream.concat(
          Stream.sync(() => latest),
          Stream.fromQueue(newer)
        )
      )
    ),
    readiness: Effect.sync(() => readinessOf(latest)),
    liveness: Effect.map(cluster.isClosed, (closed) =>
      closed
        ? { status: 503 as const, body: { status: "closed" as const } }
        : { status: 200 as const, body: { status: "alive" as const } }
    )
  }
})

/**
 * The watch of {@link make} as a layer.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Cluster, Health } from "effect-cassandra"
 *
 * const HealthLive = Health.layer({ minimumUp: 2 }).pipe(
 *   Layer.provideMerge(Cluster.layer({ contactPoints: ["10.0.0.1", "10.0.0.2"], localDataCenter: "dc1" }))
 * )
 *
 * // For a route such as GET /health/ready, in whatever framework.
 * const ready = Effect.flatMap(Health.Health, ({ readiness }) => readiness)
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <R = never>(options: WatchOptions<R> = {}): Layer.Layer<Health, never, Cluster | R> =>
  Layer.scoped(Health, make(options))
