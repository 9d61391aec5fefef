/** From measurements to figures: medians and ratios. */
import { type Histogram, merge, quantile } from "./histogram.ts"
import type { Observation } from "./processes.ts"
import { type Contender, workload as find, type Workload } from "./suite.ts"

export interface Sample extends Observation, Contender {
  readonly workload: string
  /** Which step of the workload; empty if it has only one. */
  readonly step: string
  /** The generation of processes it was measured in. */
  readonly generation: number
  readonly round: number
}

/** What a contender did not do, and why. */
export interface Absence extends Contender {
  readonly workload: string
  readonly step: string
  /** One line. */
  readonly reason: string
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

export interface Line extends Contender {
  readonly cpuMicrosPerOperation: number
  readonly operationsPerSecond: number
  /** Milliseconds: the median of the rounds' largest gaps in a heartbeat of 5 ms. */
  readonly largestGap: number | null
  /** Of the processes of the workload, in bytes: the most. */
  readonly peakRss: number | null
  /** In bytes, at the end of a round. */
  readonly heap: number | null
  readonly latency: Latency | null
  /** Our CPU per operation divided by this contender's, round by round: the median, the least and the most. */
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number } | null
}

export interface Section extends Pick<Workload, "about" | "title" | "unit"> {
  readonly workload: string
  readonly step: string
  readonly lines: ReadonlyArray<Line>
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

const medianIfAny = (values: ReadonlyArray<number | undefined>): number | null => {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? null : median(given)
}

const mostIfAny = (values: ReadonlyArray<number | undefined>): number | null =>
  values.reduce<number | null>((most, value) => (value === undefined ? most : Math.max(most ?? 0, value)), null)

export const cpuPerOperation = (sample: Sample): number => sample.cpuMicros / sample.operations

const latencyOf = (histograms: ReadonlyArray<Histogram | undefined>): Latency | null => {
  const all = merge(histograms.filter((histogram) => histogram !== undefined))
  if (all.length === 0) return null
  return {
    p50: quantile(all, 0.5),
    p95: quantile(all, 0.95),
    p99: quantile(all, 0.99),
    p999: quantile(all, 0.999),
    max: quantile(all, 1)
  }
}

/** Rounds are compared with themselves, so that a machine that slows down half-way moves no ratio. */
export const ratioOf = (ours: ReadonlyArray<Sample>, theirs: ReadonlyArray<Sample>): Line["ratio"] => {
  const ratios = theirs.flatMap((sample) => {
    const own = ours.find(({ generation, round }) => generation === sample.generation && round === sample.round)
    return own === undefined ? [] : [cpuPerOperation(own) / cpuPerOperation(sample)]
  })
  return ratios.length === 0 ? null : { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
}

const contenderOf = ({ client, style }: Contender): string => `${client}, ${style}`

/** By a key, in the order in which the keys come. */
const groups = <A>(items: ReadonlyArray<A>, key: (item: A) => string): ReadonlyArray<ReadonlyArray<A>> => {
  const byKey = new Map<string, Array<A>>()
  for (const item of items) {
    const group = byKey.get(key(item))
    if (group === undefined) byKey.set(key(item), [item])
    else group.push(item)
  }
  return [...byKey.values()]
}

/** A section for each step, a line for each contender, in the order in which they come; the first contender is ours. */
export const summarize = (samples: ReadonlyArray<Sample>): ReadonlyArray<Section> =>
  groups(samples, ({ step, workload }) => `${workload} ${step}`).flatMap((section) => {
    const [sample] = section
    if (sample === undefined) return []
    const { step, workload } = sample
    const { about, contenders, title, unit } = find(workload)
    const ours = section.filter((it) => contenderOf(it) === contenderOf(contenders[0]))
    const lines = groups(section, contenderOf).map((theirs): Line => {
      const { client, style } = theirs[0] as Sample
      return {
        client,
        style,
        cpuMicrosPerOperation: median(theirs.map(cpuPerOperation)),
        operationsPerSecond: median(theirs.map((it) => (it.operations / it.milliseconds) * 1000)),
        largestGap: medianIfAny(theirs.map((it) => it.largestGap)),
        peakRss: mostIfAny(theirs.map((it) => it.peakRss)),
        heap: medianIfAny(theirs.map((it) => it.heap)),
        latency: latencyOf(theirs.map((it) => it.latency)),
        ratio: theirs[0] === ours[0] ? null : ratioOf(ours, theirs)
      }
    })
    return [{ workload, step, about, title, unit, lines }]
  })
