/** From figures to what a person reads: tables in Markdown. */
import { describe, type Machine } from "./machine.ts"
import type { Origin, Settings } from "./measure.ts"
import type { Absence, Line, Section } from "./summary.ts"

/** A run, as results/latest.json has it beside its samples. */
export interface Report {
  readonly settings: Settings
  readonly machine: Machine
  /** What the contenders in other languages are and run on. */
  readonly peers: ReadonlyArray<Origin>
  readonly sections: ReadonlyArray<Section>
  readonly absent: ReadonlyArray<Absence>
}

const none = "–"

export const number = (value: number | null): string => {
  if (value === null) return none
  return value.toLocaleString("en", value < 100 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 })
}

const megabytes = (bytes: number | null): string => number(bytes === null ? null : bytes / 1e6)

export const nameOf = ({ client, style }: Pick<Line, "client" | "style">): string => `${client}, ${style}`

const ratioCells = ({ ratio }: Line): ReadonlyArray<string> =>
  ratio === null ? ["", ""] : [`${ratio.median.toFixed(2)}×`, `${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}`]

const ratioHeads = ["ours ÷ this", "(range)"]

const plural = (unit: string): string => (unit.endsWith("ch") ? `${unit}es` : `${unit}s`)

type Column = readonly [head: string, cell: (line: Line) => string]

const columns = ({ about, unit }: Section): ReadonlyArray<Column> => {
  switch (about) {
    case "latency":
      return [
        [`${plural(unit)}/s`, (line) => number(line.operationsPerSecond)],
        ["p50, ms", (line) => number(line.latency?.p50 ?? null)],
        ["p95", (line) => number(line.latency?.p95 ?? null)],
        ["p99", (line) => number(line.latency?.p99 ?? null)],
        ["p99.9", (line) => number(line.latency?.p999 ?? null)],
        ["peak RSS, MB", (line) => megabytes(line.peakRss)]
      ]
    case "connect":
      return [
        ["ms to the first answer, p50", (line) => number(line.latency?.p50 ?? null)],
        ["p95", (line) => number(line.latency?.p95 ?? null)],
        [`CPU ms/${unit}`, (line) => number(line.cpuMicrosPerOperation / 1000)]
      ]
    case "start":
      return [
        ["ms", (line) => number(1000 / line.operationsPerSecond)],
        ["CPU ms", (line) => number(line.cpuMicrosPerOperation / 1000)],
        ["RSS, MB", (line) => megabytes(line.peakRss)],
        ["heap, MB", (line) => megabytes(line.heap)]
      ]
    default:
      return [
        [`CPU µs/${unit}`, (line) => number(line.cpuMicrosPerOperation)],
        [`${plural(unit)}/s`, (line) => number(line.operationsPerSecond)],
        ["largest gap, ms", (line) => number(line.largestGap)],
        ["peak RSS, MB", (line) => megabytes(line.peakRss)],
        ["heap, MB", (line) => megabytes(line.heap)]
      ]
  }
}

const cells = (section: Section): ReadonlyArray<ReadonlyArray<string>> => {
  const shown = columns(section)
  // A latency is compared with the eye: at a fixed rate all do the same work.
  const compared = section.about !== "latency"
  return [
    ["client", ...shown.map(([head]) => head), ...(compared ? ratioHeads : [])],
    ...section.lines.map((line) => [
      nameOf(line),
      ...shown.map(([, cell]) => cell(line)),
      ...(compared ? ratioCells(line) : [])
    ])
  ]
}

/** A table in Markdown whose columns line up, so that it reads well in a terminal too. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0), 3))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const line = (row: ReadonlyArray<string>) => `| ${row.map(pad).join(" | ")} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`
  return [line(rows[0] ?? []), rule, ...rows.slice(1).map(line)].join("\n")
}

const method = ({ duration, generations, rounds, warmup }: Settings): string =>
  `Client CPU time (user and system) per operation, medians of ${generations * rounds} rounds of ${
    duration / 1000
  } s in ${generations} ${generations === 1 ? "generation" : "generations"} of processes, after ${
    warmup / 1000
  } s of CPU time to warm up. Every contender is a process of its own; they take turns. The gap is the longest time between two beats of a 5 ms heartbeat in the client's process, the median of the rounds. The peak RSS is that of the whole process, the heap what is in use at the end of a round. Latencies count from the moment at which an operation was to begin. [More about it](../../docs/performance.md).`

/** What fails alike in several rounds is said once. */
const absences = (absent: ReadonlyArray<Absence>): ReadonlyArray<string> => {
  const lines = absent.map(
    ({ reason, step, workload, ...contender }) =>
      `- ${workload}${step === "" ? "" : ` (${step})`}: ${nameOf(contender)}: ${reason.split("\n")[0]}`
  )
  return lines.length === 0 ? [] : ["## What failed", "", ...new Set(lines), ""]
}

export const markdown = ({ absent, machine, peers, sections, settings }: Report): string =>
  [
    "# Benchmark",
    "",
    method(settings),
    "",
    describe(machine),
    "",
    ...(peers.length === 0
      ? []
      : [...peers.map(({ client, runtime, version }) => `- ${client} ${version}, ${runtime}`), ""]),
    ...sections.flatMap((section) => [
      `## ${section.title}${section.step === "" ? "" : `: ${section.step}`}`,
      "",
      table(cells(section)),
      ""
    ]),
    ...absences(absent)
  ].join("\n")
