import type driver from "cassandra-driver"
import type { Client, Host } from "./driverShape.ts"

/** A client of the driver by its private shape, which the driver's declarations keep to themselves. */
export const clientInside = (client: driver.Client): Client => client as unknown as Client

/** A host of the driver by its private shape. */
export const hostInside = (host: driver.Host): Host => host as unknown as Host
