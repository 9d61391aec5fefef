/** Prometheus' text format, read. */

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

export interface Family {
  readonly type: string
  readonly help: string
}

export interface Scrape {
  readonly families: ReadonlyMap<string, Family>
  readonly samples: ReadonlyArray<Sample>
}

const sample = /^(\w+)(?:\{(.*)\})? (\S+)$/
const label = /(\w+)="((?:[^"\\]|\\.)*)",?/gy

const labelsOf = (text: string): Labels => {
  const labels = [...text.matchAll(label)]
  const read = labels.reduce((length, [whole]) => length + whole.length, 0)
  if (read !== text.length) throw new Error(`Not labels: ${text}`)
  return Object.fromEntries(labels.map(([, name, value]) => [name!, value!.replace(/\\(.)/g, "$1")]))
}

const numberOf = (text: string): number => {
  const value = text === "+Inf" ? Infinity : Number(text)
  if (Number.isNaN(value)) throw new Error(`Not a number: ${text}`)
  return value
}

/** Throws where the text is not of the format. */
export const parse = (text: string): Scrape => {
  const helps = new Map<string, string>()
  const types = new Map<string, string>()
  const samples: Array<Sample> = []
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [, keyword, name, rest] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line) ?? []
    if (keyword === "HELP") helps.set(name!, rest!)
    else if (keyword === "TYPE") types.set(name!, rest!)
    else if (keyword === undefined) {
      const [, metric, labels = "", value] = sample.exec(line) ?? []
      if (metric === undefined) throw new Error(`Not a line of a scrape: ${line}`)
      samples.push({ name: metric, labels: labelsOf(labels), value: numberOf(value!) })
    }
  }
  const families = [...types].map(([name, type]): [string, Family] => [name, { type, help: helps.get(name) ?? "" }])
  return { families: new Map(families), samples }
}

/** The samples of a metric with these labels. */
export const select = (scrape: Scrape, name: string, labels: Labels = {}): ReadonlyArray<Sample> =>
  scrape.samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value)
  )

export const sum = (samples: ReadonlyArray<Sample>): number => samples.reduce((total, { value }) => total + value, 0)
