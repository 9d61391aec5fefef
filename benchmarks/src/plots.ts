/** The plots of a run, as SVG. */
import type { Machine } from "./machine.ts"
import { number, type Report } from "./markdown.ts"
import type { Line, Section } from "./summary.ts"
import { dot, line, picture, round, seriesClass, text, type TextOptions, width } from "./svg.ts"

const margin = 14

/** One way of each client: the one with the least CPU, as its users could choose it. */
const best = (lines: ReadonlyArray<Line>): ReadonlyArray<Line> => {
  const clients = [...new Set(lines.map(({ client }) => client))]
  return clients.map((client) =>
    lines
      .filter((it) => it.client === client)
      .reduce((a, b) => (b.cpuMicrosPerOperation < a.cpuMicrosPerOperation ? b : a))
  )
}

const ours = "effect-cassandra"

const nameKind = ({ client }: Line): TextOptions => (client === ours ? { kind: "ours" } : {})

const origin = ({ cassandra, cores, cpu, date }: Machine, y: number): string =>
  text(margin, y, `${cpu}, ${cores} cores; Cassandra ${cassandra}; ${date}`, { kind: "faint small" })

const labels: Readonly<Record<string, string>> = { [ours]: ours, "cassandra-driver": "cassandra-driver (JS)" }
const label = ({ client }: Pick<Line, "client">): string => labels[client] ?? client

/** How many times ours each client takes, on an axis where twice as much is as far as half as much. */
const ratioPanel = (
  { lines, title, unit }: Section,
  top: number
): { readonly parts: Array<string>; readonly end: number } => {
  const shown = best(lines)
  const own = shown.find(({ client }) => client === ours)?.cpuMicrosPerOperation ?? Number.NaN
  const left = 192
  const right = width - 76
  const times = shown.map((it) => it.cpuMicrosPerOperation / own)
  const low = Math.floor(Math.log2(Math.min(0.5, ...times)))
  const high = Math.ceil(Math.log2(Math.max(2, ...times)))
  const x = (ratio: number) => left + ((Math.log2(ratio) - low) / (high - low)) * (right - left)
  const first = top + 48
  const bottom = first + shown.length * 22 - 8
  const parts = [
    text(margin, top + 16, title, { kind: "sub" }),
    text(width - margin, top + 32, `µs/${unit}`, { anchor: "end", kind: "faint small" })
  ]
  for (let power = low; power <= high; power++) {
    const at = x(2 ** power)
    parts.push(line(at, first - 12, at, bottom, power === 0 ? "one" : "grid"))
    if (power === 0 || (power - low) % (high - low > 6 ? 2 : 1) === 0) {
      parts.push(
        text(at, bottom + 15, power < 0 ? `1/${2 ** -power}×` : `${2 ** power}×`, {
          anchor: "middle",
          kind: "faint small"
        })
      )
    }
  }
  for (const [n, it] of shown.entries()) {
    const y = first + n * 22
    const kind =
      it.client === ours ? seriesClass(0) : it.client === "cassandra-driver" ? seriesClass(1) : seriesClass(7)
    parts.push(
      text(margin, y + 4, label(it), nameKind(it)),
      line(x(1), y, x(it.cpuMicrosPerOperation / own), y, `stem ${kind}`),
      dot(x(it.cpuMicrosPerOperation / own), y, kind),
      text(width - margin, y + 4, number(it.cpuMicrosPerOperation), { anchor: "end", ...nameKind(it) })
    )
  }
  return { parts, end: bottom + 30 }
}

/** The CPU time of an operation, beside ours; a panel for each of these sections. */
const cpuPlot = ({ machine }: Report, sections: ReadonlyArray<Section>): string => {
  const parts = [
    text(margin, 26, "Client CPU time per operation", { kind: "head" }),
    text(margin, 45, "beside effect-cassandra (1×); further left is less", { kind: "faint" })
  ]
  let top = 58
  for (const section of sections) {
    const panel = ratioPanel(section, top)
    parts.push(...panel.parts)
    top = panel.end
  }
  parts.push(origin(machine, top + 6))
  return picture(top + 18, "Client CPU time per operation, beside effect-cassandra", parts)
}

interface Series {
  readonly name: string
  readonly values: ReadonlyArray<number | null>
}

