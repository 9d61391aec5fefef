/** What a session measures. */
import type { ClusterTelemetry } from "./cluster.ts"
import type { ProfileSeries } from "./series.ts"
import type { StatementUse } from "./statements.ts"

export class SessionTelemetry {
  readonly cluster: ClusterTelemetry
  readonly namespace: string | undefined
  /** Of the profile that was used last: most sessions use one. */
  #profile = "default"
  #series: ProfileSeries

  constructor(cluster: ClusterTelemetry, namespace: string | undefined) {
    this.cluster = cluster
    this.namespace = namespace
    this.#series = cluster.series(namespace, "default")
  }

  /** An operation has ended: gives back how many milliseconds it took. The hot path. */
  ended(use: StatementUse, profile: string, error: string | undefined, started: number): number {
    const millis = performance.now() - started
    const seconds = millis / 1000
    if (profile !== this.#profile) {
      this.#profile = profile
      this.#series = this.cluster.series(this.namespace, profile)
    }
    const series =
      error === undefined ? this.#series.succeeded(use.operation) : this.#series.failed(use.operation, error)
    series.add(seconds)
    use.add(seconds, error !== undefined)
    this.cluster.observe(use, profile, this.namespace, error, seconds)
    return millis
  }
}
