/**
 * The other end of the pipe: a contender reads how many milliseconds to work, works, and answers with one line of JSON. That is
 * all a client in another language has to do to take part.
 */
import { createInterface } from "node:readline"

/** One measured stretch of work. */
export interface Measurement {
  readonly operations: number
  readonly milliseconds: number
  /** User and system time of the whole process: garbage collection and the threads of libuv count. */
  readonly cpuMicros: number
  /** The longest time between two beats of a heartbeat of 5 ms: how long everything else in the process had to wait. */
  readonly largestGap: number
}

const heartbeat = (): { readonly stop: () => number } => {
  let last = performance.now()
  let largest = 0
  const timer = setInterval(() => {
    const now = performance.now()
    largest = Math.max(largest, now - last)
    last = now
  }, 5)
  return {
    stop: () => {
      clearInterval(timer)
      return largest
    }
  }
}

/** Does the work until the clock (`performance.now()`) reaches `end`, and tells how many operations that were. */
export type Run = (end: number) => Promise<number>

/** Serves until the pipe is closed. */
export const serve = async (run: Run): Promise<void> => {
  for await (const line of createInterface({ input: process.stdin })) {
    const heart = heartbeat()
    const cpu = process.cpuUsage()
    const start = performance.now()
    const operations = await run(start + Number(line))
    const milliseconds = performance.now() - start
    const { system, user } = process.cpuUsage(cpu)
    const largestGap = heart.stop()
    const measurement: Measurement = { operations, milliseconds, cpuMicros: user + system, largestGap }
    process.stdout.write(`${JSON.stringify(measurement)}\n`)
  }
}
