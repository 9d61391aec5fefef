/** A connected cluster: an engine for each keyspace that sessions ask for, shared by all who ask for the same one. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type CassandraError, OperationTimedOutError } from "../../CassandraError.ts"
import type { AddProfileOptions, Cluster, ClusterState } from "../../Cluster.ts"
import type { SubscribeOptions } from "../../ClusterEvent.ts"
import type { ExecutionProfile } from "../../ExecutionProfile.ts"
import { Breaker, Policies } from "../routing/index.ts"
import {
  Argument,
  checkProfile,
  checkSessionOptions,
  makeEffectRunner,
  millis,
  addProfileOptions,
  subscribeOptions,
  type Resolved
} from "../options/index.ts"
import * as LoadBalancing from "../../LoadBalancing.ts"
import { ProfileExistsError } from "../../ProfileExistsError.ts"
import type { Session, SessionOptions } from "../../Session.ts"
import {
  closedError,
  type ClusterView,
  defaultTimeout,
  type Engine,
  type EngineContext,
  type EngineFactory,
  nextTimestamp,
  type NextTimestamp,
  Profiles,
  timeoutFail,
  toMillis,
  turn
} from "../request/index.ts"
import * as clusterEvents from "./clusterEvents.ts"
import { isRefused } from "./connectError.ts"
import { viewKey } from "./clusterView.ts"
import * as metadata from "./metadata/index.ts"
import { openSession } from "./session.ts"
import { board, ClusterTelemetry, telemetryKey } from "../telemetry/index.ts"
import type { TimestampGenerator } from "../../TimestampGenerator.ts"

/** What a session needs of its cluster. */
export interface ClusterInternals {
  readonly options: Resolved
  readonly profiles: Profiles
  readonly telemetry: ClusterTelemetry
  readonly isClosed: () => boolean
  /** Opens connections to the nodes that a policy is for, and gives up on them with the scope. */
  readonly usePolicy: (policy: LoadBalancing.LoadBalancing) => Effect.Effect<void, CassandraError, Scope.Scope>
  /** The engine for a keyspace, kept until the scope closes. */
  readonly engine: (keyspace: string | undefined) => Effect.Effect<Engine, CassandraError, Scope.Scope>
  /** The timestamps of a session that may have a generator of its own. */
  readonly timestamps: (generator: TimestampGenerator | undefined) => NextTimestamp
}

