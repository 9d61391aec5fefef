/**
 * The few things the kit asks of a server, through cassandra-driver. Loaded only when needed: it takes a quarter second.
 */
import type { Client } from "cassandra-driver"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { CassandraServer } from "../CassandraServer.ts"

/** How to reach a server; the data centre may be unknown yet. */
export interface Address extends Pick<CassandraServer, "contactPoints" | "port" | "credentials" | "tls"> {
  readonly localDataCenter: Option.Option<string>
}

/** The driver's options for this server. */
export const clientOptions = (address: Address) => ({
  contactPoints: [...address.contactPoints],
  protocolOptions: { port: address.port },
  ...Option.match(address.localDataCenter, {
    onNone: () => ({}),
    onSome: (localDataCenter) => ({ localDataCenter })
  }),
  ...Option.match(address.credentials, {
    onNone: () => ({}),
    onSome: ({ password, username }) => ({ credentials: { username, password: Redacted.value(password) } })
  }),
  ...Option.match(address.tls, {
    onNone: () => ({}),
    onSome: (tls) => ({
      sslOptions: { ca: [tls.ca], cert: tls.cert, key: Redacted.value(tls.key), rejectUnauthorized: true }
    })
  })
})

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

const module = Effect.map(
  Effect.promise(() => import("cassandra-driver")),
  (loaded) => loaded.default
)

const open = (make: () => Client) =>
  Effect.acquireRelease(Effect.sync(make), (client) => Effect.promise(() => client.shutdown().catch(() => undefined)))

/** A client with one connection a node, closed with the scope. */
export const client = Effect.fnUntraced(function* (address: Address) {
  const { Client, types } = yield* module
  return yield* open(
    () =>
      new Client({
        ...clientOptions(address),
        pooling: { coreConnectionsPerHost: { 0: 1, 1: 1, 2: 1 } },
        queryOptions: { consistency: types.consistencies.one }
      })
  )
})

/** Runs one statement. */
export const execute = (connected: Client, query: string, consistency?: number) =>
  Effect.tryPromise({
    try: () => connected.execute(query, [], consistency === undefined ? {} : { consistency }),
    catch: toError
  })

/** The version and data centre of the server reached first. */
export const inspect = Effect.fnUntraced(function* (address: Address) {
  const { Client, policies } = yield* module
  // Without a data centre the driver's default policy refuses to start; round robin does not ask for one.
  const loadBalancing = new policies.loadBalancing.RoundRobinPolicy()
  const connected = yield* open(() => new Client({ ...clientOptions(address), policies: { loadBalancing } }))
  const result = yield* execute(connected, "SELECT release_version, data_center FROM system.local")
  const row = result.first()
  return { version: String(row["release_version"]), dataCenter: String(row["data_center"]) }
}, Effect.scoped)

/** What the node at the address says, asked itself. */
const askOnly = Effect.fnUntraced(function* (address: Address) {
  const { Client, policies } = yield* module
  const { RoundRobinPolicy, WhiteListPolicy } = policies.loadBalancing
  const only = address.contactPoints.map((host) => `${host}:${address.port}`)
  const loadBalancing = new WhiteListPolicy(new RoundRobinPolicy(), only)
  return yield* open(() => new Client({ ...clientOptions(address), policies: { loadBalancing } }))
})

/** The other nodes that the node at the address knows: host ids by the addresses they listen at. */
export const peers = Effect.fnUntraced(function* (address: Address) {
  const result = yield* execute(yield* askOnly(address), "SELECT peer, host_id FROM system.peers")
  return new Map(result.rows.map((row) => [String(row["peer"]), String(row["host_id"])]))
}, Effect.scoped)

/** Gives the keyspace of the roles so many replicas: a cluster that shrinks could not be read at ALL otherwise. */
export const replicateRoles = Effect.fnUntraced(function* (address: Address, replicas: number) {
  const replication = `{'class': 'SimpleStrategy', 'replication_factor': ${replicas}}`
  yield* execute(yield* askOnly(address), `ALTER KEYSPACE system_auth WITH replication = ${replication}`)
}, Effect.scoped)

/**
 * Succeeds when the node at the address knows so many nodes, itself included, and has all of them for alive: a read of the
 * roles at ALL, whose keyspace has a replica on every node, is refused otherwise.
 */
export const seesAll = Effect.fnUntraced(function* (address: Address, nodes: number) {
  const { types } = yield* module
  const connected = yield* askOnly(address)
  const others = yield* execute(connected, "SELECT rpc_address, tokens FROM system.peers")
  const known = 1 + others.rows.filter((row) => row["rpc_address"] && row["tokens"]).length
  if (known !== nodes) return yield* Effect.fail(new Error(`${known} of ${nodes} nodes are known`))
  yield* execute(connected, "SELECT role FROM system_auth.roles", types.consistencies.all)
}, Effect.scoped)
