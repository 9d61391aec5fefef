/** A connected cluster: an engine for each keyspace that sessions ask for, shared by all who ask for the same one. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type CassandraError, OperationTimedOutError } from "../CassandraError.ts"
import { type AddProfileOptions, type Cluster, type ClusterState, TypeId } from "../Cluster.ts"
import type { SubscribeOptions } from "../ClusterEvent.ts"
import type { ExecutionProfile } from "../ExecutionProfile.ts"
import { Breaker } from "./breaker.ts"
import * as Callbacks from "./callbacks.ts"
import { millis } from "./clusterOptions/checks.ts"
import { checkRequestOptions } from "./clusterOptions/requestOptions.ts"
import type { Resolved } from "./clusterOptions/resolve.ts"
import { checkSessionOptions } from "./clusterOptions/sessionOptions.ts"
import * as LoadBalancing from "../LoadBalancing.ts"
import { ProfileExistsError } from "../ProfileExistsError.ts"
import type { Session, SessionOptions } from "../Session.ts"
import { closedError } from "./attempt.ts"
import * as clusterEvents from "./clusterEvents.ts"
import { isRefused } from "./connectError.ts"
import { connect, type Engine } from "./driver.ts"
import type { Hooks } from "./driverOptions.ts"
import * as metadata from "./metadata/index.ts"
import { Policies } from "./loadBalancing.ts"
import { Profiles } from "./profiles.ts"
import { defaultTimeout, toMillis } from "./requestOptions.ts"
import { openSession } from "./session.ts"
import * as board from "./telemetry/board.ts"
import { ClusterTelemetry } from "./telemetry/cluster.ts"
import { telemetryKey } from "./telemetry/ofCluster.ts"
import { nextTimestamp, type NextTimestamp } from "./timestamps.ts"
import { timeoutFail, turn } from "./turns.ts"
import { adjustPools, openAllPools } from "./wire/client/index.ts"
import type { TimestampGenerator } from "../TimestampGenerator.ts"

/** What a session needs of its cluster. */
export interface ClusterInternals {
  readonly options: Resolved
  readonly profiles: Profiles
  readonly telemetry: ClusterTelemetry
  /** Opens connections to the nodes that a policy is for, and gives up on them with the scope. */
  readonly usePolicy: (policy: LoadBalancing.LoadBalancing) => Effect.Effect<void, CassandraError, Scope.Scope>
  /** The engine for a keyspace, kept until the scope closes. */
  readonly engine: (keyspace: string | undefined) => Effect.Effect<Engine, CassandraError, Scope.Scope>
  /** The timestamps of a session that may have a generator of its own. */
  readonly timestamps: (generator: TimestampGenerator | undefined) => NextTimestamp
}

