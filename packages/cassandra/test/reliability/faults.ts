/** How each fault of the matrix is put on, held, and taken off. */
import { type Cluster, cql, type Session, Statement } from "effect-cassandra"
import type { CassandraCluster, FaultProxy } from "effect-cassandra-testkit"
import * as Effect from "effect/Effect"
import * as Frames from "../support/proxy.ts"
import { cutControlConnection } from "../support/controlConnection.ts"
import { eventually, isWhole } from "./level.ts"
import { type Lab, patient, type Way } from "./lab.ts"

export interface Target {
  readonly lab: Lab
  readonly way: Way
  readonly client: Cluster.Cluster
  readonly session: Session.Session
  /** Which node the fault is put on, where it is one. */
  readonly victim: number
}

/** From the first moment of the fault to its end. */
type Fault = (target: Target) => Effect.Effect<unknown, unknown>

const proxyOf = ({ victim, way }: Target): FaultProxy.FaultProxy => way.bytes[victim % way.bytes.length]!

const onProxy =
  (put: (proxy: FaultProxy.FaultProxy) => Effect.Effect<unknown, unknown>, seconds: number): Fault =>
  (target) => {
    const proxy = proxyOf(target)
    return put(proxy).pipe(Effect.zipRight(Effect.sleep(seconds * 1000)), Effect.ensuring(Effect.orDie(proxy.heal)))
  }

const cut = (proxy: FaultProxy.FaultProxy) => Effect.zipRight(proxy.refuse, proxy.reset)

const onNode =
  (act: (cluster: CassandraCluster.CassandraCluster, name: string) => Effect.Effect<unknown, unknown>): Fault =>
  ({ lab, victim }) =>
    Effect.gen(function* () {
      const cluster = yield* lab.cluster
      const nodes = yield* cluster.nodes
      yield* act(cluster, nodes[victim % nodes.length]!.name)
    })

const onCluster = (
  act: (cluster: CassandraCluster.CassandraCluster, names: ReadonlyArray<string>) => Effect.Effect<unknown, unknown>
) =>
  onNode((cluster) =>
    Effect.flatMap(cluster.nodes, (nodes) =>
      act(
        cluster,
        nodes.map(({ name }) => name)
      )
    )
  )

/** Answers in place of the server, where `respond` has an answer. */
const onFrames =
  (responder: () => (frame: Frames.Frame) => Buffer | undefined, seconds: number): Fault =>
  ({ way }) => {
    const respond = responder()
    const each = (onRequest: Frames.Proxy["onRequest"]) =>
      Effect.sync(() => {
        for (const proxy of way.frames) proxy.onRequest = onRequest
      })
    return each((frame) => respond(frame) ?? "forward").pipe(
      Effect.zipRight(Effect.sleep(seconds * 1000)),
      Effect.ensuring(each(() => "forward"))
    )
  }

/** Once for each execution, which is the same to the bit when it is sent again. It names the statement as the execution does. */
const unprepared = () => {
  const seen = new Set<string>()
  return (frame: Frames.Frame): Buffer | undefined => {
    const body = frame.body.toString("latin1")
    if (frame.opcode !== Frames.opcodes.execute || seen.has(body)) return undefined
    seen.add(body)
    return Frames.errors.unprepared(frame, frame.body.subarray(0, 2 + frame.body.readUInt16BE(0)))
  }
}

/** Every node at once, for 60 ms of each half second. */
const overloaded =
  () =>
  (frame: Frames.Frame): Buffer | undefined =>
    performance.now() % 500 < 60 && (frame.opcode === Frames.opcodes.execute || frame.opcode === Frames.opcodes.batch)
      ? Frames.errors.overloaded(frame)
      : undefined

const clockBack: Fault = () =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const { now } = Date
      Date.now = () => now() - 3_600_000
      return now
    }),
    () => Effect.sleep("4 seconds"),
    (now) => Effect.sync(() => (Date.now = now))
  )

const schemaChanges: Fault = ({ lab }) =>
  Effect.forEach(
    [
      "ALTER TABLE versions ADD extra text",
      "ALTER TABLE scanned ADD extra text",
      "CREATE TABLE passing (id int PRIMARY KEY)",
      "ALTER TABLE versions DROP extra",
      "DROP TABLE passing",
      "ALTER TABLE scanned DROP extra"
    ],
    (text) => Effect.zipRight(lab.direct.execute(patient(Statement.make(text))), Effect.sleep("500 millis")),
    { discard: true }
  )

