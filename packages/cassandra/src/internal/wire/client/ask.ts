import { driverFile } from "../driverFile.ts"
import type { Connection, Request, ServerRow } from "../driverShape.ts"

const { QueryRequest } = driverFile("lib/requests") as { readonly QueryRequest: new (query: string) => Request }

/** The rows of a query of our own by one connection, with the driver's own values. */
export const ask = async (connection: Connection, query: string): Promise<ReadonlyArray<ServerRow>> => {
  const { rows } = await connection.send(new QueryRequest(query), null)
  return rows ?? []
}
