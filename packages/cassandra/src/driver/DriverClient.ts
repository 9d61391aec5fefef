/** The type of a client of `cassandra-driver`, which only those who use that package need to have. */

/** @ts-ignore -- in the published types, where the optional peer is not installed: it is any type then. */
import type { Client } from "cassandra-driver"

export type DriverClient = Client
