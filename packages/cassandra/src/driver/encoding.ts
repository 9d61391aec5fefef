/** How a client of `cassandra-driver` turns CQL values into JavaScript ones: its option `encoding`, told from what it answers. */
import driver from "cassandra-driver"
import { consistencyCodes } from "../internal/protocol/index.ts"

/** A class for CQL maps, such as `Map`. */
export type MapClass = new () => {
  set(key: unknown, value: unknown): unknown
  forEach(each: (value: unknown, key: unknown) => void): void
}

export interface Encoding {
  /** Whether a `bigint` is one in JavaScript too, rather than a `Long`. */
  readonly bigint: boolean
  /** Whether a `varint` is a `bigint`, rather than an `Integer`; undefined where that could not be found out. */
  readonly varint: boolean | undefined
  /** The class of maps; undefined for plain objects. */
  readonly map: MapClass | undefined
}

/** The options of what is asked for the engine's own use. */
export const ownOptions: driver.QueryOptions = {
  prepare: false,
  autoPage: false,
  isIdempotent: true,
  consistency: consistencyCodes.LOCAL_ONE,
  retry: new driver.policies.retry.FallthroughRetryPolicy()
}

const first = async (client: driver.Client, query: string): Promise<driver.types.Row> =>
  (await client.execute(query, [], ownOptions)).first()

/** A server that cannot cast leaves it open how a `varint` is read. */
const numbers = (client: driver.Client): Promise<driver.types.Row> =>
  first(client, "SELECT count(*) AS big, CAST(count(*) AS varint) AS whole FROM system.local").catch(
    (error: unknown) => {
      if (!(error instanceof driver.errors.ResponseError)) throw error
      return first(client, "SELECT count(*) AS big FROM system.local")
    }
  )

const mapClass = (map: unknown): MapClass | undefined => {
  const { constructor } = map as object
  return constructor === undefined || constructor === Object ? undefined : (constructor as MapClass)
}

/** Asks three small questions. */
export const encodingOf = async (client: driver.Client): Promise<Encoding> => {
  const [{ big, whole }, { replication }] = await Promise.all([
    numbers(client),
    first(client, "SELECT replication FROM system_schema.keyspaces LIMIT 1")
  ])
  return {
    bigint: typeof big === "bigint",
    varint: whole === undefined ? undefined : typeof whole === "bigint",
    map: mapClass(replication)
  }
}
