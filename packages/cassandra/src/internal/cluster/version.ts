/** What the client calls itself to the servers: `system_views.clients` shows it. */
export const driverName = "effect-cassandra"

export const driverVersion = "0.1.0"
