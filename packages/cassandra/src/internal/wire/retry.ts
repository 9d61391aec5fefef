import { type Driver } from "./driver.ts"
import type { ExecutionOptions, ResponseError, RetryDecision } from "./driverShape.ts"

/** What the driver's retry policy is asked about which failure: the rules of the driver's own request execution. */

export const ErrorKind = {
  socket: 1,
  socketBeforeWrite: 2,
  clientTimeout: 3,
  unprepared: 4,
  overloaded: 5,
  readTimeout: 6,
  unavailable: 7,
  writeTimeout: 8,
  other: 9
} as const

/** The driver's numbers for its decisions. */
export const Decision = { rethrow: 0, retry: 1, ignore: 2 } as const

/** Which kind of failure this is. */
export const errorKind = (driver: Driver, error: ResponseError): number => {
  if (error.isSocketError === true) {
    return error.requestNotWritten === true ? ErrorKind.socketBeforeWrite : ErrorKind.socket
  }
  if ((error as Error) instanceof driver.errors.OperationTimedOutError) return ErrorKind.clientTimeout
  const { ResponseError: FromServer } = driver.errors
  if (!((error as Error) instanceof FromServer)) return ErrorKind.other
  switch (error.code) {
    case 0x1000:
      return ErrorKind.unavailable
    case 0x1001:
    case 0x1002:
    case 0x1003:
      return ErrorKind.overloaded
    case 0x1100:
      return ErrorKind.writeTimeout
    case 0x1200:
      return ErrorKind.readTimeout
    case 0x2500:
      return ErrorKind.unprepared
    default:
      return ErrorKind.other
  }
}

const rethrow: RetryDecision = { decision: Decision.rethrow }
const onCurrentHost: RetryDecision = { decision: Decision.retry, useCurrentHost: true }

/** What to do about a failure. Only what was certainly not sent is retried without asking the policy. */
export const decide = (
  options: ExecutionOptions,
  kind: number,
  error: ResponseError,
  query: unknown,
  consistency: number,
  retries: number
): RetryDecision => {
  const info = {
    query: typeof query === "string" ? query : undefined,
    executionOptions: options,
    nbRetry: retries
  }
  const policy = options.getRetryPolicy()
  switch (kind) {
    case ErrorKind.socketBeforeWrite:
      return onCurrentHost
    case ErrorKind.socket:
    case ErrorKind.clientTimeout:
    case ErrorKind.overloaded:
      return (options.isIdempotent() && policy.onRequestError(info, consistency, error)) || rethrow
    case ErrorKind.unavailable:
      return policy.onUnavailable(info, error.consistencies!, error.required!, error.alive!) ?? rethrow
    case ErrorKind.readTimeout: {
      const { blockFor, consistencies, isDataPresent, received } = error
      return policy.onReadTimeout(info, consistencies!, received!, blockFor!, isDataPresent) ?? rethrow
    }
    case ErrorKind.writeTimeout: {
      if (!options.isIdempotent()) return rethrow
      const { blockFor, consistencies, received, writeType } = error
      return policy.onWriteTimeout(info, consistencies!, received!, blockFor!, writeType!) ?? rethrow
    }
    default:
      return rethrow
  }
}
