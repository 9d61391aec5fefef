/** Clusters of scripted servers: several of them have the same port, and addresses of their own. */
import { type CassandraError, Cluster } from "effect-cassandra"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { type Incoming, ScriptedServer, type ServerConnection, type ServerOptions } from "../wire/ScriptedServer.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import * as Body from "../wire/body.ts"

export { Opcode } from "../../src/internal/protocol/opcode.ts"
export type { Incoming, ScriptedServer } from "../wire/ScriptedServer.ts"

export const server = (options: ServerOptions = {}): Effect.Effect<ScriptedServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => ScriptedServer.start(options)),
    (started) => Effect.promise(() => started.close())
  )

const releaseVersion = "5.0.9"

/** Two nodes that know each other: `127.0.0.1` and `127.0.0.2`. */
export const pair = (options: { readonly dataCenter?: string; readonly second?: ServerOptions } = {}) =>
  Effect.gen(function* () {
    const { dataCenter = "dc1", second = {} } = options
    const first = yield* server({ peers: [{ address: "127.0.0.2", releaseVersion, dataCenter }] })
    const other = yield* server({
      ...second,
      dataCenter,
      host: "127.0.0.2",
      port: first.port,
      peers: [{ address: "127.0.0.1", releaseVersion }]
    })
    return [first, other] as const
  })

export const optionsFor = ({ port }: ScriptedServer): Cluster.ClusterOptions => ({
  contactPoints: ["127.0.0.1"],
  localDataCenter: "dc1",
  port,
  connectAttempts: 1
})

export const connect = (
  to: ScriptedServer,
  options: Cluster.ClusterOptions = {}
): Effect.Effect<Cluster.Cluster, CassandraError.CassandraError, Scope.Scope> =>
  Cluster.make({ ...optionsFor(to), ...options })

export const refusal = (to: ScriptedServer, options: Cluster.ClusterOptions = {}) =>
  Effect.flip(Effect.scoped(connect(to, options)))

/** A schedule whose next time does not come. */
export const never = Schedule.spaced("1 hour")

/** Far enough that it would have happened. */
export const aWhile = Effect.sleep("300 millis")

/** The timers of the process that keep it alive. */
export const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

/** Waits until something is so; the test's own time limit ends the wait. */
export const until = (condition: () => boolean): Effect.Effect<void> =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.zipRight(Effect.sleep("5 millis"), until(condition))))

/** The requests of a kind that arrived so far. */
export const requests = (to: ScriptedServer, opcode: number): ReadonlyArray<Incoming> =>
  to.requests.filter((request) => request.opcode === opcode)

/** The queries that arrived so far and contain a text. */
export const queries = (to: ScriptedServer, text: string): number =>
  requests(to, Opcode.query).filter(({ query }) => query?.includes(text)).length

/** What a STARTUP says. */
export const startupOf = ({ body }: Incoming): Readonly<Record<string, string>> => {
  const entries: Record<string, string> = {}
  let at = 2
  const text = (): string => {
    const length = body.readUInt16BE(at)
    at += 2 + length
    return body.toString("utf8", at - length, at)
  }
  for (let left = body.readUInt16BE(0); left > 0; left--) entries[text()] = text()
  return entries
}

/** The body of an announcement; nodes are told with the port of the one that announces. */
export type Announcement = (port: number) => Buffer

/** Announces something to the connections that listen to announcements. */
export const announce = (from: ScriptedServer, body: Announcement): void => {
  for (const { connection, version } of latest(requests(from, Opcode.register))) {
    connection.write(connection.frame(connection.envelope(-1, Opcode.event, body(from.port), version)))
  }
}

/** One request of each connection. */
const latest = (all: ReadonlyArray<Incoming>): Iterable<Incoming> =>
  new Map(all.map((request) => [request.connection, request])).values()

const inet = (address: string, port: number): Buffer =>
  Buffer.concat([Buffer.from([4]), Buffer.from(address.split(".").map(Number)), Body.int(port)])

export const statusChange =
  (change: "UP" | "DOWN", address: string): Announcement =>
  (port) =>
    Buffer.concat([Body.string("STATUS_CHANGE"), Body.string(change), inet(address, port)])

export const topologyChange =
  (change: "NEW_NODE" | "REMOVED_NODE", address: string): Announcement =>
  (port) =>
    Buffer.concat([Body.string("TOPOLOGY_CHANGE"), Body.string(change), inet(address, port)])

export const keyspaceChange = (keyspace: string): Buffer =>
  Buffer.concat([Body.string("CREATED"), Body.string("KEYSPACE"), Body.string(keyspace)])

export const schemaChange =
  (keyspace: string): Announcement =>
  () =>
    Buffer.concat([Body.string("SCHEMA_CHANGE"), keyspaceChange(keyspace)])

/** Cuts the connections of a server, and lets nobody in until the function given back is called. */
export const isolate = (target: ScriptedServer): { readonly attempts: Array<number>; readonly end: () => void } => {
  const { script } = target
  const attempts: Array<number> = []
  const old: ReadonlyArray<ServerConnection> = target.open
  target.script = (request) => {
    if (request.opcode === Opcode.startup) attempts.push(performance.now())
    request.connection.socket.destroy()
    return true
  }
  for (const { socket } of old) socket.destroy()
  return { attempts, end: () => void (target.script = script) }
}

/** A layer that keeps what is logged, in place of the console. */
export const keepingLogs = (logs: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ logLevel, message }) => void logs.push(`${logLevel.label} ${String(message)}`))
  )
