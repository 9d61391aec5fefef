import { QueryError } from "../../CassandraError.ts"
import type * as Ours from "../../TimestampGenerator.ts"
import type { Warn } from "../options/index.ts"
import { typeName } from "../protocol/index.ts"

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
    return isTimestamp(timestamp) ? timestamp : generatorFailed("it gave more than 64 bits")
  }

const generatorFailed = (what: string, cause?: unknown): never => {
  const message = `The timestamp generator (\`timestampGenerator\`) failed: ${what}`
  throw new QueryError({ message, cause, writeState: "NotApplied" })
}

const end = 2n ** 63n

/** Whether it fits into 64 bits; the least number of those stands for none. */
export const isTimestamp = (value: unknown): value is bigint => typeof value === "bigint" && value < end && value > -end