/** The next one as soon as all is well, or it would be the loss of all connections, one after the other. */
const loseControl: Fault = ({ client }) =>
  Effect.forEach(
    [1, 2, 3, 4],
    () =>
      Effect.sync(() => cutControlConnection(client)).pipe(
        Effect.zipRight(Effect.sleep("1 second")),
        Effect.zipRight(eventually(20, isWhole(client)))
      ),
    { discard: true }
  )

/** Far more reads than the connections carry, while one of them does not move. */
const fillConnections: Fault = (target) => {
  const { session } = target
  const reads = Effect.forEach(
    Array.from({ length: 600 }, (_, id) => id),
    (id) => Effect.exit(session.execute(cql`SELECT v FROM versions WHERE run = 0 AND id = ${id}`)),
    { concurrency: "unbounded", discard: true }
  )
  const held = onProxy((proxy) => proxy.pause(), 3)(target)
  return Effect.zipRight(Effect.raceFirst(held, Effect.forever(reads)), Effect.void)
}

const membership: Fault = ({ lab, victim }) =>
  Effect.gen(function* () {
    const cluster = yield* lab.cluster
    const nodes = yield* cluster.nodes
    yield* cluster.add()
    yield* cluster.remove(nodes[victim % nodes.length]!.name)
  })

/** By the rows' ids. */
export const faults: Readonly<Record<string, Fault>> = {
  refused: onProxy(cut, 4),
  "black-holed": onProxy((proxy) => proxy.drop(), 5),
  reset: (target) => Effect.repeatN(Effect.zipRight(proxyOf(target).reset, Effect.sleep("1 second")), 2),
  "half-open": onProxy((proxy) => proxy.drop("toClient"), 5),
  slow: onProxy((proxy) => proxy.set({ latency: "200 millis", jitter: "50 millis" }), 4),
  corrupted: onProxy((proxy) => proxy.set({ corruption: 0.05 }), 8),
  paused: onNode((cluster, name) =>
    cluster
      .pause(name)
      .pipe(Effect.zipRight(Effect.sleep("5 seconds")), Effect.ensuring(Effect.orDie(cluster.resume(name))))
  ),
  killed: onNode((cluster, name) =>
    cluster.kill(name).pipe(Effect.zipRight(Effect.sleep("5 seconds")), Effect.zipRight(cluster.start(name)))
  ),
  restarted: onNode((cluster, name) => cluster.restart(name)),
  flapping: (target) =>
    Effect.repeatN(
      cut(proxyOf(target)).pipe(
        Effect.zipRight(Effect.sleep("1 second")),
        Effect.zipRight(proxyOf(target).accept),
        Effect.zipRight(Effect.sleep("1 second"))
      ),
      3
    ),
  rolling: onCluster((cluster, names) => Effect.forEach(names, cluster.restart, { discard: true })),
  "all-down": onCluster((cluster, names) =>
    Effect.forEach(names, cluster.kill, { concurrency: "unbounded", discard: true }).pipe(
      Effect.zipRight(Effect.sleep("1 second")),
      Effect.zipRight(Effect.forEach(names, cluster.start, { concurrency: "unbounded", discard: true }))
    )
  ),
  "control-lost": loseControl,
  "schema-changed": schemaChanges,
  unprepared: onFrames(unprepared, 3),
  "stream-ids": fillConnections,
  "pool-gone": ({ way }) =>
    Effect.repeatN(
      Effect.zipRight(
        Effect.forEach(way.bytes, (proxy) => proxy.reset, { discard: true }),
        Effect.sleep("2 seconds")
      ),
      1
    ),
  overloaded: onFrames(overloaded, 3),
  clock: clockBack,
  membership,
  dns: ({ way }) => Effect.zipRight(way.move, Effect.sleep("3 seconds"))
}

/** What the client of a row has that others have not. */
export const settings: Readonly<Record<string, Cluster.ClusterOptions>> = {
  "stream-ids": { maxRequestsPerConnection: 64 }
}
