/** What a run ran on. */
import * as Os from "node:os"

export const machine = (): string => {
  const [cpu] = Os.cpus()
  const memory = Math.round(Os.totalmem() / 2 ** 30)
  const [load = 0] = Os.loadavg()
  return `${Os.cpus().length} cores (${cpu?.model ?? "unknown"}), ${memory} GiB, ${Os.type()}, Node ${process.version}, load average ${load.toFixed(1)} at the end, on ${new Date().toISOString().slice(0, 10)}`
}
