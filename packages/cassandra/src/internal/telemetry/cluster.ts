/** What a cluster measures: counted where it happens, gathered when somebody looks. */
import type { CassandraError } from "../../CassandraError.ts"
import type { MetricsSink, Snapshot } from "../../CassandraMetrics.ts"
import type { Breaker, BreakerState } from "../routing/index.ts"
import type { ResolvedMetrics, Warn } from "../options/index.ts"
import type { MeasuredEngine } from "./engine.ts"
import * as board from "./board.ts"
import { counterOf, counters, gauges, type Labels, labelsOf } from "./metrics.ts"
import { ProfileSeries, type Series } from "./series.ts"
import { snapshotOf } from "./snapshot.ts"
import { StatementTable, type StatementUse } from "./statements.ts"
import { LabelledCounter, noTransportTotals, sum, type Totals, TotalsFeed, type TransportTotals } from "./totals.ts"

/** `address:port` in its parts, as the conventions have them. */
export const serverLabels = (address: string): Readonly<Record<string, string>> => {
  const colon = address.lastIndexOf(":")
  return { "server.address": address.slice(0, colon), "server.port": address.slice(colon + 1) }
}

/** A host, as all engines see it. */
export interface HostReading {
  readonly address: string
  readonly dataCenter: string
  readonly isUp: boolean
  readonly connections: number
  readonly inFlight: number
  readonly orphans: number
  readonly breaker: BreakerState
}

const breakerStates: ReadonlyArray<BreakerState> = ["closed", "open", "half-open"]

export class ClusterTelemetry implements board.Readable {
  readonly statements: StatementTable
  /** Milliseconds from which on an operation is logged. */
  readonly slow: number
  attempts = 0
  throttled = 0
  pages = 0
  rows = 0
  readonly engines = new Set<MeasuredEngine>()
  readonly labels: Labels
  readonly retries: LabelledCounter
  readonly hostErrors = new Map<string, LabelledCounter>()
  readonly #series = new Map<string, ProfileSeries>()
  readonly #feed: TotalsFeed
  readonly #breaker: Breaker
  readonly #warn: Warn
  #sinks: ReadonlyArray<MetricsSink>
  /** Whether a sink wants to hear of each operation. */
  #observed: boolean
  /** What engines that are closed had counted. */
  #closed: TransportTotals = noTransportTotals

  constructor({ maxStatements, sinks, tags }: ResolvedMetrics, slow: number, breaker: Breaker, warn: Warn) {
    this.slow = slow
    this.statements = new StatementTable(maxStatements)
    this.labels = labelsOf(tags)
    this.#feed = new TotalsFeed(this.labels)
    this.#breaker = breaker
    this.#warn = warn
    this.#sinks = sinks
    this.#observed = sinks.some(({ onOperation }) => onOperation !== undefined)
    // They are there from the start, at nothing: a rate of what is not there yet is no rate.
    for (const key of [counters.retries, counters.hostErrors]) counterOf(key, this.labels)
    this.retries = new LabelledCounter((error) =>
      counterOf(counters.retries, [...this.labels, ...labelsOf({ "error.type": error })])
    )
  }

  /** Counts an engine in until it closes. */
  add(engine: MeasuredEngine): void {
    this.engines.add(engine)
  }
  remove(engine: MeasuredEngine): void {
    board.refresh()
    this.#closed = sum([this.#closed, engine.transport.totals()])
    this.engines.delete(engine)
  }

  series(namespace: string | undefined, profile: string): ProfileSeries {
    const key = `${profile} ${namespace ?? ""}`
    let series = this.#series.get(key)
    if (series === undefined) this.#series.set(key, (series = new ProfileSeries(namespace, profile, this.labels)))
    return series
  }
  allSeries(): ReadonlyArray<Series> {
    return [...this.#series.values()].flatMap((series) => series.all())
  }

  /** An attempt failed; a request that found no host has an error for each. */
  attemptFailed(error: CassandraError): void {
    if (error._tag === "NoHostAvailableError") {
      for (const [host, hostError] of error.errors) this.#hostFailed(host, hostError._tag)
      return
    }
    const host = "host" in error ? error.host : error._tag === "ConnectionError" ? error.hosts[0] : undefined
    if (host !== undefined) this.#hostFailed(host, error._tag)
  }

  #hostFailed(host: string, error: string): void {
    let errors = this.hostErrors.get(host)
    if (errors === undefined) {
      const labels = [...this.labels, ...labelsOf(serverLabels(host))]
      errors = new LabelledCounter((type) =>
        counterOf(counters.hostErrors, [...labels, ...labelsOf({ "error.type": type })])
      )
      this.hostErrors.set(host, errors)
    }
    errors.increment(error)
  }

