/** The engine that runs requests by a client of `cassandra-driver`. */
import driver from "cassandra-driver"
import * as Effect from "effect/Effect"
import { type CassandraError, ConfigurationError } from "../CassandraError.ts"
import { type Engine, type EngineFactory, fromEngineError, Gate } from "../internal/request/index.ts"
import { connectError } from "../internal/cluster/index.ts"
import { DriverTransport, loadBalancingIsTheClients } from "./driverTransport.ts"
import { DriverView } from "./driverView.ts"
import { encodingOf, ownOptions } from "./encoding.ts"

/** What `maxRequestsPerConnection` is where the client's options do not say. */
const REQUESTS_PER_CONNECTION = 2048

/** A client that is connected, or will be. */
interface Source {
  readonly client: driver.Client
  readonly maxRequestsPerConnection: number
}

class DriverEngine implements Engine {
  readonly client: driver.Client
  readonly view: DriverView
  readonly transport: DriverTransport
  readonly gate: Gate

  constructor(view: DriverView, transport: DriverTransport, gate: Gate) {
    this.client = view.client
    this.view = view
    this.transport = transport
    this.gate = gate
  }

  get keyspace(): string | undefined {
    return this.client.keyspace
  }

  readonly checkPolicy = (): never => {
    throw refusal("loadBalancing", loadBalancingIsTheClients)
  }
}

const refusal = (option: string, why: string): ConfigurationError =>
  new ConfigurationError({ option, message: `${option}: ${why}` })

/** What went wrong before the first request. */
const notConnected = (error: unknown): CassandraError => {
  // Some of the options are looked at when there are hosts.
  const { innerErrors } = Object(error) as { readonly innerErrors?: object }
  const invalid = [error, ...Object.values(innerErrors ?? {})].find((one) => one instanceof driver.errors.ArgumentError)
  return invalid === undefined
    ? connectError(fromEngineError(error, { timeout: 0, batch: false, sent: false }), { tls: undefined })
    : new ConfigurationError({ option: "clientOptions", message: invalid.message, cause: error })
}

const connected = async (client: driver.Client) => {
  await client.connect()
  const [local, encoding] = await Promise.all([
    client.execute("SELECT partitioner FROM system.local", [], ownOptions),
    encodingOf(client)
  ])
  const view = new DriverView(client, String(local.first()["partitioner"]))
  return { view, transport: new DriverTransport(view, encoding) }
}

/** Engines over the clients that `open` gives, one for each keyspace. What `release` gives is done once nothing is under way. */
const factory = (
  open: (keyspace: string | undefined) => Source,
  release: (client: driver.Client) => Promise<void>
): EngineFactory<DriverEngine> => ({
  open: (options, _context, keyspace) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const { client, maxRequestsPerConnection } = yield* Effect.try({
          try: () => open(keyspace),
          catch: (error) =>
            error instanceof ConfigurationError
              ? error
              : new ConfigurationError({
                  option: "clientOptions",
                  message: `cassandra-driver refuses the options: ${error instanceof Error ? error.message : String(error)}`,
                  cause: error
                })
        })
        const connecting = connected(client)
        // A client that is shut down while it connects would go on with that, and stay.
        yield* Effect.addFinalizer(() =>
          Effect.promise(() =>
            connecting
              .then(
                () => undefined,
                () => undefined
              )
              .then(() => release(client))
          )
        )
        const { transport, view } = yield* restore(Effect.tryPromise({ try: () => connecting, catch: notConnected }))
        const hosts = client.getState().getConnectedHosts().length
        const gate = new Gate(
          options.maxConcurrentRequests ?? Math.max(1, hosts) * maxRequestsPerConnection,
          options.maxQueuedRequests
        )
        return new DriverEngine(view, transport, gate)
      })
    ),
  driver: (_options, _context, { client }) => Effect.succeed(client)
})

const shutDown = (client: driver.Client): Promise<void> => client.shutdown().catch(() => undefined)

/** What a second client must not share with the first: a policy is initialised with the client that it is for. */
const isShareable = ({ policies = {}, profiles = [] }: driver.ClientOptions): boolean =>
  policies.loadBalancing === undefined &&
  policies.speculativeExecution === undefined &&
  profiles.every(({ loadBalancing }) => loadBalancing === undefined)

/** Clients of the engine's own, one for each keyspace that sessions ask for. */
export const owning = (clientOptions: driver.DseClientOptions): EngineFactory<DriverEngine> =>
  factory((keyspace) => {
    if (keyspace !== undefined && keyspace !== clientOptions.keyspace && !isShareable(clientOptions)) {
      throw refusal(
        "keyspace",
        `a session in "${keyspace}" needs a client of its own, which cannot share the policies of the first: name the keyspace in the client's options`
      )
    }
    const client = new driver.Client({
      ...clientOptions,
      // A map can have keys that no name of a property tells.
      encoding: { map: Map, set: Set, ...clientOptions.encoding },
      ...(keyspace === undefined ? {} : { keyspace })
    })
    return {
      client,
      maxRequestsPerConnection: clientOptions.pooling?.maxRequestsPerConnection ?? REQUESTS_PER_CONNECTION
    }
  }, shutDown)

/** The application's client, which stays open. */
export const sharing = (client: driver.Client): EngineFactory<DriverEngine> =>
  factory(
    (keyspace) => {
      if (!(client instanceof driver.Client)) {
        throw refusal("client", "takes a Client of cassandra-driver, of the copy that effect-cassandra/driver imports")
      }
      if (keyspace !== undefined && keyspace !== client.keyspace) {
        const its = client.keyspace ? `"${client.keyspace}"` : "none"
        throw refusal(
          "keyspace",
          `the client's connections have ${its}: cassandra-driver cannot send "${keyspace}" with a request`
        )
      }
      return { client, maxRequestsPerConnection: REQUESTS_PER_CONNECTION }
    },
    () => Promise.resolve()
  )
