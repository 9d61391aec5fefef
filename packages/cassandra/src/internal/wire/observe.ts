import type { Attempt } from "./attempt.ts"
import type { ClientMetrics, ResponseError } from "./driverShape.ts"
import type { WireRequest } from "./request.ts"
import { ErrorKind } from "./retry.ts"

/** Tells the driver's `ClientMetrics` and `RequestTracker` what the driver itself would; what they throw stops here. */

const errorHandlers: Readonly<Record<number, (metrics: ClientMetrics, error: unknown) => void>> = {
  [ErrorKind.socket]: (m, e) => m.onConnectionError(e),
  [ErrorKind.clientTimeout]: (m, e) => m.onClientTimeoutError(e),
  [ErrorKind.overloaded]: (m, e) => m.onOtherError(e),
  [ErrorKind.readTimeout]: (m, e) => m.onReadTimeoutError(e),
  [ErrorKind.unavailable]: (m, e) => m.onUnavailableError(e),
  [ErrorKind.writeTimeout]: (m, e) => m.onWriteTimeoutError(e),
  [ErrorKind.other]: (m, e) => m.onOtherError(e)
}

const retryHandlers: Readonly<Record<number, (metrics: ClientMetrics, error: unknown) => void>> = {
  [ErrorKind.socket]: (m, e) => m.onOtherErrorRetry(e),
  [ErrorKind.clientTimeout]: (m, e) => m.onClientTimeoutRetry(e),
  [ErrorKind.overloaded]: (m, e) => m.onOtherErrorRetry(e),
  [ErrorKind.readTimeout]: (m, e) => m.onReadTimeoutRetry(e),
  [ErrorKind.unavailable]: (m, e) => m.onUnavailableRetry(e),
  [ErrorKind.writeTimeout]: (m, e) => m.onWriteTimeoutRetry(e),
  [ErrorKind.other]: (m, e) => m.onOtherErrorRetry(e)
}

const safely = (request: WireRequest, run: () => void): void => {
  try {
    run()
  } catch (error) {
    request.log("error", `A metrics or tracker hook threw: ${String(error)}`, error)
  }
}

const latencyOf = (attempt: Attempt): [number, number] =>
  attempt.startedAt === undefined ? [0, 0] : process.hrtime(attempt.startedAt)

/** An attempt was answered. */
export const observeSuccess = (request: WireRequest, attempt: Attempt, responseLength: number): void =>
  safely(request, () => {
    const { metrics, options } = request.wire.client
    const latency = latencyOf(attempt)
    metrics.onSuccessfulResponse(latency)
    metrics.onResponse(latency)
    const length = attempt.sent?.length ?? 0
    options.requestTracker?.onSuccess(
      attempt.host,
      request.query,
      request.values,
      request.options,
      length,
      responseLength,
      latency
    )
  })

/** An attempt failed. */
export const observeError = (
  request: WireRequest,
  attempt: Attempt,
  kind: number,
  error: ResponseError,
  responseLength: number
): void =>
  safely(request, () => {
    const { metrics, options } = request.wire.client
    const latency = latencyOf(attempt)
    errorHandlers[kind]?.(metrics, error)
    if (responseLength > 0) metrics.onResponse(latency)
    const length = attempt.sent?.length ?? 0
    options.requestTracker?.onError(
      attempt.host,
      request.query,
      request.values,
      request.options,
      length,
      error,
      latency
    )
  })

/** A failure is answered with another attempt, or ignored. */
export const observeRetry = (request: WireRequest, kind: number, error: ResponseError, ignored: boolean): void =>
  safely(request, () => {
    const { metrics } = request.wire.client
    if (ignored) metrics.onIgnoreError(error)
    else retryHandlers[kind]?.(metrics, error)
  })