  totals(): Totals {
    const { attempts, pages, rows, throttled } = this
    return {
      attempts,
      pages,
      rows,
      throttled,
      ...sum([this.#closed, ...[...this.engines].map(({ transport }) => transport.totals())])
    }
  }

  hosts(): ReadonlyArray<HostReading> {
    const hosts = new Map<string, HostReading>()
    for (const { view } of this.engines) {
      for (const node of view.nodes) {
        const { address } = node
        const { connections, inFlight, orphans } = view.activity(node)
        const known = hosts.get(address)
        hosts.set(address, {
          address,
          dataCenter: node.dataCenter,
          isUp: node.isUp() || known?.isUp === true,
          connections: (known?.connections ?? 0) + connections,
          inFlight: (known?.inFlight ?? 0) + inFlight,
          orphans: (known?.orphans ?? 0) + orphans,
          breaker: this.#breaker.state(address)
        })
      }
    }
    return [...hosts.values()]
  }

  read(report: board.Report): void {
    this.#feed.tell(this.totals())
    const { labels } = this
    const also = (more: Readonly<Record<string, string | undefined>>): Labels => [...labels, ...labelsOf(more)]
    for (const { address, breaker, connections, inFlight, isUp, orphans } of this.hosts()) {
      const used = Math.min(connections, inFlight)
      const pool = { "db.client.connection.pool.name": address }
      report(gauges.connections, also({ ...pool, "db.client.connection.state": "used" }), used)
      report(gauges.connections, also({ ...pool, "db.client.connection.state": "idle" }), connections - used)
      const server = serverLabels(address)
      report(gauges.hostActive, also(server), inFlight)
      report(gauges.orphans, also(server), orphans)
      report(gauges.hostState, also({ ...server, "cassandra.host.state": "up" }), isUp ? 1 : 0)
      report(gauges.hostState, also({ ...server, "cassandra.host.state": "down" }), isUp ? 0 : 1)
      for (const state of breakerStates) {
        report(gauges.breaker, also({ ...server, "cassandra.breaker.state": state }), state === breaker ? 1 : 0)
      }
    }
    for (const { gate, transport } of this.engines) {
      report(gauges.active, labels, gate.inFlight)
      report(gauges.queued, labels, gate.queued)
      report(gauges.prepared, labels, transport.preparedStatements())
    }
    const [engine] = this.engines
    if (engine === undefined) return
    const version = { "network.protocol.version": String(engine.transport.protocolVersion()) }
    report(gauges.clusters, also({ ...version, "cassandra.compression": engine.transport.compression() }), 1)
    report(gauges.controlled, labels, engine.view.isControlled ? 1 : 0)
  }

  snapshot(): Snapshot {
    board.refresh()
    return snapshotOf(this)
  }

  /** Tells the sinks of an operation. */
  observe(
    use: StatementUse,
    profile: string,
    namespace: string | undefined,
    error: string | undefined,
    seconds: number
  ) {
    if (!this.#observed) return
    const { kind, name } = use.operation
    const record = { operation: name, kind, query: use.text, profile, keyspace: namespace, error, seconds }
    this.#tell((sink) => sink.onOperation?.(record))
  }

  /** The time has come to look. */
  tick(): void {
    board.refresh()
    if (this.#sinks.every(({ onSnapshot }) => onSnapshot === undefined)) return
    const snapshot = snapshotOf(this)
    this.#tell((sink) => sink.onSnapshot?.(snapshot))
  }

  /** A sink that throws is not told again: nothing that is measured may fail because of who looks. */
  #tell(tell: (sink: MetricsSink) => void): void {
    for (const sink of this.#sinks) {
      try {
        tell(sink)
      } catch (error) {
        this.#sinks = this.#sinks.filter((other) => other !== sink)
        this.#observed = this.#sinks.some(({ onOperation }) => onOperation !== undefined)
        this.#warn("A metrics sink threw, and is not told any more", error)
      }
    }
  }
}
