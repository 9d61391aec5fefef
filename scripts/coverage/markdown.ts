/** The coverage table as Markdown. */
import { areas, type Row } from "./rows.ts"
import { isExample, testOf } from "./titles.ts"

const states = ["done", "not applicable", "elsewhere", "pending"] as const

const stateOf = (row: Row): (typeof states)[number] =>
  "api" in row ? "done" : "notApplicable" in row ? "not applicable" : "elsewhere" in row ? "elsewhere" : "pending"

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;").replaceAll("\n", " ")

export const testLink = (test: string): string => {
  if (isExample(test)) return `[${test}](../${test}), run and its output checked`
  const { file, title } = testOf(test)
  return `[${file.split("/").at(-1)}](../${file}): ${cell(title)}`
}

const outcome = (row: Row): string => {
  if ("api" in row) return row.api.map((name) => `\`${name}\``).join(", ")
  if ("notApplicable" in row) return "not applicable"
  return "elsewhere" in row ? `another issue: ${row.elsewhere}` : "pending"
}

const proof = (row: Row): string => {
  if ("api" in row) return row.tests.map(testLink).join("; ")
  if ("notApplicable" in row) return cell(row.notApplicable)
  return "pending" in row ? cell(row.pending) : ""
}

const inArea = (rows: ReadonlyArray<Row>, area: string): ReadonlyArray<Row> =>
  rows.filter(({ id }) => id.startsWith(`${area}-`))

const counts = (rows: ReadonlyArray<Row>, shown: ReadonlyArray<string>): string =>
  [...shown.map((state) => rows.filter((row) => stateOf(row) === state).length), rows.length].join(" | ")

/** The whole page. */
export const coveragePage = (rows: ReadonlyArray<Row>): string => {
  const shown = states.filter((state) => state !== "pending" || rows.some((row) => stateOf(row) === state))
  const summary = Object.entries(areas).map(
    ([area, { title }]) => `| [${title}](#${area.toLowerCase()}) | ${counts(inArea(rows, area), shown)} |`
  )
  const tables = Object.entries(areas).flatMap(([area, { title }]) => [
    `## <a id="${area.toLowerCase()}"></a>${title}`,
    "",
    "| row | capability | by | proved by, or why not |",
    "| --- | --- | --- | --- |",
    ...inArea(rows, area).map((row) => `| ${row.id} | ${cell(row.what)} | ${outcome(row)} | ${proof(row)} |`),
    ""
  ])
  return `# Coverage

What the Python clients for Cassandra offer, row by row, and where it is here. \`npm run check\` writes this page's lines anew from
[coverage.json](coverage.json) and fails when they differ, when an API named here does not exist, when a test named here does not
exist or is skipped, and when a row is missing. To change it, change coverage.json and run \`npm run coverage\`.

Names are of the package's exports: \`Cluster.make\` is a function, \`ClusterOptions.port\` an option, \`Session#stream\` a member of what
a service gives. A \`…\` in the title of a test stands for what a table of cases fills in.

<!-- prettier-ignore-start -->

| area | ${shown.join(" | ")} | rows |
| --- |${" ---: |".repeat(shown.length + 1)}
${summary.join("\n")}
| all | ${counts(rows, shown)} |

${tables.join("\n")}<!-- prettier-ignore-end -->
`
}
