/** Clients of the native engine below everything of Effect: requests by promises, and what is inside of the client. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as net from "node:net"
import { afterEach } from "vitest"
import { type Cluster, LoadBalancing } from "effect-cassandra"
import type { BatchType } from "../../src/Batch.ts"
import { translatorOf } from "../../src/internal/cluster/addressTranslation.ts"
import type { EffectRunner } from "../../src/internal/options/effectRunner.ts"
import { resolve as resolveOptions } from "../../src/internal/options/resolve.ts"
import type { Connection } from "../../src/internal/connection/connection.ts"
import type { ConnectionSettings } from "../../src/internal/connection/settings.ts"
import { connectionSettings } from "../../src/internal/cluster/connectionSettings.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { delays } from "../../src/internal/cluster/reconnection.ts"
import { NativeClient } from "../../src/internal/request/nativeClient.ts"
import { NativeTransport } from "../../src/internal/request/nativeTransport.ts"
import { plainOptions } from "../../src/internal/request/requestOptions.ts"
import { Breaker } from "../../src/internal/routing/breaker.ts"
import { Policies, RoutingPolicy } from "../../src/internal/routing/loadBalancing.ts"
import type { ClusterStatement } from "../../src/internal/topology/clusterStatement.ts"
import type { ClusterNode } from "../../src/internal/topology/node.ts"
import type { Pool } from "../../src/internal/topology/pool.ts"
import { Topology, type TopologyOptions } from "../../src/internal/topology/topology.ts"
import {
  type BatchMember,
  type Cancellable,
  NotSent,
  type PreparedColumns,
  type Receiver,
  type Response,
  type SendOptions
} from "../../src/internal/request/transport.ts"
import type { Values } from "../../src/Statement.ts"
import { lz4 } from "../support/lz4.ts"
import { type Incoming, ScriptedServer, type ServerOptions } from "./ScriptedServer.ts"

/** The options of a cluster, and what only tests set. */
export interface ClientOptions extends Cluster.ClusterOptions {
  readonly keyspace?: string
  readonly maxOrphans?: number
  readonly maxFrameLength?: number
  readonly log?: ConnectionSettings["log"]
  readonly topology?: Partial<TopologyOptions>
}

const callbacks: EffectRunner = {
  warn: () => {},
  run: (effect, onFailure, onSuccess) => {
    Effect.runFork(effect).addObserver(Exit.match({ onFailure, onSuccess }))
  }
}

/** One client, without admission, retries and everything else of sessions. */
export class Client {
  readonly topology: Topology
  readonly native: NativeClient
  readonly transport: NativeTransport
  readonly settings: ConnectionSettings

  constructor({ keyspace, log, maxFrameLength, maxOrphans, topology, ...given }: ClientOptions) {
    const options = Either.getOrThrow(
      resolveOptions({
        localDataCenter: "dc1",
        connectTimeout: "2 seconds",
        connectAttempts: 1,
        schemaMetadata: false,
        ...given
      })
    )
    const defaults = connectionSettings(options, callbacks, 512, options.compression === "none" ? undefined : lz4)
    this.settings = {
      ...defaults,
      log: log ?? defaults.log,
      maxFrameLength: maxFrameLength ?? defaults.maxFrameLength,
      maxOrphans: maxOrphans ?? defaults.maxOrphans
    }
    const breaker = new Breaker(options.breaker)
    const routing = new RoutingPolicy(
      new Policies(options.loadBalancing ?? LoadBalancing.standard),
      options.localDataCenter,
      breaker
    )
    this.topology = new Topology({
      settings: this.settings,
      policy: routing,
      contactPoints: options.contactPoints,
      port: options.port,
      keyspace,
      connectionsPerHost: options.connectionsPerHost,
      maxRequestsPerConnection: options.maxRequestsPerConnection,
      requestTimeout: 3000,
      controlTimeout: options.controlConnectionTimeout,
      reconnectionDelays: () => delays(options.reconnection, callbacks.warn),
      translate: translatorOf(options.addressTranslator, callbacks, options.connectTimeout),
      schemaRefreshWindow: options.schemaRefreshWindow,
      topologyRefreshWindow: options.topologyRefreshWindow,
      statusRefreshWindow: options.statusRefreshWindow,
      tokenMetadata: options.tokenMetadata,
      schemaMetadata: options.schemaMetadata,
      maxSchemaAgreementWait: options.maxSchemaAgreementWait,
      reprepareOnUp: options.reprepareOnUp,
      maxPreparedStatements: options.maxPreparedStatements,
      ...topology
    })
    this.native = new NativeClient(
      this.topology,
      routing,
      breaker,
      this.settings.counters,
      keyspace,
      options.prepareOnAllHosts
    )
    this.transport = new NativeTransport(this.native)
  }

