import { createRequire } from "node:module"

const require = createRequire(import.meta.url)

/** A file of the driver's package, such as `lib/connection`: who asks says what it needs of it. Throws where there is none. */
export const driverFile = (path: string): unknown => require(`cassandra-driver/${path}`)
