import driver from "cassandra-driver"
import { QueryError } from "../CassandraError.ts"
import type * as Ours from "../TimestampGenerator.ts"
import type { Warn } from "./callbacks.ts"
import { TimestampGenerator } from "./driverBases.ts"

/** The next timestamp of a request; undefined leaves it to the server. */
export type NextTimestamp = () => bigint | undefined

/** A generator that logs its warnings, and whose failures are the request's. */
export const nextTimestamp =
  ({ next }: Ours.TimestampGenerator, warn: Warn): NextTimestamp =>
  () => {
    let timestamp: bigint | undefined
    try {
      timestamp = next(warn)
    } catch (cause) {
      throw new QueryError({ message: "The timestamp generator failed", cause, writeState: "NotApplied" })
    }
    if (timestamp === undefined || isTimestamp(timestamp)) return timestamp
    const message = "The timestamp generator gave no bigint of 64 bits: microseconds since the epoch"
    throw new QueryError({ message, writeState: "NotApplied" })
  }

const end = 2n ** 63n

/** Whether it fits into 64 bits; the least number of those stands for none. */
export const isTimestamp = (value: unknown): value is bigint => typeof value === "bigint" && value < end && value > -end

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
