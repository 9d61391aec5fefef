import { type Client as DriverClient, Client as ClientClass, type ClientOptions } from "cassandra-driver"
import * as driver from "cassandra-driver"
import { afterEach } from "vitest"
import type { Client } from "../../src/internal/wire/driverShape.ts"
import * as Wire from "../../src/internal/wire/index.ts"
import { Opcode } from "../../src/internal/wire/stockResponse.ts"
import { type Incoming, ScriptedServer, type ServerOptions } from "./ScriptedServer.ts"

/** A client of the driver's, with the wire attached unless told not to. */
export const makeClient = (
  port: number,
  wire: Wire.WireOptions | undefined,
  options: Partial<ClientOptions> = {}
): Client => {
  const client = new ClientClass({
    contactPoints: [`127.0.0.1:${port}`],
    localDataCenter: "dc1",
    isMetadataSyncEnabled: false,
    ...options,
    protocolOptions: { port, ...options.protocolOptions },
    socketOptions: { connectTimeout: 2000, readTimeout: 3000, ...options.socketOptions }
  }) as unknown as Client
  if (wire !== undefined) Wire.attach(client, wire)
  return client
}

/** The same object seen as the driver's public class. */
export const asDriver = (client: Client): DriverClient => client as unknown as DriverClient

export const connect = (client: Client): Promise<void> => asDriver(client).connect()

export const shutdown = (client: Client): Promise<void> => asDriver(client).shutdown()

type Options = Parameters<typeof Wire.execute>[3]

export const execute = (
  client: Client,
  query: string | Wire.Prepared,
  params: Wire.Params = [],
  options: Options = { prepare: true }
): Promise<Wire.WireResult> =>
  new Promise((resolve, reject) =>
    Wire.execute(client, query, params, options, (error, result) => (error ? reject(error) : resolve(result!)))
  )

export const batch = (
  client: Client,
  statements: ReadonlyArray<Wire.BatchStatement>,
  options: Options = { prepare: true }
): Promise<Wire.WireResult> =>
  new Promise((resolve, reject) =>
    Wire.batch(client, statements, options, (error, result) => (error ? reject(error) : resolve(result!)))
  )

export const prepare = (client: Client, query: string, options: Options = {}): Promise<Wire.Prepared> =>
  new Promise((resolve, reject) =>
    Wire.prepare(client, query, options, (error, prepared) => (error ? reject(error) : resolve(prepared!)))
  )

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
  wire: Wire.WireOptions | undefined = {},
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
export const executeSoon = async (client: Client): Promise<Wire.WireResult> => {
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
