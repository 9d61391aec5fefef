/**
 * Bringing up the nodes of a cluster together.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
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
    const tls = options.tls && { ...makeTls(allocated.addresses), ...options.tls }
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
    const members = yield* Effect.forEach(places, (place, index) =>
      Effect.gen(function* () {
        const address = addresses[index]!
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
          autoBootstrap: false,
          authentication: options.authentication,
          tls,
          extra: {
            initial_token: place.tokens.join(","),
            // What the nodes tell clients of each other: they are to come by the proxies.
            ...Option.match(proxy, { onNone: () => ({}), onSome: ({ host }) => ({ broadcast_rpc_address: host }) }),
            ...options.settings
          }
        })
        const node = yield* Node.prepare(place.name, runtime, settings, place)
        const target = { host: address, port: ports.native, ...Embedded.probeOptions(options, tls) }
        const control = yield* Control.make(node, target, scope)
        const member: Member = { ...place, address, logFile: node.logFile, control, proxy }
        return member
      })
    )
    yield* Effect.forEach(members, (member) => member.control.start, { concurrency: "unbounded", discard: true })

    const coordinates = {
      port: ports.native,
      credentials: Embedded.credentialsOf(options),
      tls: Option.fromNullable(published)
    }
    /** While no node is down or paused: until every node has all the others for alive. */
    const settle = Effect.gen(function* () {
      const states = yield* Effect.forEach(members, (member) => member.control.state)
      if (states.some((state) => state !== "up")) return
      yield* Effect.forEach(
        members,
        (member) =>
          Driver.seesAll(
            { ...coordinates, contactPoints: [member.address], localDataCenter: Option.some(member.dataCenter) },
            members.length
          ).pipe(Effect.retry(Schedule.spaced("250 millis"))),
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
    return { ...coordinates, contactPoints, localDataCenter: places[0]!.dataCenter, members, settle }
  },
  Effect.mapError((error) => (error instanceof ServerStartError ? error : failed(error.message, error)))
)
