/** From measurements to what a person reads: medians, ratios, a table. */
import type { Measurement } from "./contender.ts"
import { type Contender, type Workload, workloads } from "./workloads.ts"

export interface Sample extends Measurement, Contender {
  readonly workload: Workload
  /** The generation of processes it was measured in. */
  readonly generation: number
  readonly round: number
}

/** What it ran on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly platform: string
  readonly cassandra: string
  readonly versions: Readonly<Record<string, string>>
}

export interface Line extends Contender {
  readonly cpuMicrosPerOperation: number
  readonly operationsPerSecond: number
  /** Milliseconds: the median of the rounds' largest gaps in a heartbeat of 5 ms. */
  readonly largestGap: number
  /** Our CPU per operation divided by this contender's, round by round: the median, the least and the most. */
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number } | null
}

export interface Section {
  readonly workload: Workload
  readonly title: string
  readonly unit: string
  readonly lines: ReadonlyArray<Line>
}

const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

const cpuPerOperation = (sample: Sample): number => sample.cpuMicros / sample.operations

export const summarize = (samples: ReadonlyArray<Sample>): ReadonlyArray<Section> =>
  (Object.keys(workloads) as Array<Workload>).flatMap((workload) => {
    const { contenders, title, unit } = workloads[workload]
    const of = ({ client, style }: Contender) =>
      samples.filter((sample) => sample.workload === workload && sample.client === client && sample.style === style)
    const ours = of(contenders[0])
    if (ours.length === 0) return []
    const lines = contenders.map((contender): Line => {
      const theirs = of(contender)
      // Rounds are compared with themselves, so that a machine that slows down half-way moves no ratio.
      const ratios = ours.map((sample, i) => cpuPerOperation(sample) / cpuPerOperation(theirs[i] as Sample))
      return {
        ...contender,
        cpuMicrosPerOperation: median(theirs.map(cpuPerOperation)),
        operationsPerSecond: median(theirs.map((sample) => (sample.operations / sample.milliseconds) * 1000)),
        largestGap: median(theirs.map((sample) => sample.largestGap)),
        ratio:
          contender === contenders[0]
            ? null
            : { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) }
      }
    })
    return [{ workload, title, unit, lines }]
  })

const number = (value: number): string =>
  value.toLocaleString("en", value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 })

const cells = ({ unit, lines }: Section): ReadonlyArray<ReadonlyArray<string>> => [
  ["client", `CPU µs/${unit}`, `${unit}s/s`, "largest gap, ms", "ours ÷ this", "(range)"],
  ...lines.map(({ client, cpuMicrosPerOperation, largestGap, operationsPerSecond, ratio, style }) => [
    `${client}, ${style}`,
    number(cpuMicrosPerOperation),
    number(operationsPerSecond),
    number(largestGap),
    ratio === null ? "" : `${ratio.median.toFixed(2)}×`,
    ratio === null ? "" : `${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}`
  ])
]

/** A table in Markdown whose columns line up, so that it reads well in a terminal too. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0), 3))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const line = (row: ReadonlyArray<string>) => `| ${row.map(pad).join(" | ")} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n")
}

export const markdown = (sections: ReadonlyArray<Section>, machine: Machine, method: string): string =>
  [
    "# Benchmark",
    "",
    method,
    "",
    `${machine.cpu}, ${machine.cores} cores, ${machine.platform}; Node ${machine.node}; Cassandra ${machine.cassandra}; ${Object.entries(
      machine.versions
    )
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    "",
    ...sections.flatMap((section) => [`## ${section.title}`, "", table(cells(section)), ""])
  ].join("\n")