export const make = (options: Resolved): Effect.Effect<Cluster, CassandraError, Scope.Scope> =>
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

    const callbacks = yield* Scope.extend(Callbacks.make, scope)
    const clusterTimestamps = nextTimestamp(options.timestampGenerator, callbacks.warn)
    const breaker = new Breaker(options.breaker)
    const telemetry = new ClusterTelemetry(options.metrics, options.slowQueryThreshold, breaker, callbacks.warn)
    const hooks: Hooks = { policies, breaker, callbacks, nextTimestamp: clusterTimestamps }
    const engines = yield* RcMap.make({
      lookup: (keyspace: string) =>
        Effect.tap(connectRefused(options, hooks, keyspace === "" ? undefined : keyspace), (engine) =>
          Effect.acquireRelease(
            Effect.sync(() => telemetry.add(engine)),
            () => Effect.sync(() => telemetry.remove(engine))
          )
        )
    }).pipe(Scope.extend(scope))
    const acquire = (keyspace: string | undefined) =>
      closed ? Effect.fail(closedError("NotApplied")) : RcMap.get(engines, keyspace ?? "")
    const base = yield* Scope.extend(acquire(undefined), scope)
    yield* Scope.extend(measuring(telemetry, options.metrics.interval), scope)

    const openEngines = Effect.gen(function* () {
      if (closed) return []
      const keyspaces = yield* RcMap.keys(engines)
      return yield* Effect.scoped(Effect.forEach(keyspaces, (keyspace) => RcMap.get(engines, keyspace)))
    }).pipe(Effect.orElseSucceed((): Array<Engine> => []))

    /** Gives the nodes the connections that the policies in use ask for, and waits for the new ones; not for ever. */
    const adjust = (wait: Duration.DurationInput): Effect.Effect<void> =>
      Effect.flatMap(
        openEngines,
        Effect.forEach(({ client }) => Effect.promise(() => adjustPools(client)), { concurrency: "unbounded" })
      ).pipe(Effect.timeoutOption(wait), Effect.asVoid)

    const addProfile = (
      name: string,
      profile: ExecutionProfile,
      { poolWaitTimeout = defaultPoolWait }: AddProfileOptions = {}
    ): Effect.Effect<void, ProfileExistsError | CassandraError> =>
      Effect.gen(function* () {
        const { loadBalancing } = profile
        // Looked up and added in one go: of two at once, one finds the other's.
        yield* attempt<ProfileExistsError | CassandraError>(() => {
          if (closed) throw closedError("NotApplied")
          if (profiles.has(name)) {
            throw new ProfileExistsError({ name, message: `The cluster has a profile "${name}" already` })
          }
          millis("poolWaitTimeout", poolWaitTimeout)
          checkRequestOptions(profile, `profiles.${name}`)
          if (loadBalancing !== undefined) base.routing.check(loadBalancing)
          profiles.add(name, profile)
          if (loadBalancing !== undefined) policies.add(loadBalancing)
        })
        if (loadBalancing !== undefined) yield* adjust(poolWaitTimeout)
      })

    const internals: ClusterInternals = {
      options,
      profiles,
      telemetry,
      usePolicy: (policy) =>
        Effect.zipRight(
          Effect.acquireRelease(
            attempt<CassandraError>(() => {
              base.routing.check(policy)
              policies.add(policy)
            }),
            () =>
              Effect.map(openEngines, (open) => {
                policies.remove(policy)
                // It only closes connections: nobody has to wait for that.
                for (const { client } of open) void adjustPools(client)
              })
          ),
          adjust(defaultPoolWait)
        ),
      engine: (keyspace) => acquire(base.transport.keyspacePerRequest ? undefined : keyspace),
      timestamps: (generator) =>
        generator === undefined ? clusterTimestamps : nextTimestamp(generator, callbacks.warn)
    }

    const events = yield* Scope.extend(clusterEvents.make(base.client, breaker), scope)
    const subscribe = ({ capacity = 1024 }: SubscribeOptions = {}) =>
      events.subscribe(capacity >= 1 ? Math.floor(capacity) : 1)
    // What reads the schema is a session like others, closed with them.
    const reading = yield* openSession(internals, {})
    sessions.add(reading)
    const known = yield* Scope.extend(metadata.make(base, reading, options.maxSchemaAgreementWait), scope)

    const cluster: Cluster & { readonly [telemetryKey]: ClusterTelemetry } = {
      [TypeId]: TypeId,
      [telemetryKey]: telemetry,
      driver: base.client,
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
    Effect.flatMap(internals.engine(keyspace), ({ client }) => Effect.promise(() => openAllPools(client)))
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

const connectRefused = (options: Resolved, hooks: Hooks, keyspace: string | undefined) =>
  connect(options, hooks, keyspace, timeoutOf(options)).pipe(
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
  for (const { client, transport } of engines) {
    const state = client.getState()
    for (const host of client.hosts.values()) {
      const known = hosts.get(host.address) ?? { connections: 0, inFlight: 0, orphans: 0 }
      hosts.set(host.address, {
        connections: known.connections + state.getOpenConnections(host),
        inFlight: known.inFlight + state.getInFlightQueries(host),
        orphans: known.orphans + transport.orphans(host),
        breaker: breaker.state(host.address)
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