/** Connects by the engines of one kind. */
export const make = <E extends Engine>(
  options: Resolved,
  factory: EngineFactory<E>
): Effect.Effect<Cluster, CassandraError, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const sessions = new Set<Session>()
    const profiles = new Profiles(options.profiles)
    const policies = new Policies(options.loadBalancing ?? LoadBalancing.standard)
    for (const { loadBalancing } of Object.values(options.profiles)) {
      if (loadBalancing !== undefined) policies.add(loadBalancing)
    }
    let closed = false
    // Closing twice waits for the first: whoever closes knows that everything is closed.
    const close = yield* Effect.cached(
      Effect.suspend(() => {
        closed = true
        return Effect.forEach([...sessions], (session) => session.close, { concurrency: "unbounded", discard: true })
      }).pipe(Effect.zipRight(Scope.close(scope, Exit.void)), Effect.uninterruptible)
    )
    yield* Effect.addFinalizer(() => close)

    const runner = yield* Scope.extend(makeEffectRunner, scope)
    const clusterTimestamps = nextTimestamp(options.timestampGenerator, runner.warn)
    const breaker = new Breaker(options.breaker)
    const telemetry = new ClusterTelemetry(options.metrics, options.slowQueryThreshold, breaker, runner.warn)
    const context: EngineContext = { policies, breaker, runner }
    const engines = yield* RcMap.make({
      lookup: (keyspace: string) =>
        Effect.tap(connectRefused(factory, options, context, keyspace === "" ? undefined : keyspace), (engine) =>
          Effect.acquireRelease(
            Effect.sync(() => telemetry.add(engine)),
            () => Effect.sync(() => telemetry.remove(engine))
          )
        )
    }).pipe(Scope.extend(scope))
    const acquire = (keyspace: string | undefined) =>
      closed ? Effect.fail(closedError("NotApplied", "cluster")) : RcMap.get(engines, keyspace ?? "")
    const base = yield* Scope.extend(acquire(undefined), scope)
    yield* Scope.extend(measuring(telemetry, options.metrics.interval), scope)

    const openEngines = Effect.gen(function* () {
      if (closed) return []
      const keyspaces = yield* RcMap.keys(engines)
      return yield* Effect.scoped(Effect.forEach(keyspaces, (keyspace) => RcMap.get(engines, keyspace)))
    }).pipe(Effect.orElseSucceed((): Array<E> => []))

    /** Gives the nodes the connections that the policies in use ask for, and waits for the new ones; not for ever. */
    const adjust = (wait: Duration.DurationInput): Effect.Effect<void> =>
      Effect.flatMap(
        openEngines,
        Effect.forEach(({ view }) => Effect.promise(() => view.adjustPools()), { concurrency: "unbounded" })
      ).pipe(Effect.timeoutOption(wait), Effect.asVoid)

    const addProfile = (
      name: string,
      profile: ExecutionProfile,
      waiting: AddProfileOptions = {}
    ): Effect.Effect<void, ProfileExistsError | CassandraError> =>
      Effect.gen(function* () {
        const { loadBalancing } = profile
        const { poolWaitTimeout = defaultPoolWait } = waiting
        // Looked up and added in one go: of two at once, one finds the other's.
        yield* attempt<ProfileExistsError | CassandraError>(() => {
          if (closed) throw closedError("NotApplied", "cluster")
          if (profiles.has(name)) {
            throw new ProfileExistsError({ name, message: `The cluster has a profile "${name}" already` })
          }
          Argument.options("addProfile", waiting, addProfileOptions)
          millis("poolWaitTimeout", poolWaitTimeout)
          checkProfile(profile, `profiles.${name}`)
          if (loadBalancing !== undefined) base.checkPolicy(loadBalancing)
          profiles.add(name, profile)
          if (loadBalancing !== undefined) policies.add(loadBalancing)
        })
        if (loadBalancing !== undefined) yield* adjust(poolWaitTimeout)
      })

    const internals: ClusterInternals = {
      options,
      profiles,
      telemetry,
      isClosed: () => closed,
      usePolicy: (policy) =>
        Effect.zipRight(
          Effect.acquireRelease(
            attempt<CassandraError>(() => {
              base.checkPolicy(policy)
              policies.add(policy)
            }),
            () =>
              Effect.map(openEngines, (open) => {
                policies.remove(policy)
                // It only closes connections: nobody has to wait for that.
                for (const { view } of open) void view.adjustPools()
              })
          ),
          adjust(defaultPoolWait)
        ),
      engine: (keyspace) =>
        acquire(base.transport.keyspacePerRequest || keyspace === base.keyspace ? undefined : keyspace),
      timestamps: (generator) => (generator === undefined ? clusterTimestamps : nextTimestamp(generator, runner.warn))
    }

    const events = yield* Scope.extend(clusterEvents.make(base.view, breaker), scope)
    const subscribe = (wanted: SubscribeOptions = {}) => {
      const { capacity = 1024 } = Argument.options("cluster.subscribe", wanted, subscribeOptions)
      return events.subscribe(capacity >= 1 ? Math.floor(capacity) : 1)
    }
    // What reads the schema is a session like others, closed with them.
    const reading = yield* openSession(internals, {})
    sessions.add(reading)
    const known = yield* Scope.extend(
      metadata.make(base, reading, options.maxSchemaAgreementWait, internals.isClosed),
      scope
    )

    const cluster: Cluster & { readonly [telemetryKey]: ClusterTelemetry; readonly [viewKey]: ClusterView } = {
      "~effect-cassandra/Cluster": "~effect-cassandra/Cluster",
      [telemetryKey]: telemetry,
      [viewKey]: base.view,
      driver: factory.driver(options, context, base),
      connect: (sessionOptions: SessionOptions = {}) =>
        Effect.gen(function* () {
          yield* attempt<CassandraError>(() => checkSessionOptions(sessionOptions))
          return yield* Effect.uninterruptibleMask((restore) =>
            Effect.tap(
              Effect.tapError(restore(openInTime(internals, sessionOptions)), () => turn),
              (session) => {
                sessions.add(session)
                return Effect.addFinalizer(() =>
                  Effect.ensuring(
                    session.close,
                    Effect.sync(() => sessions.delete(session))
                  )
                )
              }
            )
          )
        }),
      hosts: known.hosts,
      metadata: known,
      events: Stream.unwrapScoped(subscribe()),
      subscribe,
      state: Effect.map(openEngines, (open) => stateOf(base, open, breaker)),
      profiles: Effect.sync(() => profiles.all()),
      addProfile,
      close,
      isClosed: Effect.sync(() => closed)
    }
    return cluster
  })

