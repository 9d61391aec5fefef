/** The workloads, the steps of each, and the ways in which users of each client do them. */
import type { Stretch } from "./protocol.ts"
import { batchSize, manyPerConnection, pageSize, smallStream, streamsAtOnce, wideColumns } from "./workloads.ts"

export interface Contender {
  readonly client: string
  readonly style: string
}

export interface Step {
  /** Tells the steps of a workload apart; of the only one, empty. */
  readonly name: string
  readonly stretch: Omit<Stretch, "milliseconds">
  /** How many times as long as a round its stretch is; 1 if not given. */
  readonly times?: number
}

export interface Workload {
  readonly title: string
  /** What an operation is. */
  readonly unit: string
  /** Which of the figures the workload is about, and so how it is measured and shown. */
  readonly about: "cpu" | "concurrency" | "latency" | "connect" | "start"
  readonly steps: ReadonlyArray<Step>
  /** The first one is ours. */
  readonly contenders: readonly [Contender, ...ReadonlyArray<Contender>]
  /** Part of a run that names no workloads. */
  readonly core: boolean
}

const ours = (style: string): Contender => ({ client: "effect-cassandra", style })
const raw = (style: string): Contender => ({ client: "cassandra-driver", style })

const single = (concurrency: number): ReadonlyArray<Step> => [{ name: "", stretch: { concurrency } }]

/** Requests in flight where nothing else is said. */
const inFlight = 128

export const workloads: Readonly<Record<string, Workload>> = {
  "point-read": {
    title: `Point read, 7 columns, ${inFlight} in flight`,
    unit: "read",
    about: "cpu",
    steps: single(inFlight),
    contenders: [ours("execute"), raw("promises"), raw("callbacks")],
    core: true
  },
  insert: {
    title: `Insert, 7 columns, ${inFlight} in flight`,
    unit: "insert",
    about: "cpu",
    steps: single(inFlight),
    contenders: [ours("execute"), raw("promises"), raw("callbacks")],
    core: true
  },
  mixed: {
    title: `Four point reads to one insert, ${inFlight} in flight`,
    unit: "operation",
    about: "cpu",
    steps: single(inFlight),
    contenders: [ours("execute"), raw("promises")],
    core: true
  },
  batch: {
    title: `Unlogged batch of ${batchSize} inserts into one partition, 32 in flight`,
    unit: "batch",
    about: "cpu",
    steps: single(32),
    contenders: [ours("batch"), raw("promises")],
    core: false
  },
  scan: {
    title: `Scan, 5 columns, pages of ${pageSize}, every cell touched`,
    unit: "row",
    about: "cpu",
    steps: single(1),
    contenders: [ours("stream"), raw("stream"), raw("paging by hand")],
    core: true
  },
  streams: {
    title: `${streamsAtOnce} streams at once of pages of ${pageSize}, every cell touched`,
    unit: "row",
    about: "cpu",
    steps: single(streamsAtOnce),
    contenders: [ours("stream"), raw("stream")],
    core: true
  },
  "small-streams": {
    title: `Streams of ${smallStream} rows, ${inFlight} at once`,
    unit: "stream",
    about: "cpu",
    steps: single(inFlight),
    contenders: [ours("stream"), raw("stream")],
    core: false
  },
  "wide-rows": {
    title: `Point read, ${wideColumns.length} columns, ${inFlight} in flight`,
    unit: "read",
    about: "cpu",
    steps: single(inFlight),
    contenders: [ours("execute"), raw("promises")],
    core: false
  },
  "large-cells": {
    title: "Point read of a cell of 100 KB to 1 MB, 8 in flight",
    unit: "read",
    about: "cpu",
    steps: single(8),
    contenders: [ours("execute"), raw("promises")],
    core: false
  },
  concurrency: {
    title: "Point read, more and more in flight",
    unit: "read",
    about: "concurrency",
    steps: [1, 10, 100, 1_000, 10_000].map((concurrency) => ({
      name: concurrency.toLocaleString("en"),
      stretch: { concurrency },
      // So that each of the workers sends several requests.
      ...(concurrency === 10_000 ? { times: 3 } : {})
    })),
    contenders: [ours("execute"), raw("promises"), raw(manyPerConnection)],
    core: false
  },
  latency: {
    title: "Latency of a point read at a fixed rate",
    unit: "read",
    about: "latency",
    steps: [1_000, 5_000].map((rate) => ({
      name: `${rate.toLocaleString("en")} a second`,
      stretch: { concurrency: inFlight, rate }
    })),
    contenders: [ours("execute"), raw("promises")],
    core: true
  },
  connect: {
    title: "Connect, one query, close; one after the other in one process",
    unit: "connection",
    about: "connect",
    steps: single(1),
    contenders: [ours("layer"), raw("promises")],
    core: false
  },
  "start-up": {
    title: "From a new process to the answer of its first query",
    unit: "start",
    about: "start",
    steps: single(1),
    contenders: [ours("layer"), raw("promises")],
    core: false
  }
}

export const workload = (name: string): Workload => {
  const found = workloads[name]
  if (found === undefined) throw new Error(`There is no workload ${name}, only ${Object.keys(workloads).join(", ")}`)
  return found
}
