import driver from "cassandra-driver"
import { QueryError } from "../CassandraError.ts"
import type * as Ours from "../TimestampGenerator.ts"
import type { Warn } from "./callbacks.ts"
import { typeName } from "./misfit.ts"
import { TimestampGenerator } from "./driverBases.ts"

/** The next timestamp of a request; undefined leaves it to the server. */
export type NextTimestamp = () => bigint | undefined

/** A generator that logs its warnings, and whose failures are the request's. */
export const nextTimestamp =
  ({ next }: Ours.TimestampGenerator, warn: Warn): NextTimestamp =>
  () => {
    let timestamp: unknown
    try {
      timestamp = next(warn)
    } catch (cause) {
      return generatorFailed("it threw", cause)
    }
    if (timestamp === undefined) return undefined
    if (typeof timestamp !== "bigint") return generatorFailed(`it gave ${typeName(timestamp)} in place of a bigint`)
    return BigInt.asIntN(64, timestamp) === timestamp ? timestamp : generatorFailed("it gave more than 64 bits")
  }

const generatorFailed = (what: string, cause?: unknown): never => {
  const message = `The timestamp generator (\`timestampGenerator\`) failed: ${what}`
  throw new QueryError({ message, cause, writeState: "NotApplied" })
}

/** For the driver, where it sends requests by itself. */
export class DriverTimestamps
  extends TimestampGenerator
  implements driver.policies.timestampGeneration.TimestampGenerator
{
  readonly #next: NextTimestamp
  constructor(next: NextTimestamp) {
    super()
    this.#next = next
  }
  next(): driver.types.Long {
    return longOf(this.#next())
  }
}

/** Null, for the driver, is none; its types do not have it. */
export const longOf = (timestamp: bigint | undefined): driver.types.Long =>
  timestamp === undefined ? (null as unknown as driver.types.Long) : driver.types.Long.fromString(timestamp.toString())