/** Reads the gauges now and then, as long as the scope is open. The timer keeps no program from ending. */
const measuring = (telemetry: ClusterTelemetry, interval: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      board.add(telemetry)
      return setInterval(() => telemetry.tick(), interval).unref()
    }),
    (timer) =>
      Effect.sync(() => {
        clearInterval(timer)
        board.remove(telemetry)
      })
  )

/** Runs what throws nothing but errors of ours. */
const attempt = <E>(run: () => void): Effect.Effect<void, E> =>
  Effect.tapError(Effect.try({ try: run, catch: (error) => error as E }), () => turn)

const defaultPoolWait = "5 seconds"
/** A session, with all the connections that it wants open, within the time that it may take. */
const openInTime = (internals: ClusterInternals, options: SessionOptions): Effect.Effect<Session, CassandraError> => {
  const { connectTimeout, keyspace, waitForAllPools } = options
  const pools = Effect.scoped(
    Effect.flatMap(internals.engine(keyspace), ({ view }) => Effect.promise(() => view.openAllPools()))
  )
  const open = Effect.uninterruptibleMask((restore) =>
    Effect.tap(restore(openSession(internals, options)), (session) =>
      waitForAllPools === true ? Effect.onError(restore(pools), () => session.close) : Effect.void
    )
  )
  if (connectTimeout === undefined) return open
  const timeout = Duration.toMillis(connectTimeout)
  const onTimeout = () =>
    new OperationTimedOutError({
      message: `The session could not be opened within ${Duration.format(connectTimeout)}`,
      timeout,
      writeState: "NotApplied"
    })
  return timeoutFail(open, timeout, onTimeout)
}

const connectRefused = <E extends Engine>(
  factory: EngineFactory<E>,
  options: Resolved,
  context: EngineContext,
  keyspace: string | undefined
) =>
  factory.open(options, context, keyspace, timeoutOf(options)).pipe(
    Effect.retry({
      schedule: Schedule.exponential(options.connectBackoff),
      times: options.connectAttempts - 1,
      while: isRefused
    })
  )

const timeoutOf = ({ timeout }: Resolved): number => (timeout === undefined ? defaultTimeout : toMillis(timeout))

type HostActivity = ClusterState["hosts"] extends ReadonlyMap<string, infer A> ? A : never

const stateOf = (base: Engine, engines: ReadonlyArray<Engine>, breaker: Breaker): ClusterState => {
  const hosts = new Map<string, HostActivity>()
  for (const { view } of engines) {
    for (const node of view.nodes) {
      const known = hosts.get(node.address) ?? { connections: 0, inFlight: 0, orphans: 0 }
      const { connections, inFlight, orphans } = view.activity(node)
      hosts.set(node.address, {
        connections: known.connections + connections,
        inFlight: known.inFlight + inFlight,
        orphans: known.orphans + orphans,
        breaker: breaker.state(node.address)
      })
    }
  }
  return {
    protocolVersion: base.transport.protocolVersion(),
    inFlight: engines.reduce((sum, engine) => sum + engine.gate.inFlight, 0),
    queued: engines.reduce((sum, engine) => sum + engine.gate.queued, 0),
    hosts
  }
}
