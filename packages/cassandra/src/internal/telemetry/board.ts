/**
 * The gauges of all clusters of the process. Effect has one registry, so two clusters that reach the same host would write
 * over each other: what each reads is added up.
 */
import type * as MetricHook from "effect/MetricHook"
import { type Gauge, gaugeOf, type Labels } from "./metrics.ts"

type Hook = MetricHook.MetricHook.Gauge<number>

/** Takes the reading of one gauge. */
export type Report = (gauge: Gauge, labels: Labels, value: number) => void

/** What is read when somebody looks. */
export interface Readable {
  /** Brings the counters up to date, and reports the gauges. */
  read(report: Report): void
}

const open = new Set<Readable>()
const known = new Set<Hook>()

export const refresh = (): void => {
  const sums = new Map<Hook, number>()
  for (const readable of open) {
    readable.read((gauge, labels, value) => {
      const hook = gaugeOf(gauge, labels)
      sums.set(hook, (sums.get(hook) ?? 0) + value)
    })
  }
  // What nobody reports any more, such as a host that is gone, is nothing.
  for (const hook of known) if (!sums.has(hook)) hook.update(0)
  for (const [hook, value] of sums) {
    known.add(hook)
    hook.update(value)
  }
}

export const add = (readable: Readable): void => {
  open.add(readable)
  refresh()
}

/** The counters keep what they have; the gauges lose the share of what is removed. */
export const remove = (readable: Readable): void => {
  refresh()
  open.delete(readable)
  refresh()
}