/** Lines over a few named places, on a logarithmic axis. */
const linesPanel = (
  title: string,
  unit: string,
  places: ReadonlyArray<string>,
  all: ReadonlyArray<Series>,
  top: number
): { readonly parts: Array<string>; readonly end: number } => {
  const values = all.flatMap((it) => it.values.filter((value) => value !== null))
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  const left = 70
  const right = width - 34
  const first = top + 34
  const bottom = first + 190
  const y = (value: number) => bottom - ((Math.log10(value) - low) / (high - low)) * (bottom - first)
  const x = (n: number) => left + 16 + (n / Math.max(1, places.length - 1)) * (right - left - 16)
  const parts = [text(margin, top + 16, title, { kind: "sub" })]
  for (let power = low; power <= high; power++) {
    const at = y(10 ** power)
    parts.push(
      line(left, at, right, at, "grid"),
      text(left - 6, at + 4, `${number(10 ** power)}${power === high ? ` ${unit}` : ""}`, {
        anchor: "end",
        kind: "faint small"
      })
    )
  }
  for (const [n, place] of places.entries())
    parts.push(text(x(n), bottom + 17, place, { anchor: "middle", kind: "faint small" }))
  for (const [n, { values: own }] of [...all.entries()].toReversed()) {
    const points = own.flatMap((value, i) => (value === null ? [] : [`${round(x(i))},${round(y(value))}`]))
    parts.push(`<polyline points="${points.join(" ")}" class="${seriesClass(n)} path${n === 0 ? " wide" : ""}"/>`)
    for (const [i, value] of own.entries()) if (value !== null) parts.push(dot(x(i), y(value), seriesClass(n)))
  }
  const rows = Math.ceil(all.length / 2)
  for (const [n, { name }] of all.entries()) {
    const at = margin + 6 + Math.floor(n / rows) * (width / 2)
    const row = bottom + 42 + (n % rows) * 20
    parts.push(dot(at, row - 4, seriesClass(n)), text(at + 12, row, name, n === 0 ? { kind: "ours" } : {}))
  }
  return { parts, end: bottom + 42 + rows * 20 + 12 }
}

/** The percentiles of the latency, a panel for each rate. */
const latencyPlot = ({ machine, sections }: Report): string => {
  const parts = [
    text(margin, 26, "Latency of a point read", { kind: "head" }),
    text(margin, 45, "from the moment at which it was to begin", { kind: "faint" })
  ]
  let top = 58
  for (const { lines, step } of sections.filter(({ about }) => about === "latency")) {
    const series = lines.map((it) => ({
      name: label(it),
      values: it.latency === null ? [] : [it.latency.p50, it.latency.p95, it.latency.p99, it.latency.p999]
    }))
    const panel = linesPanel(step, "ms", ["p50", "p95", "p99", "p99.9"], series, top)
    parts.push(...panel.parts)
    top = panel.end
  }
  parts.push(origin(machine, top + 6))
  return picture(top + 18, "Latency of a point read at a fixed rate", parts)
}

/** CPU per point read from 1 to 10,000 in flight. */
const concurrencyPlot = ({ machine, sections }: Report): string => {
  const steps = sections.filter(({ about }) => about === "concurrency")
  const clients = [...new Set(steps.flatMap(({ lines }) => lines.map(({ client }) => client)))]
  const series = clients.map((client) => ({
    name: label({ client }),
    values: steps.map(({ lines }) => best(lines).find((it) => it.client === client)?.cpuMicrosPerOperation ?? null)
  }))
  const panel = linesPanel(
    "by the number of requests in flight",
    "µs",
    steps.map(({ step }) => step),
    series,
    36
  )
  return picture(panel.end + 18, "Client CPU time per point read by the number of requests in flight", [
    text(margin, 26, "Client CPU time per point read", { kind: "head" }),
    ...panel.parts,
    origin(machine, panel.end + 6)
  ])
}

/** The workloads of the plot that the README shows. */
const isFirst = ({ workload }: Section): boolean => ["point-read", "insert", "scan", "streams"].includes(workload)

/** Those of the plots that the run has figures for, by their file names. */
export const plots = (report: Report): Readonly<Record<string, string>> => {
  const about = (what: Section["about"]) => report.sections.filter((section) => section.about === what)
  const first = about("cpu").filter(isFirst)
  const others = about("cpu").filter((section) => !isFirst(section))
  return {
    ...(first.length > 0 ? { "cpu-per-operation.svg": cpuPlot(report, first) } : {}),
    ...(others.length > 0 ? { "cpu-per-operation-others.svg": cpuPlot(report, others) } : {}),
    ...(about("latency").length > 0 ? { "latency.svg": latencyPlot(report) } : {}),
    ...(about("concurrency").length > 0 ? { "concurrency.svg": concurrencyPlot(report) } : {})
  }
}
