/**
 * Operations at a fixed rate, whether or not those before have been answered. Who waits for the answer before the next one is sent
 * (a closed loop) sends nothing while the server or the client hangs, and so never measures what all who came in between had to wait:
 * coordinated omission. Here a latency counts from the moment at which the operation was to begin.
 */
import { once } from "node:events"
import { Worker } from "node:worker_threads"
import { type Histogram, recorder } from "./histogram.ts"

/**
 * Ticks every millisecond from a thread of its own. Node's timers may be more than a millisecond late, which would be measured as
 * latency; a message wakes the event loop as a request from outside would.
 */
const metronome = `
  const { parentPort } = require("node:worker_threads")
  const never = new Int32Array(new SharedArrayBuffer(4))
  let next = performance.now()
  for (;;) {
    next += 1
    const wait = next - performance.now()
    if (wait > 0) Atomics.wait(never, 0, 0, wait)
    parentPort.postMessage(0)
  }`

/** Begins `rate` operations a second for so many milliseconds, and waits for all of them. */
export const atRate = async (
  milliseconds: number,
  rate: number,
  operation: () => Promise<unknown>
): Promise<{ readonly operations: number; readonly latency: Histogram }> => {
  const worker = new Worker(metronome, { eval: true })
  const { histogram, record } = recorder()
  const total = Math.round((milliseconds * rate) / 1000)
  const interval = 1000 / rate
  let failure: { readonly error: unknown } | undefined
  let begun = 0
  let open = 0
  try {
    await once(worker, "message")
    const start = performance.now()
    await new Promise<void>((resolve) => {
      const settle = () => {
        open--
        if (open === 0 && (begun === total || failure !== undefined)) resolve()
      }
      const begin = async (due: number) => {
        begun++
        open++
        try {
          await operation()
          record(performance.now() - due)
        } catch (error) {
          failure ??= { error }
        }
        settle()
      }
      worker.on("message", () => {
        if (failure !== undefined) return
        const due = Math.min(total, Math.floor((performance.now() - start) / interval) + 1)
        for (let n = begun; n < due; n++) void begin(start + n * interval)
      })
    })
  } finally {
    await worker.terminate()
  }
  if (failure !== undefined) throw failure.error
  return { operations: total, latency: histogram() }
}