  /** The first node that it knows. */
  get node(): ClusterNode {
    return this.topology.nodes[0]!
  }

  /** The connections to the first node. */
  get pool(): Pool {
    return this.topology.pool(this.node)!
  }

  /** Requests given up and not answered yet, of all nodes. */
  get orphans(): number {
    return this.topology.nodes.reduce((sum, node) => sum + this.topology.activity(node).orphans, 0)
  }
}

/** A client of the scripted server at a port. */
export const makeClient = (port: number, options: ClientOptions = {}): Client =>
  new Client({ contactPoints: ["127.0.0.1"], port, ...options })

export const connect = (client: Client): Promise<void> => client.topology.connect()

export const shutdown = (client: Client): Promise<void> => client.topology.close()

/** The socket of a connection, for what is done to it behind the connection's back. */
export const socketOf = (connection: Connection): net.Socket =>
  (connection as unknown as { readonly socket: net.Socket }).socket

/** Options of a request, with what the tests do not care for filled in. `prepare: false` sends a text as it is. */
export const sendOptions = (options: Partial<SendOptions> = {}): SendOptions => ({
  ...plainOptions,
  idempotent: false,
  timeout: 3000,
  ...options
})

const promised = <A>(run: (receiver: Receiver<A>) => unknown): Promise<A> =>
  new Promise((resolve, reject) => {
    run({
      answered: (error, value) => {
        if (value === undefined) reject((error instanceof NotSent ? error.cause : error) as Error)
        else resolve(value)
      }
    })
  })

/** Sends, and tells whoever listens; what it gives back gives the request up. */
export const send = (
  client: Client,
  query: string,
  values: Values,
  options: Partial<SendOptions>,
  answered: Receiver<Response>["answered"]
): Cancellable => client.transport.execute(query, values, sendOptions(options), { answered })!

/** Prepares a statement, and gives it as the client keeps it. */
export const prepare = async (
  client: Client,
  query: string,
  options: Partial<SendOptions> = {}
): Promise<ClusterStatement> => {
  await promised<PreparedColumns>((receiver) => client.transport.prepare(query, sendOptions(options), false, receiver))
  return client.topology.prepared.find(query, options.keyspace ?? client.native.keyspace)!
}

export const execute = (
  client: Client,
  query: string,
  values: Values = [],
  options: Partial<SendOptions> = {}
): Promise<Response> => promised((receiver) => client.transport.execute(query, values, sendOptions(options), receiver))

export const batch = (
  client: Client,
  members: ReadonlyArray<readonly [query: string, values: Values]>,
  options: Partial<SendOptions> = {},
  type: BatchType = "LOGGED"
): Promise<Response> =>
  promised((receiver) =>
    client.transport.batch(
      type,
      members.map(([query, values]): BatchMember => ({ query, values, prepare: true })),
      sendOptions(options),
      receiver
    )
  )

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until something is so; fails after some seconds. */
export const eventually = async (check: () => boolean): Promise<void> => {
  const until = Date.now() + 4000
  while (!check()) {
    if (Date.now() > until) throw new Error("it did not become so within four seconds")
    await sleep(5)
  }
}

/** What to close when the test is over. */
export const opened: Array<() => Promise<void>> = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** A scripted server and a client connected to it; both are closed after the test. */
export const setup = async (server: ServerOptions = {}, options: ClientOptions = {}) => {
  const scripted = await ScriptedServer.start(server)
  const client = makeClient(scripted.port, options)
  opened.push(async () => {
    await shutdown(client)
    await scripted.close()
  })
  await connect(client)
  return { scripted, client }
}

/** The error that something fails with. */
export const failure = async (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> => {
  try {
    await promise
  } catch (error) {
    return error as Error & Record<string, unknown>
  }
  throw new Error("it did not fail")
}

/** The statement that the tests execute. */
export const select = "SELECT v FROM t WHERE k = ?"

export const isSelect = (r: Incoming): boolean =>
  r.opcode === Opcode.execute && r.query?.startsWith("SELECT v") === true

/** Reconnects without delay. */
export const soon: ClientOptions = { reconnection: Schedule.spaced("10 millis") }

/** Executes until it succeeds, for some seconds at most. */
export const executeSoon = async (client: Client): Promise<Response> => {
  const until = Date.now() + 4000
  for (;;) {
    try {
      return await execute(client, select, [1])
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(10)
    }
  }
}
