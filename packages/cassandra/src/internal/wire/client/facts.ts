/** What is merely read of a client. */
import type driver from "cassandra-driver"
import { clientInside, hostInside } from "../inside.ts"

/** The policy that the client was made with. */
export const loadBalancingOf = (client: driver.Client): driver.policies.loadBalancing.LoadBalancingPolicy =>
  clientInside(client).options.policies.loadBalancing

/** The resolved contact points, as `address:port`: what tells the local data centre when it is not named. */
export const contactPoints = (client: driver.Client): ReadonlySet<string> =>
  clientInside(client).controlConnection._contactPoints

/** The contact points whose names no address was found for. */
export const unresolved = (client: driver.Client): ReadonlyArray<string> =>
  [...clientInside(client).controlConnection._resolvedContactPoints].flatMap(([name, found]) =>
    found.length === 0 ? [name] : []
  )

/** Whether the control connection is there; where it was lost, another one is looked for. */
export const isControlled = (client: driver.Client): boolean =>
  clientInside(client).controlConnection.connection !== null

/** The host that the client learns of the cluster from, if it is connected to one. */
export const controlHost = (client: driver.Client): string | undefined =>
  clientInside(client).controlConnection.host?.address

/** The negotiated protocol version, as the driver counts, which its public API does not tell. */
export const protocolVersion = (client: driver.Client): number =>
  clientInside(client).controlConnection.protocolVersion ?? 0

/** Whether the driver keeps the schema up to date. */
export const keepsSchema = (client: driver.Client): boolean =>
  clientInside(client).options.isMetadataSyncEnabled !== false

const tokens = new WeakMap<object, ReadonlyArray<string>>()

/** The tokens of a host, as the server writes them. A policy may ask for each query, so they are read once. */
export const tokensOf = (host: driver.Host): ReadonlyArray<string> => {
  const owned = hostInside(host).tokens
  if (owned === undefined || owned === null) return noTokens
  const known = tokens.get(owned)
  if (known !== undefined) return known
  const read = [...owned].map(String)
  tokens.set(owned, read)
  return read
}

const noTokens: ReadonlyArray<string> = []
