/** What a client is to learn of its cluster anew. */
import type driver from "cassandra-driver"
import { clientInside } from "../inside.ts"

/** Asks again which hosts there are. Rejects when there is no connection to ask by. */
export const refreshHosts = async (client: driver.Client): Promise<void> => {
  const { controlConnection } = clientInside(client)
  if (controlConnection.connection === null) throw new Error("There is no connection to learn the nodes by")
  await controlConnection._refreshHosts(false, false)
}

/** Makes the driver forget a part of a keyspace: whoever uses it directly sees what was refreshed as well. */
export const forgetInDriver = (
  client: driver.Client,
  keyspace: string,
  kind: "tables" | "views" | "udts" | "functions" | "aggregates",
  name: string
): void => {
  const { keyspaces } = clientInside(client).metadata
  if (Object.hasOwn(keyspaces, keyspace)) delete keyspaces[keyspace]?.[kind]?.[name]
}
