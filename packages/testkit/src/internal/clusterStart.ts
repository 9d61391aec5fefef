/**
 * Bringing up the nodes of a cluster together.
 */
import type { PlatformError } from "@effect/platform/Error"
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { CassandraServer } from "../CassandraServer.ts"
import type { FaultProxy } from "../FaultProxy.ts"
import * as Proxy from "../FaultProxy.ts"
import { ServerStartError } from "../TestkitError.ts"
import * as Node from "./cassandraNode.ts"
import * as Yaml from "./cassandraYaml.ts"
import type { Resolved } from "./defaults.ts"
import * as Driver from "./driver.ts"
import * as Embedded from "./embedded.ts"
import type { Engine } from "./engine.ts"
import type { NodeControl } from "./nodeControl.ts"
import * as Control from "./nodeControl.ts"
import * as NodeTool from "./nodeTool.ts"
import * as Ports from "./ports.ts"
import { makeTls } from "./tls.ts"
import type { Place } from "./topology.ts"
import * as Topology from "./topology.ts"

/** A node of the cluster and the handle on it. */
export interface Member extends Place {
  readonly address: string
  readonly logFile: string
  readonly control: NodeControl
  readonly proxy: Option.Option<FaultProxy>
}

/** A cluster that runs. */
export interface Started extends Pick<
  CassandraServer,
  "contactPoints" | "port" | "localDataCenter" | "credentials" | "tls"
> {
  /** The nodes as they are now: those that join are put in, those that leave are taken out. */
  readonly members: Array<Member>
  /** Waits until all nodes see each other, unless one is down or paused. */
  readonly settle: Effect.Effect<void, ServerStartError>
  readonly addressOf: (member: Member) => Driver.Address
  /** The files of a node that is to join, and the handle on it. */
  readonly join: (place: Place) => Effect.Effect<Member, PlatformError | NodeJS.ErrnoException, FileSystem.FileSystem>
  readonly nodeTool: (member: Member) => NodeTool.Target
  readonly startTimeout: Duration.Duration
  /** Replicas of the roles, as long as no node left. */
  readonly roleReplicas: number
}

const failed = (reason: string, cause?: unknown) =>
  new ServerStartError({ server: "The cluster", reason, log: "", cause })

const noAddress = (error: NodeJS.ErrnoException) =>
  error.code === "EADDRNOTAVAIL"
    ? failed(
        "this system does not answer on loopback addresses other than 127.0.0.1; " +
          "add them first (on macOS: ifconfig lo0 alias), or use Linux",
        error
      )
    : failed(`no free ports: ${error.message}`, error)

/** Nodes that may join later and have a name in the certificates. */
const spare = 16

/** Starts every node at once: their tokens are given, so none has to wait for another. */
export const start = Effect.fnUntraced(
  function* (engine: Engine, options: Resolved, places: ReadonlyArray<Place>, proxied: boolean) {
    const root = yield* Embedded.serverDirectory
    const allocated = yield* Effect.mapError(
      Ports.allocate(
        Effect.map(Topology.addresses(places.length), (own) =>
          proxied ? [...own, ...own.map(Topology.proxyAddress)] : own
        )
      ),
      noAddress
    )
    const { ports } = allocated
    const addresses = allocated.addresses.slice(0, places.length)
    // With room for nodes that join later.
    const later = Array.from({ length: spare }, (_, i) => Topology.nextAddress(addresses[0]!, places.length + i))
    const named = proxied ? [...later, ...later.map(Topology.proxyAddress)] : later
    const tls = options.tls && { ...makeTls([...allocated.addresses, ...named]), ...options.tls }
    const published = tls && (yield* Embedded.publishTls(root, tls, tls.requireClientAuth))
    const runtime: Node.Runtime = {
      engine,
      root,
      heapMegabytes: options.heapMegabytes,
      mode: options.mode,
      jvmOptions: options.jvmOptions,
      ringDelay: 2000,
      authReplicas: places.length,
      startTimeout: options.startTimeout
    }
    const scope = yield* Effect.scope
    /** The files of a node, and the handle on it. One that joins a running cluster takes its part of the data over. */
    const prepare = (place: Place, address: string, joins: boolean) =>
      Effect.gen(function* () {
        const proxy = proxied
          ? Option.some(
              yield* Proxy.make({
                target: { host: address, port: ports.native },
                host: Topology.proxyAddress(address),
                port: ports.native
              })
            )
          : Option.none<FaultProxy>()
        const settings = Yaml.nodeSettings({
          release: engine.release,
          clusterName: `testkit ${root.slice(-8)}`,
          directory: Node.directoryOf(root, place.name),
          address,
          seeds: addresses.slice(0, 3),
          ports,
          snitch: "GossipingPropertyFileSnitch",
          autoBootstrap: joins,
          authentication: options.authentication,
          tls,
          extra: {
            ...(place.tokens.length === 0
              ? {}
              : { initial_token: place.tokens.join(","), num_tokens: place.tokens.length }),
            // What the nodes tell clients of each other: they are to come by the proxies.
            ...Option.match(proxy, { onNone: () => ({}), onSome: ({ host }) => ({ broadcast_rpc_address: host }) }),
            ...options.settings
          }
        })
        const jvmOptions = [...NodeTool.managedAt(address, ports.jmx), ...runtime.jvmOptions]
        const node = yield* Node.prepare(place.name, { ...runtime, jvmOptions }, settings, place)
        const target = { host: address, port: ports.native, ...Embedded.probeOptions(options, tls) }
        const control = yield* Control.make(node, target, scope)
        const member: Member = { ...place, address, logFile: node.logFile, control, proxy }
        return member
      }).pipe(Scope.extend(scope))
    const members = yield* Effect.forEach(places, (place, index) => prepare(place, addresses[index]!, false))
    yield* Effect.forEach(members, (member) => member.control.start, { concurrency: "unbounded", discard: true })

    const coordinates = {
      port: ports.native,
      credentials: Embedded.credentialsOf(options),
      tls: Option.fromNullable(published)
    }
    const addressOf = (member: Member): Driver.Address => ({
      ...coordinates,
      contactPoints: [member.address],
      localDataCenter: Option.some(member.dataCenter)
    })
    /** While no node is down or paused: until every node has all the others for alive. */
    const settle = Effect.gen(function* () {
      const states = yield* Effect.forEach(members, (member) => member.control.state)
      if (states.some((state) => state !== "up")) return
      yield* Effect.forEach(
        members,
        (member) => Driver.seesAll(addressOf(member), members.length).pipe(Effect.retry(Schedule.spaced("250 millis"))),
        { concurrency: "unbounded", discard: true }
      )
    }).pipe(
      Effect.timeoutFail({
        duration: options.startTimeout,
        onTimeout: () => failed(`the nodes did not find each other within ${Duration.format(options.startTimeout)}`)
      }),
      Effect.mapError((error) => (error instanceof ServerStartError ? error : failed(error.message, error)))
    )
    yield* settle
    const contactPoints = addresses.map((address) => (proxied ? Topology.proxyAddress(address) : address))
    const shared: Started = {
      ...coordinates,
      contactPoints,
      localDataCenter: places[0]!.dataCenter,
      members,
      settle,
      addressOf,
      join: (place) => prepare(place, Topology.nextAddress(addresses[0]!, Number(place.name.slice(4)) - 1), true),
      nodeTool: (member) => ({ engine, address: member.address, port: ports.jmx, directory: root }),
      startTimeout: options.startTimeout,
      roleReplicas: places.length
    }
    return shared
  },
  Effect.mapError((error) => (error instanceof ServerStartError ? error : failed(error.message, error)))
)
