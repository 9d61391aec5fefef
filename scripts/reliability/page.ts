/** The reliability matrix as Markdown, and what may be wrong with it. */
import {
  type CellResult,
  type Column,
  columns,
  type Measured,
  type Row,
  type RowMeasured,
  type SoakMeasured
} from "../../packages/cassandra/test/reliability/matrix.ts"
import { testLink } from "../coverage/markdown.ts"

const names = Object.keys(columns) as ReadonlyArray<Column>

const failedOf = ({ failed }: CellResult): number => Object.values(failed).reduce((sum, count) => sum + count, 0)

/** What keeps the page from being true. */
export const problemsOf = (
  rows: ReadonlyArray<Row>,
  measured: Measured,
  testProblem: (test: string) => string | undefined
): ReadonlyArray<string> => {
  const ids = new Set(rows.map(({ id }) => id))
  return [
    ...Object.keys(measured.rows).flatMap((id) => (ids.has(id) ? [] : [`${id}: there is no such row`])),
    ...rows.flatMap((row) => {
      const problems = row.tests.flatMap((test) => testProblem(test) ?? [])
      const cells = measured.rows[row.id]?.cells
      if (cells === undefined) problems.push("was not measured")
      for (const name of cells === undefined ? [] : names) {
        const cell = cells?.[name]
        if (cell === undefined || cell.operations === 0) problems.push(`${name} was not measured`)
        else if (row.cells[name] === "served" && failedOf(cell) > 0) problems.push(`${name} is not always served`)
        else if (cell.recovered > row.within * 1000) problems.push(`${name} took too long to recover`)
      }
      return problems.map((problem) => `${row.id}: ${problem}`)
    }),
    ...(measured.soak === undefined ? ["the soak was not measured"] : soakProblems(measured.soak))
  ]
}

const soakProblems = ({ duplicated, errors, lost }: SoakMeasured): ReadonlyArray<string> => [
  ...(lost > 0 ? [`soak: ${lost} writes were lost`] : []),
  ...(duplicated > 0 ? [`soak: ${duplicated} writes were applied twice`] : []),
  ...(errors["Defect"] === undefined ? [] : ["soak: there were defects"])
]

const seconds = (millis: number): string => (millis < 50 ? "0" : (millis / 1000).toFixed(1))

const cellText = (row: Row, name: Column, cell: CellResult | undefined): string =>
  `${row.cells[name] === "served" ? "served" : "**typed**"} ${cell === undefined ? "?" : seconds(cell.recovered)}`

const counts = (by: Readonly<Record<string, number>>): string =>
  Object.entries(by)
    .map(([what, count]) => `${count} ${what}`)
    .join(", ") || "none"

const tagsOf = (cells: RowMeasured["cells"]): string => {
  const sum: Record<string, number> = {}
  for (const { failed } of Object.values(cells)) {
    for (const [tag, count] of Object.entries(failed)) sum[`\`${tag}\``] = (sum[`\`${tag}\``] ?? 0) + count
  }
  return counts(sum)
}

const measurement = (row: Row, measured: RowMeasured | undefined): string => {
  if (measured === undefined) return "Not measured yet."
  const cells = Object.values(measured.cells)
  const operations = cells.reduce((sum, cell) => sum + cell.operations, 0)
  const recovered = Math.max(...cells.map((cell) => cell.recovered))
  return `Measured: ${operations} operations; failed: ${tagsOf(measured.cells)}; the last trouble ended ${seconds(recovered)} s after the ${row.from} of the fault (allowed: ${row.within} s), and ${seconds(measured.whole)} s after its end all connections were there.`
}

const section = (row: Row, measured: Measured): string => {
  const proof = [
    `\`npm run reliability -- ${row.id}\``,
    ...(row.quick === true ? ["`npm test` (reliability.it.ts)"] : []),
    ...row.tests.map(testLink)
  ]
  return `### <a id="${row.id}"></a>${row.fault}

What is done: ${row.injected}. What the client does: ${row.answer}.

${measurement(row, measured.rows[row.id])}
Judged by ${proof.join("; ")}.
`
}

