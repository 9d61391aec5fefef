/** The contenders' end of the pipe, for those in JavaScript. */
import { createRequire } from "node:module"
import { createInterface } from "node:readline"
import type { Histogram } from "./histogram.ts"
import type { Answer, Ready, Stretch } from "./protocol.ts"

/** How long the rest of the process had to wait: the longest time between two beats. */
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

const say = (line: Ready | Answer): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

export interface Done {
  readonly operations: number
  readonly latency?: Histogram
}

/** Does the work until the clock (`performance.now()`) reaches `end`. */
export type Run = (stretch: Stretch, end: number) => Promise<Done>

const measured = async (run: Run, stretch: Stretch): Promise<Answer> => {
  const heart = heartbeat()
  const cpu = process.cpuUsage()
  const start = performance.now()
  try {
    const done = await run(stretch, start + stretch.milliseconds)
    const milliseconds = performance.now() - start
    const { system, user } = process.cpuUsage(cpu)
    return {
      ...done,
      milliseconds,
      cpuMicros: user + system,
      heap: process.memoryUsage().heapUsed,
      largestGap: heart.stop()
    }
  } catch (error) {
    heart.stop()
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

/** Says that the first query is answered, then serves until the pipe is closed. */
export const serve = async (client: string, run: Run): Promise<void> => {
  const { system, user } = process.cpuUsage()
  const { version } = createRequire(import.meta.url)(`${client}/package.json`) as { version: string }
  say({
    version,
    runtime: `Node ${process.versions.node}`,
    cpuMicros: user + system,
    heap: process.memoryUsage().heapUsed
  })
  for await (const line of createInterface({ input: process.stdin })) {
    say(await measured(run, JSON.parse(line) as Stretch))
  }
}
