import { type Client as DriverClient, Client as ClientClass, type ClientOptions } from "cassandra-driver"
import * as driver from "cassandra-driver"
import { afterEach } from "vitest"
import { LoadBalancing } from "effect-cassandra"
import type { Values } from "../../src/Statement.ts"
import { Policies, RoutingPolicy } from "../../src/internal/loadBalancing.ts"
import { plainOptions } from "../../src/internal/requestOptions.ts"
import type { Receiver, SendOptions } from "../../src/internal/transport.ts"
import type { Client } from "../../src/internal/wire/driverShape.ts"
import * as Wire from "../../src/internal/wire/index.ts"
import { Opcode } from "../../src/internal/protocol/opcode.ts"
import { type Incoming, ScriptedServer, type ServerOptions } from "./ScriptedServer.ts"

/** What the tests say of the wire: the plans are those of our own policy. */
export type WireSettings = Omit<Wire.WireOptions, "plan">

/** A client of the driver's, with the wire attached unless told not to. */
export const makeClient = (
  port: number,
  wire: WireSettings | undefined,
  options: Partial<ClientOptions> = {}
): Client => {
  const loadBalancing = new RoutingPolicy(new Policies(LoadBalancing.standard), "dc1")
  const client = new ClientClass({
    contactPoints: [`127.0.0.1:${port}`],
    localDataCenter: "dc1",
    isMetadataSyncEnabled: false,
    ...options,
    policies: { loadBalancing, ...options.policies },
    protocolOptions: { port, ...options.protocolOptions },
    socketOptions: { connectTimeout: 2000, readTimeout: 3000, ...options.socketOptions }
  }) as unknown as Client
  if (wire !== undefined) attach(client, loadBalancing, wire)
  return client
}

export const attach = (client: Client, policy: RoutingPolicy, wire: WireSettings): void => {
  Wire.attach(client, { ...wire, plan: policy.plan as unknown as Wire.WireOptions["plan"] })
}

/** The same object seen as the driver's public class. */
export const asDriver = (client: Client): DriverClient => client as unknown as DriverClient

export const connect = (client: Client): Promise<void> => asDriver(client).connect()

export const shutdown = (client: Client): Promise<void> => asDriver(client).shutdown()

/** Options of a request, with what the tests do not care for filled in. `prepare: false` sends a text as it is. */
export const sendOptions = (options: Partial<SendOptions> = {}): SendOptions => ({
  ...plainOptions,
  idempotent: false,
  timeout: 3000,
  ...options
})

const promised = <A>(run: (receiver: Receiver<A>) => unknown): Promise<A> =>
  new Promise((resolve, reject) => {
    run({ answered: (error, value) => (value === undefined ? reject(error as Error) : resolve(value)) })
  })

export const prepare = (client: Client, query: string, options: Partial<SendOptions> = {}): Promise<Wire.Prepared> =>
  promised((receiver) => Wire.prepare(client, query, sendOptions(options), false, receiver))

export const execute = async (
  client: Client,
  query: string | Wire.Prepared,
  values: ReadonlyArray<unknown> = [],
  options: Partial<SendOptions> = {}
): Promise<Wire.WireResponse> => {
  const all = sendOptions(options)
  if (typeof query === "string" && !all.prepare) return promised((receiver) => Wire.query(client, query, all, receiver))
  const prepared = typeof query === "string" ? await prepare(client, query, options) : query
  return promised((receiver) => Wire.execute(client, prepared, values, all, receiver))
}

export const batch = async (
  client: Client,
  statements: ReadonlyArray<readonly [query: string, values: Values]>,
  options: Partial<SendOptions> = {},
  type: "LOGGED" | "UNLOGGED" | "COUNTER" = "LOGGED"
): Promise<Wire.WireResponse> => {
  const items: Array<Wire.BatchStatement> = []
  for (const [query, values] of statements) items.push({ prepared: await prepare(client, query, options), values })
  return promised((receiver) => Wire.batch(client, type, items, sendOptions(options), receiver))
}

export const sleep = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

/** Waits until something is so; fails after two seconds. */
export const eventually = async (check: () => boolean): Promise<void> => {
  const until = Date.now() + 2000
  while (!check()) {
    if (Date.now() > until) throw new Error("it did not become so within two seconds")
    await sleep(5)
  }
}

export const types = driver.types
export const errors = driver.errors

/** What to close when the test is over. */
export const opened: Array<() => Promise<void>> = []

afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

/** A scripted server and a client connected to it; both are closed after the test. */
export const setup = async (
  server: ServerOptions = {},
  wire: WireSettings | undefined = {},
  options: Partial<ClientOptions> = {}
) => {
  const scripted = await ScriptedServer.start(server)
  const client = makeClient(scripted.port, wire, options)
  opened.push(async () => {
    await shutdown(client).catch(() => {})
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
export const soon = () => ({ reconnection: new driver.policies.reconnection.ConstantReconnectionPolicy(10) })

/**
 * Executes until it succeeds, for two seconds at most: when its control connection reconnects by the contact points, the
 * driver replaces the host by one whose pool is empty at first.
 */
export const executeSoon = async (client: Client): Promise<Wire.WireResponse> => {
  const until = Date.now() + 2000
  for (;;) {
    try {
      return await execute(client, select, [1])
    } catch (error) {
      if (Date.now() > until) throw error
      await sleep(10)
    }
  }
}