const soak = (measured: SoakMeasured | undefined): string => {
  if (measured === undefined) return "Not measured yet."
  const { after, before } = measured
  const operations = Object.values(measured.operations).reduce((sum, count) => sum + count, 0)
  const level = (name: "heap" | "sockets" | "handles", unit: string): string =>
    `${before[name].toFixed(name === "heap" ? 1 : 0)}${unit} at the start, ${after[name].toFixed(name === "heap" ? 1 : 0)}${unit} at the end`
  return `| | ${measured.minutes} minutes |
| --- | --- |
| operations | ${operations}: ${counts(measured.operations)} |
| faults | ${counts(measured.faults)} |
| errors by tag | ${counts(measured.errors)} |
| writes looked at on the server | ${measured.looked} |
| lost acknowledged writes | ${measured.lost} |
| writes applied twice | ${measured.duplicated} |
| live heap | ${level("heap", " MB")} |
| sockets | ${level("sockets", "")} |
| open handles | ${level("handles", "")} |

It ran on ${measured.machine}.`
}

/** The whole page. */
export const reliabilityPage = (rows: ReadonlyArray<Row>, measured: Measured): string => {
  return `# Reliability

What the client does on bad days, fault by fault, with the time that it took to recover. The page is written by
\`npm run reliability:page\` from [the table](../packages/cassandra/test/reliability/matrix.ts) that every run is judged by and from
[what runs measured](reliability.json); \`npm run check\` fails when it says something else.

- \`npm run reliability\` starts three nodes and runs every row against them: traffic of all kinds at once, the fault in the middle,
  until there has been no trouble for a while. \`npm run reliability -- killed clock\` runs some rows; \`-- --write\` keeps the measurements.
- \`npm test\` runs two rows that need one node, \`.ci/run\` all of them.
- \`npm run soak -- --minutes 10\` goes on for as long as it is told to, with a fault every few seconds.

## What holds in every run

- No acknowledged write is lost, and no write that is not idempotent is there twice: after the run each is looked up on the server.
- Every operation ends within its deadline, well or with a tagged error; one may be late by as long as the process itself did not get to run.
  What an error says of whether its write was applied is true.
- Afterwards no fiber is left, no request is in flight, no stream id is taken, there is one connection to each node, the control
  connection is there, and the process has no more sockets than before. The heap does not grow by more than 40 MB over the whole matrix.
- The process never dies, and its event loop never stands still for 10 seconds. That is a coarse limit: the nodes run on the machine of
  the client, and it has to hold where other work takes all cores.

One of these broken once fails the run. What was to be served and was not is tried again, three times at most: where other work takes the
cores, a node may stand still for longer than a request may take.

<!-- prettier-ignore-start -->

## The matrix

- *served*: every operation succeeded; some take longer, because they are sent again to another node.
- **typed**: an operation may fail with a tagged error, because it may have been applied and is not idempotent, or because there is no
  node; all others succeed.

The number is the time in seconds until the last operation had ended that failed or took much longer than before, from the start of the
fault, or from its end where only that can end the trouble (see below). The clients wait at most 3 s for an answer (\`timeout\`) and 20 s
for a request with its retries (\`deadline\`), and try a node that is down every half second (\`reconnection\`); consistency is
\`LOCAL_QUORUM\` of three replicas.

| fault | ${names.map((name) => columns[name]).join(" | ")} |
| --- |${" --- |".repeat(names.length)}
${rows.map((row) => `| [${row.fault}](#${row.id}) | ${names.map((name) => cellText(row, name, measured.rows[row.id]?.cells[name])).join(" | ")} |`).join("\n")}

Measured on ${measured.machine ?? "nothing yet"}. Client, proxies and the three nodes shared it.

## The soak

Every kind of traffic for minutes, a fault of a random kind on a random node every few seconds.

${soak(measured.soak)}

## The faults

${rows.map((row) => section(row, measured)).join("\n")}
<!-- prettier-ignore-end -->
`
}
