/** What is wrong with the rows of the coverage table. */
import { type Done, type Elsewhere, ids, type NotApplicable, type Pending, subjects } from "./rows.ts"

/** What there is in the repository, for the rows to speak of. */
export interface Repository {
  readonly hasApi: (name: string) => boolean
  /** What is wrong with naming a test; undefined when it is there. */
  readonly testProblem: (test: string) => string | undefined
}

const keysOf: ReadonlyArray<ReadonlyArray<string>> = [["api", "tests"], ["notApplicable"], ["elsewhere"], ["pending"]]

const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== ""

const areTexts = (value: unknown): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.length > 0 && value.every(isText)

const problemsOfDone = (row: Done, repository: Repository): ReadonlyArray<string> => {
  if (!areTexts(row.api)) return ["must name the API that it is done by"]
  if (!areTexts(row.tests)) return ["must name the test that proves it"]
  return [
    ...row.api.filter((name) => !repository.hasApi(name)).map((name) => `there is no ${name} in the public API`),
    ...row.tests.flatMap((test) => repository.testProblem(test) ?? [])
  ]
}

type AnyRow = Partial<Done & NotApplicable & Elsewhere & Pending>

const problemsOfRow = (row: AnyRow, repository: Repository, final: boolean): ReadonlyArray<string> => {
  const keys = Object.keys(row).filter((key) => key !== "id" && key !== "what")
  const states = keysOf.filter((state) => state.some((key) => keys.includes(key)))
  const unknown = keys.filter((key) => !keysOf.flat().includes(key))
  if (unknown.length > 0) return [`has what no row has: ${unknown.join(", ")}`]
  if (!isText(row.what)) return ["does not say what it is"]
  if (states.length !== 1)
    return [`must be either done, or not applicable, or elsewhere, and is ${states.length} of them`]
  if (row.notApplicable !== undefined) return isText(row.notApplicable) ? [] : ["must say why it is not applicable"]
  if (row.elsewhere !== undefined) {
    return subjects.includes(row.elsewhere) ? [] : [`there is no open issue about "${row.elsewhere}"`]
  }
  if (row.pending !== undefined) return final ? [`still waits for ${row.pending}`] : []
  return problemsOfDone(row as Done, repository)
}

/** Every problem, each beginning with the id of its row. With `final`, rows that wait for something are problems too. */
export const problemsOf = (data: unknown, repository: Repository, final: boolean): ReadonlyArray<string> => {
  if (!Array.isArray(data)) return ["The table is no array of rows"]
  const rows = data as ReadonlyArray<AnyRow>
  const known = new Set(ids)
  const seen = new Set<string>()
  const problems = rows.flatMap((row) => {
    const id = String(row.id)
    if (!known.has(id)) return [`${id}: no such row is asked for`]
    if (seen.has(id)) return [`${id}: is there twice`]
    seen.add(id)
    return problemsOfRow(row, repository, final).map((problem) => `${id}: ${problem}`)
  })
  return [...problems, ...ids.filter((id) => !seen.has(id)).map((id) => `${id}: is missing`)]
}
