/** The frames of whoever called us, for what is refused where it is written. */

/** The directory of our own code; undefined where a bundler has put that into another file. */
const ours = /\/internal\/options\/callerFrames\.[jt]s$/.test(import.meta.url)
  ? new URL("../../", import.meta.url).pathname
  : undefined

const most = 10

const isTheirs = (frame: string): boolean =>
  (ours === undefined || !frame.includes(ours)) &&
  !/[\\/]node_modules[\\/]effect[\\/]|\bnode:|\(<anonymous>\)$/.test(frame)

/** Gives an error the caller's frames: ours say nothing about the caller's mistake. */
export const withCallerFrames = <E extends Error>(error: E): E => {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 4 * most
  const captured = { stack: "" }
  Error.captureStackTrace(captured, withCallerFrames)
  Error.stackTraceLimit = limit
  const frames = captured.stack.split("\n").slice(1).filter(isTheirs)
  Object.defineProperty(error, "stack", {
    value: [`${error.name}: ${error.message}`, ...frames.slice(0, Math.min(limit, most))].join("\n"),
    configurable: true,
    writable: true
  })
  return error
}
