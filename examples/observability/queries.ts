/** The queries of the dashboard and of the alerts, as they stand in their files. */
import { readFileSync } from "node:fs"
import { parse } from "yaml"

export interface TitledQuery {
  /** Where it is asked: the panel, or the alert. */
  readonly title: string
  readonly expr: string
  /** Labels that its text shows. */
  readonly shown: ReadonlyArray<string>
}

interface Panel {
  readonly title: string
  readonly targets?: ReadonlyArray<{ readonly expr: string; readonly legendFormat?: string }>
}
interface Rules {
  readonly groups: ReadonlyArray<{
    readonly rules: ReadonlyArray<{
      readonly alert: string
      readonly expr: string
      readonly annotations: Readonly<Record<string, string>>
    }>
  }>
}

export const directory = new URL("../../observability/", import.meta.url)
const read = (file: string) => readFileSync(new URL(file, directory), "utf8")

const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name!)

/** Grafana replaces `$__rate_interval` and `$job`; so does this. */
export const dashboardQueries = (rateInterval = "1m"): ReadonlyArray<TitledQuery> => {
  const { panels } = JSON.parse(read("grafana-dashboard.json")) as { readonly panels: ReadonlyArray<Panel> }
  return panels.flatMap(({ targets = [], title }) =>
    targets.map(({ expr, legendFormat = "" }) => ({
      title,
      expr: expr.replaceAll("$__rate_interval", rateInterval).replaceAll("$job", ".*"),
      shown: namesIn(legendFormat, /\{\{\s*(\w+)\s*\}\}/g)
    }))
  )
}

export const alertQueries = (): ReadonlyArray<TitledQuery> => {
  const { groups } = parse(read("prometheus-alerts.yml")) as Rules
  return groups.flatMap(({ rules }) =>
    rules.map(({ alert, annotations, expr }) => ({
      title: alert,
      expr,
      shown: Object.values(annotations).flatMap((text) => namesIn(text, /\$labels\.(\w+)/g))
    }))
  )
}
